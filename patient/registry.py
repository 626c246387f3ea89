"""The registry of the shop's domain: an RDAP server (RFC 9083), and how faults change what it says.

``python -m patient.registry PORT FOLDER`` serves what lies in the folder: ``dns.json``, the list of who
answers for which ending (RFC 9224), and ``domain/<name>``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

LOCKED = "client transfer prohibited"
_USUAL_DAYS = 200.0
_REGISTRARS = {"292": "Tea Names Ltd", "1068": "Cheap Names Inc"}


class Registry:
    """The files that are served. Whatever is said is said until it is said otherwise."""

    def __init__(self, folder: Path, port: int, domain: str) -> None:
        self.folder, self._domain = folder / "registry", domain
        self.list_url = f"http://127.0.0.1:{port}/dns.json"
        (self.folder / "domain").mkdir(parents=True, exist_ok=True)
        services = [[[domain.rpartition(".")[2]], [f"http://127.0.0.1:{port}/"]]]
        (self.folder / "dns.json").write_text(json.dumps({"version": "1.0", "services": services}))
        self.say()

    def say(
        self, days: float = _USUAL_DAYS, statuses: Sequence[str] = (LOCKED,), registrar: str = "292"
    ) -> None:
        """``days`` until the registration ends; ``registrar`` by its IANA number."""
        place = self.folder / "domain" / self._domain
        half = place.with_suffix(".half")
        half.write_text(json.dumps(_answer(self._domain, days, statuses, registrar)))
        half.replace(place)


def _answer(domain: str, days: float, statuses: Sequence[str], registrar: str) -> dict[str, Any]:
    ends = (datetime.now(UTC) + timedelta(days=days)).replace(microsecond=0)
    events = {"registration": ends - timedelta(days=3 * 365), "expiration": ends}
    card = [["version", {}, "text", "4.0"], ["fn", {}, "text", _REGISTRARS[registrar]]]
    entity = {
        "objectClassName": "entity",
        "roles": ["registrar"],
        "handle": registrar,
        "publicIds": [{"type": "IANA Registrar ID", "identifier": registrar}],
        "vcardArray": ["vcard", card],
    }
    return {
        "objectClassName": "domain",
        "rdapConformance": ["rdap_level_0"],
        "ldhName": domain.upper(),
        "status": list(statuses),
        "events": [{"eventAction": name, "eventDate": at.isoformat()} for name, at in events.items()],
        "entities": [entity],
    }


class _Handler(BaseHTTPRequestHandler):
    folder: Path

    def do_GET(self) -> None:
        file = (self.folder / self.path.lstrip("/")).resolve()
        found = file.is_file() and file.is_relative_to(self.folder)
        body = file.read_bytes() if found else json.dumps({"errorCode": 404, "title": "Not found"}).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/rdap+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    _Handler.folder = args.folder.resolve()
    ThreadingHTTPServer(("127.0.0.1", args.port), _Handler).serve_forever()


if __name__ == "__main__":
    main()
