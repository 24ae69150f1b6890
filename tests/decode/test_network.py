"""IPv4 and IPv6 headers, byte by byte."""

from __future__ import annotations

import pytest

from analyzer.decode.packet_fields import (
    DF,
    DST,
    FRAGMENT,
    IP_END,
    IP_ID,
    IP_LEN,
    L4,
    PAYLOAD,
    PROTO,
    SPORT,
    SRC,
    TTL,
    VERSION,
)
from tests.builders import RAW, ethernet, ipv4, ipv6, tcp
from tests.reading import decode

IPV4 = bytes.fromhex(
    "45 00 05dc"  # version, header length, total length 1500
    "abcd 4000"  # identification, DF
    "3f 06 0000"  # TTL 63, TCP
    "c000020a cb00710a"  # 192.0.2.10 -> 203.0.113.10
)
IPV6 = bytes.fromhex(
    "60000000 05b4 06 3f"  # payload length 1460, TCP, hop limit 63
    "20010db8000c00000000000000000010"
    "20010db8000500000000000000000010"
)
SEGMENT = tcp(sport=4711)


def test_every_field_of_an_ipv4_header() -> None:
    h, reason = decode(IPV4 + SEGMENT, RAW, 1500)
    assert reason == ""
    assert (h[VERSION], h[IP_LEN], h[IP_ID], h[DF], h[FRAGMENT]) == (4, 1500, 0xABCD, 1, 0)
    assert (h[TTL], h[PROTO], h[L4], h[IP_END]) == (63, 6, 20, 40)
    assert h[SRC : SRC + 4] == [0xC000020A, 0, 0, 0]
    assert h[DST : DST + 4] == [0xCB00710A, 0, 0, 0]
    assert h[PAYLOAD] == 1460


def test_every_field_of_an_ipv6_header() -> None:
    h, reason = decode(IPV6 + SEGMENT, RAW, 1500)
    assert reason == ""
    assert (h[VERSION], h[IP_LEN], h[IP_ID], h[DF], h[FRAGMENT]) == (6, 1500, -1, 1, 0)
    assert (h[TTL], h[PROTO], h[L4], h[IP_END]) == (63, 6, 40, 60)
    assert h[SRC : SRC + 4] == [0x20010DB8, 0x000C0000, 0, 0x10]
    assert h[DST : DST + 4] == [0x20010DB8, 0x00050000, 0, 0x10]
    assert h[PAYLOAD] == 1440


@pytest.mark.parametrize("words", range(1, 11))
def test_ipv4_options_are_stepped_over(words: int) -> None:
    h, reason = decode(ipv4(tcp(b"12345", sport=4711), options=b"\x01" * 4 * words), RAW)
    assert (reason, h[L4], h[SPORT], h[PAYLOAD]) == ("", 20 + 4 * words, 4711, 5)


def test_ethernet_padding_is_not_payload() -> None:
    frame = ethernet(ipv4(tcp())) + bytes(6)  # padded to 60 bytes
    h, reason = decode(frame, 1)
    assert (reason, h[IP_END], h[PAYLOAD]) == ("", 54, 0)


def test_df_of_ipv4_is_its_bit() -> None:
    assert [decode(ipv4(SEGMENT, df=df), RAW)[0][DF] for df in (True, False)] == [1, 0]


def test_fragments_of_ipv4() -> None:
    first, reason = decode(ipv4(tcp(bytes(100)), df=False, more=True), RAW)
    assert (reason, first[FRAGMENT]) == ("", 1)
    for offset in (8, 1480, 32768, 65528):
        for more in (True, False):
            later, reason = decode(ipv4(bytes(100), df=False, offset=offset, more=more), RAW)
            assert (reason, later[FRAGMENT]) == ("later fragment", 2)


def test_a_length_of_0_means_offload_and_the_wire_length_counts() -> None:
    for packet, header in ((ipv4(tcp(bytes(3000)), total=0), 40), (ipv6(tcp(bytes(3000)), length=0), 60)):
        h, reason = decode(ethernet(packet, 0x0800 if header == 40 else 0x86DD)[: 14 + header], 1, 14 + len(packet))
        assert (reason, h[IP_LEN], h[PAYLOAD]) == ("", 0, 3000)


HOP_BY_HOP = bytes.fromhex("3c 00 050200000100")  # then destination options; router alert, padding
DESTINATION = bytes.fromhex("2b 01 010c000000000000000000000000")  # then routing; 16 bytes
ROUTING = bytes.fromhex("33 00 0400 00000000")  # then authentication; segment routing without segments
AUTHENTICATION = bytes.fromhex("87 04 0000 00000001 00000001 000000000000000000000000")  # then mobility; 24 bytes
MOBILITY = bytes.fromhex("06 00 000000000000")  # then TCP
ALL_EXTENSIONS = HOP_BY_HOP + DESTINATION + ROUTING + AUTHENTICATION + MOBILITY


def test_ipv6_extension_headers_are_stepped_over() -> None:
    h, reason = decode(ipv6(ALL_EXTENSIONS + tcp(b"12345", sport=4711), following=0), RAW)
    assert (reason, h[PROTO], h[L4], h[SPORT], h[PAYLOAD]) == ("", 6, 40 + len(ALL_EXTENSIONS), 4711, 5)


@pytest.mark.parametrize(
    ("header", "fragment", "expected"),
    [
        ("06 00 0001 00000001", 1, ""),  # offset 0, more to come
        ("06 00 0000 00000001", 0, ""),  # atomic fragment (RFC 6946): a whole packet
        ("06 00 05a9 00000001", 2, "later fragment"),
        ("06 00 05a8 00000001", 2, "later fragment"),
    ],
)
def test_the_ipv6_fragment_header(header: str, fragment: int, expected: str) -> None:
    h, reason = decode(ipv6(bytes.fromhex(header) + tcp(bytes(8)), following=44), RAW)
    assert (h[FRAGMENT], reason) == (fragment, expected)


def test_extension_headers_without_end_are_not_followed_for_ever() -> None:
    endless = bytes.fromhex("3c 00 010400000000") * 50
    assert decode(ipv6(endless, following=60), RAW)[1] == "not TCP or ICMP"


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (bytes.fromhex("44") + IPV4[1:], "IP header malformed"),  # header length 16
        (bytes.fromhex("45 00 0013") + IPV4[4:], "IP header malformed"),  # total length 19
        (bytes.fromhex("46 00 0017") + IPV4[4:] + bytes(4), "IP header malformed"),
        (ipv4(b"", protocol=17), "not TCP or ICMP"),
        (ipv4(b"", protocol=58), "not TCP or ICMP"),  # ICMPv6 over IPv4
        (ipv6(b"", following=1), "not TCP or ICMP"),  # ICMP over IPv6
        (ipv6(b"", following=59), "not TCP or ICMP"),  # no next header
        (ipv6(bytes.fromhex("06 05 000000000000"), following=0), "IP header malformed"),  # 48 bytes in 8
        (ipv6(bytes.fromhex("06 00 0000"), following=0), "IP header malformed"),  # 8 bytes in 4
    ],
)
def test_malformed_and_foreign_packets(packet: bytes, reason: str) -> None:
    assert decode(packet + bytes(60), RAW)[1] == reason


@pytest.mark.parametrize(("kind", "packet"), [(0x86DD, IPV4), (0x0800, IPV6)])
def test_a_version_that_contradicts_the_link_type_is_malformed(kind: int, packet: bytes) -> None:
    assert decode(ethernet(packet + SEGMENT, kind), 1)[1] == "IP header malformed"


@pytest.mark.parametrize(
    ("packet", "header"),
    [
        (IPV4 + SEGMENT, 20),
        (ipv4(SEGMENT, options=b"\x01" * 40), 60),
        (IPV6 + SEGMENT, 40),
        (ipv6(ALL_EXTENSIONS + SEGMENT, following=0), 40 + len(ALL_EXTENSIONS)),
        (ipv6(bytes.fromhex("06 00 0001 00000001") + SEGMENT, following=44), 48),
    ],
    ids=["IPv4", "IPv4 options", "IPv6", "IPv6 extensions", "IPv6 fragment"],
)
def test_an_ip_header_cut_anywhere_says_so(packet: bytes, header: int) -> None:
    frame = ethernet(packet, 0x0800 if packet[0] >> 4 == 4 else 0x86DD)
    for length in range(header):
        assert decode(frame[: 14 + length], 1, len(frame))[1] == "IP header cut by snap length"
    for length in range(header, header + 16):
        assert decode(frame[: 14 + length], 1, len(frame))[1] == "TCP header cut by snap length"
    assert decode(frame[: 14 + header + 16], 1, len(frame))[1] == ""
