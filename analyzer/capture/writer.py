"""Writing pcapng (draft-ietf-opsawg-pcapng): one section, times in nanoseconds.

section: byte-order magic, version, length unknown, options     interface: link type, snap length, options
enhanced packet: interface, time, captured and wire length, data, options     statistics: interface, time, options
"""

from __future__ import annotations

import struct
from typing import BinaryIO

from analyzer.capture.capture_filter import INTERFACE, LIBPCAP_STRING, OPTION_FILTER, SECTION
from analyzer.capture.pcapng import (
    BYTE_ORDER_MAGIC,
    ENHANCED_PACKET,
    OPTION_DROPPED_BY_INTERFACE,
    OPTION_PACKET_FLAGS,
    OPTION_TSRESOL,
    STATISTICS,
)

OPTION_COMMENT = 1
OPTION_APPLICATION = 4
NANOSECONDS = 9  # if_tsresol: a power of ten
UNKNOWN_LENGTH = (1 << 64) - 1
LONGEST_OPTION = 65_535
END_OF_OPTIONS = bytes(4)


class CaptureWriter:
    """Writes blocks to an open binary file. Strings are cut where they do not fit an option."""

    def __init__(self, out: BinaryIO, application: str, comment: str = "") -> None:
        self._out = out
        self._interfaces = 0
        options = _text(OPTION_COMMENT, comment) + _text(OPTION_APPLICATION, application)
        self._block(SECTION, struct.pack("<IHHQ", BYTE_ORDER_MAGIC, 1, 0, UNKNOWN_LENGTH), options)

    def interface(self, link_type: int, *, snap: int = 0, capture_filter: str = "") -> int:
        """Describe an interface; returns its number. `snap` 0: packets are not cut at one length."""
        options = _option(OPTION_TSRESOL, bytes([NANOSECONDS]))
        if capture_filter:
            options += _option(OPTION_FILTER, bytes([LIBPCAP_STRING]) + capture_filter.encode()[: LONGEST_OPTION - 1])
        self._block(INTERFACE, struct.pack("<HHI", link_type, 0, snap), options)
        self._interfaces += 1
        return self._interfaces - 1

    def packet(self, interface: int, ts: int, data: bytes, wire_len: int, *, comment: str = "", way: int = 0) -> None:
        """Write a packet: `ts` in ns, `way` 1 inbound, 2 outbound, 0 unknown."""
        # The clock has no sign: a time before 1970 becomes its first moment.
        ticks = max(ts, 0)
        fixed = struct.pack("<5I", interface, ticks >> 32, ticks & 0xFFFFFFFF, len(data), max(wire_len, len(data)))
        options = _text(OPTION_COMMENT, comment)
        if way:
            options += _option(OPTION_PACKET_FLAGS, struct.pack("<I", way))
        self._block(ENHANCED_PACKET, fixed + data + bytes(-len(data) % 4), options)

    def dropped(self, interface: int, ts: int, packets: int) -> None:
        """Note how many packets the capturing host lost at an interface, as known at `ts` ns."""
        ticks = max(ts, 0)
        fixed = struct.pack("<3I", interface, ticks >> 32, ticks & 0xFFFFFFFF)
        self._block(STATISTICS, fixed, _option(OPTION_DROPPED_BY_INTERFACE, struct.pack("<Q", packets)))

    def _block(self, kind: int, fixed: bytes, options: bytes) -> None:
        body = fixed + (options + END_OF_OPTIONS if options else b"")
        length = struct.pack("<I", 12 + len(body))
        self._out.write(struct.pack("<I", kind) + length + body + length)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def _text(code: int, text: str) -> bytes:
    value = text.encode("utf-8", "replace")[:LONGEST_OPTION]
    return _option(code, value) if value else b""
