"""Writing pcapng (draft-ietf-opsawg-pcapng): one section, times in nanoseconds.

section: byte-order magic, version, length unknown, options     interface: link type, snap length, options
enhanced packet: interface, time, captured and wire length, data, options     statistics: interface, time, options
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import BinaryIO, Literal

from analyzer.capture.capture_filter import INTERFACE, LIBPCAP_STRING, OPTION_FILTER, OPTION_NAME, SECTION
from analyzer.capture.pcapng import (
    BYTE_ORDER_MAGIC,
    ENHANCED_PACKET,
    OPTION_DROPPED_BY_INTERFACE,
    OPTION_PACKET_FLAGS,
    OPTION_TSOFFSET,
    OPTION_TSRESOL,
    STATISTICS,
)

ByteOrder = Literal["<", ">"]
"""Little-endian or big-endian, as `struct` has them."""

OPTION_COMMENT = 1
OPTION_APPLICATION = 4
OPTION_PACKET_ID = 5
NANOSECONDS = 9  # if_tsresol: a power of ten
UNKNOWN_LENGTH = (1 << 64) - 1
LONGEST_OPTION = 65_535
END_OF_OPTIONS = bytes(4)


class CaptureWriter:
    """Writes blocks to an open binary file. Strings are cut where they do not fit an option."""

    def __init__(self, out: BinaryIO, application: str, comments: Iterable[str] = ()) -> None:
        self._out = out
        self._interfaces = 0
        self._since: list[int] = []  # ns, of each interface
        out.write(section_header(comments, application))

    def interface(
        self, link_type: int, *, snap: int = 0, capture_filter: str = "", since: int = 0, name: str = ""
    ) -> int:
        """Describe an interface; returns its number. `snap` 0: packets are not cut at one length.

        `since`: a second, UTC, before which no packet of it was captured; its times are written from there on.
        """
        options = option(OPTION_NAME, name.encode()[:LONGEST_OPTION]) if name else b""
        options += option(OPTION_TSRESOL, bytes([NANOSECONDS]))
        if since:
            options += option(OPTION_TSOFFSET, struct.pack("<q", since))
        self._since.append(since * 1_000_000_000)
        if capture_filter:
            options += option(OPTION_FILTER, bytes([LIBPCAP_STRING]) + capture_filter.encode()[: LONGEST_OPTION - 1])
        self._block(INTERFACE, struct.pack("<HHI", link_type, 0, snap), options)
        self._interfaces += 1
        return self._interfaces - 1

    def packet(
        self,
        interface: int,
        ts: int,
        data: bytes,
        wire_len: int,
        *,
        comments: Iterable[str] = (),
        direction: int = 0,
        number: int | None = None,
    ) -> None:
        """Write a packet: `ts` in ns, `direction` 1 inbound, 2 outbound, 0 unknown; `number` is its packet id."""
        ticks = self._ticks(interface, ts)
        fixed = struct.pack("<5I", interface, ticks >> 32, ticks & 0xFFFFFFFF, len(data), max(wire_len, len(data)))
        options = comment_options(comments)
        if direction:
            options += option(OPTION_PACKET_FLAGS, struct.pack("<I", direction))
        if number is not None:
            options += option(OPTION_PACKET_ID, struct.pack("<Q", number))
        self._block(ENHANCED_PACKET, fixed + data + bytes(-len(data) % 4), options)

    def dropped(self, interface: int, ts: int, packets: int) -> None:
        """Note how many packets the capturing host lost at an interface, as known at `ts` ns."""
        ticks = self._ticks(interface, ts)
        fixed = struct.pack("<3I", interface, ticks >> 32, ticks & 0xFFFFFFFF)
        self._block(STATISTICS, fixed, option(OPTION_DROPPED_BY_INTERFACE, struct.pack("<Q", packets)))

    def _ticks(self, interface: int, ts: int) -> int:
        """The interface's clock has no sign: what was before its first moment was then."""
        return max(ts - self._since[interface], 0)

    def _block(self, kind: int, fixed: bytes, options: bytes) -> None:
        self._out.write(block(kind, fixed + (options + END_OF_OPTIONS if options else b"")))


def section_header(comments: Iterable[str], application: str) -> bytes:
    """The block that begins a section of unknown length."""
    fixed = struct.pack("<IHHQ", BYTE_ORDER_MAGIC, 1, 0, UNKNOWN_LENGTH)
    return block(SECTION, fixed + comment_options(comments) + _text(OPTION_APPLICATION, application) + END_OF_OPTIONS)


def block(kind: int, body: bytes, order: ByteOrder = "<") -> bytes:
    """A block: its body, which fills whole words, between its kind and its lengths."""
    length = struct.pack(f"{order}I", 12 + len(body))
    return struct.pack(f"{order}I", kind) + length + body + length


def comment_options(comments: Iterable[str], order: ByteOrder = "<") -> bytes:
    """An option for each comment, which may be there several times; none where the text is empty."""
    return b"".join(_text(OPTION_COMMENT, comment, order) for comment in comments)


def option(code: int, value: bytes, order: ByteOrder = "<") -> bytes:
    """An option, filled up to a whole word."""
    return struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)


def _text(code: int, text: str, order: ByteOrder = "<") -> bytes:
    value = text.encode("utf-8", "replace")[:LONGEST_OPTION].decode("utf-8", "ignore").encode()
    return option(code, value, order) if value else b""
