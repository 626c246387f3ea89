"""What stands in the way of a start is one line, said before anything is promised."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.postgres import free_port


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def start(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("WATCHPOST_", "DJANGO_"))}
    environment |= {f"WATCHPOST_{name}": value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "watchpost.cli.main", *arguments, "--data-dir", str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("command", ["up", "web"])
def test_a_taken_port_is_one_line_and_no_link_is_promised(tmp_path: Path, taken: int, command: str) -> None:
    done = start(tmp_path, command, "--listen", f"127.0.0.1:{taken}")
    assert done.returncode == 2
    assert "another program listens there" in done.stderr
    assert "Traceback" not in done.stderr
    assert "signin" not in done.stdout + done.stderr


@pytest.mark.parametrize("command", ["up", "mail"])
def test_a_taken_port_for_mail_names_its_setting(tmp_path: Path, taken: int, command: str) -> None:
    settings = {"PING_MAIL_LISTEN": f"127.0.0.1:{taken}", "LISTEN": f"127.0.0.1:{free_port()}"}
    done = start(tmp_path, command, **settings)
    assert done.returncode == 2
    assert "another program listens there; stop it; or give another PING_MAIL_LISTEN" in done.stderr
    assert "signin" not in done.stdout + done.stderr


def test_mail_that_is_off_says_how_to_switch_it_on(tmp_path: Path) -> None:
    done = start(tmp_path, "mail")
    assert done.returncode == 2
    assert "set it to HOST:PORT, such as 127.0.0.1:2525" in done.stderr


@pytest.mark.parametrize(
    ("listen", "why"),
    [
        ("192.0.2.1:8090", "does not have that address"),
        ("127.0.0.1", "--listen: '127.0.0.1' is not HOST:PORT"),
    ],
)
def test_an_address_that_will_not_do_is_one_line(tmp_path: Path, listen: str, why: str) -> None:
    done = start(tmp_path, "up", "--listen", listen)
    assert done.returncode == 2
    assert why in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_up_on_one_folder_is_refused_before_it_promises_a_link(tmp_path: Path) -> None:
    import fcntl

    with (tmp_path / "engine.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = start(tmp_path, "up", "--listen", f"127.0.0.1:{free_port()}")
    assert done.returncode == 2
    assert "runs on" in done.stderr
    assert "signin" not in done.stdout + done.stderr


@pytest.mark.django_db
def test_commands_link_to_where_the_pages_were_served_last(settings: Any) -> None:
    from watchpost.cli.installation import _take_over_site_url, remember_site_url

    configured = settings.SITE_URL
    settings.SITE_URL = "http://localhost:9999"
    remember_site_url()
    settings.SITE_URL = configured
    _take_over_site_url()
    assert settings.SITE_URL == "http://localhost:9999"
    settings.SITE_URL = "https://watch.example.com"
    settings.WATCHPOST = settings.WATCHPOST | {"SITE_URL": "https://watch.example.com"}
    _take_over_site_url()
    assert settings.SITE_URL == "https://watch.example.com"


def test_the_supervisor_loads_neither_django_nor_libcurl() -> None:
    """It lives as long as the server does, and every megabyte of it with it."""
    asks = (
        "import sys; from watchpost.cli.commands import up; import watchpost.outbound.knock;"
        "print([name for name in ('django', 'pycurl', 'cryptography', 'aiodns') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
