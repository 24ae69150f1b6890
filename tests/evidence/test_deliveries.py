from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.evidence import deliveries
from analyzer.evidence.deliveries import MAX_OUTSTANDING, Transmission, same_shape, transmissions_of
from analyzer.evidence.segments import Segment
from tests.profiles import examples

from .segments import STEPS, made_up
from .timeline import to_client


def proven(text: str) -> list[tuple[int, bool]]:
    """(IP length, whether that size is proven delivered) of each transmission server to client."""
    return [(t.segment.ip_len, t.proven) for t in to_client(text).transmissions]


# A PTB makes the skim record a flow: a forged one, so that nothing else comes of it.
RECORD = "0.019  S > C  data 1:41\n 0.030 R > S ptb 1500 of 1:41\n 0.0295  C > S  ack 41\n"


def test_a_cumulative_ack_proves_the_size_of_what_was_sent_in_one_shape() -> None:
    assert proven("handshake\n" + RECORD + "0.05 S > C data 41:1489\n 0.06 C > S ack") == [(92, True), (1500, True)]


def test_an_ack_of_a_part_proves_nothing() -> None:
    text = "handshake\n" + RECORD + "0.05 S > C data 41:1489\n 0.06 C > S ack 1000"
    assert proven(text) == [(92, True), (1500, False)]


def test_a_selective_ack_proves_the_size_as_well() -> None:
    text = (
        "handshake\n"
        + RECORD
        + "0.05 S > C data 41:1489 lost\n 0.05 S > C data 1489:2937\n 0.07 C > S ack sack 1489:2937"
    )
    direction = to_client(text)
    assert [(t.proven, t.by_sack) for t in direction.transmissions] == [(True, False), (False, False), (True, True)]


def test_of_two_shapes_the_ack_answers_the_one_a_round_trip_before_it() -> None:
    text = """
        handshake
        0.031            S > C  data 1:1449 lost
        0.25 0.68 1.54   S > C  data 1:1449 lost
        3.26             S > C  data 1:1025
        3.27             C > S  ack 1025
        3.28             S > C  data 1025:1449
        3.29             C > S  ack 1449
        """
    sizes = proven(text)
    assert (1076, True) in sizes
    assert (1500, True) not in sizes


def test_an_ack_that_comes_too_soon_for_the_smaller_copy_does_not_prove_it() -> None:
    """The original was late, not lost: its ACK arrives right after the smaller copy was sent."""
    text = """
        handshake
        0.031            S > C  data 1:1449 late 3.225
        0.25 0.68 1.54   S > C  data 1:1449 lost
        3.26             S > C  data 1:1025 lost
        3.255            C > S  ack 1449 forged
        """
    assert (1076, True) not in proven(text)


def test_the_same_bytes_without_df_are_another_shape() -> None:
    text = """
        handshake
        0.031            S > C  data 1:1449 lost
        0.25 0.68 1.54   S > C  data 1:1449 lost
        3.26             S > C  data 1:1449 nodf
        3.27             C > S  ack 1449
        """
    direction = to_client(text)
    assert direction.delivered == 0
    assert direction.delivered_nodf == 1500


def test_a_super_segment_proves_no_size() -> None:
    direction = to_client("handshake\n 0.031 S > C data 1:3597 gso 1448\n 0.042 C > S ack 3597")
    assert direction.delivered == 0


def test_after_a_ptb_larger_captured_packets_prove_nothing() -> None:
    """They may be super-segments now (trap T2b)."""
    text = """
        handshake
        0.031            S > C  data 1:1449 lost
        0.037            R > S  ptb 1400 of 1:1449
        0.042            S > C  data 1:1449 gso 1348
        0.053            C > S  ack 1449
        """
    assert to_client(text).delivered <= 1400


def one_by_one(segments: list[Segment], side: int, guard: int) -> list[Transmission]:
    """What `transmissions_of` finds, by comparing each packet with all that is outstanding."""
    out: list[Transmission] = []
    outstanding: list[Transmission] = []
    for s in segments:
        if s.side == side and s.data:
            new = Transmission(s)
            for old in outstanding if s.resent else ():
                overlap = old.segment.seq < s.seq + s.payload and s.seq < old.segment.seq + old.segment.payload
                if overlap and old.again_ts is None:
                    old.again_ts, old.lost = s.ts, True
                if overlap and not same_shape(old.segment, s):
                    old.one_shape = new.one_shape = False
                    old.replaced_ts = s.ts if old.replaced_ts is None else old.replaced_ts
            out.append(new)
            outstanding = [*outstanding, new][-MAX_OUTSTANDING:]
        elif s.side != side and s.has_ack:
            for old in outstanding:
                old.in_part = old.in_part or old.segment.seq < s.ack < old.segment.seq + old.segment.payload
                end = old.segment.seq + old.segment.payload
                selective = any(left <= old.segment.seq and end <= right for left, right in s.sack)
                if end <= s.ack or selective:
                    old.covered_by, old.by_sack = s, end > s.ack
                    old.lost = old.lost and s.ts - (old.again_ts or 0) >= guard
                    late = old.replaced_ts is None or s.ts - old.replaced_ts < guard
                    old.attributed = s.ts - old.segment.ts >= guard and late
            outstanding = [old for old in outstanding if old.covered_by is None]
    return out


@pytest.mark.parametrize("most", [MAX_OUTSTANDING, 3])
@examples(500)
@given(st.lists(STEPS, min_size=5, max_size=40))
def test_finding_what_an_ack_covers_is_as_good_as_looking_at_all(most: int, steps: list[tuple[Any, ...]]) -> None:
    segments = made_up(steps)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deliveries, "MAX_OUTSTANDING", most)
        patch.setitem(globals(), "MAX_OUTSTANDING", most)
        assert transmissions_of(segments, 1, 20_000_000) == one_by_one(segments, 1, 10_000_000)


def test_what_was_acknowledged_is_not_forgotten_in_place_of_what_was_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "MAX_OUTSTANDING", 3)
    sent = [(0, True, seq, 100, 0, 0, ()) for seq in (0, 100, 200, 300, 400, 500)]
    sack = (0, False, 0, 0, 0, 0, ((100, 200),))
    # 0 is forgotten for 400, 200 for 500, and 100 needs no room.
    segments = made_up([*sent[:3], sack, *sent[3:], (0, False, 0, 0, 600, 0, ())])
    covered = [t.segment.seq for t in transmissions_of(segments, 1, 0) if t.covered_by is not None]
    assert covered == [100, 300, 400, 500]
