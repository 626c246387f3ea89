"""``make bench NAME=x``: runs one bench, or all; each writes ``bench/results/<name>.json``.

The last line of a bench is one JSON object: bench, ours, peer, ratio, meets.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ORDER = (
    "footprint",
    "restart",
    "pages",
    "schedule",
    "prober",
    "tls",
    "assets",
    "health",
    "pings",
    "overdue",
    "kill",
    "kill_pings",
)


def main(arguments: list[str]) -> int:
    sys.path.insert(0, str(HERE))
    wanted = arguments or list(ORDER)
    for name in wanted:
        if name not in ORDER:
            print(f"there is no bench {name}; there are {', '.join(ORDER)}", file=sys.stderr)
            return 2
    for name in wanted:
        run_one(name)
    return 0


def run_one(name: str) -> None:
    import common

    before = common.machine()
    result = importlib.import_module(name).run()
    stored = json.loads(result.line()) | {"machine": before, "note": note(before)}
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / f"{name}.json").write_text(json.dumps(stored, indent=2) + "\n")
    print(result.line(), flush=True)


def note(machine: dict[str, object]) -> str:
    """Figures of a machine that does other things are no figures to compare later ones with."""
    busy = float(str(machine["load_1m_at_start"])) > 0.3
    return "taken on a machine that was busy with other work: noisy" if busy else "taken on a quiet machine"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
