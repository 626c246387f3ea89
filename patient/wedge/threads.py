"""Threads of the shop that hold connections to its database, as long as a fault wants it so."""

import threading
import time

from django.db import DatabaseError, connection

from patient.wedge.rules import rules

_busy: set[str] = set()


def leak(fault: str) -> None:
    """A thread asks the database, and does not close its connection: Django does that for requests alone."""
    threading.Thread(target=_ask_once, args=(fault,), daemon=True).start()


def crowd(fault: str, threads: int, hold_s: float) -> None:
    """So many threads ask the database again and again, and work ``hold_s`` with what they got."""
    if fault not in _busy:
        _busy.add(fault)
        for _ in range(threads):
            threading.Thread(target=_ask_again, args=(fault, hold_s), daemon=True).start()


def _ask_once(fault: str) -> None:
    try:
        connection.ensure_connection()
        while fault in rules():
            time.sleep(0.2)
    except DatabaseError:
        return  # the pool has none left
    finally:
        connection.close()


def _ask_again(fault: str, hold_s: float) -> None:
    while fault in rules():
        try:
            connection.ensure_connection()
            time.sleep(hold_s)
        except DatabaseError:
            continue
        finally:
            connection.close()
    _busy.discard(fault)
