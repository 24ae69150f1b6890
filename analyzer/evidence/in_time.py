"""Packets in the order of the file, found by their times. Emits `InTime`."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Generic, TypeVar

from analyzer.evidence.effort import Effort

T = TypeVar("T")


class InTime(Generic[T]):
    """Things in the order of the file, each with its time, ns, which falls a little now and then (`clock`).

    What is handed out is drawn from `effort`.
    """

    def __init__(self, items: Sequence[T], times: Sequence[int], effort: Effort) -> None:
        self.items = items
        self._times = times
        self._effort = effort
        self._highest = list(accumulate(times, max))  # up to each
        self._lowest = list(accumulate(reversed(times), min))[::-1]  # from each on

    def between(self, since: int, until: int) -> list[T]:
        """Those whose times lie in [since, until]."""
        first, last = bisect_left(self._highest, since), bisect_right(self._lowest, until)
        if first >= last:
            return []
        self._effort.spend(last - first)
        times = self._times
        return [self.items[i] for i in range(first, last) if since <= times[i] <= until]

    def first_at(self, ts: int) -> int:
        """Place of the first that is as late as `ts`; all before it are earlier."""
        return bisect_left(self._highest, ts)

    def walk(self, since: int, until: int) -> Iterator[T]:
        """As `between`, one by one, for who looks for the first: only what was walked over is drawn."""
        for i in range(bisect_left(self._highest, since), bisect_right(self._lowest, until)):
            self._effort.spend(1)
            if since <= self._times[i] <= until:
                yield self.items[i]

    def __iter__(self) -> Iterator[T]:
        self._effort.spend(len(self.items))
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)
