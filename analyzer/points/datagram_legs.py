"""Where the large datagrams of UDP and fragments get lost, as several points saw them: what left one and never came on.

A datagram is the same at two points by its IPv4 identification, else by its first bytes; fragments are put together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple

from analyzer.decode.packet_fields import END, START, TS
from analyzer.decode.tunnel import PROTO_UDP
from analyzer.model.analysis import Analysis
from analyzer.model.flow_list import FlowList
from analyzer.model.fragment_count import protocol_name
from analyzer.model.points import CapturePoint, Located, SeenPacket
from analyzer.model.statement import FrameRef, Statement
from analyzer.model.text import file_labels
from analyzer.model.trouble import Trouble
from analyzer.model.verdicts import SIZE_PROBLEMS
from analyzer.passes.datagram_marks import DatagramMark, datagram_mark
from analyzer.passes.reread import every, reader_of
from analyzer.point_settings import MOST_BY_CHANCE, TRANSIT_NS
from analyzer.settings import LEAST_DATAGRAMS, LEAST_FRAGMENTS_SPAN_NS, REASSEMBLY_NS

KINDS = ("udp", "fragments")
"""Of trouble, those that are about datagrams whose packets can be told apart."""

MOST_PACKETS = 200_000
"""Packets between the hosts of all such findings that are compared."""

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
Way = tuple[bytes, int]
"""Addresses, and protocol."""


def located_datagrams(analysis: Analysis) -> Analysis:
    """The analysis, with where large datagrams get lost; as it is, where one point alone saw them.

    Raises:
        UsageError: the files cannot be read once more.
    """
    points = {file: point for point in analysis.joined_points if point.interface is None for file in point.files}
    about = [each for each in analysis.all_troubles if each.kind in KINDS and each.verdict in SIZE_PROBLEMS]
    if len({point.number for point in points.values()}) < 2 or not about:
        return analysis
    ways = {id(each): _way(analysis, each) for each in about}
    seen = _seen(analysis, points, set(ways.values()))
    labels = file_labels(analysis.files)
    names = {point.number: _name(point, labels) for point in points.values()}
    changed: dict[int, Located] = {}
    troubles = []
    for each in analysis.all_troubles:
        located = _located(each, seen.get(ways[id(each)], {}), names) if id(each) in ways else None
        troubles.append(each if located is None else replace(each, located=located))
        if located is not None:
            changed |= dict.fromkeys(each.streams, located)
    flows = analysis.all_udp_flows
    if changed and isinstance(flows, FlowList):
        new = {n: replace(flow, located=at) for n, at in changed.items() if (flow := flows.find(n)) is not None}
        flows = flows.revised(new)
    return replace(analysis, all_troubles=tuple(troubles), all_udp_flows=flows)


def _name(point: CapturePoint, labels: Sequence[str]) -> str:
    return f"{labels[point.files[0]]}{' and others' if len(point.files) > 1 else ''}"


def _way(analysis: Analysis, trouble: Trouble) -> Way:
    original = analysis.anonymizer.original if analysis.anonymizer is not None else bytes
    ends = b"".join(original(ip_address(ip).packed) for ip in (trouble.sender, trouble.receiver))
    numbers = [number for number in range(256) if protocol_name(number) == trouble.protocol]
    return ends, numbers[0] if numbers else PROTO_UDP


def _seen(analysis: Analysis, points: dict[int, CapturePoint], ways: set[Way]) -> dict[Way, dict[int, Copies]]:
    """The datagrams of some hosts by way, by point, and by what they are known."""
    found: dict[Way, dict[int, Copies]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    budget = [MOST_PACKETS]
    sought = {ends for ends, _ in ways}
    for file, point in points.items():

        def take(view: Any, h: list[int], frame: int, file: int = file, number: int = point.number) -> None:
            data = bytes(view[h[START] : h[END]])
            if budget[0] <= 0 or not any(ends in data for ends in sought):
                return
            mark = datagram_mark(view, h)
            if mark is not None and (mark.ends, mark.protocol) in ways:
                budget[0] -= 1
                _add(found[mark.ends, mark.protocol][number], mark, h[TS], FrameRef(file, frame))

        with reader_of(analysis, file) as reader:
            for _ in every(reader, take):
                pass
    return found


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
    return Located(ends, crossed, least, frames, None, Statement(text, frames), named, seen)


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
