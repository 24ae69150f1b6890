"""The complete decode of what evidence rests on: whole packets, cut packets, quotes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from analyzer.decode.dpkt_decoder import FullIcmp, FullTcp, Quote, decode_icmp_packet, decode_tcp_packet
from tests.builders import (
    ACK,
    CLIENT,
    CLIENT6,
    PSH,
    SERVER,
    SERVER6,
    frag_needed,
    ipv4,
    ipv6,
    sack,
    tcp,
    timestamps,
    too_big,
)

SEGMENT = tcp(
    bytes(1000),
    sport=4711,
    dport=443,
    seq=0xFFFFFFFE,
    ack=5000,
    flags=PSH | ACK,
    window=501,
    options=timestamps(7, 8) + sack((6000, 7000), (8000, 9000)),
)
HOP_BY_HOP = bytes.fromhex("06 00 050200000100")


@pytest.mark.parametrize(
    ("packet", "df"),
    [
        (ipv4(SEGMENT), True),
        (ipv4(SEGMENT, df=False), False),
        (ipv4(SEGMENT, options=b"\x01" * 12), True),
        (ipv6(SEGMENT), True),
        (ipv6(HOP_BY_HOP + SEGMENT, following=0), True),
    ],
    ids=["IPv4", "IPv4 without DF", "IPv4 options", "IPv6", "IPv6 extension"],
)
def test_every_field_of_a_segment(packet: bytes, df: bool) -> None:
    assert decode_tcp_packet(packet) == FullTcp(0xFFFFFFFE, df, ((6000, 7000), (8000, 9000)))


@pytest.mark.parametrize(
    "options",
    [
        b"\x02\x00\x05\xb4",
        b"\x05\x04\x01\x02",
        b"\x08\x0a\x01\x02",
        b"\xff\xff\xff\xff",
        b"\x01\x01\x01\x02",  # kind without a length
        b"\x00" + sack((6000, 7000)),  # behind the end of options
    ],
)
def test_malformed_options_leave_the_other_fields(options: bytes) -> None:
    assert decode_tcp_packet(ipv4(tcp(bytes(9), seq=7, options=options))) == FullTcp(7, True, ())


@pytest.mark.parametrize(
    ("packet", "header"),
    [(ipv4(SEGMENT), 20), (ipv6(SEGMENT), 40), (ipv6(HOP_BY_HOP + SEGMENT, following=0), 48)],
    ids=["IPv4", "IPv6", "IPv6 extension"],
)
def test_a_segment_cut_anywhere_behind_its_options_is_complete(packet: bytes, header: int) -> None:
    whole = decode_tcp_packet(packet)
    for length in range(header + 20 + 32, len(packet) + 1):
        assert decode_tcp_packet(packet[:length]) == whole
    for length in range(header + 16):
        assert decode_tcp_packet(packet[:length]) is None


@pytest.mark.parametrize("build", [ipv4, ipv6])
def test_a_segment_cut_anywhere_in_its_options_keeps_those_before(build: Callable[[bytes], bytes]) -> None:
    packet = build(SEGMENT)
    start = len(packet) - 1000 - 32
    for length in range(start, start + 32):
        full = decode_tcp_packet(packet[:length])
        assert full is not None
        assert full.seq == 0xFFFFFFFE
        blocks = max(0, length - start - 16) // 8
        assert full.sack == ((6000, 7000), (8000, 9000))[:blocks]


def test_no_tcp_packet_is_none() -> None:
    for packet in (b"", b"\x00" * 60, ipv4(bytes(8), protocol=17), ipv4(frag_needed(1400, b""), protocol=1)):
        assert decode_tcp_packet(packet) is None


QUOTED = ipv4(SEGMENT)
QUOTED6 = ipv6(SEGMENT)


def test_a_fragmentation_needed_and_its_quote() -> None:
    message = ipv4(frag_needed(1400, QUOTED[:28]), src="198.51.100.1", dst=CLIENT, protocol=1)
    assert decode_icmp_packet(message) == FullIcmp(
        src="198.51.100.1",
        dst=CLIENT,
        kind=3,
        code=4,
        mtu=1400,
        quote=Quote(CLIENT, SERVER, 1072, True, 4711, 443, 0xFFFFFFFE, ip_id=1, protocol=6, transport=QUOTED[20:28]),
    )


def test_a_packet_too_big_and_its_quote() -> None:
    message = ipv6(too_big(1400, QUOTED6[:100]), src="2001:db8::1", dst=CLIENT6, following=58)
    assert decode_icmp_packet(message) == FullIcmp(
        src="2001:db8::1",
        dst=CLIENT6,
        kind=2,
        code=0,
        mtu=1400,
        quote=Quote(CLIENT6, SERVER6, 1092, True, 4711, 443, 0xFFFFFFFE, protocol=6, transport=QUOTED6[40:64]),
    )


@pytest.mark.parametrize(
    ("message", "header", "quoted_header"),
    [
        (ipv4(frag_needed(1400, QUOTED), protocol=1), 20, 20),
        (ipv6(too_big(1400, QUOTED6), following=58), 40, 40),
    ],
    ids=["IPv4", "IPv6"],
)
def test_a_message_cut_anywhere_gives_what_is_there(message: bytes, header: int, quoted_header: int) -> None:
    for length in range(len(message)):
        full = decode_icmp_packet(message[:length])
        if length < header + 8:
            assert full is None
            continue
        assert full is not None
        assert full.mtu == 1400
        there = length - header - 8 - quoted_header
        if there < 0:
            assert full.quote is None
            continue
        assert full.quote is not None
        assert (full.quote.sport, full.quote.dport) == (
            4711 if there >= 2 else None,
            443 if there >= 4 else None,
        )
        assert full.quote.seq == (0xFFFFFFFE if there >= 8 else None)


def test_a_quote_of_another_protocol_has_no_ports() -> None:
    full = decode_icmp_packet(ipv4(frag_needed(1400, ipv4(bytes(100), protocol=17)), protocol=1))
    assert full is not None
    assert full.quote is not None
    assert (full.quote.sport, full.quote.seq) == (None, None)
