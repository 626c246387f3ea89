"""A dummy kind with its code, and a dummy channel, written into a temporary folder."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from watchpost import channels as channels_package
from watchpost import codes as codes_package
from watchpost import kinds as kinds_package
from watchpost import registry

KIND = '''
"""A dummy kind: says pong, or nothing."""

from pydantic import Field

from watchpost.core.types import Finding, Observation, Outcome, Phases, Verdict
from watchpost.registry import Config, Kind


class PingerConfig(Config):
    """What a pinger needs."""

    host: str
    port: int = Field(7, ge=1, le=65535)
    token: str = ""


async def probe(look, outbound, at):
    outcome = Outcome.FAILED if look.config.host.startswith("dead") else Outcome.OK
    facts = {"said": "" if outcome is Outcome.FAILED else "pong"}
    phases = Phases(wait=1.0)
    return Observation(look.monitor_id, look.location, at, look.revision, outcome, phases, 1.0, "", facts)


def judge(config, seen, baseline, past, now):
    if seen.facts["said"] == "pong":
        return Verdict()
    sentence, fix = f"{config.host} says nothing.", "Ask it what is wrong."
    return Verdict((Finding("pinger.silent", config.host, sentence, fix, joins=(f"host:{config.host}",)),))


KIND = Kind(
    name="pinger",
    title="Pinger",
    layer="uptime",
    config=PingerConfig,
    probe=probe,
    judge=judge,
    codes=frozenset({"pinger.silent"}),
    describe=lambda config: f"{config.host}:{config.port} says pong",
    target=lambda config: (config.host, config.port),
    secrets=("token",),
)
'''
KIND_DOC = """# Pinger (`pinger`)

```yaml
- name: Echo
  kind: pinger
  host: echo.example.com
  token: "${ECHO_TOKEN}"
```

| Field | Default | Meaning |
|---|---|---|
| `host` | | who is asked |
| `port` | `7` | where |
| `token` | none | kept encrypted |
"""
CODES = '''
"""The codes of the dummy kind."""

from watchpost.codes import Code
from watchpost.core.types import Severity

CODES = (Code("pinger.silent", Severity.ERROR, "Nobody says pong"),)
'''
CHANNEL = '''
"""A dummy channel: a pigeon carries the message."""

import json

from pydantic import Field

from watchpost.registry import Channel, Config, Sent


class PigeonConfig(Config):
    """Where the pigeon lives."""

    url: str = Field(title="Address", description="The loft.")
    ring: str = Field("", title="Ring", description="What the pigeon wears.")


def send(config, messages, outbound):
    sent = Sent(False, "there was nothing to carry", permanent=True)
    for message in messages:
        body = {**message.payload, "event": message.event, "delivery_id": message.delivery_id}
        answer = outbound.post(config.url, json.dumps(body, default=str).encode(), {}, 5.0)
        if answer.status is None:
            return Sent(False, answer.error or "the pigeon did not come back")
        sent = Sent(200 <= answer.status < 300, f"the pigeon came back with {answer.status}")
    return sent


CHANNEL = Channel(
    name="pigeon",
    title="Pigeon",
    config=PigeonConfig,
    send=send,
    describe=lambda config: f"a pigeon to {config.url}",
    secrets=("ring",),
)
'''
CHANNEL_DOC = """# Pigeon

## Fields

| Field | Needed | Meaning |
|---|---|---|
| `url` | yes | The loft |
| `ring` | no | What the pigeon wears. Kept encrypted |

## Example

```yaml
channels:
  - name: loft
    kind: pigeon
    url: "https://loft.example.com/"
    ring: "${RING}"
```

## When it fails

Another pigeon is sent.
"""


def write_kind(root: Path, name: str = "pinger", source: str = KIND, doc: str | None = KIND_DOC) -> Path:
    """One folder, as somebody who adds a kind would write it."""
    folder = root / "kinds" / name
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(source)
    (folder / "codes.py").write_text(CODES if name == "pinger" else "CODES = ()\n")
    if doc is not None:
        (folder / "doc.md").write_text(doc)
    return folder


def write_all(root: Path) -> None:
    write_kind(root)
    folder = root / "channels" / "pigeon"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(CHANNEL)
    (folder / "doc.md").write_text(CHANNEL_DOC)


def forget() -> None:
    """The registry looks for folders again."""
    registry.kinds.cache_clear()
    registry.channels.cache_clear()
    codes_package.catalogue.cache_clear()
    importlib.invalidate_caches()


@contextmanager
def installed(root: Path) -> Iterator[None]:
    """The folders of ``root`` stand beside the product's own; afterwards nothing of them is left."""
    packages = {"kinds": kinds_package, "channels": channels_package, "codes": codes_package}
    before = {name: (list(package.__path__), set(vars(package))) for name, package in packages.items()}
    loaded = set(sys.modules)
    for name, package in packages.items():
        package.__path__ = [*before[name][0], str(root / name)]
    forget()
    try:
        yield
    finally:
        for name, package in packages.items():
            package.__path__ = before[name][0]
        for module in sorted(set(sys.modules) - loaded, reverse=True):  # a folder after what lies in it
            if str(root) in str(getattr(sys.modules[module], "__file__", None)):
                parent, _, leaf = module.rpartition(".")
                vars(sys.modules[parent]).pop(leaf, None)
                del sys.modules[module]
        forget()
