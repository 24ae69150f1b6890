"""Columns of numbers go the way of Python's own, flow by flow; a flow that would go another way has left."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.evidence.lockstep import EXACT, FrameNumber, Key, Lane, Lockstep, UnlikeError

WHOLE = st.integers(-(1 << 40), 1 << 40)
NUMBERS = st.lists(st.tuples(WHOLE, WHOLE, st.integers(1, 9)), min_size=1, max_size=20)


def lanes(numbers: Sequence[tuple[int, ...]], kind: type[Lane] = Lane) -> tuple[Lockstep, list[Any]]:
    flows = Lockstep(len(numbers))
    return flows, [kind(np.array(column, np.int64), flows) for column in zip(*numbers, strict=True)]


def formulas(a: Any, b: Any, c: Any) -> list[Any]:
    return [
        a + b, 3 - a, a * 2 - b, -a, abs(b), a // c, 1000 // c, a % c, a << 1, a >> 2, a & 0xFF, 7 | c, a ^ b, 1 << c,
        a / c, 1 / c, 0.5 * a, a - 0.25, (1 / c) ** c, 0.3**c, 2 * (a / c) + b,
    ]  # fmt: skip


@given(NUMBERS)
def test_they_calculate_as_python_does(numbers: list[tuple[int, ...]]) -> None:
    _, (a, b, c) = lanes(numbers)
    columns = [each.values.tolist() for each in formulas(a, b, c)]
    assert [list(each) for each in zip(*columns, strict=True)] == [formulas(*row) for row in numbers]


def way(a: Any, b: Any, c: Any) -> tuple[Any, ...]:
    """Something with many branches."""
    said: list[object] = []
    said.append("less" if a < b else "more" if a > b else "same")
    said += [place for place, each in enumerate((a, b, c, 4)) if each == 4 or (each is not None and each >= 2)]
    if c and not c % 2:
        said.append("even")
    least = min(a, b, c, 6)
    if least != a:
        said.append("not a")
    return (*said, sorted([a, b, c])[1] <= 3)


@given(st.lists(st.tuples(*3 * [st.integers(0, 7)]), min_size=1, max_size=30))
def test_who_stays_goes_the_same_way(numbers: list[tuple[int, ...]]) -> None:
    flows, columns = lanes(numbers)
    said = way(*columns)
    ways = [way(*row) for row in numbers]
    assert ways[0] == said
    for left, other in zip(flows.left_at.tolist(), ways, strict=True):
        assert left or other == said
    assert not flows.left_at[0]


def test_keys_are_equal_where_their_numbers_are_and_others_are_no_keys() -> None:
    numbers = [(1, 1, 2), (5, 5, 9), (1, 2, 3), (1, 1, 1)]
    flows, (a, b, c) = lanes(numbers, Key)
    assert len({a, b, c}) == 2
    assert [bool(left) for left in flows.left_at] == [False, False, True, True]
    assert isinstance(a + 1, Key)
    _, (plain, *_) = lanes(numbers)
    assert isinstance(1 + a + plain, Key)
    with pytest.raises(TypeError):
        hash(plain)


def test_frames_of_a_flow_are_different_ones() -> None:
    flows = Lockstep(2)
    first: Any = FrameNumber(np.array([1, 2]), flows, 0)
    second: Any = FrameNumber(np.array([3, 4]), flows, 1)
    assert {first: 1, second: 2}[second] == 2
    assert first < second
    assert first != second
    assert not flows.left_at.any()
    assert first < Lane(np.array([2, 2]), flows)
    assert [bool(left) for left in flows.left_at] == [False, True]


@pytest.mark.parametrize(
    "odd",
    [range, float, int, lambda a: [0, 1][a], lambda a: a + "x"],
)
def test_what_they_cannot_follow_is_refused(odd: Callable[[Any], object]) -> None:
    _, (a, *_) = lanes([(1, 1, 1)])
    with pytest.raises(TypeError):
        odd(a)


@pytest.mark.parametrize("divide", [operator.truediv, operator.floordiv, operator.mod])
def test_division_by_nothing_or_beyond_what_is_exact_is_refused(divide: Callable[[Any, Any], object]) -> None:
    _, (a, b, _) = lanes([(1, 1, 1), (1, 0, 1)])
    with pytest.raises(UnlikeError):
        divide(a, b)
    _, (large, *_) = lanes([(1, 1, 1), (EXACT, 1, 1)])
    with pytest.raises(UnlikeError):
        large / 3
    with pytest.raises(UnlikeError):
        large * 0.5
