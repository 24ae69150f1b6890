"""Integers in network byte order and Internet checksums, read from a buffer of bytes.

Every read goes through an index, so reading past the buffer raises IndexError in both modes
(the kernels are compiled with bounds checks). `+ 0` turns a uint8 element into a 64-bit integer
in compiled code and changes nothing in interpreted code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyzer.kernel import inlined, kernel

if TYPE_CHECKING:
    Buffer = memoryview | bytes | bytearray
else:
    Buffer = Any
"""A memoryview (interpreted) or a numpy uint8 array (compiled); both are read by index only."""


@inlined
def be16(buf: Buffer, o: int) -> int:
    """Unsigned 16-bit big-endian integer at offset `o`."""
    return ((buf[o] + 0) << 8) | (buf[o + 1] + 0)


@inlined
def be32(buf: Buffer, o: int) -> int:
    """Unsigned 32-bit big-endian integer at offset `o`."""
    return ((buf[o] + 0) << 24) | ((buf[o + 1] + 0) << 16) | ((buf[o + 2] + 0) << 8) | (buf[o + 3] + 0)


@inlined
def le16(buf: Buffer, o: int) -> int:
    """Unsigned 16-bit little-endian integer at offset `o`."""
    return ((buf[o + 1] + 0) << 8) | (buf[o] + 0)


@inlined
def le32(buf: Buffer, o: int) -> int:
    """Unsigned 32-bit little-endian integer at offset `o`."""
    return ((buf[o + 3] + 0) << 24) | ((buf[o + 2] + 0) << 16) | ((buf[o + 1] + 0) << 8) | (buf[o] + 0)


@inlined
def int16(buf: Buffer, o: int, big: int) -> int:
    """Unsigned 16-bit integer in the byte order of the capture file (`big` is 1 or 0)."""
    if big:
        return be16(buf, o)
    return le16(buf, o)


@inlined
def int32(buf: Buffer, o: int, big: int) -> int:
    """Unsigned 32-bit integer in the byte order of the capture file (`big` is 1 or 0)."""
    if big:
        return be32(buf, o)
    return le32(buf, o)


@kernel
def ones_sum(buf: Buffer, start: int, end: int, total: int) -> int:
    """Add the 16-bit words of buf[start:end] to a one's-complement sum and fold it (RFC 1071)."""
    o = start
    while o + 1 < end:
        total += be16(buf, o)
        o += 2
    if o < end:
        total += (buf[o] + 0) << 8
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total
