"""Where the large datagrams of UDP and fragments get lost, as several points saw them: what left one and never came on.

A datagram is the same at two points by its IPv4 identification, else by its first bytes; fragments are put together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from analyzer.decode.tunnel import PROTO_UDP
from analyzer.model.analysis import Analysis
from analyzer.model.flow_list import FlowList
from analyzer.model.fragment_count import protocol_name
from analyzer.model.points import CapturePoint, Located, SeenPacket
from analyzer.model.statement import FrameRef, Statement
from analyzer.model.text import file_labels
from analyzer.model.trouble import Trouble
from analyzer.model.verdicts import SIZE_PROBLEMS
from analyzer.passes.datagram_marks import DatagramMark, SeenMarks
from analyzer.passes.reread import reader_of
from analyzer.point_settings import MOST_BY_CHANCE, TRANSIT_NS
from analyzer.points.listed_datagrams import (
    FIELDS,
    MOST_DATAGRAMS,
    ListedDatagrams,
    WantedDatagrams,
    Way,
    back,
    list_datagrams,
    mark_of,
)
from analyzer.settings import LEAST_DATAGRAMS, LEAST_FRAGMENTS_SPAN_NS, REASSEMBLY_NS

KINDS = ("udp", "probes", "fragments")
"""Of trouble, those that are about datagrams whose packets can be told apart."""

SHOWN_FRAMES, SHOWN_PACKETS = 16, 2_000

HEADER = {4: 20, 16: 40}
"""Bytes of the IP header by those of an address."""


@dataclass(slots=True)
class _Copy:
    """A datagram at one point."""

    ts: int  # of the first of its packets
    frames: list[FrameRef] = field(default_factory=list)
    pieces: list[tuple[int, int]] = field(default_factory=list)  # bytes behind the IP header
    ended: bool = False
    header: int = 20
    ttl: int = 0

    @property
    def size(self) -> int:
        """Bytes of IP, put together as far as it came."""
        return self.header + max(end for _, end in self.pieces)

    @property
    def complete(self) -> bool:
        """Whether all of it came."""
        reached = 0
        for start, end in sorted(self.pieces):
            if start > reached:
                return False
            reached = max(reached, end)
        return self.ended


class _Leg(NamedTuple):
    crossed: list[_Copy]
    lost: list[_Copy]
    arrived: list[_Copy]  # at the other point, what crossed


Key = tuple[Any, ...]
Copies = dict[Key, list[_Copy]]


def located_datagrams(analysis: Analysis, apart: ListedDatagrams | None = None) -> Analysis:
    """The analysis, with where large datagrams get lost; as it is, where one point alone saw them.

    Args:
        analysis: of several points.
        apart: the datagrams of `ways_of`, where the captures of the points were read apart. Points that nobody told
            apart by their packets have to prove by these that they saw the same.

    Raises:
        UsageError: the files cannot be read once more.
    """
    points = {file: point for point in analysis.joined_points if point.interface is None for file in point.files}
    about = of_datagrams(analysis.all_troubles)
    if len({point.number for point in points.values()}) < 2 or not about:
        return analysis
    ways = {id(each): _way(analysis, each) for each in about}
    listed = apart if apart is not None else _listed(analysis, points, ways.values())
    seen = _Seen(listed, points)
    labels = file_labels(analysis.files)
    names = {point.number: _name(point, labels) for point in points.values()}
    changed: dict[int, Located] = {}
    troubles = []
    for each in analysis.all_troubles:
        located = None
        if id(each) in ways:
            way = ways[id(each)]
            at = seen.copies(way)
            together = [at] if apart is None else _of_one_path(at, seen.marks(way))
            located = next(filter(None, (_located(each, those, names) for those in together)), None)
        troubles.append(each if located is None else replace(each, located=located))
        if located is not None:
            changed |= dict.fromkeys(each.streams, located)
    flows = analysis.all_udp_flows
    if changed and isinstance(flows, FlowList):
        new = {n: replace(flow, located=at) for n, at in changed.items() if (flow := flows.find(n)) is not None}
        flows = flows.revised(new)
    return replace(analysis, all_troubles=tuple(troubles), all_udp_flows=flows)


def of_datagrams(troubles: Iterable[Trouble]) -> list[Trouble]:
    """Those that are about datagrams which get lost for their size."""
    return [each for each in troubles if each.kind in KINDS and each.verdict in SIZE_PROBLEMS]


def ways_of(analysis: Analysis) -> tuple[Way, ...]:
    """What `located_datagrams` has to know of captures that are read apart: both directions of what is in trouble."""
    ways = [_way(analysis, each) for each in of_datagrams(analysis.all_troubles)]
    return tuple(sorted({*ways, *map(back, ways)}))


def _name(point: CapturePoint, labels: Sequence[str]) -> str:
    return f"{labels[point.files[0]]}{' and others' if len(point.files) > 1 else ''}"


def _way(analysis: Analysis, trouble: Trouble) -> Way:
    original = analysis.anonymizer.original if analysis.anonymizer is not None else bytes
    ends = b"".join(original(ip_address(ip).packed) for ip in (trouble.sender, trouble.receiver))
    numbers = [number for number in range(256) if protocol_name(number) == trouble.protocol]
    return ends, numbers[0] if numbers else PROTO_UDP


def _listed(analysis: Analysis, points: Iterable[int], ways: Iterable[Way]) -> ListedDatagrams:
    """The datagrams of some ways in the files of points, by reading these once more."""
    wanted = WantedDatagrams(tuple(sorted(set(ways))), MOST_DATAGRAMS)
    parts: list[Any] = []
    for file in points:
        with reader_of(analysis, file) as reader:
            parts.append(list_datagrams(reader, file, wanted))
        wanted = wanted._replace(most=wanted.most - len(parts[-1]))
    return ListedDatagrams(wanted.ways, np.concatenate(parts))


class _Seen:
    """The datagrams of some hosts by way and by point."""

    def __init__(self, listed: ListedDatagrams, points: dict[int, CapturePoint]) -> None:
        self._ways = listed.ways
        self._of: dict[Way, dict[int, list[Any]]] = defaultdict(lambda: defaultdict(list))
        order = {file: place for place, file in enumerate(points)}
        rows = [row for row in listed.rows.tolist() if row[_FILE] in order]
        for row in sorted(rows, key=lambda row: order[row[_FILE]]):
            self._of[listed.ways[row[_WAY]]][points[row[_FILE]].number].append(row)

    def copies(self, way: Way) -> dict[int, Copies]:
        """What each point saw of a way, by what datagrams are known."""
        found: dict[int, Copies] = {}
        for number, rows in self._of.get(way, {}).items():
            copies = found.setdefault(number, defaultdict(list))
            for row in rows:
                _add(copies, mark_of(row, self._ways), row[_TS], FrameRef(row[_FILE], row[_FRAME]))
        return found

    def marks(self, way: Way) -> dict[int, SeenMarks]:
        """What tells whether points saw the same: their packets, both ways."""
        of_file: dict[tuple[int, int], SeenMarks] = defaultdict(SeenMarks)
        for each in {way, back(way)}:
            for number, rows in self._of.get(each, {}).items():
                for row in rows:
                    of_file[number, row[_FILE]].note(mark_of(row, self._ways), row[_TS])
        found: dict[int, SeenMarks] = defaultdict(SeenMarks)
        for (number, _), marks in of_file.items():
            marks.over()
            found[number].add(marks)
        return found


_TS, _FRAME, _FILE, _WAY = (FIELDS.index(name) for name in ("ts", "frame", "file", "way"))


def _of_one_path(at: dict[int, Copies], marks: dict[int, SeenMarks]) -> list[dict[int, Copies]]:
    """The points that saw the same packets, by the rule that tells files of several points from those of one.

    Private addresses are those of many networks, and identifications are few: alone they prove nothing.
    """
    paths: list[list[int]] = []
    for number in at:
        mine = [path for path in paths if any(marks[number].shared(marks[other]) for other in path)]
        paths = [path for path in paths if path not in mine] + [[*(other for path in mine for other in path), number]]
    return [{number: at[number] for number in at if number in path} for path in paths if len(path) > 1]


def _add(copies: Copies, mark: DatagramMark, ts: int, ref: FrameRef) -> None:
    key: Key = (mark.ident,) if mark.ident else (0, mark.content)
    header = HEADER[len(mark.ends) // 2]
    known = copies[key]
    if not known or not mark.fragment or ts - known[-1].ts > REASSEMBLY_NS or not known[-1].frames:
        known.append(_Copy(ts, header=header, ttl=mark.ttl))
    copy = known[-1]
    length = mark.ip_len - header - (8 if mark.fragment and header == HEADER[16] else 0)
    copy.frames.append(ref)
    copy.pieces.append((mark.offset, mark.offset + length))
    copy.ended = copy.ended or not mark.more


def _located(trouble: Trouble, at: dict[int, Copies], names: dict[int, str]) -> Located | None:
    """Where the large datagrams of a trouble get lost, by what the points saw of its direction."""
    order = _order(at)
    for start, end in pairwise(order):
        leg = _leg(at[start], at[end])
        found = _narrow(trouble, leg, (start, end), names) if leg is not None else None
        if found is not None:
            return found
    return _outside(trouble, at, order, names)


def _order(at: dict[int, Copies]) -> list[int]:
    """Points in the direction of the datagrams: each router takes one from the TTL."""
    ttls = {number: max(copy.ttl for those in copies.values() for copy in those) for number, copies in at.items()}
    whole = {number: sum(c.complete for those in copies.values() for c in those) for number, copies in at.items()}
    return sorted(at, key=lambda number: (-ttls[number], -whole[number]))


def _leg(up: Copies, down: Copies) -> _Leg | None:
    """What became at the second point of what the first saw; None if nothing crossed: clocks cannot be compared."""
    apart = [b.ts - a.ts for key, those in up.items() for a, b in zip(those, down.get(key, ()), strict=False)]
    if not apart:
        return None
    offset = int(median(apart))
    times = [copy.ts for those in down.values() for copy in those]
    since, until = min(times) - offset - TRANSIT_NS, max(times) - offset + TRANSIT_NS
    leg = _Leg([], [], [])
    for key, those in up.items():
        for copy in those:
            if not copy.complete or not since <= copy.ts <= until:
                continue
            came = [c for c in down.get(key, ()) if abs(c.ts - copy.ts - offset) <= TRANSIT_NS and c.complete]
            if came:
                leg.crossed.append(copy)
                leg.arrived.append(came[0])
            else:
                leg.lost.append(copy)
    return leg


def _narrow(trouble: Trouble, leg: _Leg, ends: tuple[int, int], names: dict[int, str]) -> Located | None:
    """Where datagrams above some size are lost between two points, and smaller ones cross."""
    crossed = max((copy.size for copy in leg.crossed), default=0)
    lost = sorted((copy for copy in leg.lost if copy.size > crossed), key=lambda copy: copy.ts)
    small = len(leg.lost) - len(lost)
    if len(lost) < LEAST_DATAGRAMS or lost[-1].ts - lost[0].ts < LEAST_FRAGMENTS_SPAN_NS or not crossed:
        return None
    if small > MOST_BY_CHANCE * len(leg.crossed):
        return None
    least = min(copy.size for copy in lost)
    frames = tuple(ref for copy in lost for ref in copy.frames)[:SHOWN_FRAMES]
    what = "Fragmented datagrams" if trouble.verdict == "fragment_loss" else "Datagrams"
    named = (names[ends[0]], names[ends[1]])
    text = (
        f"{what} of {least} bytes and more are lost between {named[0]} and {named[1]}: {crossed} bytes crossed, "
        f"{least} did not ({len(lost)} of {len(lost)})."
    )
    left = [SeenPacket(copy.ts, copy.size, False) for copy in leg.crossed]
    left += [SeenPacket(copy.ts, copy.size, True) for copy in lost]
    came = [SeenPacket(a.ts, b.size, False) for a, b in zip(leg.crossed, leg.arrived, strict=True)]
    seen = (tuple(sorted(left)[:SHOWN_PACKETS]), tuple(sorted(came)[:SHOWN_PACKETS]))
    return Located(ends, crossed, least, frames, None, Statement(text, frames), named, seen, len(lost))


def _outside(trouble: Trouble, at: dict[int, Copies], order: Sequence[int], names: dict[int, str]) -> Located | None:
    """Before the first point, where it saw parts only; behind the last, where all of them came to it."""
    if len(order) < 2:
        return None
    first, last = ([copy for those in at[n].values() for copy in those] for n in (order[0], order[-1]))
    parts = [copy for copy in first if not copy.complete]
    if len(parts) >= LEAST_DATAGRAMS and not any(c.complete and len(c.pieces) > 1 for c in first):
        frames = tuple(ref for copy in parts for ref in copy.frames)[:SHOWN_FRAMES]
        text = f"Parts of datagrams are missing at {names[order[0]]} already, the first point on their way."
        return Located((None, order[0]), None, None, frames, None, Statement(text, frames))
    least = trouble.lost
    large = [copy for copy in last if least is not None and copy.complete and copy.size >= least]
    if least is None or len(large) < LEAST_DATAGRAMS:
        return None
    frames = tuple(ref for copy in large for ref in copy.frames)[:SHOWN_FRAMES]
    text = f"Datagrams of {least} bytes left {names[order[-1]]}, the last point on their way, and are lost behind it."
    return Located((order[-1], None), trouble.path_mtu.at_least, least, frames, None, Statement(text, frames))
