from __future__ import annotations

from analyzer.evidence.window import WindowSeen, window_at

from .timeline import runs, to_client


def window(text: str, since: float = 0.0) -> WindowSeen | None:
    """The receiver's window during the last run of the direction server to client."""
    direction = to_client(text, since=since)
    return window_at(direction, runs(direction)[-1])


STUCK = """
    handshake
    0.021                  C > S  data 1:518 win 8192
    0.031                  S > C  data 1:101
    0.041                  C > S  ack 101{window}
    0.042                  S > C  data 101:1549 lost
    0.27 0.70 1.56         S > C  data 101:1549 lost
    """


def test_the_window_is_scaled() -> None:
    seen = window(STUCK.format(window=""))
    assert seen is not None
    assert (seen.size, seen.closed) == (8192, False)


def test_a_window_of_zero_is_closed() -> None:
    seen = window(STUCK.format(window=" win 0"))
    assert seen is not None
    assert seen.closed


def test_a_window_below_the_stuck_segment_is_open_to_smaller_ones() -> None:
    seen = window(STUCK.format(window=" win 1024"))
    assert seen is not None
    assert (seen.size, seen.closed) == (1024, False)


def test_a_window_that_was_closed_for_less_than_half_of_the_copies_did_not_hold_them_back() -> None:
    opened = "0.5  C > S  ack 101 win 8192"
    assert not window(STUCK.format(window=" win 0") + opened).closed  # type: ignore[union-attr]
    assert window(STUCK.format(window=" win 0") + opened.replace("0.5", "1.2")).closed  # type: ignore[union-attr]


def test_a_window_as_large_as_the_stuck_segment_is_open() -> None:
    seen = window("no wscale\n" + STUCK.format(window=" win 1448"))
    assert seen is not None
    assert (seen.size, seen.closed) == (1448, False)


def test_without_the_syn_a_small_number_may_stand_for_a_large_window() -> None:
    text = STUCK.format(window="") + "0.5  C > S  ack 101"
    seen = window(text, since=0.0305)
    assert seen is not None
    assert not seen.closed


def test_the_window_announced_last_counts() -> None:
    seen = window(STUCK.format(window=" win 0") + "0.5  C > S  ack 101 win 8192")
    assert seen is not None
    assert not seen.closed


def test_a_closed_window_is_the_size_that_the_cited_frame_announced() -> None:
    seen = window("""
    handshake
    0.021                  C > S  data 1:518 win 8192
    0.031                  S > C  data 1:101
    0.041                  C > S  ack 101 win 512
    0.042                  S > C  data 101:613
    0.043                  S > C  data 613:2061 lost
    0.27 0.70 1.56         S > C  data 613:2061 lost
    1.6                    C > S  ack 101 win 1024
    """)
    assert seen is not None
    assert (seen.size, seen.closed) == (512, True)
