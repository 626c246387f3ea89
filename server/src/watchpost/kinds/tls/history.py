"""What a tls monitor remembers between looks: its baseline, and how a look changes it. Pure.

``of`` says whose it is; ``leaf`` is the newest certificate seen; ``issuers`` and ``keys`` those that are
expected; ``pin`` a public key with the number of renewals it has outlived; ``left`` which share of the
lifetime was left at the last renewals; ``differs_since`` when addresses began to serve different ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

Facts = Mapping[str, Any]
Baseline = Mapping[str, Any]
# What nobody should accept teaches nothing about what is normal.
_TEACHES_NOTHING = frozenset(
    {"self_signed", "wrong_name", "chain.missing_intermediate", "unknown_root", "rejected"}
)
_KEPT_RENEWALS = 5
_LEAST_RENEWALS = 2
_SLACK = 0.05  # of the lifetime: renewals come on a timer, not on the minute
_REUSED = 2  # renewals that a key outlived: whoever keeps it means to
_MOST_EXPECTED = 8


def moment(text: str) -> datetime:
    """Aware UTC out of facts or baseline."""
    return datetime.fromisoformat(text)


def chains_of(facts: Facts) -> tuple[Facts, ...]:
    """Every distinct chain of a look, the leaf that ends first before the others."""
    if "certificate" not in facts:
        return ()
    return (facts["certificate"], *facts.get("others", ()))


def newest(facts: Facts) -> Facts | None:
    """The newest leaf that visitors accept, or would have while it lasted."""
    good = [one for one in chains_of(facts) if "not_before" in one and not _teaches_nothing(one)]
    if len(good) < 2:
        return good[0] if good else None
    return max(good, key=lambda one: moment(one["not_before"]))


def _teaches_nothing(chain: Facts) -> bool:
    return bool(chain["reasons"]) and any(code in _TEACHES_NOTHING for code, *_ in chain["reasons"])


def remember(baseline: Baseline, facts: Facts, of: str, now: datetime) -> dict[str, Any]:
    """The baseline after this look. What is new and unexpected is not taken in; only ``accept`` does that.

    ``of``: whose certificate it is. A monitor that was pointed elsewhere begins anew.
    """
    after = dict(baseline) if baseline.get("of", of) == of else {}
    leaf = newest(facts)
    if leaf is not None:
        _remember_leaf(after, leaf)
    fingerprints = {one["fingerprint"] for one in chains_of(facts)}
    if len(fingerprints) > 1:
        after.setdefault("differs_since", now.isoformat())
    elif fingerprints and not any("failure" in one for one in facts["addresses"].values()):
        after.pop("differs_since", None)  # who does not answer may well be the one that differs
    return after | {"of": of} if after else after


def _remember_leaf(after: dict[str, Any], leaf: Facts) -> None:
    before = after.get("leaf")
    if before is not None and moment(leaf["not_before"]) <= moment(before["not_before"]):
        return  # the same, or an older one that came back, as behind a balancer: no renewal
    after["leaf"] = {name: leaf[name] for name in ("fingerprint", "not_before", "not_after")}
    after.setdefault("issuers", [leaf["issued_by"]])
    after.setdefault("keys", [leaf["key"]])
    after.setdefault("pin", {"spki": leaf["spki"], "renewals": 0})
    if before is None:
        return
    left = moment(before["not_after"]) - moment(leaf["not_before"])
    lifetime = moment(before["not_after"]) - moment(before["not_before"])
    share = round(left.total_seconds() / max(1.0, lifetime.total_seconds()), 6)
    after["left"] = [*after.get("left", ()), share][-_KEPT_RENEWALS:]
    pin = after["pin"]
    if pin["spki"] == leaf["spki"]:
        after["pin"] = {**pin, "renewals": pin["renewals"] + 1}
    elif pin["renewals"] < _REUSED:
        after["pin"] = {"spki": leaf["spki"], "renewals": 0}


def usual_share_left(baseline: Baseline) -> float | None:
    """The share of the lifetime that was left at the latest of the usual renewals; None: not known yet."""
    shares: Sequence[float] = baseline.get("left", ())
    return min(shares) if len(shares) >= _LEAST_RENEWALS else None


def is_overdue(baseline: Baseline, left_s: float, lifetime_s: float) -> bool:
    """Less is left than at any of the last renewals. One that came at the last moment sets no example."""
    usual = usual_share_left(baseline)
    return usual is not None and left_s < (usual - _SLACK) * lifetime_s


def strange_issuer(baseline: Baseline, leaf: Facts) -> bool:
    return leaf["issued_by"] not in baseline.get("issuers", [leaf["issued_by"]])


def strange_key(baseline: Baseline, leaf: Facts) -> bool:
    """Another type or size, or a new key where the old one was kept over several renewals.

    A new key at each renewal is what ACME clients do, and is no news.
    """
    if leaf["key"] not in baseline.get("keys", [leaf["key"]]):
        return True
    pin = baseline.get("pin")
    return pin is not None and pin["renewals"] >= _REUSED and pin["spki"] != leaf["spki"]


def expect(baseline: Baseline, facts: Facts, code: str) -> dict[str, Any]:
    """The baseline after somebody said that a new issuer or key is as it should be."""
    after, leaf = dict(baseline), newest(facts)
    if leaf is None:
        return after
    if code == "tls.changed_issuer":
        after["issuers"] = _joined(after.get("issuers", ()), leaf["issued_by"])
    elif code == "tls.changed_key":
        after["keys"] = _joined(after.get("keys", ()), leaf["key"])
        after["pin"] = {"spki": leaf["spki"], "renewals": 0}
    return after


def _joined(known: Iterable[str], new: str) -> list[str]:
    return [*(one for one in known if one != new), new][-_MOST_EXPECTED:]
