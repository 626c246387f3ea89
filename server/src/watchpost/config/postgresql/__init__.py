"""Django's PostgreSQL, whose pool outlives a restart of the server: see ``base``."""
