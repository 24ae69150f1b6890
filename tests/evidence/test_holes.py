from __future__ import annotations

import pytest

from analyzer.evidence.holes import fits_full_size

from .timeline import to_client

LOST_TWO = """
    handshake
    0.021    C > S  data 1:518
    0.031    S > C  data 1:2897 by 1448 lost
    0.031    S > C  data 2897:3597
    0.041    C > S  ack 1 sack 2897:3597
    """
LATER = "2.0  C > S  data 518:600\n 2.01  S > C  data 3597:3700\n"


def test_a_hole_stays_open_while_smaller_packets_arrive() -> None:
    (hole,) = to_client(LOST_TWO + LATER, at="C").holes
    assert hole.missing == 2896
    assert hole.filled_ts is None
    assert [segment.payload for segment in hole.arrived] == [700, 103]


def test_a_hole_is_filled_when_its_last_byte_comes() -> None:
    text = LOST_TWO + LATER + "4.0 S > C data 1:1449\n 5.0 S > C data 1449:2897\n 5.01 C > S ack"
    (hole,) = to_client(text, at="C").holes
    assert hole.filled_ts is not None
    assert [segment.payload for segment in hole.filled_by] == [1448, 1448]
    assert hole.seconds_open(hole.filled_ts + 10**9) == pytest.approx(5.01 - 0.041, abs=0.001)


def test_a_hole_whose_bytes_are_acknowledged_unseen_was_made_by_the_capture() -> None:
    text = LOST_TWO.replace("lost", "unseen").replace("ack 1 sack 2897:3597", "ack 3597") + LATER
    assert to_client(text, at="C").holes == []


@pytest.mark.parametrize(
    ("length", "mss", "fits"),
    [
        (1448, 1460, True),  # with timestamps
        (1460, 1460, True),  # without
        (2896, 1460, True),
        (14480, 1460, True),
        (1400, 1460, False),
        (700, 1460, False),
        (1428, 1440, True),  # IPv6
        (8948, 8960, True),
        (1500, -1, True),  # MSS unknown: as long as a full segment may be
        (500, -1, False),
    ],
)
def test_a_hole_as_long_as_full_segments(length: int, mss: int, *, fits: bool) -> None:
    assert fits_full_size(length, mss) is fits
