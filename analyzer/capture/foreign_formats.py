"""What is no pcap and no pcapng, but is known by its beginning: other captures, and archives.

Most start with a magic. ERF (Endace, "ERF Types Reference Guide") has none: it is records only.

record:  0 time (32.32 seconds, little-endian)  8 type (bit 7: extension headers follow, 8 bytes each)  9 flags
         10 length of the record  12 lost packets  14 wire length
"""

from __future__ import annotations

import shlex
from typing import NamedTuple

from analyzer.decode.integers import be16, le32

MAGICS = {
    b"snoop\0\0\0": "a snoop capture",
    b"TRSNIFF data": "a Sniffer capture",
    b"XCP\0": "a NetXRay capture",
    b"GMBU": "a Microsoft Network Monitor capture",
    b"RTSS": "a Microsoft Network Monitor 1 capture",
    b"\x7fver": "an OmniPeek capture",
    b"ObserverPktBuffe": "an Observer capture",
    b"iptrace 1.0": "an AIX iptrace capture",
    b"iptrace 2.0": "an AIX iptrace capture",
    b"\x05VNF": "a Visual Networks capture",
}
"""Capture formats that Wireshark reads and this tool does not: how files of them start."""
ERF_CAPTURE = "an ERF capture"
OTHER_FORMATS = (*dict.fromkeys(MAGICS.values()), ERF_CAPTURE)
ARCHIVES = {
    b"PK\x03\x04": "a zip archive: unpack it first",
    b"Rar!": "a RAR archive: unpack it first",
    b"7z\xbc\xaf": "a 7z archive: unpack it first",
}

ERF_HEADER = 16
ERF_TYPES = range(1, 32)  # those given out, with room for a few more; 0: older than this header
ERF_METADATA = 27
ERF_PAD = 48
ERF_EXTENSION = 8
ERF_ENOUGH = 3  # records in a row that make a file ERF although more follows: as many as Wireshark wants at least
ERF_DISORDER = 1  # seconds by which a record may be older than the one before it, of another port
ERF_PAUSE = 366 * 24 * 3600  # seconds between two records of one capture at most
TEXT = frozenset(b"\t\n\v\f\r" + bytes(range(0x20, 0x7F)))


class Foreign(NamedTuple):
    """A file of another kind; `converts`: editcap makes a capture of it."""

    what: str
    converts: bool


def foreign(start: bytes | bytearray | memoryview, *, whole: bool) -> Foreign | None:
    """What a file is that starts so, and is no pcap or pcapng; None if that is not known.

    `whole`: nothing follows.
    """
    head = bytes(start[:ERF_HEADER])
    for magics, converts in ((MAGICS, True), (ARCHIVES, False)):
        what = next((name for magic, name in magics.items() if head.startswith(magic)), "")
        if what:
            return Foreign(what, converts)
    return Foreign(ERF_CAPTURE, True) if is_erf(start, whole=whole) else None


def no_capture(start: bytes | bytearray | memoryview, *, whole: bool, path: str | None) -> str:
    """What was found in place of a capture, and the command that makes one of it; `path`: its name, if it has one."""
    found = foreign(start, whole=whole)
    what = found.what if found else "another kind of file"
    how = f"; convert it: {_conversion(path)}" if found and found.converts else ""
    return f"expected a pcap or pcapng capture, found {what}{how}"


def _conversion(path: str | None) -> str:
    if path is None:
        return "editcap -F pcapng IN OUT"
    name = f"./{path}" if path.startswith("-") else path  # it must not look like an option
    return f"editcap -F pcapng {shlex.quote(name)} {shlex.quote(name + '.pcapng')}"


def is_erf(start: bytes | bytearray | memoryview, *, whole: bool) -> bool:
    """True if consistent ERF records follow each other from the first byte on: three, or all there are.

    A line end can pass for a type, and lines of equal length for records; but no record's header is all text.
    """
    if TEXT.issuperset(start[:ERF_HEADER]):
        return False
    o = count = latest = 0
    while count < ERF_ENOUGH and o + ERF_HEADER <= len(start):
        kind, length = start[o + 8] & 0x7F, be16(start, o + 10)
        if length < ERF_HEADER or not (kind in ERF_TYPES or (kind == ERF_PAD and count)):
            return False
        if kind != ERF_PAD:  # padding need have no time
            seconds = le32(start, o + 4)
            if be16(start, o + 14) == 0 and kind != ERF_METADATA:
                return False
            if count and not -ERF_DISORDER <= seconds - latest <= ERF_PAUSE:
                return False
            if not _extensions_fit(start, o, length):
                return False
            latest = seconds
        count += 1
        o += length
    return count >= ERF_ENOUGH or (whole and count > 0 and o == len(start))


def _extensions_fit(start: bytes | bytearray | memoryview, o: int, length: int) -> bool:
    """True if the extension headers of the record at `o` end inside of it, as far as it is there."""
    place, following = ERF_HEADER, start[o + 8] & 0x80
    while following:
        if place + ERF_EXTENSION > length:
            return False
        following = start[o + place] & 0x80 if o + place < len(start) else 0
        place += ERF_EXTENSION
    return True
