"""Badges: what several checks are together, and a picture that is one."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from watchpost.hcapi.badge import Summary, picture, shields_object, sum_up, summary_object, width_of


@pytest.mark.parametrize(
    ("statuses", "with_late", "summary"),
    [
        ([], False, Summary("up", 0, 0, 0)),
        (["new", "paused", "up"], True, Summary("up", 3, 0, 0)),
        (["up", "grace"], False, Summary("up", 2, 1, 0)),
        (["up", "grace"], True, Summary("late", 2, 1, 0)),
        (["down", "grace", "down"], True, Summary("down", 3, 1, 2)),
        (["grace", "down"], False, Summary("down", 2, 1, 1)),
    ],
)
def test_together(statuses: list[str], with_late: bool, summary: Summary) -> None:
    assert sum_up(statuses, with_late) == summary


@pytest.mark.parametrize(("status", "color"), [("up", "#4c1"), ("late", "#fe7d37"), ("down", "#e05d44")])
@pytest.mark.parametrize(
    "label", ["web", "a" * 100, "<script>alert('x')</script>&\"", "Große Sicherung 🛟", ""]
)
def test_a_picture(label: str, status: str, color: str) -> None:
    root = ElementTree.fromstring(picture(label, status))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("aria-label") == f"{label}: {status}"
    texts = [node for node in root.iter() if node.tag.endswith("}text")]
    assert [node.text or "" for node in texts] == [label, status]
    assert not [node for node in root.iter() if node.tag.endswith("script")]
    boxes = [node for node in root.iter() if node.tag.endswith("}rect")][1:]
    left, right = (int(node.get("width", "0")) for node in boxes)
    assert int(root.get("width", "0")) == left + right
    assert (left, right) == (width_of(label) + 10, width_of(status) + 10)
    assert boxes[1].get("fill") == color


def test_json() -> None:
    assert shields_object("web", "late") == {
        "schemaVersion": 1, "label": "web", "message": "late", "color": "important",
    }  # fmt: skip
    assert summary_object(Summary("down", 3, 1, 2)) == {"status": "down", "total": 3, "grace": 1, "down": 2}
