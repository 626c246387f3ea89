"""Ctrl-C and SIGTERM: while something starts they break it off, after that it is told to end in order."""

from __future__ import annotations

import signal
import threading
from types import FrameType


class Ending:
    """``wanted`` is set when the program shall end. Made in the main thread."""

    def __init__(self) -> None:
        self.wanted = threading.Event()
        self._is_starting = True
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._hear)

    def started(self) -> None:
        self._is_starting = False

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.wanted.set()
        if self._is_starting:
            self._is_starting = False  # the second one must not break off the clearing up
            raise KeyboardInterrupt
