"""A mergeable sketch of latencies: logarithmic buckets, relative error at most 1 % (the DDSketch idea).

Values are milliseconds, clipped to 0.01 .. 10,000,000; at most about 1,050 buckets.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

ERROR = 0.01
LEAST_MS = 0.01
MOST_MS = 1e7
_GAMMA = (1 + ERROR) / (1 - ERROR)
_PER_LOG = 1 / math.log(_GAMMA)
_VERSION = 1


class Sketch:
    """Counts per bucket. ``add`` changes it in place; everything else leaves it as it is."""

    __slots__ = ("_buckets", "_count")

    def __init__(self) -> None:
        self._buckets: dict[int, int] = {}
        self._count = 0

    @classmethod
    def of(cls, values: Iterable[float]) -> Sketch:
        sketch = cls()
        for value in values:
            sketch.add(value)
        return sketch

    @property
    def count(self) -> int:
        return self._count

    def add(self, value_ms: float) -> None:
        """Count one value. NaN is refused; what lies outside the range is clipped."""
        if value_ms != value_ms:
            raise ValueError("NaN has no bucket")
        clipped = min(max(value_ms, LEAST_MS), MOST_MS)
        index = math.ceil(math.log(clipped) * _PER_LOG)
        self._buckets[index] = self._buckets.get(index, 0) + 1
        self._count += 1

    def merge(self, other: Sketch) -> Sketch:
        """A new sketch of both: associative, commutative and exact."""
        merged = Sketch()
        merged._buckets = dict(self._buckets)
        for index, count in other._buckets.items():
            merged._buckets[index] = merged._buckets.get(index, 0) + count
        merged._count = self._count + other._count
        return merged

    def quantile(self, q: float) -> float | None:
        """The nearest-rank quantile in ms, within 1 % of the exact one; None when empty."""
        if not self._count:
            return None
        rank = _rank(q, self._count)
        seen = 0
        for index in sorted(self._buckets):
            seen += self._buckets[index]
            if seen >= rank:
                return 2 * _GAMMA**index / (_GAMMA + 1)
        raise AssertionError("the counts of the buckets add up to count")

    def to_bytes(self) -> bytes:
        """A version byte, then pairs of (distance to the bucket before, count) as varints."""
        out = bytearray((_VERSION,))
        before = 0
        for position, index in enumerate(sorted(self._buckets)):
            step = index - before
            # Only the first distance can be negative; zigzag keeps it a short unsigned number.
            _put(out, (step * 2 if step >= 0 else -step * 2 - 1) if position == 0 else step)
            _put(out, self._buckets[index])
            before = index
        return bytes(out)

    @classmethod
    def from_bytes(cls, data: bytes) -> Sketch:
        """The inverse of ``to_bytes``. ValueError for anything else."""
        if not data or data[0] != _VERSION:
            raise ValueError("not a sketch of a known version")
        numbers = _take_all(data)
        if len(numbers) % 2:
            raise ValueError("a sketch that was cut off")
        sketch, index = cls(), 0
        for position in range(0, len(numbers), 2):
            step, count = numbers[position], numbers[position + 1]
            if position == 0:
                step = step // 2 if step % 2 == 0 else -(step + 1) // 2
            index += step
            sketch._buckets[index] = sketch._buckets.get(index, 0) + count
            sketch._count += count
        return sketch

    def __eq__(self, other: object) -> bool:
        return self._buckets == other._buckets if isinstance(other, Sketch) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Sketch(count={self._count}, buckets={len(self._buckets)})"


def percentile(sorted_values: Sequence[float], q: float) -> float | None:
    """The exact nearest-rank quantile of values in rising order; None when there are none."""
    return sorted_values[_rank(q, len(sorted_values)) - 1] if sorted_values else None


def _rank(q: float, count: int) -> int:
    if not 0 <= q <= 1:
        raise ValueError("q lies between 0 and 1")
    # 0.07 * 100 is 7.000000000000001: without rounding the rank would be one too high.
    return max(1, math.ceil(round(q * count, 9)))


def _put(out: bytearray, number: int) -> None:
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def _take_all(data: bytes) -> list[int]:
    numbers, number, shift = [], 0, 0
    for byte in data[1:]:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(number)
            number, shift = 0, 0
    if shift:
        raise ValueError("a sketch that was cut off")
    return numbers
