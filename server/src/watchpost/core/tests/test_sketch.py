from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchpost.core.sketch import Sketch, percentile

VALUES = st.lists(st.floats(0.01, 1e7), max_size=200)
QUANTILES = st.sampled_from([0.0, 0.01, 0.5, 0.9, 0.95, 0.99, 1.0]) | st.floats(0, 1)


@settings(max_examples=300, deadline=None)
@given(VALUES.filter(bool), QUANTILES)
def test_a_quantile_is_within_one_percent(values: list[float], q: float) -> None:
    exact = percentile(sorted(values), q)
    estimate = Sketch.of(values).quantile(q)
    assert exact is not None
    assert estimate is not None
    assert abs(estimate - exact) <= exact * 0.01 * (1 + 1e-9)


@given(VALUES, VALUES, VALUES)
def test_merge_is_associative_commutative_and_exact(a: list[float], b: list[float], c: list[float]) -> None:
    x, y, z = Sketch.of(a), Sketch.of(b), Sketch.of(c)
    whole = Sketch.of(a + b + c)
    assert x.merge(y).merge(z) == x.merge(y.merge(z)) == z.merge(x).merge(y) == whole
    assert x.merge(y).merge(z).count == whole.count == len(a + b + c)
    assert x == Sketch.of(a)  # the parts are left as they were


@given(VALUES)
def test_bytes_and_back(values: list[float]) -> None:
    sketch = Sketch.of(values)
    again = Sketch.from_bytes(sketch.to_bytes())
    assert again == sketch
    assert again.count == len(values)


def test_it_is_compact_and_clips() -> None:
    assert len(Sketch.of([100 + n % 50 for n in range(3600)]).to_bytes()) < 70
    assert Sketch.of([-5, 0, 1e99, math.inf]).count == 4
    assert Sketch.of([0]).quantile(0.5) == pytest.approx(0.01, rel=0.01)
    assert Sketch().quantile(0.5) is None
    with pytest.raises(ValueError):
        Sketch.of([math.nan])


@pytest.mark.parametrize("data", [b"", b"\x02", b"\x01\x01", b"\x01\x01\x80"])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        Sketch.from_bytes(data)


@pytest.mark.parametrize(("q", "expected"), [(0, 1), (0.07, 7), (0.5, 50), (0.95, 95), (0.951, 96), (1, 100)])
def test_nearest_rank(q: float, expected: int) -> None:
    assert percentile(range(1, 101), q) == expected


def test_percentile_of_nothing_and_out_of_range() -> None:
    assert percentile([], 0.5) is None
    with pytest.raises(ValueError):
        percentile([1.0], 1.5)
