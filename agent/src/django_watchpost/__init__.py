"""Watchpost's agent: runs inside a Django application and never harms it."""

__version__ = "0.1.0"
