"""The same packet at two places, of which packets of one direction pass the first before the second.

Where one place shows super-segments and the other the packets they were cut into, ranges of bytes are compared. What is
sent again has the same bytes: it is told apart by its IPv4 identification, else by its timestamp, else by the times.

Emits `Match`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from analyzer.point_settings import ROUGH_NS, TRANSIT_NS
from analyzer.points.sightings import Sighting
from analyzer.settings import LEAST_PIECE


@dataclass(slots=True)
class Match:
    """What became at the second place of the packets of the first."""

    of: list[list[int]] = field(default_factory=list)  # of each packet there, the indexes of what it became here
    sources: list[int] = field(default_factory=list)  # how many packets there each packet here was matched with


def matched(
    up: Sequence[Sighting],
    down: Sequence[Sighting],
    times: tuple[list[int], list[int]],
    doubt: int | None,
    *,
    ids: bool,
) -> Match:
    """Match packets of one direction.

    Args:
        up: those at the place that they pass first.
        down: those at the other.
        times: of both, by one clock, ns.
        doubt: how far they may be off from each other, ns; None: unknown, and times are not compared.
        ids: IPv4 identifications are kept between the two.
    """
    match = Match([[] for _ in up], [0] * len(down))
    with_data = sorted((packet.seq, index) for index, packet in enumerate(up) if packet.payload)
    starts = [seq for seq, _ in with_data]
    longest = max((packet.payload for packet in up), default=0)
    bare: dict[tuple[int, ...], list[int]] = {}
    for index, packet in enumerate(up):
        if not packet.payload:
            bare.setdefault(_bare(packet), []).append(index)
    taken: set[int] = set()
    for index, packet in enumerate(down):
        if packet.payload:
            near = with_data[bisect_left(starts, packet.seq - longest) : bisect_right(starts, packet.end - 1)]
            candidates = [i for _, i in near if up[i].end > packet.seq]
        else:
            candidates = bare.get(_bare(packet), [])
        of_range: dict[int, list[int]] = {}
        for i in candidates:
            if _same(up[i], packet, ids) and _in_time(times[0][i], times[1][index], doubt):
                of_range.setdefault(up[i].seq, []).append(i)
        for copies in of_range.values():
            free = [i for i in copies if i not in taken or up[i].payload > packet.payload] or copies
            # The latest that had left by then: whichever came before it would have come before.
            source = max(free, key=lambda i: times[0][i]) if doubt is not None else min(free)
            match.of[source].append(index)
            match.sources[index] += 1
            if up[source].payload <= packet.payload:
                taken.add(source)
    return match


def _bare(packet: Sighting) -> tuple[int, ...]:
    return packet.seq, packet.ack, packet.flags & 0x17, packet.tsval


def _in_time(left: int, arrived: int, doubt: int | None) -> bool:
    if doubt is None:
        return True
    return -doubt - ROUGH_NS <= arrived - left <= TRANSIT_NS + doubt


def _same(up: Sighting, down: Sighting, ids: bool) -> bool:
    """True if nothing speaks against the second being the first, cut, merged or whole."""
    if up.fragment or down.fragment:
        if ids and up.ip_id > 0 and down.ip_id > 0:
            return up.ip_id == down.ip_id and up.seq == down.seq
        return up.seq == down.seq
    if up.payload and up.seq != down.seq:
        cut = up.seq < down.seq and down.end <= up.end
        merged = down.seq < up.seq and up.end <= down.end
        if not cut and not merged:
            return False
    if ids and up.ip_id > 0 and down.ip_id > 0:
        return _ids_fit(up, down)
    if up.tsval >= 0 and down.tsval >= 0:
        return up.tsval == down.tsval
    return True


def _ids_fit(up: Sighting, down: Sighting) -> bool:
    """Segmentation counts the identification up from that of the whole; merging keeps that of the first."""
    apart = down.seq - up.seq
    steps = (down.ip_id - up.ip_id) & 0xFFFF
    if apart == 0:
        return steps == 0
    if apart > 0:
        return 0 < steps <= -(-apart // LEAST_PIECE)
    return 0 < (-steps & 0xFFFF) <= -(apart // LEAST_PIECE)
