"""ICMP and ICMPv6: errors with what they quote, checksums, echo."""

from __future__ import annotations

import pytest

from analyzer.decode.icmp import (
    KIND_ECHO_REPLY,
    KIND_ECHO_REQUEST,
    KIND_ERROR,
    KIND_OTHER,
    KIND_PTB,
    icmp_kind,
)
from analyzer.decode.packet_fields import COUNT as FIELDS
from analyzer.decode.packet_fields import (
    DF,
    DPORT,
    DST,
    ECHO_ID,
    ECHO_SEQ,
    ICMP_CODE,
    ICMP_MTU,
    ICMP_SUM,
    ICMP_TYPE,
    IP_LEN,
    QUOTE,
    SEQ,
    SPORT,
    SRC,
)
from analyzer.flows.icmp_quotes import QUOTED_IP, QUOTED_PORTS, QUOTED_SEQ, read_quote
from tests.builders import RAW, frag_needed, icmp, ipv4, ipv6, tcp, timestamps, too_big
from tests.reading import decode

FRAG_NEEDED = bytes.fromhex(
    "45 00 0038 0000 0000 40 01 0000 c6336401 c000020a"  # 198.51.100.1 -> 192.0.2.10, ICMP, 56 bytes
    "03 04 c201 0000 0578"  # fragmentation needed, checksum, next-hop MTU 1400
    "45 00 05dc abcd 4000 3f 06 0000 c000020a cb00710a"  # of 1500 bytes with DF
    "c001 01bb fffffffe"  # 49153 -> 443, sequence number
)
TOO_BIG = bytes.fromhex(
    "60000000 0038 3a 40"  # ICMPv6, 56 bytes
    "20010db8000100000000000000000001 20010db8000c00000000000000000010"
    "02 00 1333 00000578"  # packet too big, checksum, MTU 1400
    "60000000 05b4 06 3f 20010db8000c00000000000000000010 20010db8000500000000000000000010"
    "c001 01bb fffffffe"
)
QUOTED = ipv4(tcp(bytes(1440), sport=4711, dport=443, seq=0xFFFFFFFE, options=timestamps(1, 2)), ident=77)
QUOTED6 = ipv6(tcp(bytes(1440), sport=4711, dport=443, seq=0xFFFFFFFE))


def quote_of(packet: bytes) -> tuple[int, list[int]]:
    """How much of the quoted packet is there, and its fields."""
    h, reason = decode(packet, RAW)
    assert reason == ""
    q = [0] * FIELDS
    return read_quote(memoryview(packet), h, q), q


def test_every_field_of_a_fragmentation_needed() -> None:
    h, reason = decode(FRAG_NEEDED, RAW)
    assert (reason, icmp_kind(h)) == ("", KIND_PTB)
    assert (h[ICMP_TYPE], h[ICMP_CODE], h[ICMP_MTU], h[ICMP_SUM], h[QUOTE]) == (3, 4, 1400, 1, 28)
    quoted, q = quote_of(FRAG_NEEDED)
    assert quoted == QUOTED_SEQ
    assert (q[SRC], q[DST], q[IP_LEN], q[DF]) == (0xC000020A, 0xCB00710A, 1500, 1)
    assert (q[SPORT], q[DPORT], q[SEQ]) == (49153, 443, 0xFFFFFFFE)


def test_every_field_of_a_packet_too_big() -> None:
    h, reason = decode(TOO_BIG, RAW)
    assert (reason, icmp_kind(h)) == ("", KIND_PTB)
    assert (h[ICMP_TYPE], h[ICMP_CODE], h[ICMP_MTU], h[ICMP_SUM], h[QUOTE]) == (2, 0, 1400, 1, 48)
    quoted, q = quote_of(TOO_BIG)
    assert quoted == QUOTED_SEQ
    assert (q[SRC + 1], q[DST + 1], q[IP_LEN], q[DF]) == (0x000C0000, 0x00050000, 1500, 1)
    assert (q[SPORT], q[DPORT], q[SEQ]) == (49153, 443, 0xFFFFFFFE)


def test_the_mtu_of_icmpv6_has_32_bits_and_that_of_icmp_16() -> None:
    assert decode(ipv6(too_big(70_000, QUOTED6), following=58), RAW)[0][ICMP_MTU] == 70_000
    unused = icmp(3, 4, b"\xff\xff\x05\x78", QUOTED[:28])
    assert decode(ipv4(unused, protocol=1), RAW)[0][ICMP_MTU] == 1400


@pytest.mark.parametrize(
    ("there", "expected"),
    [(0, 0), (19, 0), (20, QUOTED_IP), (23, QUOTED_IP), (24, QUOTED_PORTS), (27, QUOTED_PORTS), (28, QUOTED_SEQ)],
)
def test_a_quote_is_used_as_far_as_it_goes(there: int, expected: int) -> None:
    quoted, q = quote_of(ipv4(frag_needed(1400, QUOTED[:there]), protocol=1))
    assert quoted == expected
    if quoted >= QUOTED_IP:
        assert (q[SRC], q[IP_LEN]) == (0xC000020A, 1492)
    if quoted >= QUOTED_PORTS:
        assert (q[SPORT], q[DPORT]) == (4711, 443)
    if quoted >= QUOTED_SEQ:
        assert q[SEQ] == 0xFFFFFFFE


def test_a_quote_with_ip_options_has_its_ports_behind_them() -> None:
    quoted, q = quote_of(ipv4(frag_needed(1400, ipv4(tcp(sport=4711), options=b"\x01" * 8)[:36]), protocol=1))
    assert (quoted, q[SPORT]) == (QUOTED_SEQ, 4711)


@pytest.mark.parametrize(
    ("quote", "expected"),
    [
        (ipv4(bytes(8), protocol=17), QUOTED_IP),
        (ipv4(tcp(), df=False, offset=1480), QUOTED_IP),  # a later fragment has no ports
        (b"\x65" + QUOTED[1:], 0),  # no IPv4 header
        (QUOTED6, 0),  # IPv6 in an ICMP error
    ],
)
def test_quotes_that_name_no_tcp_ports(quote: bytes, expected: int) -> None:
    assert quote_of(ipv4(frag_needed(1400, quote), protocol=1))[0] == expected


@pytest.mark.parametrize(
    ("packet", "kind"),
    [
        (ipv4(icmp(3, 4, bytes(4), QUOTED), protocol=1), KIND_PTB),
        (ipv4(icmp(3, 1, bytes(4), QUOTED), protocol=1), KIND_ERROR),
        (ipv4(icmp(3, 13, bytes(4), QUOTED), protocol=1), KIND_ERROR),
        (ipv4(icmp(4, 0, bytes(4), QUOTED), protocol=1), KIND_ERROR),  # source quench
        (ipv4(icmp(11, 0, bytes(4), QUOTED), protocol=1), KIND_ERROR),  # time exceeded
        (ipv4(icmp(12, 0, bytes(4), QUOTED), protocol=1), KIND_ERROR),  # parameter problem
        (ipv4(icmp(5, 1, bytes(4), QUOTED), protocol=1), KIND_OTHER),  # redirect
        (ipv4(icmp(8, 0, b"\x00\x07\x00\x01", bytes(20)), protocol=1), KIND_ECHO_REQUEST),
        (ipv4(icmp(0, 0, b"\x00\x07\x00\x01", bytes(20)), protocol=1), KIND_ECHO_REPLY),
        (ipv6(icmp(2, 0, bytes(4), QUOTED6), following=58), KIND_PTB),
        (ipv6(icmp(1, 0, bytes(4), QUOTED6), following=58), KIND_ERROR),
        (ipv6(icmp(3, 0, bytes(4), QUOTED6), following=58), KIND_ERROR),
        (ipv6(icmp(4, 1, bytes(4), QUOTED6), following=58), KIND_ERROR),
        (ipv6(icmp(128, 0, b"\x00\x07\x00\x01"), following=58), KIND_ECHO_REQUEST),
        (ipv6(icmp(129, 0, b"\x00\x07\x00\x01"), following=58), KIND_ECHO_REPLY),
        (ipv6(icmp(135, 0, bytes(20)), following=58), KIND_OTHER),  # neighbour solicitation
    ],
)
def test_kinds_of_messages(packet: bytes, kind: int) -> None:
    h, reason = decode(packet, RAW)
    assert (reason, icmp_kind(h)) == ("", kind)


def test_identifier_and_number_of_an_echo() -> None:
    h, _ = decode(ipv4(icmp(8, 0, b"\x12\x34\x00\x09", bytes(56)), protocol=1), RAW)
    assert (h[ECHO_ID], h[ECHO_SEQ]) == (0x1234, 9)


RIGHT, WRONG, UNKNOWN = 1, 2, 0


@pytest.mark.parametrize("length", [28, 29, 100])  # odd lengths are padded with a zero
def test_a_checksum_is_right_wrong_or_unknown(length: int) -> None:
    four = ipv4(frag_needed(1400, QUOTED[:length]), protocol=1)
    six = ipv6(too_big(1400, QUOTED6[:length]), following=58)
    for packet in (four, six):
        assert decode(packet, RAW)[0][ICMP_SUM] == RIGHT
        assert decode(packet[:-1] + bytes([packet[-1] ^ 1]), RAW)[0][ICMP_SUM] == WRONG
        assert decode(packet[:-1], RAW, len(packet))[0][ICMP_SUM] == UNKNOWN
        assert decode(packet + b"padding", RAW)[0][ICMP_SUM] == RIGHT


def test_the_checksum_of_icmpv6_covers_the_addresses() -> None:
    packet = ipv6(too_big(1400, QUOTED6), src="2001:db8::bad", following=58)
    assert decode(packet, RAW)[0][ICMP_SUM] == WRONG


@pytest.mark.parametrize("packet", [FRAG_NEEDED, TOO_BIG], ids=["IPv4", "IPv6"])
def test_a_message_cut_anywhere_gives_a_reason_or_a_shorter_quote(packet: bytes) -> None:
    header = 20 if packet[0] >> 4 == 4 else 40
    for length in range(1, len(packet)):
        h, reason = decode(packet[:length], RAW, len(packet))
        if length < header:
            assert reason == "IP header cut by snap length"
        elif length < header + 8:
            assert reason == "ICMP header cut by snap length"
        else:
            assert (reason, h[ICMP_MTU], h[ICMP_SUM]) == ("", 1400, UNKNOWN)
            quoted, _ = quote_of(packet[:length])
            there = length - header - 8
            assert quoted == (QUOTED_PORTS if there >= header + 4 else QUOTED_IP if there >= header else 0)
