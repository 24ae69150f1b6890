from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.report.figures.panels import WIDE
from analyzer.report.figures.time_axis import EvenAxis, TimeAxis, WaitingAxis, axis_of, span_text
from analyzer.report.figures.timelines import timeline
from tests.profiles import examples
from tests.report.figures.shapes import SHAPES, analysed, packets_of

FLIGHT = [0.0, 0.04, 0.08, *(0.1 + 0.01 * i for i in range(10)), 0.23]


def doubling(first: float = 0.2, count: int = 7, zero: float = 0.1) -> list[float]:
    return [zero + first * (2**i - 1) for i in range(count + 1)]


def axis(tries: list[float], over: float | None = None, after: float = 0.0) -> TimeAxis:
    times = np.array(sorted({*FLIGHT, *tries}))
    return axis_of(times, tries, over, max(times[-1], (over or 0) + after))


def test_a_doubling_timer_gives_equal_steps() -> None:
    tries = doubling()
    steps = np.diff(axis(tries).share(np.array(tries[2:])))
    assert steps.max() < 1.35 * steps.min()
    assert steps[-1] == pytest.approx(steps[-2], rel=0.05)


def test_the_first_flight_is_no_single_stroke() -> None:
    """Of even seconds it would have a two hundredth of the width."""
    shares = axis(doubling()).share(np.array([0.1, 0.19]))
    assert shares[1] - shares[0] > 0.08
    even = EvenAxis(0, 25.5).share(np.array([0.1, 0.19]))
    assert even[1] - even[0] < 0.005


@pytest.mark.parametrize("first", [0.001, 0.2, 3.0])
@pytest.mark.parametrize("over", [None, 120.0])
def test_shares_and_seconds_are_inverse(first: float, over: float | None) -> None:
    told = axis(doubling(first, 5), over, after=3.0)
    left, right = told.limits
    assert isinstance(told, WaitingAxis)
    shares = np.linspace(0, 1, 2001)
    assert told.share(told.seconds(shares)) == pytest.approx(shares, abs=1e-9)
    assert told.share(np.array([left, right])) == pytest.approx([0, 1])


@examples(200)
@given(
    st.floats(0.0005, 20),
    st.integers(2, 12),
    st.one_of(st.none(), st.floats(0.01, 100)),
    st.floats(0.001, 1000),
    st.lists(st.floats(0, 1000), max_size=20),
)
def test_time_never_goes_back(first: float, count: int, pause: float | None, after: float, others: list[float]) -> None:
    tries = doubling(first, count)
    over = tries[-1] + pause if pause is not None else None
    times = np.array(sorted({*FLIGHT, *others, *tries}))
    told = axis_of(times, tries, over, max(times[-1], (over or 0.0) + after))
    left, right = told.limits
    assert np.isfinite([left, right]).all()
    shares = told.share(np.sort(np.concatenate([np.linspace(left, right, 500), times])))
    assert (np.diff(shares) >= 0).all()
    assert shares.min() > -1e-6
    assert shares.max() < 1 + 1e-6


def test_only_a_wait_changes_the_axis() -> None:
    assert axis([]) == EvenAxis(0, 0.23)
    assert axis([0.1]) == EvenAxis(0, 0.23)
    assert isinstance(axis(doubling(count=2)), WaitingAxis)


def test_what_comes_after_the_stall_is_even_again() -> None:
    told = axis(doubling(), over=30.0, after=4.0)
    shares = told.share(np.array([30.0, 31.0, 32.0, 33.0, 34.0]))
    assert np.diff(shares) == pytest.approx([np.diff(shares)[0]] * 4)
    assert shares[-1] - shares[0] > 0.15


def test_silence_is_cut_short_only_where_there_is_some() -> None:
    quiet, busy = axis(doubling(3.0)), axis(doubling(0.1))
    assert isinstance(quiet, WaitingAxis)
    assert isinstance(busy, WaitingAxis)
    assert quiet.broken
    assert not busy.broken


@pytest.mark.parametrize("letters", [40, 60, 150])
def test_names_of_ticks_do_not_touch(letters: int) -> None:
    told = axis(doubling(), over=30.0, after=4.0)
    assert isinstance(told, WaitingAxis)
    places, names = told.ticks(letters)
    shares = told.share(np.array(places))
    assert "0" in names
    half = np.array([len(name) for name in names]) / 2 / letters
    assert ((shares - half)[1:] > (shares + half)[:-1]).all()
    assert len(names) >= 4


def test_times_are_told_in_their_unit() -> None:
    assert [span_text(value) for value in (-0.05, 0, 2e-4, 0.1, 5, 2000)] == [
        "-50 ms",
        "0",
        "200 \N{MICRO SIGN}s",
        "0.1 s",
        "5 s",
        "2000 s",
    ]


@pytest.mark.parametrize("shape", ["minutes, then a stall", "recovers into a long transfer"])
def test_of_a_long_flow_only_what_is_near_the_stall_is_drawn(shape: str) -> None:
    """In bytes, too: else the flight would be a dot in the height of the plot."""
    analysis = analysed(packets_of(SHAPES[shape]))
    sequence, sizes = timeline(analysis, analysis.flow(0), sheet=WIDE).axes
    assert sequence.get_ylim()[1] < 12 * SHAPES[shape].flight * 1460
    assert f" of its {analysis.flow(0).packet_count:,} packets drawn" in sizes.get_xlabel()
