"""What ``doctor`` looks at, one function a check, in an order in which each may rely on those before."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from watchpost.cli.command import Refusal
from watchpost.cli.installation import database_file, enter, read_checked_settings
from watchpost.config.private import others_may_read
from watchpost.config.table import find_data_dir
from watchpost.core.words import duration_words

MAIL_DEADLINE_S = 5.0
SHORTEST_KEY = 32  # characters; Django's own check warns below 50


@dataclass(frozen=True)
class Check:
    """``state``: ok, warning or error. ``fix`` is empty when all is well."""

    name: str
    state: str
    sentence: str
    fix: str = ""


def examine(now: datetime) -> Iterator[Check]:
    """Every check, until one fails without which the rest cannot be made."""
    try:
        values = read_checked_settings()
    except Refusal as refusal:
        yield Check("settings", "error", refusal.lines[0], "Correct this setting.")
        return
    yield Check("settings", "ok", "every setting can be used.")
    data_dir = find_data_dir()
    yield check_data_dir(data_dir)
    try:
        enter()
    except Refusal as refusal:
        yield Check("database", "error", refusal.lines[0], "Do what the line says, then run doctor again.")
        return
    yield check_private(values, data_dir)
    yield check_migrations()
    yield check_key(values, data_dir)
    yield check_disk(data_dir)
    yield check_engine(now)
    yield check_clock(now)
    yield check_resolvers(values)
    yield check_mail(values)
    yield check_told()
    yield check_site_url(values)


def check_data_dir(data_dir: Path) -> Check:
    if not data_dir.is_dir():
        return Check(
            "data folder", "error", f"there is no folder {data_dir}.", "Run watchpost up, or give --data-dir."
        )
    if not os.access(data_dir, os.W_OK | os.X_OK):
        return Check(
            "data folder", "error", f"{data_dir} cannot be written.", f"Run: chown $(id -un) {data_dir}"
        )
    return Check("data folder", "ok", f"{data_dir} can be written.")


def check_private(values: dict[str, Any], data_dir: Path) -> Check:
    database = database_file(values["DATABASE_URL"], data_dir)
    if database is not None and others_may_read(database):
        return Check(
            "privacy", "warning", f"others on this machine may read {database}: sessions, password hashes.",
            f"Run: chmod 700 {shlex.quote(str(database.parent))}",
        )  # fmt: skip
    return Check("privacy", "ok", "other users of this machine cannot read the database.")


def check_migrations() -> Check:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        waits = "One migration waits." if len(plan) == 1 else f"{len(plan)} migrations wait."
        return Check("database", "warning", waits, "Restart watchpost up; it applies what waits.")
    return Check("database", "ok", f"{connection.vendor}, up to date.")


def check_key(values: dict[str, Any], data_dir: Path) -> Check:
    file = data_dir / "secret_key"
    if not values["SECRET_KEY"]:
        if not file.is_file():
            return Check(
                "key", "error", f"{file} is missing.", "Restore it from a backup: stored secrets need it."
            )
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            return Check("key", "error", f"others may read {file}.", f"Run: chmod 600 {file}")
    if values["SECRET_KEY"] and len(values["SECRET_KEY"]) < SHORTEST_KEY:
        fix = f"Make one of at least {SHORTEST_KEY} characters; SECRET_KEY_FALLBACKS keeps the old one good."
        return Check("key", "error", "SECRET_KEY is so short that it can be guessed.", fix)
    from watchpost.monitors.sealed import foreign_secrets, old_secrets

    if unreadable := foreign_secrets():
        return Check(
            "key", "error", f"encrypted with another SECRET_KEY and cannot be read: {_several(unreadable)}.",
            "Put the old key into SECRET_KEY_FALLBACKS, or enter them again.",
        )  # fmt: skip
    if old := old_secrets():
        fix = "Run watchpost rotate-key, then take the old key out of SECRET_KEY_FALLBACKS."
        return Check("key", "warning", f"still encrypted with an old key: {_several(old)}.", fix)
    return Check("key", "ok", "it is private and every stored secret can be read.")


def _several(names: list[str]) -> str:
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(names[:10]) + more


def check_disk(data_dir: Path) -> Check:
    usage = shutil.disk_usage(data_dir)
    free, share = usage.free / 1e9, usage.free / usage.total
    sentence = f"{free:.1f} GB free ({share:.0%})."
    if usage.free < 200e6:
        return Check("disk", "error", sentence, "Free some space: soon nothing can be stored.")
    if usage.free < 1e9:
        return Check("disk", "warning", sentence, "Free some space, or lower RETENTION_RAW.")
    return Check("disk", "ok", sentence)


def check_engine(now: datetime) -> Check:
    from watchpost.cli.pulse import SILENT_AFTER_S, engine_silence_s

    silence = engine_silence_s(now)
    if silence is None:
        return Check("engine", "error", "it has never run here.", "Start watchpost up.")
    if silence > SILENT_AFTER_S:
        return Check(
            "engine", "error", f"it has been silent for {duration_words(silence)}.", "Start watchpost up."
        )
    return Check("engine", "ok", f"alive {duration_words(silence)} ago.")


def check_clock(now: datetime) -> Check:
    """The database's newest rows cannot come from the future."""
    from watchpost.monitors.models import AliveSpan

    newest = AliveSpan.objects.order_by("-alive_at").values_list("alive_at", flat=True).first()
    if now.year < 2025:
        return Check("clock", "error", f"it shows the year {now.year}.", "Set the clock; switch on NTP.")
    if newest and (newest - now).total_seconds() > 60:
        ahead = duration_words((newest - now).total_seconds())
        return Check(
            "clock", "error", f"it went back: stored rows are {ahead} ahead.", "Set the clock; switch on NTP."
        )
    return Check("clock", "ok", f"{now:%Y-%m-%d %H:%M:%S} UTC.")


def check_resolvers(values: dict[str, Any]) -> Check:
    resolvers = list(values["RESOLVERS"]) or _system_resolvers()
    if not resolvers:
        return Check(
            "resolvers",
            "error",
            "there is none.",
            "Set RESOLVERS, such as WATCHPOST_RESOLVERS=9.9.9.9,1.1.1.1",
        )
    if len(resolvers) == 1:
        fix = "Set RESOLVERS to two, so that a broken resolver is not taken for a broken site."
        return Check("resolvers", "warning", f"only one: {resolvers[0]}.", fix)
    return Check("resolvers", "ok", ", ".join(resolvers) + ".")


def _system_resolvers() -> list[str]:
    try:
        lines = Path("/etc/resolv.conf").read_text().splitlines()
    except OSError:
        return []
    return [line.split()[1] for line in lines if line.startswith("nameserver") and len(line.split()) > 1]


def check_mail(values: dict[str, Any]) -> Check:
    """As far as one can go without a letter: connection, encryption, login."""
    from watchpost.outbound.mail import Mailer

    if values["EMAIL_URL"]:
        answer = Mailer(values["EMAIL_URL"]).greet(MAIL_DEADLINE_S)
        if answer.ok:
            return Check("mail", "ok", f"{answer.detail}.")
        return Check("mail", "error", f"no mail can be sent: {answer.detail}.", "Correct EMAIL_URL.")
    return Check("mail", "warning", "EMAIL_URL is not set, so no mail can be sent.",
                 "Set WATCHPOST_EMAIL_URL=smtp+tls://user:password@host:587")  # fmt: skip


def check_told() -> Check:
    from watchpost.incidents.models import Channel
    from watchpost.incidents.untold import find_untold

    rows = list(Channel.objects.order_by("name").values_list("name", "enabled", "broken", "delivered_at"))
    working = [row for row in rows if row[1] and not row[2]]
    if untold := find_untold():
        one = untold[0]
        more = f" (and {len(untold) - 1} more)" if len(untold) > 1 else ""
        sentence = f"{one.channel} hears nothing, {one.waiting} waiting: {one.why}{more}."
        return Check("channels", "error" if len(untold) >= len(working) else "warning", sentence,
                     "Mend what it says and send a test; nothing is lost.")  # fmt: skip
    if any(row[3] for row in working):
        return Check("channels", "ok", f"{len(working)} of {len(rows)} work, and a message has arrived.")
    if not rows:
        return Check(
            "channels", "error", "nobody will be told: there is no channel.", "Add one and send a test."
        )
    if not working:
        why = next((f"{row[0]}: {row[2]}" for row in rows if row[2]), "they are switched off")
        return Check(
            "channels",
            "error",
            f"nobody will be told: no channel works ({why}).",
            "Mend one and send a test.",
        )
    return Check(
        "channels", "error", "nobody will be told for certain: no message has arrived yet.", "Send a test."
    )


def check_site_url(values: dict[str, Any]) -> Check:
    if values["SITE_URL"]:
        return Check("address", "ok", f"links lead to {values['SITE_URL']}.")
    fix = "Set WATCHPOST_SITE_URL to the address people reach this server at."
    return Check("address", "warning", "SITE_URL is not set, so links in messages lead to this machine.", fix)
