"""``/run.py`` is the file itself, for hosts that have no account."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from watchpost import run


@pytest.mark.django_db
def test_the_file_is_given_to_everybody() -> None:
    answer = Client().get("/run.py")
    assert answer.status_code == 200
    assert answer.content == Path(run.__file__).read_bytes()
    assert answer.content.startswith(b"#!/usr/bin/env python3\n")
    assert answer["Content-Type"] == "text/x-python; charset=utf-8"


@pytest.mark.django_db
def test_it_is_only_read() -> None:
    assert Client().head("/run.py").status_code == 200
    assert Client().post("/run.py").status_code == 405
