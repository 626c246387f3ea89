"""What is planned, in memory: which windows run, and when that changes next. Reads no database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from watchpost.core.windows import Series, Window, active, next_edge


class Planned:
    """Windows that come once, and of every series the one that runs or comes next."""

    def __init__(self, once: Iterable[Window] = (), series: Iterable[Series] = ()) -> None:
        self.once = tuple(once)
        self.series = tuple(series)
        self._of_series: list[Window | None] = [None] * len(self.series)
        self._running: tuple[Window, ...] = ()
        self._from: datetime | None = None  # what is held here is true from then until ``_until``
        self._until: datetime | None = None
        self._edge = True

    def turned(self, now: datetime) -> bool:
        """Whether a window began or ended since this was last asked; true the first time. Between two edges
        it costs a few comparisons. A clock that was set back counts as an edge."""
        self._keep_up(now)
        turned, self._edge = self._edge, False
        return turned

    def over(self, monitor_id: int, project_id: int, now: datetime) -> Window | None:
        """The window the monitor is in, the one that ends last if there are several."""
        self._keep_up(now)
        return active(self._running, monitor_id, project_id, now)

    def _keep_up(self, now: datetime) -> None:
        held, self._from = self._from, now
        if held is not None and held <= now and (self._until is None or now < self._until):
            return
        anew = held is None or now < held
        for place, (series, window) in enumerate(zip(self.series, self._of_series, strict=True)):
            if anew or (window is not None and window.end <= now):
                self._of_series[place] = series.window(now)
        windows = (*self.once, *(window for window in self._of_series if window is not None))
        self._running = tuple(window for window in windows if window.start <= now < window.end)
        self._until = next_edge(windows, now)
        self._edge = True
