from __future__ import annotations

import struct
from typing import Any

import pytest

import analyzer
from tests.builders import Packet, ip, pcap
from tests.talk import MS, Talk

GRE, GRE_IPV4 = 47, struct.pack("!HH", 0, 0x0800)


def row(packets: list[Packet], **more: Any) -> dict[str, Any]:
    """The one flow of a capture, by column; what is missing is left out."""
    (found,) = analyzer.analyze(pcap(packets), **more).flows.to_dict("records")
    return {str(name): value for name, value in found.items() if value == value and value is not None}  # noqa: PLR0124


def hang(talk: Talk, **announced: Any) -> list[Packet]:
    """A segment of the server's is lost, sent again after 300, 900 and 2,100 ms, and acknowledged 20 ms later."""
    copies = [talk.data(ms, 0, 1000) for ms in (1000, 1300, 1900, 3100)]
    return [*talk.handshake(**announced), *copies, talk.ack(3120, 1000)]


def test_what_a_hang_looked_like() -> None:
    found = row(hang(Talk(), client_mss=1400, server_mss=1380))
    assert (found["client.mss"], found["server.mss"]) == (1400, 1380)
    assert found["duration"] == pytest.approx(3.12)
    assert found["rtt"] == pytest.approx(0.02)  # SYN to SYN/ACK, and SYN/ACK to ACK
    assert found["retransmissions"] == 3
    assert found["longest_stall"] == pytest.approx(2.12)
    assert "encapsulation" not in found


def test_of_several_waits_the_longest() -> None:
    talk = Talk()
    again = [talk.data(4000, 1000, 500), talk.data(4250, 1000, 500), talk.ack(4270, 1500)]
    found = row([*hang(talk), *again])
    assert found["retransmissions"] == 4
    assert found["longest_stall"] == pytest.approx(2.12)


def test_what_is_not_known_is_missing() -> None:
    talk = Talk()
    quiet = row([*talk.handshake(client_mss=None), talk.data(50, 0, 100), talk.ack(60, 100)])
    assert {"client.mss", "longest_stall"} & quiet.keys() == set()
    assert quiet["server.mss"] == 1460
    assert quiet["retransmissions"] == 0
    late = row([talk.data(50, 0, 100), talk.data(60, 100, 100)])
    assert {"client.mss", "server.mss", "rtt", "longest_stall"} & late.keys() == set()


def test_a_flow_that_was_never_opened() -> None:
    syn, *_ = Talk().handshake(client_mss=1400)
    found = row([syn, Packet(syn.ts + 5 * MS, syn.data)])
    assert found["client.mss"] == 1400
    assert "server.mss" not in found
    assert found["duration"] == pytest.approx(0.005)


def test_the_tunnel_is_named() -> None:
    wrapped = [
        Packet(each.ts, ip(GRE_IPV4 + each.data, src="198.51.100.1", dst="198.51.100.2", protocol=GRE))
        for each in hang(Talk())
    ]
    assert row(wrapped)["encapsulation"] == "GRE"


def test_the_interpreted_and_the_compiled_pass_agree() -> None:
    packets = hang(Talk())
    assert row(packets, compiled=True) == row(packets, compiled=False)
