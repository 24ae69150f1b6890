"""UDP conversations written packet by packet, and what is said of them."""

from __future__ import annotations

import io
from collections.abc import Iterable

import analyzer
from analyzer.model.trouble import Trouble
from analyzer.model.verdicts import SIZE_PROBLEMS
from tests.builders import CLIENT, CLIENT6, SECOND, SERVER, SERVER6, Packet, ipv4, ipv6, pcap, udp
from tests.builders import UDP as PROTO_UDP

FAR = 58
"""TTL of what has passed routers."""


def sent(
    at: float,
    payload: bytes,
    *,
    back: bool = False,
    sport: int = 40000,
    dport: int = 53,
    df: bool = True,
    ttl: int | None = None,
    v6: bool = False,
) -> Packet:
    """A datagram from the client, or back from the server, beside which the capture is taken."""
    message = udp(payload, sport=dport, dport=sport) if back else udp(payload, sport=sport, dport=dport)
    hops = (64 if back else FAR) if ttl is None else ttl
    if v6:
        ends = (SERVER6, CLIENT6) if back else (CLIENT6, SERVER6)
        packet = ipv6(message, src=ends[0], dst=ends[1], following=PROTO_UDP, hop_limit=hops)
    else:
        ends = (SERVER, CLIENT) if back else (CLIENT, SERVER)
        packet = ipv4(message, src=ends[0], dst=ends[1], protocol=PROTO_UDP, df=df, ttl=hops)
    return Packet(int(at * SECOND), packet)


def question(ident: int, name: bytes = b"\x05small\x07example\x00") -> bytes:
    return ident.to_bytes(2) + bytes.fromhex("01200001000000000001") + name + bytes.fromhex("00100001")


def answer(ident: int, size: int) -> bytes:
    """So large that its IP packet has `size` bytes."""
    return (ident.to_bytes(2) + bytes.fromhex("85000001000100000001")).ljust(size - 28, b"\x07")


EDGES = [sent(0, b"x", sport=9, dport=9), sent(90, b"x", sport=9, dport=9)]
"""The capture begins before, and ends after."""


def analysed(packets: Iterable[Packet]) -> analyzer.Analysis:
    return analyzer.analyze(io.BytesIO(pcap(sorted([*packets, *EDGES], key=lambda packet: packet.ts))))


def rules(packets: Iterable[Packet]) -> list[tuple[str, str]]:
    """Rule and confidence of each conversation that something is said of."""
    flows = analysed(packets).all_udp_flows
    plain = ("udp/small", "udp/one-direction", "udp/full-size", "udp/without-df")
    return [(flow.rule, flow.confidence) for flow in flows if flow.rule not in plain]


def accused(packets: Iterable[Packet]) -> list[Trouble]:
    return [t for t in analysed(packets).all_troubles if t.kind == "udp" and t.verdict in SIZE_PROBLEMS]
