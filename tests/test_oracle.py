"""dpkt as oracle: whatever the skim reads of a packet, dpkt reads the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.decode.dpkt_decoder import decode_icmp_packet, decode_tcp_packet
from analyzer.decode.icmp import KIND_ERROR, KIND_PTB, icmp_kind
from analyzer.decode.packet_fields import (
    ACK,
    CHECKSUM,
    DF,
    DPORT,
    DSACK,
    DST,
    ECHO_ID,
    ECHO_SEQ,
    FLAGS,
    FRAGMENT,
    HAS_TS,
    ICMP_CODE,
    ICMP_MTU,
    ICMP_TYPE,
    IP_ID,
    IP_LEN,
    MSS,
    PAYLOAD,
    PROTO,
    QUOTE,
    SACK_OK,
    SEQ,
    SPORT,
    SRC,
    TCP_LEN,
    TTL,
    VERSION,
    WINDOW,
    WSCALE,
)
from analyzer.decode.packet_fields import COUNT as FIELDS
from analyzer.flows.icmp_quotes import QUOTED_SEQ, read_quote
from tests.builders import RAW, ipv4, ipv6, mss, sack, tcp, timestamps, window_scale
from tests.reading import CAPTURES, decode, decoded


def address(h: list[int], place: int) -> bytes:
    packed = b"".join(word.to_bytes(4) for word in h[place : place + 4])
    return packed if h[VERSION] == 6 else packed[:4]


def check_ip(h: list[int], packet: Any) -> None:
    v6 = isinstance(packet, dpkt.ip6.IP6)
    assert h[VERSION] == (6 if v6 else 4)
    assert (address(h, SRC), address(h, DST)) == (packet.src, packet.dst)
    if v6:
        assert (h[IP_LEN], h[TTL], h[DF], h[IP_ID]) == (40 + packet.plen, packet.hlim, 1, -1)
        assert h[PROTO] == packet.p
    else:
        assert (h[IP_LEN], h[TTL], h[DF], h[IP_ID]) == (packet.len, packet.ttl, packet.df, packet.id)
        assert (h[PROTO], h[FRAGMENT]) == (packet.p, 1 if packet.mf else 0)


def is_dsack(ack: int, blocks: list[tuple[int, int]]) -> bool:
    """RFC 2883 4, written with 32-bit distances instead of comparisons of unwrapped numbers."""

    def distance(a: int, b: int) -> int:
        return (b - a + 2**31) % 2**32 - 2**31

    if not blocks:
        return False
    left, right = blocks[0]
    if distance(left, ack) > 0:
        return True
    return len(blocks) > 1 and distance(blocks[1][0], left) >= 0 and distance(right, blocks[1][1]) >= 0


def check_tcp(h: list[int], packet: Any, header_len: int) -> None:
    segment = packet.data
    assert isinstance(segment, dpkt.tcp.TCP)
    assert (h[SPORT], h[DPORT], h[SEQ], h[ACK]) == (segment.sport, segment.dport, segment.seq, segment.ack)
    assert (h[FLAGS], h[WINDOW], h[CHECKSUM]) == (segment.flags & 0xFF, segment.win, segment.sum)
    assert h[TCP_LEN] == segment.off * 4
    assert h[PAYLOAD] == h[IP_LEN] - header_len - segment.off * 4
    options = dict(dpkt.tcp.parse_opts(segment.opts)) if len(segment.opts) == segment.off * 4 - 20 else None
    if options is None:
        return  # the snap length cut them
    assert h[MSS] == int.from_bytes(options.get(2, b"\xff"), "big", signed=2 not in options)
    assert h[WSCALE] == (min(options[3][0], 14) if 3 in options else -1)
    assert (h[SACK_OK], h[HAS_TS]) == (int(4 in options), int(8 in options))
    edges = [int.from_bytes(options[5][i : i + 4]) for i in range(0, len(options[5]), 4)] if 5 in options else []
    assert h[DSACK] == is_dsack(segment.ack, list(zip(edges[::2], edges[1::2], strict=True)))


def check_icmp(h: list[int], packet: Any, buffer: bytes) -> None:
    message = packet.data
    assert (h[ICMP_TYPE], h[ICMP_CODE]) == (message.type, message.code)
    if icmp_kind(h) == KIND_PTB:
        assert h[ICMP_MTU] == message.data.mtu
    if isinstance(message.data, (dpkt.icmp.ICMP.Echo, dpkt.icmp6.ICMP6.Echo)):
        assert (h[ECHO_ID], h[ECHO_SEQ]) == (message.data.id, message.data.seq)
    if icmp_kind(h) in (KIND_PTB, KIND_ERROR):
        quoted = message.data.data
        q = [0] * FIELDS
        assert h[QUOTE]
        if read_quote(memoryview(buffer), h, q) == QUOTED_SEQ:
            check_ip(q, quoted)
            transport = quoted.data if isinstance(quoted.data, bytes) else bytes(quoted.data)
            assert [q[SPORT], q[DPORT], q[SEQ]] == [int.from_bytes(transport[a:b]) for a, b in ((0, 2), (2, 4), (4, 8))]


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_every_packet_of_every_capture(path: Path) -> None:
    """All of them are Ethernet; what the skim did not decode, dpkt must not find TCP or ICMP in either."""
    tcp_seen = 0
    for frame, h, reason in decoded(path):
        packet = dpkt.ethernet.Ethernet(frame).data
        if reason:
            assert reason == "not IP"
            assert not isinstance(packet, (dpkt.ip.IP, dpkt.ip6.IP6))
            continue
        check_ip(h, packet)
        if isinstance(packet, dpkt.ip.IP):
            header_len = packet.hl * 4
        else:
            header_len = 40 + sum(len(bytes(each)) for each in packet.all_extension_headers)
        if isinstance(packet.data, dpkt.tcp.TCP):
            tcp_seen += 1
            check_tcp(h, packet, header_len)
            head = frame[14 : 14 + header_len + h[TCP_LEN]]
            full = decode_tcp_packet(head)
            assert full is not None
            assert (full.seq, full.df) == (h[SEQ], bool(h[DF]))
        else:
            check_icmp(h, packet, frame)
    assert tcp_seen


words = st.integers(0, 2**32 - 1)
ports = st.integers(0, 2**16 - 1)
option_lists = st.lists(
    st.one_of(
        st.builds(mss, ports),
        st.builds(window_scale, st.integers(0, 255)),
        st.builds(timestamps, words, words),
        st.lists(st.tuples(words, words), min_size=1, max_size=3).map(lambda blocks: sack(*blocks)),
        st.binary(max_size=6).map(lambda value: bytes([253, 2 + len(value)]) + value),  # RFC 6994 experiment
    ),
    max_size=3,
    unique_by=lambda option: option.lstrip(b"\x01")[0],
).filter(lambda options: sum(map(len, options)) <= 40)


@given(
    sport=ports,
    dport=ports,
    seq=words,
    ack=words,
    flags=st.integers(0, 255),
    window=ports,
    options=option_lists,
    size=st.integers(0, 3000),
    v6=st.booleans(),
    df=st.booleans(),
)
def test_any_segment(
    sport: int,
    dport: int,
    seq: int,
    ack: int,
    flags: int,
    window: int,
    options: list[bytes],
    size: int,
    v6: bool,
    df: bool,
) -> None:
    segment = tcp(
        bytes(size),
        sport=sport,
        dport=dport,
        seq=seq,
        ack=ack,
        flags=flags,
        window=window,
        options=b"".join(options),
    )
    packet = ipv6(segment) if v6 else ipv4(segment, df=df)
    h, reason = decode(packet, RAW)
    assert reason == ""
    oracle = dpkt.ip6.IP6(packet) if v6 else dpkt.ip.IP(packet)
    check_ip(h, oracle)
    check_tcp(h, oracle, 40 if v6 else 20)


@given(st.binary(max_size=120), st.sampled_from([0, 1, 12, 101, 108, 113, 228, 276, 147]), st.integers(0, 70000))
def test_no_bytes_make_the_decoder_fail(frame: bytes, link: int, wire_len: int) -> None:
    decode(frame, link, max(wire_len, len(frame)))


ip_protocols = st.sampled_from([0, 1, 6, 43, 44, 51, 58, 60, 135])


@given(st.binary(min_size=60, max_size=200), st.sampled_from([0x45, 0x4F, 0x60]), ip_protocols, ip_protocols, st.data())
def test_no_packet_makes_the_full_decoder_fail(
    packet: bytes, first: int, protocol: int, following: int, data: st.DataObject
) -> None:
    head = bytearray(packet)
    head[0] = first
    head[6 if first == 0x60 else 9] = protocol
    head[40] = following  # what stands behind an IPv6 extension header
    length = data.draw(st.integers(0, len(head)))
    decode_tcp_packet(bytes(head[:length]))
    decode_icmp_packet(bytes(head[:length]))


def test_an_extension_header_behind_a_fragment_header_does_not_make_the_full_decoder_fail() -> None:
    authentication = bytes.fromhex("06 04 0000 00000001 00000001 000000000000000000000000")
    fragment = bytes.fromhex("33 00 0001 00000001")
    packet = ipv6(fragment + authentication + tcp(), following=44)
    assert decode_tcp_packet(packet) is None  # dpkt 1.9.8 cannot read it
