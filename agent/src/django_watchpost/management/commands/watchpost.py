"""``manage.py watchpost``: how the agent is set up here, what each check says, and what to mend."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from django_watchpost.doctor import Advice, examine

_MARKS = {"ok": "ok  ", "warning": "warn", "error": "FAIL"}


class Command(BaseCommand):
    help = "Says how Watchpost's agent is set up here, runs every health check once, and says what to mend."
    requires_system_checks: list[str] = []  # it must work where something is broken

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs instead of people")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exits with 1 when something is an error."""
        found: list[Advice] = []
        for advice in examine():
            found.append(advice)
            if not options["json"]:
                self._print(advice)
        errors = [one for one in found if one.state == "error"]
        if options["json"]:
            self.stdout.write(json.dumps({"ok": not errors, "advice": [asdict(one) for one in found]}))
        else:
            self._sum_up(found)
        if errors:
            sys.exit(1)

    def _print(self, advice: Advice) -> None:
        style = {"ok": self.style.SUCCESS, "warning": self.style.WARNING, "error": self.style.ERROR}
        self.stdout.write(f"{style[advice.state](_MARKS[advice.state])}  {advice.name}: {advice.sentence}")
        if advice.fix:
            self.stdout.write(f"      {advice.fix}")

    def _sum_up(self, found: list[Advice]) -> None:
        wrong = sum(one.state != "ok" for one in found)
        if wrong:
            self.stdout.write(f"{wrong} of {len(found)} {'asks' if wrong == 1 else 'ask'} for something.")
        else:
            self.stdout.write(f"All {len(found)} are fine.")
