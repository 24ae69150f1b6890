"""Large packets of tunnels that come alone, and DNS questions asked again: both modes alike, and bounded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.flows.conversation_tables import TIMED_ROWS
from analyzer.flows.flow_tables import C_CONVERSATIONS, C_SERIES, C_UDP_ROWS, C_UDP_STREAMS, State
from tests.builders import CLIENT, SECOND, SERVER, Packet, ipv4, pcap, udp
from tests.builders import UDP as PROTO_UDP
from tests.profiles import examples
from tests.reading import skim

ESP = 50
HEADS = {51820: bytes([4, 0, 0, 0, 9, 9, 9, 9]), 4500: b"\0\0\1\2", 1194: bytes([0x48, 0, 0, 1]), 7000: b"other"}


def packet(ms: int, port: int, size: int, back: bool = False, number: int = 0) -> Packet:
    """Of a tunnel on that port; port 0 is ESP."""
    ends = (SERVER, CLIENT) if back else (CLIENT, SERVER)
    content = (HEADS.get(port, b"\0\0\1\2") + number.to_bytes(8)).ljust(size - 28, b"x")
    message = udp(content, sport=port, dport=port) if port else content
    return Packet(ms * SECOND // 1000, ipv4(message, src=ends[0], dst=ends[1], protocol=PROTO_UDP if port else ESP))


def question(ms: int, port: int, name: bytes, size: int = 0) -> Packet:
    """A DNS question, or an answer of so many bytes."""
    head = bytes([0, port & 255, 0x85 if size else 1, 0, 0, 1, 0, 0, 0, 0, 0, 0])
    content = (head + name + bytes(5)).ljust(size, b"z")
    message = udp(content, sport=53, dport=port) if size else udp(content, sport=port, dport=53)
    ends = (SERVER, CLIENT) if size else (CLIENT, SERVER)
    return Packet(ms * SECOND // 1000, ipv4(message, src=ends[0], dst=ends[1], protocol=PROTO_UDP))


def both(packets: list[Packet]) -> State:
    """The tables of a run, which are the same compiled and interpreted."""
    states = [skim(pcap(packets), compiled=compiled).state for compiled in (False, True)]
    for name in (
        "counters",
        "conversations",
        "udp_sent",
        "udp_alone",
        "timed",
        "timed_heads",
        "questions",
        "datagrams",
    ):
        one, other = (np.asarray(getattr(state, name)) for state in states)
        assert one.tobytes() == other.tobytes(), name
    return states[0]


@examples(60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 51820, 4500, 1194, 7000]),
            st.sampled_from([120, 1400, 1480]),
            st.booleans(),
            st.sampled_from([1, 60, 200, 400, 800, 1600, 3200]),
        ),
        max_size=60,
    )
)
def test_compiled_and_interpreted_agree_about_tunnels(events: list[tuple[int, int, bool, int]]) -> None:
    at, packets = 0, []
    for number, (port, size, back, gap) in enumerate(events):
        at += gap
        packets.append(packet(at, port, size, back, number))
    both(packets)


@examples(60)
@given(
    st.lists(
        st.tuples(
            st.integers(40000, 40003), st.sampled_from([b"\1a", b"\1A", b"\1b"]), st.sampled_from([0, 90, 1400]),
            st.sampled_from([1, 100, 900, 16_000]),
        ),
        max_size=40,
    )
)  # fmt: skip
def test_compiled_and_interpreted_agree_about_questions(events: list[tuple[int, bytes, int, int]]) -> None:
    at, packets = 0, []
    for port, name, size, gap in events:
        at += gap
        packets.append(question(at, port, name, size))
    both(packets)


def test_a_series_has_its_times_and_its_frames() -> None:
    times = (0, 200, 600, 1400)
    state = both([packet(ms, 51820, 1480, number=i) for i, ms in enumerate(times)])
    assert state.counters[C_SERIES] == 1
    rows = state.timed[:TIMED_ROWS][:4]
    assert ((rows["ts"] - rows["ts"][0]) // 1_000_000).tolist() == list(times)
    assert rows["frame"].tolist() == [1, 2, 3, 4]
    assert state.udp_alone["timed"].max() == 4


@pytest.mark.parametrize("port", [7000, 53])
def test_what_is_no_tunnel_has_none(port: int) -> None:
    assert both([packet(ms, port, 1480) for ms in (0, 200, 600, 1400)]).counters[C_SERIES] == 0


def test_esp_is_followed_without_a_stream_number() -> None:
    state = both([packet(0, 0, 1480), packet(5, 0, 120, True), packet(9, 7000, 120)])
    assert (state.counters[C_CONVERSATIONS], state.counters[C_UDP_STREAMS]) == (2, 1)
    assert state.udp_sent["packets"].sum() == 3


@pytest.mark.parametrize(
    ("second", "recorded"),
    [
        (question(1000, 40001, b"\1A"), 3),
        (question(1000, 40001, b"\1b"), 0),
        (question(50, 40001, b"\1a"), 0),
        (question(16_001, 40001, b"\1a"), 0),
    ],
    ids=["the same", "another name", "at once", "much later"],
)
def test_a_question_from_another_port_is_recorded_with_the_one_before(second: Packet, recorded: int) -> None:
    state = both([question(0, 40000, b"\1a"), question(1, 40000, b"\1a", 1400), second])
    assert state.counters[C_UDP_ROWS] == recorded


@pytest.mark.parametrize("answers", [[], [question(1, 40000, b"\1a", 90)]], ids=["none", "small"])
def test_not_but_after_a_large_answer(answers: list[Packet]) -> None:
    state = both([question(0, 40000, b"\1a"), *answers, question(1000, 40001, b"\1a")])
    assert state.counters[C_UDP_ROWS] == 0
