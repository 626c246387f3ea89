"""What the page of the monitor says of a look, in words."""

from __future__ import annotations

from typing import Any

from watchpost.kinds.assets import KIND
from watchpost.kinds.assets.config import AssetsConfig

CONFIG = AssetsConfig.model_validate({"url": "https://shop.test/"})


def rows(**facts: Any) -> dict[str, str]:
    return {label: value for panel in KIND.panels(CONFIG, facts, {}) for label, value in panel.rows}


def test_what_was_looked_at_is_counted() -> None:
    said = rows(looked={"heavy": 3, "small": 1}, found=6, elsewhere=2)
    assert said["Looked at"] == "3 stylesheets and scripts, 1 icons and manifests"
    assert said["Left out"].startswith("2:")
    assert said["Elsewhere"].startswith("2 of other sites")
    assert rows(looked={}, found=0, hosts=["cdn.shop.test"])["Other hosts"] == "cdn.shop.test"
    assert rows(looked={}, found=0, hosts=list("abcdefghij"))["Other hosts"].endswith("g, h and 2 more")
    assert "Other hosts" not in rows(looked={}, found=0, hosts=[])
    assert "Left out" not in rows(looked={"heavy": 1}, found=1)
    assert rows(looked={}, found=0)["Looked at"] == "none"


def test_wrong_files_are_named_without_their_secrets() -> None:
    broken = [
        {"what": "missing", "class": "heavy", "url": "https://a:b@shop.test/x.css?key=1", "status": 404}
    ]
    assert (
        rows(looked={"heavy": 1}, found=1, broken=broken)["https://shop.test/x.css?…"]
        == "missing, answers 404"
    )


def test_many_wrong_files_are_cut_and_counted() -> None:
    broken = [{"what": "missing", "class": "heavy", "url": f"https://shop.test/{n}.css"} for n in range(50)]
    wrong = KIND.panels(CONFIG, {"looked": {"heavy": 50}, "found": 50, "broken": broken}, {})[1]
    assert len(wrong.rows) == 20
    assert wrong.note == "The first 20 of 50."
