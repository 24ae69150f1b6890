from __future__ import annotations

from analyzer.evidence.controls import Control, failed_during, passed_before, passed_during
from analyzer.evidence.larger import as_large_passed
from analyzer.settings import Settings

from .timeline import runs, to_client

SETTINGS = Settings()
BEFORE = """
    handshake
    0.021                  C > S  data 1:518
    0.031                  S > C  data 1:101
    0.041                  C > S  ack 101
    """
STUCK = (
    BEFORE
    + """
    0.042                  S > C  data 101:1549 lost
    0.27 0.70 1.56 3.28    S > C  data 101:1549 lost
    """
)


def during(text: str, stream: int = 0) -> Control | None:
    """What is said to have got through in the last run."""
    direction = to_client(text, stream=stream)
    return passed_during(direction, runs(direction)[-1], SETTINGS)


def failed(text: str) -> Control | None:
    """What is said to have failed in the last run."""
    direction = to_client(text)
    return failed_during(direction, runs(direction)[-1], SETTINGS)


def as_large(text: str) -> tuple[bool, bool]:
    """Whether packets as large passed: before, and meanwhile or afterwards."""
    direction = to_client(text)
    before, after = as_large_passed(direction, runs(direction)[-1])
    return before is not None, after is not None


def test_silence_is_no_control() -> None:
    assert during(STUCK) is None


def test_what_was_sent_before_the_head_is_no_control_in_the_episode() -> None:
    direction = to_client(STUCK)
    assert passed_before(direction, runs(direction)[0], SETTINGS) is not None
    assert during(STUCK) is None


def test_a_smaller_packet_that_is_sacked_passed() -> None:
    control = during(STUCK + "0.10 S > C data 1549:1600\n 0.12 C > S ack 101 sack 1549:1600")
    assert control is not None
    assert control.sure
    assert len(control.frames) == 2


def test_a_packet_as_large_that_is_sacked_is_no_smaller_one() -> None:
    text = STUCK + "0.043 S > C data 1549:2997\n 0.054 C > S ack 101 sack 1549:2997"
    assert during(text) is None
    assert as_large(text) == (False, True)


def test_an_ack_that_ends_the_peers_retransmissions_passed() -> None:
    assert during(STUCK + "1.0 C > S data 518:600\n 1.01 S > C ack") is not None


def test_an_ack_proves_nothing_while_the_peer_may_still_resend() -> None:
    assert during(STUCK + "3.0 C > S data 518:600\n 3.01 S > C ack") is None


def test_an_ack_proves_nothing_if_the_peer_sends_again() -> None:
    text = STUCK + "1.0 1.2 1.6 2.4 C > S data 518:600\n 1.01 1.21 1.61 2.41 S > C ack lost"
    assert during(text) is None
    assert failed(text) is not None


def test_a_bare_ack_of_the_peer_is_no_request() -> None:
    assert during(STUCK + "1.0 2.0 C > S keepalive") is None


def test_a_smaller_packet_without_an_answer_failed() -> None:
    assert failed(STUCK + "0.10 S > C data 1549:1600 lost") is not None


def test_a_smaller_packet_sent_as_the_capture_ends_has_not_failed_yet() -> None:
    assert failed(STUCK + "3.27 S > C data 1549:1600 lost") is None


def test_as_large_before_is_told_from_as_large_afterwards() -> None:
    early = BEFORE.replace("data 1:101", "data 1:1449").replace("ack 101", "ack 1449")
    late = STUCK.replace("101:1549", "1449:2897").removeprefix(BEFORE)
    assert as_large(early + late) == (True, False)
    assert as_large(STUCK) == (False, False)


def test_a_packet_one_byte_smaller_is_not_as_large() -> None:
    text = STUCK + "0.043 S > C data 1549:2996\n 0.054 C > S ack 101 sack 1549:2996"
    assert as_large(text) == (False, False)
    assert during(text) is not None


def test_another_connection_of_the_same_hosts_is_a_control() -> None:
    other = """
    handshake [b] at 1.0
    1.021 1.9 2.8          C > S [b] data 1:41 step 40
    1.031 1.91 2.81        S > C [b] data 1:81 step 80
    1.051 1.93 2.83        C > S [b] ack
    """
    assert during(STUCK + other) is not None
    assert during(STUCK + other + "flow b client 10.7.7.7") is None
