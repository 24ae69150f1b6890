from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analyzer.report.figures.thinning import COLUMNS, MOST_MARKS, bars, points, steps


def test_few_marks_stay_as_they_are() -> None:
    x = np.arange(5.0)
    assert bars(x, x, x + 1, x)[0] is x
    assert steps(x, x, x)[0] is x
    assert points(x, x, x)[0] is x
    empty = np.array([])
    assert len(points(empty, empty, empty)[0]) == 0


@given(st.integers(0, 2**32), st.integers(1, 3))
def test_merged_bars_cover_what_they_stand_for(seed: int, shape: int) -> None:
    random = np.random.default_rng(seed)
    count = MOST_MARKS * 3
    x = np.sort(random.random(count)) * 10**shape
    low = random.integers(0, 10 ** (3 * shape), count)
    high = low + random.integers(1, 2000, count)
    left, bottom, top = bars(x, low, high, x / 10**shape)
    assert len(left) < count
    assert bottom.min() == low.min()
    assert top.max() == high.max()
    assert (top > bottom).all()
    width = 10**shape / COLUMNS
    for i in random.integers(0, count, 50):
        near = np.abs(left - x[i]) <= width
        assert ((bottom[near] <= low[i]) & (top[near] >= high[i])).any()


def test_a_staircase_keeps_the_ends_of_each_column() -> None:
    x, y = np.linspace(0, 1, 50_000), np.arange(50_000)
    thin_x, thin_y = steps(x, y, x)
    assert len(thin_x) <= 2 * COLUMNS
    assert (thin_x[0], thin_x[-1], thin_y[0], thin_y[-1]) == (x[0], x[-1], y[0], y[-1])


def test_each_place_keeps_a_marker() -> None:
    x, y = np.linspace(0, 1, 50_000), np.where(np.arange(50_000) == 25_000, 1500, 52)
    _, sizes = points(x, y, x)
    assert len(sizes) <= COLUMNS
    assert set(sizes) == {52, 1500}
