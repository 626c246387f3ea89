"""Is somebody listening? For our own pages only: an address is said once it answers."""

from __future__ import annotations

import socket
import time


def wait_until_listening(host: str, port: int, deadline_s: float) -> bool:
    """Whether ``host:port`` took a connection within ``deadline_s`` seconds."""
    there = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        try:
            socket.create_connection((there, port), timeout=1).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False
