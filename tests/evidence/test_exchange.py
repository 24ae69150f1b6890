"""Finding packets by time and number is as good as looking at all of them, one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.evidence.answered import asked_of, last_covering
from analyzer.evidence.effort import Effort, TooMuchError
from analyzer.evidence.exchange import Exchange, Spans
from analyzer.evidence.in_time import InTime
from analyzer.evidence.range_maximum import RangeMaximum
from analyzer.evidence.segments import Segment
from analyzer.settings import LOOKS_AT_A_PACKET
from tests.profiles import examples

from .segments import BLOCKS, PLACES, STEPS, made_up

FLOWS = st.lists(STEPS, max_size=30).map(made_up)
TIMES = st.lists(st.integers(0, 20), max_size=20)


@examples(200)
@given(FLOWS, st.sampled_from((0, 1)))
def test_what_was_asked_and_what_answered_it(segments: list[Segment], side: int) -> None:
    asked = [s for s in segments if s.side != side and s.end > s.seq]
    assert [each.segment for each in asked_of(segments, side)] == asked
    small = [s for s in segments if s.side == side and s.has_ack and s.ip_len <= 576]
    for each in asked_of(segments, side):
        s = each.segment
        acks = [a for a in small if a.ack >= s.end]
        assert each.early_ack == next(iter(acks), None)
        assert each.ack == next((a for a in acks if a.ref > s.ref), None)
        assert each.again_ts == max(p.ts for p in segments if p.side != side and p.seq < s.end <= p.end)
        before = [p for p in asked if p.ref < s.ref and p.end == s.end and not p.keepalive]
        assert each.gap == (s.ts - before[-1].ts if before else 0)


@given(st.lists(PLACES), FLOWS)
def test_the_last_packet_that_holds_a_byte(ends: list[int], segments: list[Segment]) -> None:
    slowly = {end: s for s in segments for end in ends if s.seq < end <= s.end}
    assert last_covering(ends, segments) == slowly


@given(st.lists(BLOCKS), st.integers(-10, 1300), st.integers(1, 400))
def test_spans_hold_what_their_ranges_hold_together(ranges: list[tuple[int, int]], left: int, length: int) -> None:
    held = {byte for start, end in ranges for byte in range(start, end)}
    assert Spans(ranges).hold(left) == (left in held)
    assert Spans(ranges).hold(left, left + length) == held.issuperset(range(left, left + length))


@given(TIMES, st.integers(-1, 21), st.integers(-1, 21))
def test_what_lies_between_two_times_that_fall_now_and_then(times: list[int], since: int, until: int) -> None:
    found = InTime(range(len(times)), times, Effort(100))
    between = [i for i, ts in enumerate(times) if since <= ts <= until]
    assert found.between(since, until) == list(found.walk(since, until)) == between
    assert found.first_at(since) == next((i for i, ts in enumerate(times) if ts >= since), len(times))


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=40), st.integers(0, 40), st.integers(0, 40), st.integers(0, 51)
)
def test_the_first_that_reaches_a_size(values: list[int], begin: int, end: int, size: int) -> None:
    begin, end = min(begin, len(values)), min(end, len(values))
    slowly = next((i for i in range(begin, end) if values[i] >= size), -1)
    assert RangeMaximum(np.array(values)).first_reaching(begin, end, size) == slowly


@given(FLOWS, st.integers(0, 1))
def test_an_exchange_finds_what_its_segments_hold(segments: list[Segment], side: int) -> None:
    exchange = Exchange(side=side, segments=segments)
    own, heard = [s for s in segments if s.side == side], [s for s in segments if s.side != side]
    assert (list(exchange.sent), list(exchange.heard), list(exchange.exchanged)) == (own, heard, segments)
    for i, s in enumerate(segments):
        assert exchange.time_of(s.ref) == s.ts
        assert exchange.data_before(s) == next((p for p in reversed(segments[:i]) if p.side == side and p.data), None)
        new = (p for p in reversed(segments[:i]) if p.side != side and p.data and not p.resent)
        assert exchange.spoken_before(s) == next(new, None)
        again = [p for p in heard if p.resent and p.seq == s.seq and p.ts > s.ts]
        assert exchange.resent_by_peer(s.seq, s.ts) == again
        later = [p for p in heard if s.ts < p.ts <= s.ts + 30_000_000]
        assert exchange.speaks_between(s.ts, s.ts + 30_000_000) == bool(later)


def test_the_effort_is_used_up_by_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    segments = made_up([(1, True, 0, 100, 0, 0, ())] * 10)
    exchange = Exchange(side=1, segments=segments, effort=Effort(len(segments)))
    looks: list[Any] = [list(exchange.sent) for _ in range(LOOKS_AT_A_PACKET)]
    assert len(looks) == LOOKS_AT_A_PACKET
    with pytest.raises(TooMuchError):
        exchange.sent.between(0, 1)
