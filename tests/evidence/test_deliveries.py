from __future__ import annotations

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
    way = to_client(text)
    assert [(t.proven, t.by_sack) for t in way.transmissions] == [(True, False), (False, False), (True, True)]


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
    way = to_client(text)
    assert way.delivered == 0
    assert way.delivered_nodf == 1500


def test_a_super_segment_proves_no_size() -> None:
    way = to_client("handshake\n 0.031 S > C data 1:3597 gso 1448\n 0.042 C > S ack 3597")
    assert way.delivered == 0


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
