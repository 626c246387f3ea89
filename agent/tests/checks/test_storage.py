"""The storage check, on real folders and on a storage behind a real HTTP server."""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import Storage as BaseStorage

from django_watchpost.health.checks.storage import Storage
from django_watchpost.health.contract import Status
from tests import servers
from tests.checks.many import runs_leave_nothing

FILES = "django.core.files.storage.FileSystemStorage"


@pytest.fixture
def storage(settings):
    def set_up(backend, **options):
        settings.STORAGES = {
            "default": {"BACKEND": backend, "OPTIONS": options},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        }

    return set_up


class Bucket(BaseHTTPRequestHandler):
    """Keeps what is put; refuses on demand."""

    kept: dict[str, bytes] = {}
    refuses: set[str] = set()
    garbles = False

    def answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "PUT" in self.refuses:
            return self.answer(403)
        self.kept[self.path] = b"other" if self.garbles else body
        self.answer(200)

    def do_GET(self):
        if "GET" in self.refuses:
            return self.answer(500)
        self.answer(200, self.kept[self.path]) if self.path in self.kept else self.answer(404)

    def do_DELETE(self):
        if "DELETE" in self.refuses:
            return self.answer(403)
        self.kept.pop(self.path, None)
        self.answer(204)

    def log_message(self, *args):
        pass


class Remote(BaseStorage):
    def __init__(self, port):
        self.port = port

    def ask(self, method, name, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, f"/{name}", body)
            answer = connection.getresponse()
            read = answer.read()
        finally:
            connection.close()
        if answer.status >= 400:
            raise RuntimeError(f"{method} was answered with {answer.status}")
        return read

    def _save(self, name, content):
        self.ask("PUT", name, content.read())
        return name

    def _open(self, name, mode="rb"):
        return ContentFile(self.ask("GET", name))

    def delete(self, name):
        self.ask("DELETE", name)

    def exists(self, name):
        return False


@pytest.fixture
def bucket():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    Bucket.kept, Bucket.refuses, Bucket.garbles = {}, set(), False
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_folder_that_is_fine_and_left_as_it_was(storage, folder):
    (folder / "photo.jpg").write_text("a cat")
    storage(FILES, location=str(folder))
    result = Storage().run()
    assert (result.status, result.unit) == (Status.OK, "ms")
    assert [one.name for one in folder.iterdir()] == ["photo.jpg"]


def test_a_folder_that_may_not_be_written(storage, folder):
    storage(FILES, location=str(folder / "media"))
    folder.chmod(0o555)
    with servers.as_nobody():
        result = Storage().run()
    assert (result.status, result.code) == (Status.ERROR, "storage.not_writable")
    assert str(folder / "media") in result.message
    assert "may not write there" in result.message


def test_a_file_where_the_folder_should_be(storage, folder):
    (folder / "media").write_text("")
    storage(FILES, location=str(folder / "media"))
    assert "is a file" in Storage().run().message


def test_a_remote_storage_keeps_nothing(storage, bucket):
    storage(f"{__name__}.Remote", port=bucket)
    assert Storage().run().status is Status.OK
    assert not Bucket.kept


@pytest.mark.parametrize(
    ("method", "words"),
    [("PUT", "could not be saved"), ("GET", "could not be read"), ("DELETE", "could not be deleted")],
)
def test_a_remote_storage_that_refuses(storage, bucket, method, words):
    storage(f"{__name__}.Remote", port=bucket)
    Bucket.refuses = {method}
    result = Storage().run()
    assert (result.status, result.code) == (Status.ERROR, "storage.not_writable")
    assert words in result.message
    assert bool(Bucket.kept) is (method == "DELETE"), "what could be deleted was"


def test_a_remote_storage_that_is_gone(storage):
    storage(f"{__name__}.Remote", port=servers.free_port())
    result = Storage().run()
    assert (result.status, result.code) == (Status.ERROR, "storage.unreachable")
    assert "The storage of uploads (Remote) cannot be reached" in result.message


def test_what_comes_back_is_compared(storage, bucket):
    storage(f"{__name__}.Remote", port=bucket)
    Bucket.garbles = True
    assert Storage().run().status is Status.ERROR
    assert not Bucket.kept


def test_where_nothing_is_kept_nothing_is_looked_at(storage, settings, folder):
    settings.MEDIA_ROOT = ""
    storage(FILES)
    assert not list(Storage.found())
    storage("django.core.files.storage.InMemoryStorage")
    assert not list(Storage.found())
    settings.MEDIA_ROOT = str(folder)
    storage(FILES)
    assert [one.id for one in Storage.found()] == ["storage"]
    settings.MEDIA_ROOT = ""
    storage(FILES, location=str(folder))
    assert [one.id for one in Storage.found()] == ["storage"]


def test_a_thousand_runs_leave_nothing(storage, folder):
    storage(FILES, location=str(folder))
    runs_leave_nothing(Storage(), 1000, lambda: len(list(folder.rglob("*"))))
