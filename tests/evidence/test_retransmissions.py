from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.evidence import retransmissions as episodes
from analyzer.evidence.retransmissions import series_of
from analyzer.evidence.segments import Segment
from analyzer.flows.flow_tables import MARK_RESENT
from analyzer.settings import Settings
from tests.profiles import examples

from .segments import STEPS, made_up
from .timeline import runs, to_client

START = """
    handshake
    0.021            C > S  data 1:518
    0.031            S > C  data 1:1449 lost
    0.031            S > C  data 1449:1600
    0.041            C > S  ack 1 sack 1449:1600
    """


@pytest.mark.parametrize(
    ("copies", "episode"),
    [
        ("0.25 0.68 1.54", True),
        ("0.25 0.68", False),  # an episode has three
        ("0.15 0.27 0.51 0.99", False),  # spans less than a second
        ("0.50 1.00 1.50 2.00 2.50", True),  # some timers do not back off
        ("0.05 0.26 0.68 1.52", True),  # a fast retransmission first
        ("0.25 0.68 1.54 3.26 6.70 13.6 27.3 54.8 109.8", True),
        ("1.03 3.03 7.03", True),
        ("0.25 0.68 1.54 1.60", True),  # and then a burst: time without progress is what counts
    ],
)
def test_an_episode_is_three_retransmissions_over_a_second(copies: str, *, episode: bool) -> None:
    (run,) = runs(to_client(START + f"{copies}  S > C  data 1:1449 lost"))
    assert run.is_episode(Settings()) is episode
    assert run.retransmission_count == len(copies.split())


def test_a_run_begins_at_the_original_and_ends_with_the_ack() -> None:
    direction = to_client(
        START
        + """
        0.25 0.68 1.54   S > C  data 1:1449 lost
        3.26             S > C  data 1:1449
        3.27             C > S  ack 1600
        6.70             S > C  data 1:1449
        """
    )
    (run,) = runs(direction)
    assert run.original is not None
    assert run.original.payload == 1448
    assert run.acked_by is not None
    assert len(run.retransmissions) == 4  # the copy at 6.7 was acknowledged before it was sent: spurious


def test_a_stuck_super_segment_has_the_size_of_its_retransmission() -> None:
    direction = to_client(
        """
        handshake
        0.021            C > S  data 1:518
        0.031            S > C  data 1:3597 gso 1448 whole lost
        0.25 0.68 1.54   S > C  data 1:1449 lost
        """
    )
    (run,) = runs(direction)
    assert run.stuck_segment.ip_len == 1500
    assert run.first.super_segment
    assert run.retransmission_count == 3


def test_a_smaller_copy_is_a_change_not_a_retransmission() -> None:
    (run,) = runs(to_client(START + "0.25 0.68 1.54  S > C  data 1:1449 lost\n 3.3  S > C  data 1:1025 lost"))
    assert run.retransmission_count == 3
    assert [segment.payload for segment in run.changed] == [1024]


def test_a_copy_without_df_is_a_change() -> None:
    (run,) = runs(to_client(START + "0.25 0.68 1.54  S > C  data 1:1449 lost\n 3.3  S > C  data 1:1449 nodf lost"))
    assert run.retransmission_count == 3
    assert [segment.df for segment in run.changed] == [False]


def test_each_stuck_byte_has_a_run_of_its_own() -> None:
    direction = to_client(
        START
        + """
        0.25             S > C  data 1:1449
        0.26             C > S  ack 1600
        0.27             S > C  data 1600:3048 lost
        0.50 0.93 1.79   S > C  data 1600:3048 lost
        """
    )
    assert [(run.seq & 0xFFFF_FFFF) - 5_000_000 for run in runs(direction)] == [1, 1600]
    assert [run.acked_by is not None for run in runs(direction)] == [True, False]


def test_copies_made_by_the_capture_are_no_retransmissions() -> None:
    direction = to_client(
        START.replace("data 1:1449 lost", "data 1:1449 id 7 lost") + "0.032  S > C  data 1:1449 id 7 lost"
    )
    assert runs(direction) == []


def test_keepalives_make_no_run() -> None:
    direction = to_client("handshake\n 0.03 S > C data 1:101\n 0.05 C > S ack 101\n 1.0 3.0 7.0 S > C keepalive 1")
    assert runs(direction) == []


def test_repairs_behind_the_oldest_byte_make_no_episode() -> None:
    """With SACK the sender fills later holes too; they say nothing about the head."""
    direction = to_client(
        """
        handshake
        0.031            S > C  data 1:5793 by 1448 lost 1:1449 2897:4345
        0.042            C > S  ack 1 sack 1449:2897 4345:5793
        0.052 0.053      S > C  data 2897:4345 lost
        0.25 0.68 1.54   S > C  data 1:1449 lost
        """
    )
    assert [run.seq & 0xFFFF_FFFF for run in runs(direction) if run.is_episode(Settings())] == [5_000_001]


class Searched:
    """First transmissions that no ACK has covered yet, all of them looked at each time."""

    def __init__(self) -> None:
        self.left: list[Segment] = []

    def add(self, segment: Segment) -> None:
        self.left.append(segment)

    def acknowledge(self, una: int) -> None:
        self.left = [old for old in self.left if old.seq + old.payload > una]

    def first_with(self, byte: int) -> Segment | None:
        return next((old for old in self.left if old.seq <= byte < old.seq + old.payload), None)


@examples(500)
@given(st.lists(STEPS, min_size=5, max_size=40))
def test_the_original_is_found_among_what_was_not_acknowledged(steps: list[tuple[Any, ...]]) -> None:
    segments = made_up(steps)
    found = series_of(segments, 1, 500)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(episodes, "_Sent", Searched)
        assert found == series_of(segments, 1, 500)


@pytest.mark.parametrize(("later", "original"), [((), None), ((40,), 40)])
def test_an_acknowledged_segment_behind_one_that_is_not_is_no_original(
    later: tuple[int, ...], original: int | None
) -> None:
    """Only what is sent once more after the ACK may be, late as it is."""
    sent = [(0, True, 500, 100, 0, 0, ()), (0, True, 0, 100, 0, 0, ()), (0, False, 0, 0, 100, 0, ())]
    late = [(0, True, seq, 60, 0, 0, ()) for seq in later]
    again = [(0, True, 50, 40, 0, MARK_RESENT, ())] * 2
    (run,) = series_of(made_up([*sent, *late, *again]), 1, 500)
    assert (run.original.seq if run.original else None) == original
