"""What is written under oauth2: what cannot work is refused, in words, before anything is asked."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from watchpost.kinds.http import KIND
from watchpost.kinds.http.config import HttpConfig

GOOD = {"token_url": "https://login.test/token", "client_id": "we", "client_secret": "s3cret"}


@pytest.mark.parametrize(
    ("block", "more", "says"),
    [
        ({}, {"bearer": "x"}, "oauth2 and bearer exclude each other; keep one"),
        ({}, {"basic_auth": {"username": "x"}}, "oauth2 and basic_auth exclude each other; keep one"),
        ({}, {"headers": {"authorization": "x"}}, "take it out of headers"),
        ({"token_url": "login.test/token"}, {}, "must begin with http"),
        ({"token_url": "https://we:pw@login.test/token"}, {}, "contains a user name"),
        ({"client_id": ""}, {}, "at least 1 character"),
        ({"client_secret": ""}, {}, "at least 1 character"),
        ({"client_secret": "s3cret\n"}, {}, "contains a line break"),
        ({"audience": "a\r\nb"}, {}, "contains a line break"),
        ({"scope": 'a "b"'}, {}, "words with one space between them"),
        ({"scope": "a  b"}, {}, "words with one space between them"),
        ({"auth": "post"}, {}, "'basic' or 'body'"),
        ({"ca_pem": "x"}, {}, "holds no certificate"),
        ({"grant": "password"}, {}, "Extra inputs are not permitted"),
    ],
)
def test_what_cannot_work_is_refused(block: dict[str, Any], more: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says) as refused:
        HttpConfig.model_validate({"url": "https://api.test/", "oauth2": GOOD | block, **more})
    assert not any("s3cret" in one["msg"] for one in refused.value.errors())


def test_empty_means_not_said_and_the_secret_is_one() -> None:
    block = GOOD | {"scope": "", "audience": "", "ca_pem": ""}
    oauth2 = HttpConfig.model_validate({"url": "https://api.test/", "oauth2": block}).oauth2
    assert oauth2 is not None
    assert (oauth2.scope, oauth2.audience, oauth2.ca_pem) == (None, None, None)
    assert "oauth2.client_secret" in KIND.secrets
    assert "s3cret" not in oauth2.digest
