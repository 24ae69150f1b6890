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
        k = (end - begin).bit_length() - 1
        if max(int(levels[k][begin]), int(levels[k][end - (1 << k)])) < size:
            return -1
        while k > 0:
            k -= 1
            step = 1 << k
            while begin + step <= end and int(levels[k][begin]) < size:
                begin += step
        return begin
