"""For every test: what belongs to one database is left out on the other, and in CI a skip is a failure."""

from __future__ import annotations

import os

import pytest

_skipped: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "only_on(vendor): what only this database has, sqlite or postgresql")
    _empty_what_refers_to_it()


def _empty_what_refers_to_it() -> None:
    """After a test Django empties the tables that it manages. PostgreSQL refuses to while another one, such
    as that of the pings, refers to them, unless it may empty that, too."""
    from django.db import connection

    if connection.vendor == "postgresql":
        ops = type(connection.ops)
        own = ops.sql_flush
        ops.sql_flush = lambda self, style, tables, **more: own(  # type: ignore[method-assign]
            self, style, tables, **(more | {"allow_cascade": True})
        )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Left out, not skipped: there is nothing that somebody could install to have them run."""
    from django.db import connection

    def belongs(item: pytest.Item) -> bool:
        mark = item.get_closest_marker("only_on")
        return mark is None or connection.vendor in mark.args

    others = [item for item in items if not belongs(item)]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if belongs(item)]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        _skipped.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where CI runs, everything is installed: a test that did not run proves nothing."""
    if os.environ.get("CI") and _skipped and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if os.environ.get("CI") and _skipped:
        terminalreporter.write_line(f"{len(_skipped)} skipped, and in CI a skip is a failure", red=True)
