"""UDP that only looks as if large datagrams got lost: each trap beside the fault that it looks like."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pytest

import analyzer
from analyzer.model.verdicts import SIZE_PROBLEMS
from tests.builders import CLIENT, SECOND, SERVER, Packet, ipv4, pcap, udp
from tests.builders import UDP as PROTO_UDP
from tests.datagram_talk import EDGES, FAR, accused, analysed, answer, question, sent
from tests.verdicts.test_conversation_rules import dns, large_question, quic

OTHER = "203.0.113.99"
"""Another address of the server."""


def between(
    at: float, payload: bytes, src: str, dst: str, ports: tuple[int, int], *, df: bool = True, ttl: int = 64
) -> Packet:
    message = udp(payload, sport=ports[0], dport=ports[1])
    return Packet(int(at * SECOND), ipv4(message, src=src, dst=dst, protocol=PROTO_UDP, df=df, ttl=ttl))


def small_talk(at: float = 4) -> list[Packet]:
    """Small questions and their answers in each conversation, seen beside the client."""
    return [
        *(sent(at + i / 10, question(3), sport=40000 + i, ttl=64) for i in range(3)),
        *(sent(at + 0.05 + i / 10, answer(3, 120), sport=40000 + i, back=True, ttl=FAR) for i in range(3)),
    ]


def anycast() -> list[Packet]:
    """The question goes to one address, and is answered from another, large; so it is asked again."""
    found = small_talk()
    for i in range(4):
        found.append(sent(10 + i, question(77).ljust(1400, b"\0"), ttl=64))
        found.append(between(10.05 + i, answer(77, 1400), OTHER, CLIENT, (53, 40000), ttl=FAR))
    return found


def gives_up() -> list[Packet]:
    """Each time another identifier, from another port: nothing is sent again, so nothing is known to be lost."""
    return [
        *small_talk(),
        *(sent(10 + 5 * i, question(100 + i).ljust(1400, b"\0"), sport=40000 + i % 2, ttl=64) for i in range(4)),
    ]


def slow_server() -> list[Packet]:
    """It answers each question, only later than the client waits."""
    asked = [sent(10 + 2 * i, question(77), ttl=64) for i in range(4)]
    answers = [sent(13 + 2 * i, answer(77, 1400), back=True, ttl=FAR) for i in range(4)]
    return [*small_talk(), *asked, *answers]


def slow_server_at_its_side() -> list[Packet]:
    """The same, captured beside the server: each answer comes after the next question, and the last ends it."""
    asked = [sent(10 + i, question(77)) for i in range(4)]
    answers = [sent(12.9 + i, answer(77, 1400), back=True) for i in range(4)]
    small = [sent(4, question(3)), sent(4.05, answer(3, 120), back=True)]
    return [*small, *asked, *answers]


def rebinding() -> list[Packet]:
    """A NAT gives the connection another port: QUIC goes on from there, and the old port is silent."""
    talk = [sent(5, quic(1250), ttl=64, dport=443), sent(5.1, quic(1250, ident=b"zyx"), back=True, ttl=FAR, dport=443)]
    talk += [sent(6 + 2**i, b"\x41" * 1300, ttl=64, dport=443) for i in range(3)]  # sent again before the new port
    for i in range(6):
        talk.append(sent(20 + i, bytes([0x42, i]) * 650, sport=40777, ttl=64, dport=443))
        talk.append(sent(20.1 + i, bytes([0x43, i]) * 20, sport=40777, back=True, ttl=FAR, dport=443))
    return talk


def syslog() -> list[Packet]:
    """Large messages that repeat themselves, since a daemon says the same again, and small ones."""
    large = [sent(5 + 2**i, b"<13>" + b"E" * 1400, dport=514, ttl=64) for i in range(5)]
    return [*large, *(sent(6 + i, b"<13>ok %d" % i, dport=514, ttl=64) for i in range(20))]


def rtp() -> list[Packet]:
    """Video one way, and RTCP reports the other way now and then, on the next port."""
    video = [sent(5 + i / 30, b"\x80\x60" + i.to_bytes(2) + bytes(1300), sport=5004, dport=5004) for i in range(300)]
    reports = [sent(5 + 2.5 * i, b"\x81\xc9" + bytes(30), sport=5005, dport=5005, back=True) for i in range(5)]
    return [*video, *reports]


def mdns() -> list[Packet]:
    """Large announcements, again and again at growing gaps (RFC 6762 8.3)."""
    message = bytes.fromhex("000084000000000400000000") + b"m" * 1388
    large = [between(5 + 2**i, message, CLIENT, "224.0.0.251", (5353, 5353)) for i in range(6)]
    return [*large, *(between(6 + i, message[:80], CLIENT, "224.0.0.251", (5353, 5353)) for i in range(4))]


def one_direction() -> list[Packet]:
    """Only what the client sends was captured: it asks again, and nobody knows what came of that."""
    return [
        packet for packet in [*small_talk(), *large_question()] if packet.data[12:16] == ipv4(b"", src=CLIENT)[12:16]
    ]


def from_the_middle() -> list[Packet]:
    """The capture begins after the first answers: what came before is not known, and then all goes on."""
    late = [sent(6 + 3 * i, b"\x01\x09" + (1372).to_bytes(2) + b"\x05" * 1368, dport=1812, ttl=64) for i in range(2)]
    done = [sent(10, bytes([2, 9]) + (1372).to_bytes(2) + b"\x07" * 1368, dport=1812, back=True, ttl=FAR)]
    return [*late, *done]


def lossy_capture() -> list[Packet]:
    """Everything is answered once, but of the answers the capture missed most; later ones as large are there."""
    asked = [sent(10 + 3 * i, question(77).ljust(1372, b"\1"), ttl=64) for i in range(4)]
    return [*small_talk(), *asked, sent(19.05, answer(77, 1400), back=True, ttl=FAR)]


def twice(packets: list[Packet], gap: int = 20_000) -> list[Packet]:
    """Every packet captured twice."""
    return [each for packet in packets for each in (packet, Packet(packet.ts + gap, packet.data))]


def healthy() -> list[Packet]:
    """Questions with large answers, each once."""
    found = []
    for i in range(5):
        found += [sent(10 + i, question(50 + i)), sent(10.02 + i, answer(50 + i, 1400), back=True)]
    return found


TRAPS: dict[str, Callable[[], list[Packet]]] = {
    "a server that answers from another address": anycast,
    "a client that gives up and asks something else": gives_up,
    "a server that is slow": slow_server,
    "a server that is slow, seen at its side": slow_server_at_its_side,
    "a NAT that binds another port": rebinding,
    "syslog": syslog,
    "RTP": rtp,
    "mDNS": mdns,
    "one direction only": one_direction,
    "a capture that begins in the middle": from_the_middle,
    "a capture that loses packets": lossy_capture,
    "each packet captured twice": lambda: twice(healthy()),
    "each packet captured twice, far apart": lambda: twice(healthy(), 50_000_000),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_what_only_looks_like_it_accuses_nobody(trap: str) -> None:
    assert accused(TRAPS[trap]()) == []
    assert not {flow.verdict for flow in analysed(TRAPS[trap]()).all_udp_flows} & SIZE_PROBLEMS


def unanswered() -> list[Packet]:
    """As `anycast`, but no answer comes from anywhere."""
    return [packet for packet in anycast() if packet.data[12:16] != bytes(map(int, OTHER.split(".")))]


FAULTS: dict[str, Callable[[], list[Packet]]] = {
    "large answers, seen beside the server": dns,
    "a large request, seen beside the client": large_question,
    "each packet captured twice": lambda: twice(dns()),
    "each packet captured twice, at two interfaces": lambda: twice(large_question(), 300_000),
    "a large question, of which smaller ones are answered": unanswered,
    "beside one-way traffic": lambda: [*dns(), *syslog(), *mdns()],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_fault_itself_is_still_seen(fault: str) -> None:
    [trouble] = accused(FAULTS[fault]())
    assert trouble.lost in (1400, 1428)


@pytest.mark.parametrize("seed", range(20))
def test_a_healthy_exchange_of_which_the_capture_lost_packets_accuses_nobody(seed: int) -> None:
    random = np.random.default_rng(seed)
    packets = [packet for packet in [*healthy(), *small_talk(), *rtp()[:40]] if random.random() > 0.3]
    assert accused(packets) == []


@pytest.mark.parametrize("cut", range(1, 9))
def test_the_fault_begun_in_the_middle_is_never_more_certain(cut: int) -> None:
    packets = sorted(dns(), key=lambda packet: packet.ts)[cut:]
    assert {trouble.confidence for trouble in accused(packets)} <= {"low"}


class Points(NamedTuple):
    """The same exchange, captured at both ends."""

    client: list[Packet]
    server: list[Packet]


def at_both_ends(*, lost: bool) -> Points:
    """A large answer, asked for again and again: it crosses, or it does not."""
    client, server = [], []
    for i in range(4 if lost else 1):
        client.append(between(10 + i, question(77), CLIENT, SERVER, (40000, 53)))
        server.append(between(10.01 + i, question(77), CLIENT, SERVER, (40000, 53), ttl=FAR))
        server.append(between(10.02 + i, answer(77, 1400), SERVER, CLIENT, (53, 40000)))
        if not lost:
            client.append(between(10.03 + i, answer(77, 1400), SERVER, CLIENT, (53, 40000), ttl=FAR))
    for to, ttls in ((client, (64, FAR)), (server, (FAR, 64))):
        to.append(between(11.2, question(5), CLIENT, SERVER, (40001, 53), ttl=ttls[0]))
        to.append(between(11.25, answer(5, 120), SERVER, CLIENT, (53, 40001), ttl=ttls[1]))
        to.extend(EDGES)
    return Points(client, server)


@pytest.mark.parametrize("lost", [True, False])
def test_both_ends_given_together_are_judged_as_the_fault_is(lost: bool) -> None:
    captures = [io.BytesIO(pcap(sorted(part, key=lambda packet: packet.ts))) for part in at_both_ends(lost=lost)]
    found = analyzer.analyze(captures)
    troubles = [trouble for trouble in found.all_troubles if trouble.kind == "udp"]
    assert [(each.sender, each.receiver, each.lost) for each in troubles] == ([(SERVER, CLIENT, 1400)] if lost else [])
    streams = [flow.stream for flow in found.all_udp_flows]
    assert len(streams) == len(set(streams)) == 3


def test_of_quic_the_way_out_is_tcp() -> None:
    talk = [sent(5, quic(1250), ttl=64, dport=443), sent(5.1, quic(1250, ident=b"zyx"), back=True, ttl=FAR, dport=443)]
    talk += [sent(6 + 2**i, quic(1400, kind=0xE3, number=i), ttl=64, dport=443) for i in range(4)]
    [trouble] = accused(talk)
    [step] = [fix for fix in trouble.fixes if fix.short == "let QUIC fall back to TCP"]
    assert f"-d {SERVER} --dport 443 -j REJECT" in step.command
    assert not [fix for trouble in accused(dns()) for fix in trouble.fixes if "QUIC" in fix.short]


def announced(gaps: Sequence[float]) -> list[Packet]:
    """Small datagrams that are answered, and a large one that is sent again and again, of an unknown protocol."""
    packets, at = [], 2.5
    for i in range(40):
        packets.append(sent(1 + i, b"k%03d" % i, sport=5000, dport=5000, ttl=64))
        packets.append(sent(1.01 + i, b"r%03d" % i, sport=5000, dport=5000, back=True, ttl=FAR))
    for gap in (*gaps, 0):
        packets.append(sent(at, b"state" * 270, sport=5000, dport=5000, ttl=64))
        at += gap
    return sorted(packets, key=lambda packet: packet.ts)


def test_what_is_sent_again_at_growing_gaps_is_not_said_to_come() -> None:
    """It may be waiting for an answer, or not; what comes back meanwhile may be about anything."""
    told = [
        [flow.rule for flow in analysed(announced(gaps)).all_udp_flows if flow.server.port == 5000] for gaps in GAPS
    ]
    assert told == [["udp/repeated"], ["udp/full-size"]], "at regular times nobody waits"


GAPS = ((1, 2, 4, 8, 16), (5, 5, 5, 5, 5))
