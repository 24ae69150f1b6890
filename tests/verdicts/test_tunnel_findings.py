"""Large packets of encrypted tunnels at the gaps of a timer: said of nothing else, and never an accusation."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence

import pytest

import analyzer
from analyzer.model.verdicts import SIZE_PROBLEMS
from tests.builders import CLIENT, CLIENT6, SECOND, SERVER, SERVER6, Packet, ipv4, ipv6, pcap
from tests.datagram_talk import EDGES, sent

ESP = 50
DOUBLING = (10.0, 10.2, 10.6, 11.4, 13.0, 16.2)
"""Linux, on a path without delay: 0.2 s and twice as long each time (RFC 6298)."""

Make = Callable[[float, int, int, bool], Packet]


def wireguard(at: float, number: int, size: int, back: bool) -> Packet:
    """Transport data: the receiver's index, and a counter."""
    head = bytes([4, 0, 0, 0]) + (7 + back).to_bytes(4) + number.to_bytes(8, "little")
    return sent(at, head.ljust(size - 28, bytes([number & 255])), sport=51820, dport=51820, back=back, df=True)


def openvpn(at: float, number: int, size: int, back: bool) -> Packet:
    """P_DATA_V2: the peer, and the number of the packet."""
    head = bytes([0x48, 0, 0, 1 + back]) + number.to_bytes(4)
    return sent(at, head.ljust(size - 28, bytes([number & 255])), sport=1194, dport=1194, back=back, df=True)


def esp_in_udp(at: float, number: int, size: int, back: bool) -> Packet:
    head = (0xC0FFEE + back).to_bytes(4) + number.to_bytes(4)
    return sent(at, head.ljust(size - 28, bytes([number & 255])), sport=4500, dport=4500, back=back, df=True)


def esp(at: float, number: int, size: int, back: bool) -> Packet:
    head = (0xC0FFEE + back).to_bytes(4) + number.to_bytes(4)
    ends = (SERVER, CLIENT) if back else (CLIENT, SERVER)
    packet = ipv4(head.ljust(size - 20, bytes([number & 255])), src=ends[0], dst=ends[1], protocol=ESP)
    return Packet(int(at * SECOND), packet)


def esp6(at: float, number: int, size: int, back: bool) -> Packet:
    head = (0xC0FFEE + back).to_bytes(4) + number.to_bytes(4)
    ends = (SERVER6, CLIENT6) if back else (CLIENT6, SERVER6)
    packet = ipv6(head.ljust(size - 40, bytes([number & 255])), src=ends[0], dst=ends[1], following=ESP)
    return Packet(int(at * SECOND), packet)


TUNNELS = {"WireGuard": wireguard, "OpenVPN": openvpn, "ESP in UDP": esp_in_udp, "ESP": esp, "ESP over IPv6": esp6}


def talk(make: Make, events: Iterable[tuple[float, int, bool]]) -> list[Packet]:
    """Packets of a tunnel by time, size, and whether they go back; each direction counts its own."""
    counts = [0, 0]
    packets = []
    for at, size, back in sorted(events):
        packets.append(make(at, counts[back], size, back))
        counts[back] += 1
    return packets


def alone(times: Sequence[float] = DOUBLING, size: int = 1480) -> list[tuple[float, int, bool]]:
    """A burst of large ones, and then one alone again and again."""
    burst = [(times[0] - 0.001 * i, size, False) for i in range(1, 10)]
    return [*burst, *((at, size, False) for at in times)]


def small(every: float = 0.9, until: float = 20, start: float = 9.5) -> list[tuple[float, int, bool]]:
    """A request of another connection and its answer, now and then."""
    times = [start + every * i for i in range(int((until - start) / every))]
    return [each for at in times for each in ((at, 124, False), (at + 0.003, 412, True))]


def said(packets: Iterable[Packet]) -> list[str]:
    analysis = analyzer.analyze(io.BytesIO(pcap(sorted([*packets, *EDGES], key=lambda packet: packet.ts))))
    assert not any(each.verdict in SIZE_PROBLEMS for each in analysis.all_troubles), "never more than what it may be"
    assert not any(flow.verdict in (*SIZE_PROBLEMS, "ok", "no_df") for flow in analysis.all_udp_flows)
    return [each.explanation for each in analysis.all_troubles]


@pytest.mark.parametrize("kind", TUNNELS)
def test_what_a_timer_sends_again_is_told_with_where_to_capture_instead(kind: str) -> None:
    [text] = said(talk(TUNNELS[kind], [*alone(), *small()]))
    sender = CLIENT6 if "IPv6" in kind else CLIENT
    for part in (
        "6 packets of 1480 bytes",
        "0.2, 0.4, 0.8, 1.6, 3.2 s",
        "inner interface on " + sender,
        "consistent with",
    ):
        assert part in text


def test_it_is_inconclusive_at_low_confidence_and_names_its_frames() -> None:
    packets = talk(wireguard, [*alone(), *small()])
    analysis = analyzer.analyze(io.BytesIO(pcap(packets)))
    [trouble] = analysis.all_troubles
    assert (trouble.verdict, trouble.confidence, trouble.rule) == ("inconclusive", "low", "tunnels/inconclusive")
    frames = [i + 1 for i, packet in enumerate(packets) if packet.ts / SECOND in DOUBLING]
    assert [ref.frame for ref in trouble.rests_on] == frames
    assert trouble.display_filter == "udp.stream eq 0"
    assert trouble.streams == (0,)
    assert [text for text, _ in trouble.evidence] == [
        "sent alone: 6 packets of 1480 bytes over 6.2 s",
        "not answered: after 4 packets nothing came within the first gap",
    ]
    [flow] = analysis.all_udp_flows
    assert (flow.verdict, flow.rule) == ("inconclusive", "udp/in-tunnel")


def test_esp_is_no_udp_flow_and_takes_no_stream_number() -> None:
    packets = [*talk(esp, [*alone(), *small()]), sent(30, b"x", dport=7000), sent(31, b"x", dport=7000, back=True)]
    analysis = analyzer.analyze(io.BytesIO(pcap(packets)))
    assert [flow.stream for flow in analysis.all_udp_flows] == [0]
    [trouble] = analysis.all_troubles
    assert (trouble.protocol, trouble.streams, trouble.shown_by) == ("esp", (), "tunnel")
    assert trouble.display_filter == f"ip.addr eq {CLIENT} and ip.addr eq {SERVER} and esp"


def test_who_gives_the_connection_up_may_send_once_more() -> None:
    [text] = said(talk(wireguard, [*alone(), *small(), (19, 1480, False), (19.001, 1480, False)]))
    assert "2 more large ones followed" in text


QUIET: dict[str, list[tuple[float, int, bool]]] = {
    "they come at equal gaps": [*alone((10, 11, 12, 13, 14, 15)), *small()],
    "gaps grow otherwise": [*alone((10, 10.3, 10.9, 12.9, 20, 60)), *small()],
    "there are only four": [*alone(DOUBLING[:4]), *small()],
    "they are small": [*alone(size=1200), *small()],
    "sizes differ": [*small(), *((at, 1400 + 16 * i, False) for i, at in enumerate(DOUBLING))],
    "a bulk transfer goes on": [*alone(), *small(), *((17 + i / 1000, 1480, False) for i in range(50))],
    "each is answered at once": [*alone(), *small(), *((at + 0.05, 100, True) for at in DOUBLING)],
    "nothing else flows": alone(),
    "nothing smaller goes the same way": [*alone(), *((9.5 + i, 124, True) for i in range(10))],
    "nothing comes back": [*alone(), *((9.5 + i, 124, False) for i in range(10))],
    "voice comes back all the time": [*alone(), *((9 + i / 50, 200, bool(i % 2)) for i in range(500))],
    "it is idle": [*((10 + 25 * i, 60, i % 2 == 1) for i in range(8))],
    "handshakes are tried every five seconds": [(10 + 5 * i, 176, False) for i in range(12)],
}


@pytest.mark.parametrize("twin", QUIET)
@pytest.mark.parametrize("kind", ["WireGuard", "ESP"])
def test_nothing_is_said_where(kind: str, twin: str) -> None:
    assert said(talk(TUNNELS[kind], QUIET[twin])) == []


def test_what_does_not_count_its_packets_is_no_tunnel() -> None:
    """Some other protocol with the first bytes of WireGuard: the same datagram again."""
    packets = [wireguard(at, 5, size, back) for at, size, back in sorted([*alone(), *small()])]
    assert not any("tunnel" in text for text in said(packets))
