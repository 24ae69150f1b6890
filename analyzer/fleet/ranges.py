"""A large file by ranges of bytes, so that several workers read it: where records start, and what lies between.

Where a record starts in the middle of a pcap file is a guess: a place from which several records follow each other
that could be some. Each range is then walked from its start, and must end just where the next one starts; since the
first one starts behind the file header, all starts are right if all ranges end so. If one does not, the file is read
as a whole.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

from analyzer.capture.container import BIG, COUNT, FRACTION_NS, POS, RECORD_HEADER
from analyzer.capture.pcap import FILE_HEADER, IXIA_BYTES, read_file_header
from analyzer.errors import CaptureError
from analyzer.settings import MAX_RECORD_BYTES

RANGE_BYTES = 64 << 20
"""What one worker reads of a large file at a time."""

LIKELY_RECORDS = 8
"""Records that must follow each other from a place before it is taken for the start of one."""

LOOKED_AT_BYTES = 1 << 20
"""Bytes in which a record is looked for; one is 262,144 bytes long at most, but for odd files."""

MOST_APART_S = 86_400
"""Seconds between two records that follow each other."""


@dataclass(frozen=True, slots=True)
class Range:
    """Part of a file, before it is known where records start."""

    start: int
    end: int
    last: bool


def ranges_of(size: int, length: int) -> Iterator[Range]:
    """A file of `size` bytes in ranges of `length`."""
    starts = range(0, max(size, 1), length)
    for start in starts:
        yield Range(start, min(start + length, size), last=start == starts[-1])


def is_plain_pcap(head: bytes) -> bool:
    """True if a file can be read by ranges: a pcap file that is not compressed."""
    return len(head) >= FILE_HEADER and read_file_header(head[:FILE_HEADER], [0] * COUNT)


class RangeFile(io.RawIOBase):
    """The records of a range, as a file: the header of the whole file, then what lies between two starts of records."""

    def __init__(self, file: BinaryIO, name: str, wanted: Range) -> None:
        head = file.read(FILE_HEADER + IXIA_BYTES)
        container = [0] * COUNT
        if not is_plain_pcap(head) or not read_file_header(head[:FILE_HEADER], container):
            raise CaptureError(name, 0, "expected a pcap capture that is not compressed")
        self.header_bytes = container[POS]
        self._file = file
        self._name = name
        self._order: Literal["big", "little"] = "big" if container[BIG] else "little"
        self._record_header = container[RECORD_HEADER]
        self._fractions = 1_000_000_000 // container[FRACTION_NS]
        self._head = head[: self.header_bytes]
        start = self.header_bytes if wanted.start == 0 else self._start_behind(wanted.start)
        end = None if wanted.last else self._start_behind(wanted.end)
        self._left = None if end is None else end - start
        file.seek(start)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, target: Any) -> int:
        """Read on."""
        view = memoryview(target)
        if self._head:
            count = min(len(self._head), len(view))
            view[:count] = self._head[:count]
            self._head = self._head[count:]
            return count
        if self._left is not None:
            view = view[: self._left]
        data = self._file.read(len(view)) if len(view) else b""
        view[: len(data)] = data
        if self._left is not None:
            self._left -= len(data)
        return len(data)

    def _start_behind(self, place: int) -> int:
        """Where a record starts, at `place` or behind it. Raises CaptureError if none is found."""
        self._file.seek(place)
        data = self._file.read(LOOKED_AT_BYTES)
        for at in range(len(data)):
            if self._may_start(data, at):
                return place + at
        raise CaptureError(self._name, place, "expected the start of a record within 1 MiB, found none")

    def _may_start(self, data: bytes, at: int) -> bool:
        """Whether several records follow each other from there on, or one ends with the file."""
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
