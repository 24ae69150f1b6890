"""The first of a column's values that reaches a size, in any range of it. Emits `RangeMaximum`."""

from __future__ import annotations

from typing import Any

import numpy as np

Column = np.ndarray[Any, Any]


class RangeMaximum:
    """Maxima of a column of integers. Level k holds those of 2**k neighbours: any range is covered by two of them."""

    def __init__(self, values: Column) -> None:
        self._levels = [values]
        while len(self._levels[-1]) > 1 << (len(self._levels) - 1):
            below, step = self._levels[-1], 1 << (len(self._levels) - 1)
            self._levels.append(np.maximum(below[:-step], below[step:]))

    def first_reaching(self, begin: int, end: int, size: int) -> int:
        """The first place in [begin, end) whose value reaches `size`, -1 if none does."""
        if begin >= end:
            return -1
        levels = self._levels
        if self.largest(begin, end) < size:
            return -1
        k = (end - begin).bit_length() - 1
        while k > 0:
            k -= 1
            step = 1 << k
            while begin + step <= end and int(levels[k][begin]) < size:
                begin += step
        return begin

    def largest(self, begin: int, end: int) -> int:
        """The greatest value in [begin, end), -1 without any."""
        if begin >= end:
            return -1
        k = (end - begin).bit_length() - 1
        return max(int(self._levels[k][begin]), int(self._levels[k][end - (1 << k)]))

    def first_reaching_each(self, begin: Column, end: Column, size: Column) -> Column:
        """As `first_reaching`, for many ranges and sizes."""
        found = np.full(len(begin), -1, np.int64)
        left = np.flatnonzero(begin < end)
        left = left[self.largest_each(begin[left], end[left]) >= size[left]]
        at, stop = begin[left], end[left]
        for k in range(len(self._levels) - 1, -1, -1):
            step = 1 << k
            fits = np.flatnonzero(at + step <= stop)
            at[fits[self._levels[k][at[fits]] < size[left[fits]]]] += step
        found[left] = at
        return found

    def largest_each(self, begin: Column, end: Column) -> Column:
        """The greatest value in each range [begin, end); -1 in those without any."""
        found = np.full(len(begin), -1, np.int64)
        for k, level in enumerate(self._levels):
            length = end - begin
            here = np.flatnonzero((length >= 1 << k) & (length < 2 << k))
            found[here] = np.maximum(level[begin[here]], level[end[here] - (1 << k)])
        return found
