"""Fragments put together: which datagrams are complete at the capture point, and of which only parts came.

Emits `Fragments`, one a source, destination, protocol and capture point.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from analyzer.decode.network import FRAGMENT_HEADER
from analyzer.evidence.icmp_rows import in_reassembly, quoted_packet
from analyzer.evidence.ptb import CHECKSUM_WRONG
from analyzer.evidence.row_addresses import row_address
from analyzer.model.statement import FrameRef
from analyzer.settings import REASSEMBLY_NS

ID_OFFSET = 1 << 17
"""More than any datagram has bytes: keeps those of two apart in one running maximum."""

COMPLETE, FIRST_ONLY, LATER_ONLY, PARTIAL = range(4)
"""What came of a datagram: all of it; its first fragment; no first one; the first and some others."""


class Datagram(NamedTuple):
    """A fragmented one."""

    came: int  # COMPLETE and so on
    first_ts: int  # of its fragments that came
    last_ts: int
    frames: tuple[FrameRef, ...]
    ident: int
    largest: int  # bytes of IP of its largest fragment
    whole: int  # unfragmented packets of its hosts before its last fragment
    ports: tuple[int, int]  # of UDP, 0 unknown
    pieces: tuple[tuple[int, int], ...] = ()  # bytes that came: from, and behind them, in order
    ended: bool = False  # its last fragment came


@dataclass(slots=True)
class Fragments:
    """The fragmented datagrams of one protocol from one address to another, at one capture point."""

    src: str
    dst: str
    protocol: int
    point: int
    whole: int  # unfragmented packets of these since the first fragment
    largest: int  # bytes of IP of the largest of these
    whole_frame: FrameRef
    many: bool = False  # the destination is a multicast or broadcast address
    datagrams: list[Datagram] = field(default_factory=list)  # in order of time
    overlapping: int = 0

    def of(self, *kinds: int) -> list[Datagram]:
        """The datagrams of which so much came."""
        return [each for each in self.datagrams if each.came in kinds]


def fragments_of(rows: Any, pairs: Any) -> list[Fragments]:
    """The fragmented datagrams of a capture, from the tables that the skim filled."""
    if not len(rows):
        return []
    found = [_pair(pair) for pair in pairs]
    rows = rows[np.lexsort((rows["ts"], rows["ident"], rows["pair"]))]
    new = np.ones(len(rows), bool)
    new[1:] = (np.diff(rows["pair"]) != 0) | (np.diff(rows["ident"]) != 0) | (np.diff(rows["ts"]) > REASSEMBLY_NS)
    number = np.cumsum(new) - 1
    order = np.lexsort((rows["ts"], rows["length"], rows["offset"], number))
    rows, number = rows[order], number[order]
    starts = np.flatnonzero(np.diff(number, prepend=-1))
    offset, end = rows["offset"].astype(np.int64), rows["offset"].astype(np.int64) + rows["length"]
    again = np.zeros(len(rows), bool)  # captured twice, or sent twice
    again[1:] = (np.diff(number) == 0) & (np.diff(offset) == 0) & (np.diff(rows["length"]) == 0)
    reached = np.maximum.accumulate(end + number * ID_OFFSET) - number * ID_OFFSET
    before = np.zeros(len(rows), np.int64)
    before[1:] = reached[:-1]
    before[starts] = 0
    first, later = offset == 0, offset > 0

    def any_of(which: Any) -> Any:
        return np.logical_or.reduceat(which, starts)

    complete = any_of(first) & any_of(rows["more"] == 0) & ~any_of(offset > before)
    kinds = np.where(complete, COMPLETE, np.where(~any_of(first), LATER_ONLY, PARTIAL))
    kinds[~complete & any_of(first) & ~any_of(later)] = FIRST_ONLY
    overlaps = any_of((offset < before) & ~again)
    columns = (
        kinds,
        overlaps,
        np.minimum.reduceat(rows["ts"], starts),
        np.maximum.reduceat(rows["ts"], starts),
        np.maximum.reduceat(rows["ip_len"], starts),
        np.maximum.reduceat(rows["whole"], starts),
        rows["pair"][starts],
        rows["ident"][starts],
        np.maximum.reduceat(rows["sport"], starts),
        np.maximum.reduceat(rows["dport"], starts),
        any_of(rows["more"] == 0),
    )
    stops = [*starts[1:].tolist(), len(rows)]
    refs = list(zip(rows["file"].tolist(), rows["frame"].tolist(), strict=True))
    spans = list(zip(offset.tolist(), end.tolist(), strict=True))
    values = zip(*(column.tolist() for column in columns), strict=True)
    for start, stop, (came, overlap, low, high, largest, whole, pair, ident, sport, dport, ended) in zip(
        starts.tolist(), stops, values, strict=True
    ):
        frames = tuple(sorted(FrameRef(*ref) for ref in refs[start:stop]))
        pieces = tuple(spans[start:stop])
        found[pair].datagrams.append(
            Datagram(came, low, high, frames, ident, largest, whole, (sport, dport), pieces, ended)
        )
        found[pair].overlapping += overlap
    for each in found:
        each.datagrams.sort(key=lambda datagram: datagram.first_ts)
    return [each for each in found if each.datagrams]


def _pair(row: Any) -> Fragments:
    version = int(row["version"])
    return Fragments(
        src=row_address(row, "s", version),
        dst=row_address(row, "d", version),
        protocol=int(row["protocol"]),
        point=int(row["point"]),
        whole=int(row["whole"]),
        largest=int(row["largest"]),
        whole_frame=FrameRef(int(row["whole_file"]), int(row["whole_frame"])),
        many=bool(row["many"]),
    )


class Untimely(NamedTuple):
    """An ICMP error: time exceeded while a datagram was put together (RFC 792, RFC 4443 3.3)."""

    ref: FrameRef
    ts: int
    host: str  # who gave up
    ident: int  # of the datagram


Way = tuple[str, str, int]
"""Source, destination, protocol."""


def gave_up(icmps: Any, header_bytes: Any) -> dict[Way, list[Untimely]]:
    """The time-outs of reassembly by what they quote."""
    rows = np.flatnonzero(in_reassembly(icmps) & (icmps["quoted"] > 0) & (icmps["sum"] != CHECKSUM_WRONG)).tolist()
    found: dict[Way, list[Untimely]] = defaultdict(list)
    for index, row in ((i, icmps[i]) for i in rows):
        quoted = quoted_fragment(header_bytes[index, : int(row["header_len"])].tobytes(), int(row["version"]))
        if quoted is not None:
            way, ident = quoted
            version = int(row["version"])
            ref = FrameRef(int(row["file"]), int(row["frame"]))
            found[way].append(Untimely(ref, int(row["ts"]), row_address(row, "s", version), ident))
    return found


def quoted_fragment(head: bytes, version: int) -> tuple[Way, int] | None:
    """Source, destination and protocol of the fragment that an ICMP error quotes, and its identification."""
    quoted = quoted_packet(head, version)
    if quoted is None:
        return None
    src, dst, protocol, data = quoted
    if version == 4:
        return (src, dst, protocol), int.from_bytes(data[4:6])
    if protocol == FRAGMENT_HEADER and len(data) >= 48:
        return (src, dst, data[40]), int.from_bytes(data[44:48])
    return None


def different(errors: Iterable[Untimely]) -> int:
    """How many datagrams they are about."""
    return len({error.ident for error in errors})
