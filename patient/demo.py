"""``make demo``: the shop, Watchpost that watches it, and a menu of what to break."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from patient.desk import Desk
from patient.ending import Ending
from patient.stand import Stand, open_stand
from patient.watched import Watchpost, are_green

_POLL_S = 1.0
_LINE = threading.Lock()


def say(*lines: str) -> None:
    with _LINE:
        print(*lines, sep="\n", flush=True)


class Demo:
    """Everything of one folder, until ``stop`` is set."""

    def __init__(self, folder: Path, shop_port: int, port: int, runs: str = "light") -> None:
        self.folder = folder
        self.stop = threading.Event()
        self.stand: Stand = open_stand(runs, folder / "shop", shop_port)
        self.watchpost = Watchpost(folder / "watchpost", self.stand, port)
        self.desk = Desk(self.stand)

    def run(self) -> None:
        """Raises StandFailed when it cannot be started. Ends on SIGINT, SIGTERM, and ``q``."""
        ending = Ending()
        self.stop = ending.wanted
        began = time.monotonic()
        say("Starting a Django shop and Watchpost beside it ...")
        try:
            self._start()
            ending.started()
            self._greet()
            threading.Thread(target=self._follow, args=(began,), daemon=True).start()
            if is_asked():
                threading.Thread(target=self._listen, daemon=True).start()
            while not self.stop.is_set():
                self.desk.work(0.2)
                self.watchpost.mind()
        except KeyboardInterrupt:
            pass
        finally:
            say("Stopping ...")
            self.desk.close_door()
            self.watchpost.close()
            self.stand.close()

    def _start(self) -> None:
        self.watchpost.start()
        self.stand.introduce = self.watchpost.introduce
        # The first time Beat is last: it makes heartbeats, and what they stand on must be there.
        later = () if self.watchpost.keys.is_file() else ("beat",)
        self.stand.open(but=later)
        self.desk.open_door()
        self.watchpost.watch()
        for name in later:
            self.stand.start(name)
        state = {"shop": self.stand.url, "watchpost": self.watchpost.url, "token": self.watchpost.token}
        place = self.folder / "demo.json"
        place.touch(mode=0o600)
        place.write_text(json.dumps(state))

    # ---- what is said ----------------------------------------------------------------------------

    def _greet(self) -> None:
        say(
            "",
            f"  The shop       {self.stand.url}",
            f"  Watchpost      {self.watchpost.url}",
            f"  Sign in        {self.watchpost.sign_in_link}",
            "                 (once; choose any password)",
            f"  Nightly job    {self.watchpost.url}/heartbeats/",
            "                 (what Celery Beat runs is there by itself; here the night comes every 20 s)",
            f"  Mails it sent  {_short(self.watchpost.mails)}",
            "",
        )
        self._show_menu()

    def _show_menu(self) -> None:
        lines, area = ["What shall break?"], ""
        for number, fault in enumerate(self.desk.faults.values(), 1):
            if fault.area != area:
                area = fault.area
                lines += ["", f"  {area}"]
            mark = "x" if fault.name in self.desk.broken else " "
            lines.append(f"  {mark} {number:>2}  {fault.title}")
        keys = "A number breaks it, the same number heals it. m: this menu, q: quit."
        other = "From another terminal: make fault NAME=site_down (make fault lists the names)."
        say(*lines, "", keys if is_asked() else other, "")

    def _listen(self) -> None:
        """What is typed."""
        names = list(self.desk.faults)
        for line in sys.stdin:
            typed = line.strip().lower()
            if typed in ("q", "quit", "exit"):
                break
            if typed.isdigit() and 0 < int(typed) <= len(names):
                said = self.desk.order("toggle", names[int(typed) - 1])["said"]
                say(f"{_now()}  {said}")
            elif typed.replace("-", "_") in self.desk.faults:
                say(f"{_now()}  {self.desk.order('toggle', typed)['said']}")
            elif typed in ("m", "menu"):
                self._show_menu()
            elif typed:
                say(f"Type a number from 1 to {len(names)}, m for the menu, or q to quit.")
        self.stop.set()

    def _follow(self, began: float) -> None:
        """Says when all is green for the first time, and what happens to incidents after that."""
        known: dict[str, set[str]] = {}
        is_green = False
        while not self.stop.wait(_POLL_S):
            with contextlib.suppress(OSError, ValueError):  # it starts again, or ends: the next look tells
                if not is_green and (count := self._green()):
                    is_green, took_s = True, time.monotonic() - began
                    say(f"{_now()}  All {count} monitors are green, {took_s:.0f} s after the start.")
                for incident in self.watchpost.ask("incidents")["items"]:
                    self._tell(incident, known)

    def _green(self) -> int:
        """How many monitors there are, if all of them are up, or wait for their job to run the first time."""
        found = self.watchpost.ask("monitors")["items"]
        return len(found) if are_green(found) else 0

    def _tell(self, incident: dict[str, Any], known: dict[str, set[str]]) -> None:
        """A line when it begins, when a cause unheard of comes first, and when it is over. While it heals,
        whoever recovers last comes first, and that is no news."""
        causes = incident["causes"] or [{"code": "", "sentence": incident["title"]}]
        number, is_over = incident["id"], incident["state"] == "resolved"
        before = known.get(number, set())
        now = {"resolved"} if is_over else {cause["code"] for cause in causes}
        known[number] = before | now
        if (now if is_over else {causes[0]["code"]}) <= before or (is_over and not before):
            return
        if is_over:
            say(f"{_now()}  Incident {number} is over. {incident['url']}")
        elif not before:
            # What a job says of itself does not name the job; its incident's title does.
            is_job = causes[0]["code"].startswith("heartbeat.")
            words = incident["title"] if is_job else causes[0]["sentence"]
            say(f"{_now()}  Incident {number}: {words} {incident['url']}")
        else:
            say(f"{_now()}  Incident {number}, now: {causes[0]['sentence']}")


def is_asked() -> bool:
    """Whether somebody can type."""
    return sys.stdin is not None and sys.stdin.isatty()


def _now() -> str:
    return datetime.now().strftime("%H:%M:%S")


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
