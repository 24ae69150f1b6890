"""What is said of headers of the usual form, dpkt says as well."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.decode.common_headers import usual_headers
from analyzer.decode.dpkt_decoder import FullTcp, decode_tcp_packet, sack_blocks
from analyzer.settings import HEAD_BYTES
from tests.builders import SACK_PERMITTED, ipv4, ipv6, mss, sack, tcp, timestamps

SEQ = 0xFFFFFFFE
STAMPS = timestamps(7, 8)


def look(packet: bytes, length: int | None = None, *, seq: int = SEQ, df: bool = True) -> tuple[bool, bool, bytes]:
    """Whether the packet has the usual form, whether it is bare, and its TCP options."""
    head = packet[:HEAD_BYTES]
    row = np.full((1, HEAD_BYTES), 0x05, np.uint8)  # what is behind the packet is undefined
    row[0, : len(head)] = np.frombuffer(head, np.uint8)
    length = len(head) if length is None else min(length, len(head))
    usual = usual_headers(row, np.array([length]), np.array([seq]), np.array([int(df)]))
    return bool(usual.form[0]), bool(usual.bare[0]), head[int(usual.begin[0]) : int(usual.end[0])]


@pytest.mark.parametrize("build", [ipv4, ipv6])
@pytest.mark.parametrize(
    ("options", "bare"), [(b"", True), (STAMPS, True), (STAMPS + sack((1, 2)), False), (SACK_PERMITTED, False)]
)
def test_segments_and_acks_have_the_usual_form(build: Callable[[bytes], bytes], options: bytes, bare: bool) -> None:
    for size in (0, 1000):
        packet = build(tcp(bytes(size), seq=SEQ, options=options))
        assert look(packet) == (True, bare, options)


def test_a_super_segment_without_a_length_has_the_usual_form() -> None:
    assert look(ipv4(tcp(bytes(3000), seq=SEQ, options=STAMPS), total=0)) == (True, True, STAMPS)


@pytest.mark.parametrize(("build", "before"), [(ipv4, 20), (ipv6, 40)])
@pytest.mark.parametrize("options", [b"", STAMPS, SACK_PERMITTED])
def test_a_header_may_be_cut_behind_the_window(build: Callable[[bytes], bytes], before: int, options: bytes) -> None:
    packet = build(tcp(bytes(1000), seq=SEQ, options=options))
    for length in range(before + 16, before + 20):
        assert look(packet, length) == (True, True, b"")
    assert look(packet, before + 15)[0] is False


@pytest.mark.parametrize(
    ("packet", "seq", "df"),
    [
        (ipv4(tcp(seq=SEQ)), SEQ + 1, True),
        (ipv4(tcp(seq=SEQ)), SEQ, False),
        (ipv4(tcp(seq=SEQ), df=False), SEQ, True),
        (ipv6(tcp(seq=SEQ)), SEQ, False),
        (ipv4(tcp(seq=SEQ), options=b"\x01" * 4), SEQ, True),
        (ipv4(tcp(seq=SEQ), offset=8), SEQ, True),
        (ipv4(tcp(seq=SEQ), protocol=17), SEQ, True),
        (ipv4(tcp(seq=SEQ), total=39), SEQ, True),
        (ipv6(tcp(seq=SEQ), following=17), SEQ, True),
        (ipv4(tcp(seq=SEQ)[:12] + b"\x40" + tcp(seq=SEQ)[13:]), SEQ, True),
    ],
    ids=["number", "DF set", "DF clear", "IPv6", "options", "fragment", "UDP", "length", "UDP6", "offset"],
)
def test_another_form(packet: bytes, seq: int, df: bool) -> None:
    assert look(packet, seq=seq, df=df)[:2] == (False, False)


options_of_any_kind = st.one_of(
    st.just(b""),
    st.just(STAMPS),
    st.builds(lambda a, b: STAMPS + sack((a, b)), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)),
    st.just(sack((1, 2), (3, 4))),
    st.just(b"\x00" + sack((1, 2))),
    st.builds(mss, st.integers(0, 65535)),
    st.binary(max_size=24),
)


@given(
    st.booleans(),
    options_of_any_kind,
    st.integers(0, 30),
    st.one_of(st.none(), st.integers(0, 80)),
    st.one_of(st.none(), st.integers(0, HEAD_BYTES)),
    st.lists(st.tuples(st.integers(0, 63), st.integers(0, 255)), max_size=2),
)
def test_dpkt_reads_the_same(
    v6: bool, options: bytes, size: int, total: int | None, length: int | None, changes: list[tuple[int, int]]
) -> None:
    segment = tcp(bytes(size), seq=SEQ, options=options)
    packet = bytearray(ipv6(segment) if v6 else ipv4(segment))
    if total is not None:
        packet[4 if v6 else 2 : 6 if v6 else 4] = total.to_bytes(2)
    for place, value in changes:
        if place < len(packet):
            packet[place] = value
    form, bare, packed = look(bytes(packet), length)
    assert not bare or form
    if form:
        head = bytes(packet[:HEAD_BYTES][:length])
        assert decode_tcp_packet(head) == FullTcp(SEQ, True, () if bare else sack_blocks(packed))
