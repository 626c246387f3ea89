"""What a mail says: subjects and texts as they are written in the world, and what breaks readers."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.ingest.letter import read_letter

BOTH = b"""\
Subject: Both
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary=marker

--marker
Content-Type: text/plain; charset=utf-8

Plain here
--marker
Content-Type: text/html; charset=utf-8

<title>T</title><style>.x{}</style><script>FAIL</script><b>S</b>UCCESS &amp;
  more
--marker--
"""
ATTACHED = b"""\
Subject: Attached
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=marker

--marker
Content-Type: text/plain

See the log.
--marker
Content-Type: text/plain
Content-Disposition: attachment; filename=log.txt

FAIL
--marker--
"""


@pytest.mark.parametrize(
    ("raw", "subject", "text"),
    [
        (b"Subject: [OK] Backup\r\n\r\ndone\r\n", "[OK] Backup", "done\r\n"),
        (b"subject:bare\n\nlines\n", "bare", "lines\n"),
        (b"Subject: =?US-ASCII?B?W1NVQ0NFU1Nd?= =?utf-8?q?_gl=C4=81=C5=BEe?=\n\nx", "[SUCCESS] glāže", "x"),
        (b"Subject: folded\r\n over lines\r\n\r\nx", "folded over lines", "x"),
        (b"no header at all", "", "no header at all"),
        (b"\r\nonly text", "", "only text"),
        (b"", "", ""),
        (b"Subject: s\n\n\xff\x00\xfe", "s", "�\0�"),
        (b"Subject: gl\xc4\x81\xff\n\nx", "glā�", "x"),
        ("Content-Type: text/plain; charset=latin-1\n\né".encode("latin-1"), "", "é"),
        ("Content-Type: text/plain; charset=klingon\n\né".encode(), "", "é"),
        (b"Content-Type: text/plain; charset=punycode\n\na-b", "", "a-b"),
        ("Content-Type: text/plain; charset=zlib\n\né".encode(), "", "é"),
        (b"Content-Transfer-Encoding: base64\n\n" + base64.b64encode(b"[FAIL] x"), "", "[FAIL] x"),
        (b"Content-Transfer-Encoding: base64\n\n!!!!", "", ""),
        (b"Content-Transfer-Encoding: quoted-printable\n\n=5BFAIL=5D =\nx", "", "[FAIL] x"),
        (b"Content-Type: text/html\n\n<p>a</p>\n <p>b", "", "a b"),
        (b"Content-Type: multipart/mixed; boundary=a\n\n--a\n\nopen", "", "open"),
        (b"Content-Type: multipart/mixed\n\n--a\n\nno boundary", "", ""),
        (b"Content-Type: image/png\n\nx", "", ""),
        (BOTH, "Both", "Plain here\nTSUCCESS & more"),
        (ATTACHED, "Attached", "See the log."),
    ],
)
def test_what_is_read(raw: bytes, subject: str, text: str) -> None:
    read = read_letter(raw)
    assert (read.subject, read.text.rstrip("\n") if text[-1:] != "\n" else read.text) == (subject, text)


def boxes(depth: int) -> bytes:
    return b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (at, at) for at in range(depth)
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: " + b"=?utf-8?q?a?= " * 20_000 + b"\r\n\r\nx",
        b"Subject: " + b"(" * 260_000,
        b"Content-Type: text/plain; " + b'a="' * 80_000 + b"\r\n\r\nx",
        b"A: b\r\n" * 40_000,
        boxes(5000),
        boxes(150) + b"x\r\n" * 60_000,
        b"Content-Type: message/rfc822\r\n\r\n" * 8000,
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 25_000,
        b"Content-Type: text/html\r\n\r\n" + b"<div>" * 100_000,
        b"Content-Type: text/plain; charset=punycode\r\n\r\n" + b"a" * 400_000 + b"-" + b"b" * 400_000,
        b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 666 a\r\n" + b"M\r\n" * 80_000,
    ],
    ids=lambda raw: raw[:30].decode(),
)
def test_what_is_written_to_be_slow_takes_seconds_at_most(raw: bytes) -> None:
    """Measured at most 1.6 s; without the bounds on HTML and encodings half a minute."""
    began = time.process_time()
    read = read_letter(raw)
    assert time.process_time() - began < 8
    assert len(read.subject) <= 2000
    assert len(read.text) <= 256 * 1024


def test_of_html_the_first_hundred_thousand_characters_are_read() -> None:
    """Boxes in boxes cost the square of their number: all of 256 kB of them, two and a half seconds."""
    assert read_letter(b"Content-Type: text/html\n\n" + b"x" * 150_000).text == "x" * 100_000


@given(st.binary(max_size=400), st.sampled_from([b"", b"Subject: ", b"Content-Type: ", BOTH[:180], ATTACHED]))
def test_nothing_raises_and_everything_can_be_stored(rest: bytes, begin: bytes) -> None:
    read = read_letter(begin + rest)
    (read.subject + read.text).encode()
