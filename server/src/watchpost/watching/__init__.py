"""Watching the watcher: /healthz, /readyz and /metrics."""
