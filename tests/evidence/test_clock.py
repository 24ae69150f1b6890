"""Times that go backwards: a clock that was set, or a file that is not in order."""

from __future__ import annotations

from itertools import pairwise

from analyzer.evidence.clock import Straightened, straighten
from analyzer.evidence.segments import Segment
from analyzer.settings import BACKWARDS_NS

from .segments import made_up

SECOND = 1_000_000_000


def talk() -> list[Segment]:
    """Ten segments a second apart, each acknowledged 10 ms later."""
    steps = []
    for n in range(10):
        steps.append((SECOND - 10_000_000, False, 100 * n, 100, 0, 0, ()))
        steps.append((10_000_000, True, 0, 0, 100 * (n + 1), 0, ()))
    return made_up(steps)


def shifted(segments: list[Segment], ns: int) -> list[Segment]:
    return [segment._replace(ts=segment.ts + ns) for segment in segments]


def test_times_in_order_are_left_alone() -> None:
    segments = talk()
    assert straighten(segments) == Straightened(segments)


def test_packets_that_overtook_each_other_are_left_alone() -> None:
    segments = talk()
    segments[4] = segments[4]._replace(ts=segments[3].ts - BACKWARDS_NS)
    assert straighten(segments).segments == segments


def test_after_a_step_back_of_the_clock_time_goes_on() -> None:
    segments = talk()
    set_back = [*segments[:8], *shifted(segments[8:], -3600 * SECOND)]
    out = straighten(set_back)
    assert not out.disordered
    assert [s.ts for s in out.segments[:8]] == [s.ts for s in segments[:8]]
    # How long it took until the first packet after the step nobody knows; from then on all intervals stand.
    assert out.segments[8].ts == out.segments[7].ts
    assert [b.ts - a.ts for a, b in pairwise(out.segments[8:])] == [b.ts - a.ts for a, b in pairwise(segments[8:])]
    assert out.stepped[0][0] == segments[8].ref


def test_a_clock_that_is_set_twice() -> None:
    segments = talk()
    out = straighten([*segments[:6], *shifted(segments[6:12], -50 * SECOND), *shifted(segments[12:], -90 * SECOND)])
    assert len(out.stepped) == 2
    assert all(b.ts >= a.ts for a, b in pairwise(out.segments))


def test_other_packets_are_put_on_the_same_time_line() -> None:
    segments = talk()
    out = straighten([*segments[:8], *shifted(segments[8:], -50 * SECOND)])
    last, first = segments[7], segments[8]
    assert out.time_of(last.ref, last.ts) == last.ts
    assert out.time_of(first.ref, first.ts - 50 * SECOND) == out.segments[8].ts


def test_parts_of_a_file_in_the_wrong_order_are_no_clock() -> None:
    segments = talk()
    assert straighten([*segments[10:], *segments[:10]]).disordered
