"""Pings by mail to a real ``watchpost up`` over real SMTP, and the how-to, step by step."""

from __future__ import annotations

import json
import os
import re
import signal
import smtplib
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from tests.e2e.installation import Installation, wait_for
from tests.e2e.test_pings import Pinged
from tests.postgres import free_port

DOCS = Path(__file__).parents[3] / "docs" / "how-to" / "ping-by-mail.md"
DOMAIN = "ping.example.com"
SENDER = "backup@shop.example.com"


class Mailed(Pinged):
    """An installation that takes mail, with a check made by Healthchecks' API for each question."""

    def __init__(self, running: Installation, port: int) -> None:
        super().__init__(running)
        self.port = port
        made = running.command("token", "create", "--name", "hc", "--project", self.project["slug"], "--json")
        self.key = json.loads(made.stdout)["token"]

    def api(self, path: str, given: dict[str, Any] | None = None) -> Any:
        body = json.dumps({**(given or {}), "api_key": self.key}).encode()
        status, text, _ = self.ask(f"/api/v3/{path}", "POST", body)
        assert status in (200, 201), text
        return json.loads(text)

    def check(self, slug: str, **fields: Any) -> str:
        """Its uuid."""
        told = self.api("checks/", {"name": slug, "slug": slug} | fields)
        assert {name: told[name] for name in fields} == fields
        return str(told["uuid"])

    def send(self, to: str | list[str], letter: bytes | str = "Subject: x\n\ny") -> None:
        with smtplib.SMTP("127.0.0.1", self.port, timeout=20) as server:
            server.sendmail(SENDER, to, letter)

    def logged(self, code: str) -> list[tuple[Any, ...]]:
        """The pings as they are stored: what is answered is in the database."""
        with sqlite3.connect(self.running.folder / "data" / "watchpost.sqlite3") as database:
            asked = (
                "SELECT p.sign, p.scheme, p.method, p.agent, p.address, p.run, p.body FROM heartbeats_ping p "
                "JOIN heartbeats_heartbeat h ON h.monitor_id = p.monitor_id WHERE h.code = ? ORDER BY p.n"
            )
            return database.execute(asked, [code.replace("-", "")]).fetchall()

    def is_gone(self, pid: int) -> bool:
        return bool(wait_for(lambda: _children(self.running.process.pid).get("mail") != pid, 20))

    def talk(self, *lines: bytes) -> list[int]:
        """The codes of the answers to what is sent in one piece."""
        with socket.create_connection(("127.0.0.1", self.port), 20) as wire:
            wire.sendall(b"".join(lines))
            answer = b""
            while chunk := wire.recv(4096):
                answer += chunk
        return [int(line[:3]) for line in answer.splitlines() if line[3:4] != b"-"]


@pytest.fixture(scope="module")
def mailed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailed]:
    port = free_port()
    running = Installation(
        tmp_path_factory.mktemp("mailed"), 9,
        PING_MAIL_LISTEN=f"127.0.0.1:{port}", PING_MAIL_DOMAIN=DOMAIN, PING_RATE="600",
    )  # fmt: skip
    try:
        running.sign_in_link()
        wait_for(lambda: _is_listening(port), 30)
        yield Mailed(running, port)
    finally:
        running.close()


def _is_listening(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as wire:
            return wire.recv(3) == b"220"  # a socket may also have met itself
    except OSError:
        return False


def test_a_mail_is_a_ping_of_each_recipient(mailed: Mailed) -> None:
    one, other = mailed.check("one"), mailed.check("other")
    key = mailed.project["ping_key"]
    letter = b"Subject: Backup\r\n\r\n\xff\x00 done\r\n"
    mailed.send([f"{one}@{DOMAIN}", f"{key}+other@{DOMAIN}"], letter)
    ping = ("success", "email", "", f"Email from {SENDER}", "127.0.0.1", "", letter)
    assert mailed.logged(one) == mailed.logged(other) == [ping]
    mailed.send(f"{key.lower()}+OTHER@PING.example.com")
    mailed.send(f"{one.upper()}@{DOMAIN}")
    assert (len(mailed.logged(one)), len(mailed.logged(other))) == (2, 2)
    status, text, _ = mailed.ask(f"/v1/monitors/{mailed.monitor('one')['id']}")
    assert status == 401, text  # whoever has no token sees no address


def test_long_mails_are_kept_as_far_as_bodies_of_http_are(mailed: Mailed) -> None:
    code = mailed.check("long")
    mailed.send(f"{code}@{DOMAIN}", b"Subject: x\r\n\r\n" + b"y" * 200_000)
    assert len(mailed.logged(code)[0][6]) == 10_000


def test_who_is_no_heartbeat_is_told_the_same_as_who_could_be_one(mailed: Mailed) -> None:
    code = mailed.check("known")
    twin, key = mailed.check("twin"), mailed.project["ping_key"]
    mailed.api(f"checks/{twin}", {"slug": "known"})
    for box in (str(uuid4()), f"{'k' * 22}+known", f"{key}+nobody", f"{key}+known"):
        mailed.send(f"{box}@{DOMAIN}")  # the last one is two heartbeats'
    assert mailed.logged(code) == mailed.logged(twin) == []
    for address in (f"{code}@example.com", f"postmaster@{DOMAIN}", f"{code}", f"tooshort+x@{DOMAIN}"):
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            mailed.send(address)
        assert refused.value.recipients[address][0] == 550
    mailed.send([f"{code}@{DOMAIN}", f"nobody@{DOMAIN}"])  # one of them is good
    assert len(mailed.logged(code)) == 1


HTML = "Subject: s\nContent-Type: text/html\n\n<b>O</b>K"


@pytest.mark.parametrize(
    ("fields", "letter", "sign"),
    [
        ({"filter_subject": True}, "Subject: [OK] FAIL\n\nx", "fail"),
        ({"filter_subject": True}, "Subject: [OK] BEGIN\n\nFAIL", "success"),
        ({"filter_subject": True}, "Subject: BEGIN\n\nx", "start"),
        ({"filter_subject": True}, "Subject: hm\n\nOK", "ign"),
        ({"filter_subject": True, "filter_default_fail": True}, "Subject: hm\n\nOK", "fail"),
        ({"filter_body": True}, "Subject: FAIL\n\nOK", "success"),
        ({"filter_body": True}, HTML, "success"),
        ({"filter_body": True, "filter_subject": True}, "Subject: FAIL\n\nOK", "fail"),
        ({"filter_http_body": True, "filter_default_fail": True}, "Subject: FAIL\n\nFAIL", "success"),
        ({"methods": "POST"}, "Subject: x\n\ny", "success"),
    ],
)
def test_words_decide_as_healthchecks_api_sets_them(
    mailed: Mailed, fields: dict[str, Any], letter: str, sign: str
) -> None:
    words = {"start_kw": "BEGIN", "success_kw": "OK", "failure_kw": "FAIL, WARN"}
    code = mailed.check(f"w{uuid4().hex[:8]}", **words, **fields)
    mailed.send(f"{code}@{DOMAIN}", letter)
    assert [ping[0] for ping in mailed.logged(code)] == [sign]


def test_what_a_relay_takes_for_text_smuggles_no_second_ping(mailed: Mailed) -> None:
    code, other = mailed.check("front"), mailed.check("smuggled")
    for end in (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r"):
        before = len(mailed.logged(code))
        begin = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<%s@ping.example.com>\r\nDATA\r\n"
        said = mailed.talk(
            b"EHLO x\r\n", begin % code.encode(), b"a", end, begin % other.encode(), b"b\r\n.\r\nQUIT\r\n"
        )
        assert said == [220, 250, 250, 250, 354, 250, 221]
        assert len(mailed.logged(code)) == before + 1
    assert mailed.logged(other) == []


def test_a_mail_has_a_hundred_recipients_at_most_and_a_heartbeat_its_pace(mailed: Mailed) -> None:
    codes = [str(uuid4()) for _ in range(101)]
    with smtplib.SMTP("127.0.0.1", mailed.port, timeout=20) as server:
        refused = server.sendmail(SENDER, [f"{code}@{DOMAIN}" for code in codes], "x")
    assert {answer[0] for answer in refused.values()} == {452}
    assert len(refused) == 1
    begin = b"RCPT TO:<%s@ping.example.com>\r\nRSET\r\nMAIL FROM:<a@b.example>\r\n" % codes[0].encode()
    said = mailed.talk(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\n", begin * 700, b"QUIT\r\n")
    assert said.count(450) >= 50
    mailed.send(f"{codes[1]}@{DOMAIN}")


def test_what_cannot_be_stored_is_not_acknowledged(mailed: Mailed) -> None:
    """One of the tables is gone for a while."""
    code, file = mailed.check("refused"), mailed.running.folder / "data" / "watchpost.sqlite3"
    with sqlite3.connect(file) as database:
        database.execute("ALTER TABLE heartbeats_ping RENAME TO away")
    try:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            mailed.send(f"{code}@{DOMAIN}")
        assert refused.value.smtp_code == 451
    finally:
        with sqlite3.connect(file) as database:
            database.execute("ALTER TABLE away RENAME TO heartbeats_ping")
    mailed.send(f"{code}@{DOMAIN}")
    assert len(mailed.logged(code)) == 1


def test_a_mail_that_breaks_off_is_no_ping(mailed: Mailed) -> None:
    code = mailed.check("broken-off")
    with socket.create_connection(("127.0.0.1", mailed.port), 20) as wire:
        begin = f"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<{code}@{DOMAIN}>\r\nDATA\r\nSubject: x\r\n\r\ny\r\n."
        wire.sendall(begin.encode())
        answer = b""
        while b"354" not in answer:
            answer += wire.recv(4096)
    whole = mailed.check("whole")
    mailed.send(f"{whole}@{DOMAIN}")
    assert (len(mailed.logged(whole)), mailed.logged(code)) == (1, [])


def _children(parent: int) -> dict[str, int]:
    """Command to pid."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                words = (stat.parent / "cmdline").read_bytes().split(b"\0")
                found[words[-2].decode()] = int(stat.parent.name)
        except (OSError, IndexError):  # it ended meanwhile
            continue
    return found


def test_what_was_answered_250_survives_a_kill_and_the_listener_comes_back(mailed: Mailed) -> None:
    code, acknowledged = mailed.check("killed"), 0
    for _ in range(3):
        victim = wait_for(lambda: _children(mailed.running.process.pid).get("mail"), 20)
        wait_for(lambda: _is_listening(mailed.port), 30)
        for _ in range(20):
            mailed.send(f"{code}@{DOMAIN}")
            acknowledged += 1
        os.kill(victim, signal.SIGKILL)
        assert mailed.is_gone(victim)
        assert len(mailed.logged(code)) == min(acknowledged, 100)
    with sqlite3.connect(mailed.running.folder / "data" / "watchpost.sqlite3") as database:
        asked = "SELECT pings FROM heartbeats_heartbeat WHERE code = ?"
        assert database.execute(asked, [code.replace("-", "")]).fetchone() == (acknowledged,)
    wait_for(lambda: _is_listening(mailed.port), 30)


def _block(language: str, at: int = 0) -> str:
    found = re.findall(rf"```{language}\n(.*?)```", DOCS.read_text(), re.DOTALL)
    return str(found[at])


def test_the_how_to_works_step_by_step(mailed: Mailed) -> None:
    for name in re.findall(r"WATCHPOST_(\w+)=", _block("")):
        assert f"WATCHPOST_{name}" in mailed.running.environment
    code = mailed.check("how-to")
    script = re.sub(r'ADDRESS = "[^@]*@', f'ADDRESS = "{code}@', _block("python")).replace(
        "2525", str(mailed.port)
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)
    wait_for(lambda: mailed.monitor("how-to")["state"] == "up", 10)
    assert mailed.logged(code)[0][6].endswith(b"412 files, 3.1 GB\r\n")
    told = {"kind": "heartbeat", "name": "how-to", "slug": "how-to", "ping_slug": "how-to"}
    monitor = told | yaml.safe_load(_block("yaml"))
    file = mailed.running.folder / "watch.yaml"
    projects = [{"name": "Shop", "slug": mailed.project["slug"], "monitors": [monitor]}]
    file.write_text(yaml.safe_dump({"version": 1, "projects": projects}))
    done = mailed.running.command("apply", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    subprocess.run([sys.executable, "-c", script.replace("[OK]", "[FAIL]")], check=True, timeout=30)
    found = wait_for(lambda: (one := mailed.monitor("how-to"))["state"] == "down" and one, 10)
    assert "[FAIL] Backup of shop" in found["reason"]
