"""Fewer marks for the same picture: what would lie on the same pixels is drawn once."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

COLUMNS = 700
"""Places side by side that a reader can tell apart."""

ROWS = 300
"""The same one above the other."""

MOST_MARKS = 1_200
"""Up to so many marks of one kind are drawn as they are."""


def _places(values: Array, first: float, last: float, count: int) -> Array:
    width = (last - first) or 1
    return np.clip((values - first) * (count / width), 0, count - 1).astype(np.int64)


def bars(x: Array, low: Array, high: Array, at: Array) -> tuple[Array, Array, Array]:
    """Vertical bars; where there are many, those of one column that touch become one.

    Args:
        x: position of each bar.
        low: its lower end.
        high: its upper end, above `low`.
        at: where along the axis it is drawn, 0 to 1.

    Returns:
        The same three columns, fewer rows.
    """
    if len(x) <= MOST_MARKS:
        return x, low, high
    column = _places(at, 0, 1, COLUMNS)
    order = np.lexsort((low, column))
    column, x = column[order], x[order]
    floor = int(low.min())
    low, high = (low[order] - floor).astype(np.int64), (high[order] - floor).astype(np.int64)
    near = int(high.max()) // ROWS
    # Columns are stacked far above one another, so that one running maximum serves them all.
    shift = column * (int(high.max()) + near + 1)
    reach = np.maximum.accumulate(high + shift)
    begins = np.ones(len(x), bool)
    begins[1:] = (low + shift)[1:] > reach[:-1] + near
    begins[1:] |= column[1:] != column[:-1]
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(x)) - 1
    return x[first], low[first] + floor, (reach[last] - shift[last]) + floor


def steps(x: Array, y: Array, at: Array) -> tuple[Array, Array]:
    """A staircase; where it has many steps, each column (see `bars`) keeps its first and its last."""
    if len(x) <= MOST_MARKS:
        return x, y
    column = _places(at, 0, 1, COLUMNS)
    kept = np.ones(len(x), bool)
    kept[1:-1] = (column[1:-1] != column[:-2]) | (column[1:-1] != column[2:])
    return x[kept], y[kept]


def points(x: Array, y: Array, at: Array) -> tuple[Array, Array]:
    """Markers; where there are many, one for each place (see `bars`) that holds any."""
    if len(x) <= MOST_MARKS:
        return x, y
    place = _places(at, 0, 1, COLUMNS // 2) * ROWS + _places(y, y.min(), y.max(), ROWS // 3)
    _, first = np.unique(place, return_index=True)
    return x[first], y[first]
