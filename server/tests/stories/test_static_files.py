"""collectstatic was forgotten: a real nginx, a folder made by Django's own storage, and a page that is 200."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.files.storage import FileSystemStorage

from tests.stories.telling import Story
from watchpost.core.types import Outcome
from watchpost.kinds.assets import KIND
from watchpost.monitors.models import Monitor
from watchpost.outbound import Guard, Outbound
from watchpost.registry import Look

_CONF = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{
  types {{ text/html html; text/css css; text/javascript js; image/svg+xml svg; }}
  default_type application/octet-stream; access_log off;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port};
    location = / {{ root {folder}/app; try_files /index.html =500; }}
    location /static/ {{ alias {alias}; {fallback} expires max; add_header X-Content-Type-Options nosniff; }}
  }}
}}
"""
_SOURCES = {
    "css/base.css": '@import "print.css"; body {{ color: {version} }}',
    "css/print.css": "p {{ color: {version} }}",
    "js/cart.js": "let version = {version}",
    "img/logo.svg": "<svg><!-- {version} --></svg>",
}


class Shop:
    """A Django shop behind nginx: its page names what the manifest says, nginx serves what was collected."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "app").mkdir()
        (folder / "collected").mkdir()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self.serve(f"{folder}/collected/")

    def serve(self, alias: str, fallback: str = "") -> None:
        """nginx with this alias for /static/, from now until the next one."""
        folder = self.folder
        config = _CONF.format(folder=folder, port=self.port, alias=alias, fallback=fallback)
        (folder / "nginx.conf").write_text(config)
        command = [
            "nginx",
            "-p",
            str(folder),
            "-c",
            str(folder / "nginx.conf"),
            "-e",
            str(folder / "error.log"),
        ]
        self.nginx = subprocess.Popen(command)
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("nginx did not start")

    def close(self) -> None:
        self.nginx.terminate()
        self.nginx.wait()

    def deploy(self, version: int) -> None:
        """New code: its build writes the manifest, and the page names the files in it. Nothing is collected."""
        built = self.folder / f"built{version}"
        for name, text in _SOURCES.items():
            path = built / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.format(version=version))
        storage = ManifestStaticFilesStorage(location=str(built), base_url="/static/")
        files = FileSystemStorage(location=str(built))
        for _, _, processed in storage.post_process({name: (files, name) for name in _SOURCES}):
            assert not isinstance(processed, Exception)
        self.built = built
        page = '<link rel=stylesheet href="{}"><script src="{}"></script><img src="{}"><h1>Shop</h1>'
        names = [storage.url(name, force=True) for name in ("css/base.css", "js/cart.js", "img/logo.svg")]
        (self.folder / "app" / "index.html").write_text(page.format(*names))

    def collectstatic(self) -> None:
        shutil.rmtree(self.folder / "collected")
        shutil.copytree(self.built, self.folder / "collected")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    if shutil.which("nginx") is None and not os.environ.get("CI"):
        pytest.skip("nginx is missing: static files behind it were not looked at")
    found = Shop(tmp_path)
    yield found
    found.close()


def look(story: Story, monitor: Monitor) -> Any:
    """The real probe looks at the real nginx, and the story's engine hears of it."""
    watched = story.engine.watched[monitor.pk]

    async def probe() -> Any:
        outbound = Outbound(Guard((ip_network("127.0.0.1/32"),)))
        try:
            return await KIND.probe(
                Look(monitor.pk, watched.revision, watched.config, 5.0), outbound, story.time
            )  # type: ignore[misc]
        finally:
            await outbound.close()

    seen = story.run(probe())
    story.run(story._report(watched, seen))
    story.pass_time(3)
    return seen


def test_collectstatic_forgotten_is_one_incident_that_names_it_and_ends_when_mended(
    story: Story, shop: Shop
) -> None:
    shop.deploy(1)
    shop.collectstatic()
    monitor = story.monitor("Files", kind="assets", url=shop.url, interval="10m")
    story.webhook()
    seen = look(story, monitor)
    assert (seen.outcome, seen.facts["looked"]) == (Outcome.OK, {"heavy": 3, "light": 1})
    assert story.shown(monitor) == "up"

    shop.deploy(2)
    for _ in range(2):
        assert look(story, monitor).facts["status"] == 200
    story.deliver()
    [incident] = story.incidents()
    assert (incident.state, story.shown(monitor), story.events) == ("open", "down", ["opened"])
    told = story.told[0]
    assert "static.not_collected" in str(told)
    assert re.search(r"answers 200, but 3 of 3 files under \S+/static/ are missing", str(told))
    assert "manage.py collectstatic" in str(told)

    shop.collectstatic()
    for _ in range(2):
        look(story, monitor)
    story.deliver()
    [incident] = story.incidents()
    assert (incident.state, story.shown(monitor), story.events) == ("resolved", "up", ["opened", "resolved"])


def test_an_alias_without_its_slash_is_explained_with_the_slash(story: Story, shop: Shop) -> None:
    shop.deploy(1)
    shop.collectstatic()
    monitor = story.monitor("Files", kind="assets", url=shop.url, interval="10m")
    shop.close()
    shop.serve(f"{shop.folder}/collected")
    for _ in range(2):
        look(story, monitor)
    [incident] = story.incidents()
    [member] = incident.members.all()
    assert member.code == "static.not_collected"
    assert "with both slashes" in member.fix
    shop.close()
    shop.serve(f"{shop.folder}/collected/")
    for _ in range(2):
        look(story, monitor)
    assert [one.state for one in story.incidents()] == ["resolved"]


def test_a_process_that_still_has_the_old_manifest_is_told_to_restart(story: Story, shop: Shop) -> None:
    """One file changed and the folder was collected anew, but the page still names the old one."""
    shop.deploy(1)
    old = (shop.folder / "app" / "index.html").read_text()
    shop.collectstatic()
    for path in (shop.folder / "collected" / "js").glob("cart.*.js"):
        path.rename(path.with_name("cart.0123456789ab.js"))
    assert "cart.0123456789ab.js" not in old
    monitor = story.monitor("Files", kind="assets", url=shop.url, interval="10m")
    for _ in range(2):
        look(story, monitor)
    [incident] = story.incidents()
    [member] = incident.members.all()
    assert (member.code, "Restart all processes" in member.fix) == ("static.stale", True)


def test_a_page_in_the_place_of_one_hashed_file_is_told_as_one(story: Story, shop: Shop) -> None:
    """Whoever asks for it sees 200: to call it missing would send people to the wrong place."""
    shop.deploy(1)
    shop.collectstatic()
    for path in (shop.folder / "collected" / "css").glob("base.*.css"):
        path.unlink()
    shop.close()
    shop.serve(f"{shop.folder}/collected/", "try_files $uri /static/index.html;")
    (shop.folder / "collected" / "index.html").write_text("<h1>Shop</h1>")
    monitor = story.monitor("Files", kind="assets", url=shop.url, interval="10m")
    for _ in range(2):
        look(story, monitor)
    [incident] = story.incidents()
    [member] = incident.members.all()
    assert member.code == "static.wrong_type"
    assert "answers 200 OK with an HTML page (text/html) in its place: /static/css/base." in member.sentence
    assert "The file itself is missing" in member.fix
    assert "try_files" in member.fix
