"""Hazards that begin at a moment of the connection."""

from __future__ import annotations

from lab.headers import RST, read_packet
from lab.outages import ForgottenFlow, OutageAfterBytes, OutageAtLarge
from tests.builders import CLIENT, SERVER
from tests.lab.packets import segment


def packet(size: int, port: int = 8080) -> bytes:
    return segment(bytes(size), ports=(port, 5000), seq=1000, ack=77)


def test_an_outage_begins_with_the_first_large_packet_and_ends() -> None:
    passage = OutageAtLarge(min_payload=1000, seconds=2.0).begin()
    assert [len(passage(packet(size), now)) for size, now in ((400, 1.0), (1000, 3.0), (10, 4.9), (1000, 5.0))] == [
        1,
        0,
        0,
        1,
    ]


def test_an_outage_begins_after_so_many_bytes() -> None:
    passage = OutageAfterBytes(payload=1500, seconds=1.0).begin()
    assert [len(passage(packet(1000), now)) for now in (0.0, 0.1, 0.2, 1.1, 1.3)] == [1, 1, 0, 0, 1]


def test_a_forgotten_flow_is_dropped_and_its_neighbour_is_not() -> None:
    passage = ForgottenFlow(port=8080, since=1.0).begin()
    assert len(passage(packet(10), 0.9)) == 1
    assert not passage(packet(10), 1.0)
    assert len(passage(packet(10, port=8081), 2.0)) == 1


def test_a_forgotten_flow_may_be_reset_at_both_ends() -> None:
    towards_sender, onward = ForgottenFlow(port=8080, since=1.0, action="reset").begin()(packet(10), 1.0)
    assert (towards_sender.back, onward.back) == (True, False)
    for fate, source in ((towards_sender, CLIENT), (onward, SERVER)):
        seen = read_packet(fate.packet)
        assert seen is not None
        assert seen.flags & RST
        assert seen.source == source
