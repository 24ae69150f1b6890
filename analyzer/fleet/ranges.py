"""A large file by ranges of bytes, so that several workers read it: where records start, and what lies between.

Where a record starts in the middle of a file is a guess: a place from which several records follow each other that
could be some (a block of pcapng tells its length twice). Each range is then walked from its start, and must end just
where the next one starts; since the first one starts behind the head of the file, all starts are right if all ranges
end so. If one does not, the file is read as a whole. So is a pcapng file that describes interfaces behind its first
packet: the ranges behind that do not know them.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from analyzer.capture.container import BIG, COUNT, FRACTION_NS, POS, RECORD_HEADER
from analyzer.capture.pcap import FILE_HEADER, IXIA_BYTES, read_file_header
from analyzer.capture.pcapng import (
    BYTE_ORDER_MAGIC,
    CUSTOM,
    CUSTOM_NOT_COPIED,
    ENHANCED_PACKET,
    INTERFACE,
    JOURNAL,
    NAME_RESOLUTION,
    OBSOLETE_PACKET,
    SECTION,
    SIMPLE_PACKET,
    STATISTICS,
)
from analyzer.errors import CaptureError
from analyzer.settings import MAX_RECORD_BYTES

RANGE_BYTES = 64 << 20
"""What one worker reads of a large file at a time."""

FETCHED_BYTES = 8 << 20
"""What is asked for at a time."""

MOST_HEAD_BYTES = 64 << 10
"""Bytes in which the head of a file ends: of pcapng, all before its first packet."""

LIKELY_RECORDS = 8
"""Records that must follow each other from a place before it is taken for the start of one."""

LOOKED_AT_BYTES = 1 << 20
"""Bytes in which a record is looked for; one is 262,144 bytes long at most, but for odd files."""

MOST_APART_S = 86_400
"""Seconds between two records that follow each other."""

PACKETS = (ENHANCED_PACKET, SIMPLE_PACKET, OBSOLETE_PACKET)
BLOCKS = (*PACKETS, SECTION, INTERFACE, STATISTICS, NAME_RESOLUTION, JOURNAL, CUSTOM, CUSTOM_NOT_COPIED)
LEAST_BLOCK = 12
FIXED = {ENHANCED_PACKET: 32, OBSOLETE_PACKET: 32}
"""Bytes of a packet block besides its packet, with both lengths."""

Fetch = Callable[[int, int], bytes]
"""Hands out the bytes of a file from one place to another; fewer where it ends."""

Order = Literal["big", "little"]


@dataclass(frozen=True, slots=True)
class Range:
    """Part of a file, before it is known where records start."""

    start: int
    end: int
    last: bool


def ranges_of(size: int, length: int) -> Iterator[Range]:
    """A file of `size` bytes in ranges of `length`; of the last, which may be half as long again, none is too short."""
    starts = range(0, max(size - length // 2 + 1, 1), length)
    for start in starts:
        last = start == starts[-1]
        yield Range(start, size if last else start + length, last)


def is_plain(head: bytes) -> bool:
    """True if a file that begins so can be read by ranges: pcap or pcapng, and not compressed."""
    if len(head) >= LEAST_BLOCK and _byte_order(head) is not None:
        return True
    return len(head) >= FILE_HEADER and read_file_header(head[:FILE_HEADER], [0] * COUNT)


class _Records(Protocol):
    """How the records of a file follow its head."""

    header_bytes: int
    step: int
    """Records start at multiples of it."""
    described: tuple[int, int]
    """Interfaces that the head describes, and how many of them in sections before its last."""

    def may_start(self, data: bytes, at: int) -> bool:
        """Whether several records follow each other from there on, or one ends with the data."""


class _Pcap:
    step = 1
    described = (0, 0)

    def __init__(self, head: bytes) -> None:
        container = [0] * COUNT
        read_file_header(head[:FILE_HEADER], container)
        self.header_bytes = container[POS]
        self._order: Order = "big" if container[BIG] else "little"
        self._record_header = container[RECORD_HEADER]
        self._fractions = 1_000_000_000 // container[FRACTION_NS]

    def may_start(self, data: bytes, at: int) -> bool:
        before = None
        for number in range(LIKELY_RECORDS):
            if at + self._record_header > len(data):
                return number > 1
            seconds, fraction, captured, wire = (
                int.from_bytes(data[at + i : at + i + 4], self._order) for i in (0, 4, 8, 12)
            )
            if not 0 < captured <= MAX_RECORD_BYTES or captured > wire or wire > MAX_RECORD_BYTES:
                return False
            if fraction >= self._fractions or (before is not None and abs(seconds - before) > MOST_APART_S):
                return False
            before = seconds
            at += self._record_header + captured
        return True


class _Pcapng:
    step = 4

    def __init__(self, head: bytes, order: Order) -> None:
        self._order = order
        at, interfaces, before = 0, 0, 0
        while at + LEAST_BLOCK <= len(head) and self._word(head, at) not in PACKETS:
            if self._word(head, at) == SECTION:
                before = interfaces
            interfaces += self._word(head, at) == INTERFACE
            at += max(self._word(head, at + 4), LEAST_BLOCK)
        self.described = interfaces, before
        self.header_bytes = at if at + LEAST_BLOCK <= len(head) else -1

    def _word(self, data: bytes, at: int) -> int:
        return int.from_bytes(data[at : at + 4], self._order)

    def may_start(self, data: bytes, at: int) -> bool:
        for number in range(LIKELY_RECORDS):
            if at + 8 > len(data):
                return number > 1
            kind, length = self._word(data, at), self._word(data, at + 4)
            if kind not in BLOCKS or length < FIXED.get(kind, LEAST_BLOCK) or length & 3 or length > MAX_RECORD_BYTES:
                return False
            if at + length > len(data):
                return number > 1
            if self._word(data, at + length - 4) != length:
                return False
            if kind in FIXED and self._word(data, at + 20) > length - FIXED[kind]:
                return False
            at += length
        return True


def _byte_order(head: bytes) -> Order | None:
    """Of a pcapng file; None: it is none."""
    if int.from_bytes(head[:4], "big") != SECTION:
        return None
    orders: tuple[Order, Order] = ("little", "big")
    return next((order for order in orders if int.from_bytes(head[8:12], order) == BYTE_ORDER_MAGIC), None)


def _records_of(head: bytes, name: str) -> _Records:
    if not is_plain(head):
        raise CaptureError(name, 0, "expected a capture that is not compressed")
    order = _byte_order(head)
    found: _Records = _Pcap(head) if order is None else _Pcapng(head, order)
    if found.header_bytes < 0:
        raise CaptureError(name, 0, f"expected a packet within {MOST_HEAD_BYTES >> 10} KiB, found none")
    return found


class RangeFile(io.RawIOBase):
    """The records of a range, as a file: the head of the whole file, then what lies between two starts of records.

    Args:
        fetch: reads the whole file.
        name: what messages call it.
        wanted: the range.

    Raises:
        CaptureError: no start of a record is found.
    """

    def __init__(self, fetch: Fetch, name: str, wanted: Range) -> None:
        head = fetch(0, max(MOST_HEAD_BYTES, FILE_HEADER + IXIA_BYTES))
        self._records = _records_of(head, name)
        self.header_bytes = self._records.header_bytes
        self.described = self._records.described
        self._fetch = fetch
        self._name = name
        self._end = wanted.end if wanted.last else self._start_behind(wanted.end)
        self._place = self.header_bytes if wanted.start == 0 else self._start_behind(wanted.start)
        self._ready = memoryview(head[: self.header_bytes])

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, target: Any) -> int:
        """Read on."""
        view = memoryview(target)
        if not len(self._ready) and self._place < self._end:
            data = self._fetch(self._place, min(self._place + FETCHED_BYTES, self._end))
            self._ready = memoryview(data)
            self._place += len(data)
        count = min(len(self._ready), len(view))
        view[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _start_behind(self, place: int) -> int:
        """Where a record starts, at `place` or behind it. Raises CaptureError if none is found."""
        place = max(place, self.header_bytes)
        step = self._records.step
        place += -place % step
        data = self._fetch(place, place + LOOKED_AT_BYTES)
        for at in range(0, len(data), step):
            if self._records.may_start(data, at):
                return place + at
        raise CaptureError(self._name, place, "expected the start of a record within 1 MiB, found none")
