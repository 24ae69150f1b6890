"""Integers in network byte order and Internet checksums, read from a buffer of bytes.

Every read goes through an index, so reading past the buffer raises IndexError in both modes
(the kernels are compiled with bounds checks). `+ 0` turns a uint8 element into a 64-bit integer
in compiled code and changes nothing in interpreted code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.kernels.marks import compiled_as, inlined, kernel

if TYPE_CHECKING:
    Buffer = memoryview | bytes | bytearray
else:
    Buffer = Any
"""A memoryview (interpreted) or a numpy uint8 array (compiled); both are read by index only."""


_ONE = np.uint64(1)
_TWO = np.uint64(2)
_THREE = np.uint64(3)


def _be16(buf: Buffer, o: int) -> int:
    if not 0 <= o <= len(buf) - 2:
        raise IndexError
    at = np.uint64(o)
    return ((buf[at] + 0) << 8) | (buf[at + _ONE] + 0)


def _be32(buf: Buffer, o: int) -> int:
    if not 0 <= o <= len(buf) - 4:
        raise IndexError
    at = np.uint64(o)
    return ((buf[at] + 0) << 24) | ((buf[at + _ONE] + 0) << 16) | ((buf[at + _TWO] + 0) << 8) | (buf[at + _THREE] + 0)


def _le16(buf: Buffer, o: int) -> int:
    if not 0 <= o <= len(buf) - 2:
        raise IndexError
    at = np.uint64(o)
    return ((buf[at + _ONE] + 0) << 8) | (buf[at] + 0)


def _le32(buf: Buffer, o: int) -> int:
    if not 0 <= o <= len(buf) - 4:
        raise IndexError
    at = np.uint64(o)
    return ((buf[at + _THREE] + 0) << 24) | ((buf[at + _TWO] + 0) << 16) | ((buf[at + _ONE] + 0) << 8) | (buf[at] + 0)


@compiled_as(_be16)
def be16(buf: Buffer, o: int) -> int:
    """Unsigned 16-bit big-endian integer at offset `o`."""
    return (buf[o] << 8) | buf[o + 1]


@compiled_as(_be32)
def be32(buf: Buffer, o: int) -> int:
    """Unsigned 32-bit big-endian integer at offset `o`."""
    return (buf[o] << 24) | (buf[o + 1] << 16) | (buf[o + 2] << 8) | buf[o + 3]


@compiled_as(_le16)
def le16(buf: Buffer, o: int) -> int:
    """Unsigned 16-bit little-endian integer at offset `o`."""
    return (buf[o + 1] << 8) | buf[o]


@compiled_as(_le32)
def le32(buf: Buffer, o: int) -> int:
    """Unsigned 32-bit little-endian integer at offset `o`."""
    return (buf[o + 3] << 24) | (buf[o + 2] << 16) | (buf[o + 1] << 8) | buf[o]


def _be16_inside(buf: Buffer, o: int) -> int:
    at = np.uint64(o)
    return ((buf[at] + 0) << 8) | (buf[at + _ONE] + 0)


def _be32_inside(buf: Buffer, o: int) -> int:
    at = np.uint64(o)
    return ((buf[at] + 0) << 24) | ((buf[at + _ONE] + 0) << 16) | ((buf[at + _TWO] + 0) << 8) | (buf[at + _THREE] + 0)


def _le32_inside(buf: Buffer, o: int) -> int:
    at = np.uint64(o)
    return ((buf[at + _THREE] + 0) << 24) | ((buf[at + _TWO] + 0) << 16) | ((buf[at + _ONE] + 0) << 8) | (buf[at] + 0)


@compiled_as(_le32_inside)
def le32_inside(buf: Buffer, o: int) -> int:
    """As `le32`, where the caller has made sure that all four bytes are in `buf`: compiled, nothing checks it again."""
    return (buf[o + 3] << 24) | (buf[o + 2] << 16) | (buf[o + 1] << 8) | buf[o]


@compiled_as(_be16_inside)
def be16_inside(buf: Buffer, o: int) -> int:
    """As `be16`, where the caller has made sure that both bytes are in `buf`: compiled, nothing checks it again."""
    return (buf[o] << 8) | buf[o + 1]


@compiled_as(_be32_inside)
def be32_inside(buf: Buffer, o: int) -> int:
    """As `be32`, where the caller has made sure that all four bytes are in `buf`: compiled, nothing checks it again."""
    return (buf[o] << 24) | (buf[o + 1] << 16) | (buf[o + 2] << 8) | buf[o + 3]


def _at(i: int) -> int:
    return np.uint64(i)  # type: ignore[return-value]


@compiled_as(_at)
def at(i: int) -> int:
    """An index that is not negative: compiled, it is not taken for one that counts from the end."""
    return i


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
