"""Stored secrets and the keys that open them: which cannot be read, which wait for ``rotate-key``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from watchpost.config.secret import opens, reseal_all, sealed_in
from watchpost.incidents.models import Channel
from watchpost.monitors.models import Monitor


@dataclass(frozen=True)
class Rotated:
    """``secrets`` were encrypted with the present key; ``left`` names those that no key opens."""

    secrets: int
    left: list[str]


def foreign_secrets() -> list[str]:
    """Names such as ``channel ops-webhook: secret`` of what no key of this installation opens."""
    return [name for name, value in _everything() if not opens(value)]


def old_secrets() -> list[str]:
    """Names of what only a key of SECRET_KEY_FALLBACKS opens."""
    return [name for name, value in _everything() if opens(value) and not opens(value, fallbacks=False)]


def foreign_fields(config: Any) -> list[str]:
    """The dotted places in one configuration that no key opens."""
    return [place for place, value in sealed_in(config) if not opens(value)]


def rotate() -> Rotated:
    """Encrypts everything with the present key, in one transaction. Nobody has to be told: the values
    stay the same."""
    done = 0
    with transaction.atomic():
        for rows in (Monitor.objects, Channel.objects):
            for row in rows.select_for_update():
                count = sum(opens(value) for _, value in sealed_in(row.config))
                if count:
                    row.config = reseal_all(row.config)
                    row.save(update_fields=["config"])
                done += count
    return Rotated(done, foreign_secrets())


def _everything() -> Iterator[tuple[str, dict[str, str]]]:
    for slug, name, config in Monitor.objects.order_by("pk").values_list("project__slug", "slug", "config"):
        yield from ((f"monitor {slug}/{name}: {place}", value) for place, value in sealed_in(config))
    for name, config in Channel.objects.order_by("pk").values_list("name", "config"):
        yield from ((f"channel {name}: {place}", value) for place, value in sealed_in(config))
