"""The TCP header and its options, byte by byte."""

from __future__ import annotations

import pytest

from analyzer.decode.packet_fields import (
    ACK,
    CHECKSUM,
    DPORT,
    DSACK,
    FLAGS,
    HAS_TS,
    MSS,
    PAYLOAD,
    SACK_OK,
    SEQ,
    SPORT,
    TCP_LEN,
    WINDOW,
    WSCALE,
)
from analyzer.decode.tcp import UNKNOWN
from tests.builders import RAW, SACK_PERMITTED, ethernet, ipv4, ipv6, mss, sack, tcp, timestamps, window_scale
from tests.reading import decode

SYN = bytes.fromhex(
    "c001 01bb"  # 49153 -> 443
    "fffffffe 00000000"  # sequence and acknowledgement number
    "a0 02 faf0"  # header of 40 bytes, SYN, window 64240
    "beef 0000"  # checksum, urgent pointer
    "02 04 05b4"  # MSS 1460
    "04 02"  # SACK permitted
    "08 0a 00000001 00000000"  # timestamps
    "01 03 03 07"  # NOP, window scale 7
)


def test_every_field_of_a_syn() -> None:
    h, reason = decode(ipv4(SYN), RAW)
    assert reason == ""
    assert (h[SPORT], h[DPORT], h[SEQ], h[ACK]) == (49153, 443, 0xFFFFFFFE, 0)
    assert (h[TCP_LEN], h[FLAGS], h[WINDOW], h[CHECKSUM], h[PAYLOAD]) == (40, 0x02, 64240, 0xBEEF, 0)
    assert (h[MSS], h[WSCALE], h[SACK_OK], h[HAS_TS], h[DSACK]) == (1460, 7, 1, 1, 0)


def test_options_that_are_absent() -> None:
    h, _ = decode(ipv4(tcp()), RAW)
    assert (h[MSS], h[WSCALE], h[SACK_OK], h[HAS_TS], h[DSACK]) == (-1, -1, 0, 0, 0)


def test_nop_nop_timestamps_is_what_nearly_every_segment_carries() -> None:
    h, _ = decode(ipv4(tcp(b"x", options=timestamps(1, 2))), RAW)
    assert (h[HAS_TS], h[TCP_LEN], h[PAYLOAD]) == (1, 32, 1)


@pytest.mark.parametrize(
    ("options", "place", "expected"),
    [
        (mss(1), MSS, 1),
        (mss(65535), MSS, 65535),
        (b"\x01" * 8 + mss(1400), MSS, 1400),
        (b"\xfe\x06abcd" + mss(1400), MSS, 1400),  # an unknown option before it
        (window_scale(0), WSCALE, 0),
        (window_scale(14), WSCALE, 14),
        (window_scale(15), WSCALE, 14),  # RFC 7323 2.3: as if 14
        (window_scale(255), WSCALE, 14),
        (SACK_PERMITTED, SACK_OK, 1),
        (timestamps(1, 2) + mss(1400), MSS, 1400),
        # What does not count.
        (b"\x00" + mss(1400), MSS, -1),  # behind the end of options
        (b"\x02\x03\x05", MSS, -1),  # wrong length
        (b"\x02\x06\x05\xb4\x00\x00", MSS, -1),
        (b"\x02\x00\x05\xb4", MSS, -1),  # length 0 must not loop
        (b"\x02\x01\x05\xb4", MSS, -1),
        (b"\x01\x01\x02\x04", MSS, -1),  # runs over the header
        (b"\x01\x01\x01\x02", MSS, -1),  # kind without a length
        (b"\x01\x01\x01\x02", HAS_TS, 0),
    ],
)
def test_options(options: bytes, place: int, expected: int) -> None:
    h, reason = decode(ipv4(tcp(b"payload", options=options)), RAW)
    assert (reason, h[place], h[PAYLOAD]) == ("", expected, 7)


@pytest.mark.parametrize(
    ("ack", "blocks", "expected"),
    [
        (1000, [(2000, 3000)], 0),
        (1000, [(1000, 3000)], 0),
        (1000, [(2000, 3000), (4000, 5000)], 0),
        (1000, [(4000, 5000), (2000, 3000)], 0),
        (1000, [(500, 700)], 1),  # below the cumulative ACK
        (1000, [(500, 700), (2000, 3000)], 1),
        (1000, [(2100, 2200), (2000, 3000)], 1),  # inside the second block
        (1000, [(2000, 3000), (2000, 3000)], 1),
        (1000, [(2000, 3001), (2000, 3000)], 0),
        (100, [(2**32 - 300, 2**32 - 100)], 1),  # below an ACK that wrapped
        (2**32 - 300, [(100, 200)], 0),  # above it
    ],
)
def test_a_dsack_is_told_from_a_sack(ack: int, blocks: list[tuple[int, int]], expected: int) -> None:
    h, reason = decode(ipv4(tcp(ack=ack, options=sack(*blocks))), RAW)
    assert (reason, h[DSACK]) == ("", expected)


def test_payload_comes_from_the_headers_not_from_what_was_captured() -> None:
    whole = ipv4(tcp(bytes(1460), options=timestamps(1, 2)))
    for captured in (len(whole), 1000, 52, 45, 40):
        h, reason = decode(whole[:captured], RAW, len(whole))
        assert (reason, h[PAYLOAD]) == ("", 1460)


@pytest.mark.parametrize(
    "segment",
    [
        tcp()[:12] + b"\x40\x10" + tcp()[14:],  # header of 16 bytes
        tcp()[:12] + b"\xf0\x10" + tcp()[14:],  # header of 60 bytes in a packet of 20
        tcp()[:19],
        tcp()[:1],
    ],
    ids=["header too short", "header beyond the packet", "19 bytes", "1 byte"],
)
def test_a_malformed_header(segment: bytes) -> None:
    for packet in (ipv4(segment), ipv6(segment)):
        assert decode(packet, RAW)[1] == "TCP header malformed"
        padded = ethernet(packet, 0x0800 if packet[0] >> 4 == 4 else 0x86DD) + bytes(60)
        assert decode(padded, 1)[1] == "TCP header malformed"


@pytest.mark.parametrize("packet", [ipv4(SYN + b"payload"), ipv6(SYN + b"payload")], ids=["IPv4", "IPv6"])
def test_a_tcp_header_cut_anywhere_says_so(packet: bytes) -> None:
    start = len(packet) - len(SYN) - 7
    for length in range(start, len(packet) + 1):
        h, reason = decode(packet[:length], RAW, len(packet))
        if length < start + 16:
            assert reason == "TCP header cut by snap length"
        else:
            # The options that are there count.
            there = length - start
            assert (reason, h[PAYLOAD]) == ("", 7)
            assert h[MSS] == (1460 if there >= 24 else -1)
            assert h[SACK_OK] == (there >= 26)
            assert h[HAS_TS] == (there >= 36)
            assert h[WSCALE] == (7 if there >= 40 else UNKNOWN)
