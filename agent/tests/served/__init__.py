"""A project that real web servers run, for ``test_servers.py``."""
