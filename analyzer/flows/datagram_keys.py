"""By what a UDP datagram that is sent again is known.

It is the same where its first and last bytes, its length and its checksum are equal. Two protocols write a new packet
each time; there it is known by what they repeat.
"""

from __future__ import annotations

from analyzer.decode.integers import Buffer, at, be16_inside, be32, be32_inside
from analyzer.kernels.marks import checked_in_front, inlined, kernel, unlikely

UDP_HEADER = 8
DTLS_HANDSHAKE = 22
DTLS_VERSIONS = 0xFE
QUIC_HEADER = 7  # bytes: flags, version, length of the destination's connection identifier
"""RFC 8999 5.1."""

FNV = 0x01000193
SPREAD = (
    0x46CDD1D, 0x49E2D51, 0x694F82B, 0x76165C7, 0x5E3779B, 0x5026F5B, 0x4957F2D, 0x4057B7F, 0x5A53F85, 0x7325C37,
    0x6CF5AD3, 0x635A7BD, 0x7FB41BD,
)  # fmt: skip
"""Odd factors below 2**27, any: the sum of products with them tells words apart (multiply-shift hashing). Compiled code
must not overflow, which LLVM takes for what never happens: a product stays below 2**59, 14 of them below 2**63."""

KEY_BITS = 31


@inlined
@checked_in_front
def datagram_key(buf: Buffer, o: int, end: int, length: int) -> int:
    """What is equal for the same datagram sent again, of the UDP header at `o`, below 2**31 and not 0.

    The caller has made sure that buf[o:end] is there, and holds the header.
    """
    start = o + UDP_HEADER
    first = buf[at(start)] + 0 if start < end else 0
    if unlikely(first == DTLS_HANDSHAKE and start + 25 <= end and buf[at(start + 1)] + 0 == DTLS_VERSIONS):
        # The message, its number and which part of it: but for the number of the record.
        return chained(buf, start + 11, start + 25, length)
    if unlikely(first & 0xC0 == 0xC0 and start + QUIC_HEADER <= end and is_quic(be32_inside(buf, start + 1))):
        # Both are one connection's, whatever they carry.
        return chained(buf, start + 1, min(start + 6 + (buf[at(start + 5)] + 0), end), first & 0x30)
    front = be16_inside(buf, o + 6) << 16 | length
    if unlikely(end - start < 16):
        return chained(buf, start, end, front)
    following = start + 16 if end - start >= 32 else end - 16
    value = (
        front * SPREAD[0]
        + be32_inside(buf, start) * SPREAD[1]
        + be32_inside(buf, start + 4) * SPREAD[2]
        + be32_inside(buf, start + 8) * SPREAD[3]
        + be32_inside(buf, start + 12) * SPREAD[4]
        + be32_inside(buf, following) * SPREAD[5]
        + be32_inside(buf, following + 4) * SPREAD[6]
        + be32_inside(buf, following + 8) * SPREAD[7]
        + be32_inside(buf, following + 12) * SPREAD[8]
    )
    if end - start > 48:
        value += (
            be32_inside(buf, end - 16) * SPREAD[9]
            + be32_inside(buf, end - 12) * SPREAD[10]
            + be32_inside(buf, end - 8) * SPREAD[11]
            + be32_inside(buf, end - 4) * SPREAD[12]
        )
    return max((value ^ (value >> KEY_BITS)) & 0x7FFFFFFF, 1)


@kernel
def chained(buf: Buffer, start: int, stop: int, key: int) -> int:
    """A key of a few bytes, one word after the other."""
    while start + 4 <= stop:
        key = ((key ^ be32(buf, start)) * FNV) & 0xFFFFFFFF
        key ^= key >> 15
        start += 4
    while start < stop:
        key = ((key ^ (buf[start] + 0)) * FNV) & 0xFFFFFFFF
        start += 1
    return max(key & 0x7FFFFFFF, 1)


@kernel
def is_quic(version: int) -> bool:
    """Whether this is a version of QUIC: 1 (RFC 9000), 2 (RFC 9369), or a draft."""
    return version in (1, 0x6B3343CF) or version >> 8 == 0xFF0000
