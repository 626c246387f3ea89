"""Heartbeats: what is remembered of jobs that report by themselves, their pings and changes of state."""
