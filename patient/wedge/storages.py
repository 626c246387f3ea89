"""Uploads in an object storage, as many shops have them."""

from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage


class BucketStorage(Storage):
    """``url``: of ``patient.bucket``; ``timeout_s``: of each call."""

    def __init__(self, url: str, timeout_s: float = 3.0) -> None:
        self._url, self._timeout_s = url.rstrip("/"), timeout_s

    def exists(self, name: str) -> bool:
        try:
            self._call("HEAD", name)
        except HTTPError as problem:
            if problem.code == 404:
                return False
            raise
        return True

    def delete(self, name: str) -> None:
        self._call("DELETE", name)

    def url(self, name: str | None) -> str:
        return f"{self._url}/{quote(name or '')}"

    def _open(self, name: str, mode: str = "rb") -> File:
        return ContentFile(self._call("GET", name), name)

    def _save(self, name: str, content: Any) -> str:
        self._call("PUT", name, content.read())
        return name

    def _call(self, method: str, name: str, body: bytes | None = None) -> bytes:
        with urlopen(Request(self.url(name), body, method=method), timeout=self._timeout_s) as answer:
            return bytes(answer.read())
