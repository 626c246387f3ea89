"""Where faults are ordered: breaks and heals by name, and knows what is broken."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from json import JSONDecodeError, dumps, loads
from pathlib import Path
from queue import Empty, Queue
from tempfile import mkdtemp
from typing import Any

from patient.faults import Fault, find_faults
from patient.stand import Stand

_ADDRESS = "desk"  # a file in the stand's folder: where the desk's socket is
_MOST = 100_000


class Closed(Exception):
    """No stand runs in that folder."""


@dataclass
class Order:
    """``do``: break, heal, toggle or list. ``answer`` is a queue of one."""

    do: str
    name: str = ""
    answer: Queue[dict[str, Any]] = field(default_factory=lambda: Queue(1))


class Desk:
    """Orders come from any thread and are carried out in the one that calls ``work``."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        self.faults: Mapping[str, Fault] = find_faults(stand.runs)
        self.broken: list[str] = []
        self._orders: Queue[Order] = Queue()

    def order(self, do: str, name: str = "") -> dict[str, Any]:
        """Waits until it is done. ``ok`` and ``said``, and ``faults`` for a list. A name may have - for _."""
        order = Order(do, name.replace("-", "_"))
        self._orders.put(order)
        return order.answer.get()

    def work(self, within_s: float) -> None:
        """Carries out what is ordered within that time, and starts again what died by itself."""
        try:
            order = self._orders.get(timeout=within_s)
        except Empty:
            pass
        else:
            order.answer.put(self._carry_out(order))
        self.stand.mind()

    def _carry_out(self, order: Order) -> dict[str, Any]:
        if order.do == "list":
            return {"ok": True, "said": "", "faults": self._list()}
        fault = self.faults.get(order.name)
        if fault is None:
            near = get_close_matches(order.name, list(self.faults), 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(self.faults)}"
            return {"ok": False, "said": f"there is no fault {order.name!r}; {hint}"}
        heals = order.do == "heal" or (order.do == "toggle" and order.name in self.broken)
        try:
            return {"ok": True, "said": self._heal(fault) if heals else self._break(fault)}
        except Exception as problem:  # noqa: BLE001  two of them at once may fail in any way; the shop goes on
            return {"ok": False, "said": f"{fault.name}: {problem}"}

    def _break(self, fault: Fault) -> str:
        if fault.name not in self.broken:
            self.broken.append(fault.name)
        fault.break_(self.stand)
        return f"Broken: {fault.title}. {fault.story}"

    def _heal(self, fault: Fault) -> str:
        fault.heal(self.stand)
        if fault.name in self.broken:
            self.broken.remove(fault.name)
        return f"Healed: {fault.title}."

    def _list(self) -> list[dict[str, Any]]:
        return [
            {"name": one.name, "title": one.title, "codes": one.codes, "is_broken": one.name in self.broken}
            for one in self.faults.values()
        ]

    def open_door(self) -> None:
        """Takes orders of other processes, by a socket that only this user can reach."""
        place = Path(mkdtemp(prefix="patient-")) / "desk.sock"
        door = socket.socket(socket.AF_UNIX)
        door.bind(str(place))
        door.listen()
        (self.stand.folder / _ADDRESS).write_text(str(place))
        threading.Thread(target=self._attend, args=(door,), daemon=True).start()

    def close_door(self) -> None:
        address = self.stand.folder / _ADDRESS
        if address.is_file():
            place = Path(address.read_text())
            place.unlink(missing_ok=True)
            place.parent.rmdir()
            address.unlink()

    def _attend(self, door: socket.socket) -> None:
        while True:
            visitor, _ = door.accept()
            threading.Thread(target=self._hear, args=(visitor,), daemon=True).start()

    def _hear(self, visitor: socket.socket) -> None:
        with visitor, visitor.makefile("rwb") as lines:
            try:
                asked = loads(lines.readline(_MOST))
                answer = self.order(str(asked["do"]), str(asked.get("name", "")))
            except (JSONDecodeError, KeyError, TypeError) as problem:
                answer = {"ok": False, "said": f"not understood: {problem}"}
            lines.write(dumps(answer).encode() + b"\n")


def ask(folder: Path, do: str, name: str = "") -> dict[str, Any]:
    """Orders something of the stand that runs in ``folder``. Raises Closed."""
    try:
        place = (folder / _ADDRESS).read_text()
        with socket.socket(socket.AF_UNIX) as door:
            door.connect(place)
            with door.makefile("rwb") as lines:
                lines.write(dumps({"do": do, "name": name}).encode() + b"\n")
                lines.flush()
                return dict(loads(lines.readline()))
    except (OSError, JSONDecodeError) as problem:
        raise Closed(f"nothing runs in {folder}") from problem
