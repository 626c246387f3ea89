"""Which addresses are pings, to the letter."""

from __future__ import annotations

from uuid import UUID

import pytest

from watchpost.core.heartbeat import Sign
from watchpost.ingest.address import BAD_RUN, BAD_URL, NOT_FOUND, Address, read_address, read_mailbox

CODE = "4d2e3f10-7b5a-4c8d-9e6f-0a1b2c3d4e5f"
KEY = "k" * 22
RUN = "728b3763-ea80-4113-9fc0-f49b3adf226a"


@pytest.mark.parametrize(
    ("path", "query", "wanted"),
    [
        (CODE, "", (Sign.SUCCESS, None)),
        (f"{CODE}/", "", (Sign.SUCCESS, None)),
        (f"{CODE}/start", "", (Sign.START, None)),
        (f"{CODE}/fail", "", (Sign.FAIL, None)),
        (f"{CODE}/log", "", (Sign.LOG, None)),
        (f"{CODE}/0", "", (Sign.SUCCESS, 0)),
        (f"{CODE}/1", "", (Sign.FAIL, 1)),
        (f"{CODE}/255", "", (Sign.FAIL, 255)),
        (f"{CODE}/256", "", BAD_URL),
        (f"{CODE}/{'9' * 5000}", "", BAD_URL),
        (f"{CODE}/-1", "", NOT_FOUND),
        (f"{CODE}/\u00b2", "", NOT_FOUND),
        (f"{CODE}/begin", "", NOT_FOUND),
        (f"{CODE}/start/fail", "", NOT_FOUND),
        (CODE.upper(), "", NOT_FOUND),
        (CODE.replace("-", ""), "", NOT_FOUND),
        ("", "", NOT_FOUND),
        ("nothing", "", NOT_FOUND),
        (f"{KEY}/Backup", "", BAD_URL),
        (f"{KEY}/back.up", "", NOT_FOUND),
        (f"{'k' * 21}/backup", "", NOT_FOUND),
        (CODE, "rid=123", BAD_RUN),
        (CODE, "rid=", BAD_RUN),
    ],
)
def test_what_an_address_says(path: str, query: str, wanted: object) -> None:
    found = read_address(path, query)
    if isinstance(wanted, tuple):
        assert isinstance(found, Address)
        assert (found.sign, found.exit_code) == wanted
        assert found.code == UUID(CODE)
    else:
        assert found == wanted


def test_by_slug() -> None:
    found = read_address(f"{KEY}/db-backup_2/fail", f"create=1&rid={RUN.upper()}")
    assert found == Address(Sign.FAIL, None, KEY, "db-backup_2", None, RUN, True)


def test_only_a_slug_can_be_created() -> None:
    found = read_address(CODE, "create=1")
    assert isinstance(found, Address)
    assert not found.create


@pytest.mark.parametrize(
    ("text", "took_s"),
    [("1500", 1.5), ("0", 0.0), ("", None), ("-1", None), ("1.5", None), ("9" * 5000, None)],
)
def test_how_long_it_took_by_the_clients_clock(text: str, took_s: float | None) -> None:
    found = read_address(CODE, f"took_ms={text}")
    assert isinstance(found, Address)
    assert found.took_s == took_s


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        (f"{CODE}@ping.example.com", Address(Sign.SUCCESS, code=UUID(CODE))),
        (f"{CODE.upper()}@PING.Example.COM", Address(Sign.SUCCESS, code=UUID(CODE))),
        (f"{KEY}+backup@ping.example.com", Address(Sign.SUCCESS, key=KEY, slug="backup")),
        (f"{KEY.upper()}+Back_up-1@ping.example.com", Address(Sign.SUCCESS, key="K" * 22, slug="back_up-1")),
        (f"{CODE}@example.com", None),
        (f"{CODE}@ping.example.com.evil.example", None),
        (f"{CODE}@", None),
        (CODE, None),
        (f"{CODE}@x@ping.example.com", None),
        (f"{CODE.replace('-', '')}@ping.example.com", None),
        (f"{CODE}+start@ping.example.com", None),
        (f"{KEY}@ping.example.com", None),
        (f"{KEY}+@ping.example.com", None),
        (f"{KEY}+a+b@ping.example.com", None),
        (f"{KEY}+x.y@ping.example.com", None),
        ("tooshort+backup@ping.example.com", None),
        ("postmaster@ping.example.com", None),
        ("@ping.example.com", None),
        (f"{CODE}\n@ping.example.com", None),
    ],
)
def test_mailboxes(address: str, wanted: Address | None) -> None:
    assert read_mailbox(address, "ping.example.com") == wanted


def test_without_a_domain_there_is_no_mailbox() -> None:
    assert read_mailbox(f"{CODE}@", "") is None
