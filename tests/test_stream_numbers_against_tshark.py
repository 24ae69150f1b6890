"""tshark as judge: streams are numbered as Wireshark numbers `tcp.stream`, case by case."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import analyzer
from tests.builders import (
    ACK,
    CLIENT,
    CLIENT6,
    FIN,
    PSH,
    RST,
    SERVER,
    SYN,
    Packet,
    address,
    icmp,
    ipv4,
    ipv6,
    tcp,
)
from tests.test_against_tshark import rows_of, streams, to_client, to_server, tshark, written

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


OTHER = to_server(sport=2222, flags=SYN)
OPENED = [to_server(flags=SYN, seq=1), to_client(flags=SYN | ACK, seq=100, ack=2)]

NUMBERING = {
    "a SYN sent again": [*OPENED, to_server(flags=SYN, seq=1)],
    "ports reused": [*OPENED, to_server(flags=SYN, seq=9), to_client(flags=SYN | ACK, seq=500, ack=10)],
    "an old SYN/ACK after the reuse": [*OPENED, to_server(flags=SYN, seq=9), OPENED[1]],
    "ports reused twice, the second time with the first number": [*OPENED, to_server(flags=SYN, seq=9), OPENED[0]],
    "SYN/ACKs with other numbers": [
        *OPENED,
        to_client(flags=SYN | ACK, seq=200, ack=2),
        to_server(seq=2, ack=101),
        to_client(flags=SYN | ACK, seq=300, ack=2),
    ],
    "reuse by the other side": [
        *OPENED,
        to_client(flags=SYN, seq=700),
        to_server(flags=SYN | ACK, seq=800, ack=701),
        to_client(flags=SYN, seq=100),
    ],
    "a refused SYN tried again": [
        to_server(flags=SYN, seq=1),
        to_client(flags=RST | ACK, ack=2),
        to_server(flags=SYN, seq=1),
        to_client(flags=RST | ACK, ack=2),
        to_server(flags=SYN, seq=5),
    ],
    "the same SYN after a FIN": [*OPENED, to_server(flags=FIN | ACK, seq=2, ack=101), to_server(flags=SYN, seq=1)],
    "a SYN after a start in the middle": [
        to_server(seq=50, ack=9),
        to_server(flags=SYN, seq=49),  # the number before the first byte: the same connection
        to_client(flags=SYN, seq=8),
        to_server(flags=SYN, seq=50),
    ],
    "an acknowledgement number without the flag": [
        to_client(flags=PSH, ack=77),
        to_server(flags=SYN, seq=76),
        to_server(flags=SYN, seq=9),
    ],
    "SYN with other flags": [to_server(flags=SYN | flag, seq=flag) for flag in (FIN, RST, PSH, 0x20, 0xC0)],
    "addresses and ports crossed": [
        ipv4(tcp(sport=80, dport=81, flags=SYN), src=CLIENT, dst=SERVER),
        ipv4(tcp(sport=80, dport=81, flags=SYN), src=SERVER, dst=CLIENT),
        ipv4(tcp(sport=81, dport=80), src=SERVER, dst=CLIENT),
    ],
    "a host talking to itself": [
        ipv4(tcp(sport=80, dport=81, flags=SYN, seq=1), src=CLIENT, dst=CLIENT),
        ipv4(tcp(sport=81, dport=80, flags=SYN | ACK, seq=9, ack=2), src=CLIENT, dst=CLIENT),
        ipv4(tcp(sport=80, dport=80, flags=SYN, seq=1), src=CLIENT, dst=CLIENT),
        ipv4(tcp(sport=80, dport=80, flags=SYN, seq=2), src=CLIENT, dst=CLIENT),
    ],
    "IPv6 beside IPv4": [ipv6(tcp(flags=SYN)), to_server(flags=SYN), ipv6(tcp(flags=SYN, seq=9))],
}


def error(quote: bytes, kind: int = 3, code: int = 4) -> bytes:
    return ipv4(icmp(kind, code, bytes(4), quote), src="198.51.100.1", dst=CLIENT, protocol=1)


def error6(quote: bytes, kind: int = 2) -> bytes:
    return ipv6(icmp(kind, 0, bytes(4), quote), src="2001:db8::1", dst=CLIENT6, following=58)


UNKNOWN = to_server(bytes(1000), sport=1111, seq=77)
UNKNOWN6 = ipv6(tcp(bytes(1000), sport=1111, seq=77))

QUOTES = {
    "8 bytes of TCP": [error(UNKNOWN[:28])],
    "15 bytes of TCP": [error(UNKNOWN[:35])],
    "16 bytes of TCP": [error(UNKNOWN[:36])],
    "all of it": [error(UNKNOWN[:500])],
    "IPv6, 8 bytes": [error6(UNKNOWN6[:48])],
    "IPv6, 16 bytes": [error6(UNKNOWN6[:56])],
    "IPv6, all of it": [error6(UNKNOWN6)],
    "quoted twice": [error(UNKNOWN), error(UNKNOWN)],
    "quoted before it comes": [error(UNKNOWN), to_server(sport=1111, seq=5, flags=SYN)],
    "of a known flow": [to_server(sport=1111), error(UNKNOWN)],
    "in the other direction": [to_server(flags=SYN, seq=5), error(to_client(seq=7, ack=6))],
    "a quoted SYN that reuses ports": [*OPENED, error(to_server(flags=SYN, seq=7)), to_server(seq=2)],
    "a wrong checksum": [error(UNKNOWN)[:-1] + b"\xff"],
    "a fragment": [error(ipv4(tcp(bytes(100), sport=1111), df=False, more=True))],
    "a malformed TCP header": [error(to_server()[:32] + b"\x40" + to_server()[33:])],
    "an IP length below the TCP header": [error(ipv4(tcp(sport=1111), total=30))],
    **{f"type {kind}": [error(UNKNOWN, kind, 0)] for kind in (0, 3, 4, 5, 8, 11, 12, 13)},
    **{f"ICMPv6 type {kind}": [error6(UNKNOWN6, kind)] for kind in (1, 2, 3, 4, 5, 128)},
}


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[list[int], list[int]]]:
    """Stream numbers in each case, ours and tshark's, counted from the packet in front of the case.

    All cases lie in one capture, each with a client address of its own.
    """
    packets: list[bytes] = []
    spans: dict[str, range] = {}
    for number, (name, case) in enumerate({**NUMBERING, **QUOTES}.items()):
        start = len(packets) + 1
        for packet in [to_server(sport=1), *case, to_server(sport=2)]:
            own = packet.replace(address(CLIENT), bytes([10, 0, 0, number]))
            packets.append(own.replace(address(CLIENT6), address(f"2001:db8::10:{number:x}")))
        spans[name] = range(start, len(packets) + 1)
    path = written(tmp_path_factory.mktemp("numbering"), packets)
    rows, theirs = rows_of(path), tshark(path)
    return {
        name: (
            [int(rows[frame]["flow"] - rows[span[0]]["flow"]) for frame in span if frame in rows],
            [int(theirs[frame].stream) - int(theirs[span[0]].stream) for frame in span if frame in rows],
        )
        for name, span in spans.items()
    }


@pytest.mark.parametrize("name", [*NUMBERING, *QUOTES])
def test_stream_numbers_case_by_case(numbered: dict[str, tuple[list[int], list[int]]], name: str) -> None:
    ours, theirs = numbered[name]
    assert ours == theirs
    assert ours[0] == 0
    assert len(ours) >= 2


def test_a_flow_that_is_only_quoted_is_not_reported(tmp_path: Path) -> None:
    analysis = analyzer.analyze(written(tmp_path, [error(UNKNOWN), OTHER]))
    assert [flow.stream for flow in analysis.all_flows] == [1]
    assert analysis.totals.flows == 1


def test_cut_and_malformed_tcp_headers_can_have_a_number(tmp_path: Path) -> None:
    cut = [Packet(i, to_server(sport=7000 + i)[: 20 + i], 40) for i in range(21)]
    short = [ipv4(tcp(sport=8000 + i)[:i]) for i in range(21)]
    malformed = [to_server()[:32] + bytes([words << 4]) + to_server()[33:] for words in (0, 4, 6, 15)]
    ours, theirs = streams(written(tmp_path, [*cut, OTHER, *short, *malformed, to_server(sport=3333)]))
    assert ours == theirs
    assert len(ours) == 8  # five of the cut ones (whoever holds the window is whole enough) and one of the short ones
    assert ours[-1] == "12"  # five of each kind, OTHER, and the malformed ones
