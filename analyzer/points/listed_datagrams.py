"""The datagrams of some hosts, listed at capture points: with all files at hand, or of captures that are read apart.

Emits `ListedDatagrams`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from analyzer.capture.reader import CaptureReader
from analyzer.decode.packet_fields import END, START, TS
from analyzer.passes.datagram_marks import COMPARED_BYTES, DatagramMark, datagram_mark
from analyzer.passes.reread import every

MOST_DATAGRAMS = 200_000
"""Packets that are listed of all captures together (16 MB)."""

Way = tuple[bytes, int]
"""Source and destination address, and protocol."""

ROW = np.dtype(
    [
        ("ts", "i8"), ("frame", "i8"), ("file", "i4"),
        ("way", "i4"),  # place in `ways`
        ("ident", "u4"), ("offset", "i4"), ("ip_len", "i4"),
        ("more", "u1"), ("ttl", "u1"),
        ("length", "u1"),  # of `content`, the first bytes behind the IP header
        ("content", f"S{COMPARED_BYTES}"),
    ],
    align=True,
)  # fmt: skip
"""A packet, by what tells it from every other: a `DatagramMark`."""

FIELDS = tuple(ROW.fields or ())
"""Their names, in this order."""


class ListedDatagrams(NamedTuple):
    """What was read of the files once more."""

    ways: tuple[Way, ...]
    rows: Any  # dtype ROW, of each file in its order


class WantedDatagrams(NamedTuple):
    """What to list of a capture."""

    ways: tuple[Way, ...]
    most: int  # packets of all its files


def list_datagrams(reader: CaptureReader, file: int, wanted: WantedDatagrams) -> Any:
    """The datagrams of some hosts that are in a file, by reading it from its start; dtype ROW."""
    places = {way: place for place, way in enumerate(wanted.ways)}
    sought = {ends for ends, _ in wanted.ways}
    rows: list[tuple[Any, ...]] = []

    def take(view: Any, h: list[int], frame: int) -> None:
        data = bytes(view[h[START] : h[END]])
        if len(rows) >= wanted.most or not any(ends in data for ends in sought):
            return
        mark = datagram_mark(view, h)
        way = places.get((mark.ends, mark.protocol)) if mark is not None else None
        if mark is None or way is None:
            return
        told = mark.ident, mark.offset, mark.ip_len, mark.more, mark.ttl, len(mark.content), mark.content
        rows.append((h[TS], frame, file, way, *told))

    for _ in every(reader, take):
        pass
    return np.array(rows, ROW)


def mark_of(row: Any, ways: Sequence[Way]) -> DatagramMark:
    """The mark of a row, given as a tuple of its fields."""
    _, _, _, way, ident, offset, ip_len, more, ttl, length, content = row
    ends, protocol = ways[way]
    return DatagramMark(ends, protocol, ident, offset, bool(more), ip_len, content.ljust(length, b"\0"), ttl)


def back(way: Way) -> Way:
    """The other direction."""
    ends, protocol = way
    half = len(ends) // 2
    return ends[half:] + ends[:half], protocol


def datagrams_apart(ways: Sequence[Way], files: Iterable[int], rows: Iterable[Any]) -> ListedDatagrams:
    """What one pass over several captures would list, where each of them was read by itself.

    Args:
        ways: what was listed of all of them.
        files: how many each of the captures has.
        rows: what was listed of each, by the numbers of its own files.
    """
    parts, before = [np.zeros(0, ROW)], 0
    for count, found in zip(files, rows, strict=True):
        part = found.copy()
        part["file"] += before
        parts.append(part)
        before += count
    return ListedDatagrams(tuple(ways), np.concatenate(parts))
