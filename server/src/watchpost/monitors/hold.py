"""Rows are locked in one order, or two transactions wait for each other and PostgreSQL ends one of them: the
last look, the state, the rows of the monitor's kind, the monitor. So do the engine (``engine/apply.py``) and
the pings (``heartbeats/store.py``). Call these first in a transaction."""

from __future__ import annotations

from watchpost.monitors.models import Monitor, MonitorLast, MonitorState
from watchpost.registry import kinds


def hold(monitor: Monitor) -> Monitor:
    """For a change: the row as it is now. Who only stores what was seen of it need not wait."""
    hold_own(monitor)
    return Monitor.objects.select_for_update(no_key=True).get(pk=monitor.pk)


def hold_own(monitor: Monitor) -> None:
    """What its kind keeps of it."""
    if monitor.kind in kinds():
        kinds()[monitor.kind].hold_row(monitor.pk)


def hold_all(monitor: Monitor) -> None:
    """For its end."""
    for rows in (MonitorLast.objects, MonitorState.objects):
        list(rows.select_for_update().filter(monitor=monitor).values_list("pk"))
    hold_own(monitor)
