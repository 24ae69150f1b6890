"""From listed packets to what each place saw of each connection.

Sequence numbers are counted from one start, and what a capture holds twice is left out.

Emits `Seen`. A place is a capture point, or an interface of one where its files hold several.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from analyzer.decode.tcp import SYN
from analyzer.model.statement import FrameRef
from analyzer.passes.watched import WATCHED
from analyzer.points.connections import Connection, Watched
from analyzer.settings import DUPLICATE_ID_NS, DUPLICATE_NS

HALF = 1 << 31
WRAP = 1 << 32
Place = tuple[int, int]
"""Capture point of the first pass, and interface; -1 where the interface makes no difference."""


class Sighting(NamedTuple):
    """A packet at one place: the fields of WATCHED, numbers relative to the connection's first, unwrapped."""

    ts: int
    frame: int
    seq: int
    ack: int
    tsval: int
    sack_left: int
    sack_right: int
    watch: int
    file: int
    interface: int
    ip_len: int
    payload: int
    ip_id: int
    window: int
    checksum: int
    mss: int
    overhead: int
    flags: int
    ttl: int
    side: int
    df: int
    fragment: int
    sum: int

    @property
    def end(self) -> int:
        """Behind its last byte."""
        return self.seq + self.payload

    @property
    def ref(self) -> FrameRef:
        """Its frame."""
        return FrameRef(self.file, self.frame)


assert Sighting._fields == WATCHED.names  # noqa: S101 - rows become these


class Shared(NamedTuple):
    """Times of packets that two places saw, ns: at the first, and at the second."""

    first: list[int]
    second: list[int]


def compared(one: Sequence[Sighting], two: Sequence[Sighting]) -> tuple[bool, Shared]:
    """Packets that are the same at two places: whole, and the only ones of their kind at both.

    Returns whether IPv4 identifications are kept between the two, and the packets, compared with them if so.
    """
    found = [_only_ones(packets) for packets in (one, two)]
    both = [(packet, found[1][key]) for key, packet in found[0].items() if key in found[1]]
    told = [(a.ip_id, b.ip_id) for a, b in both if a.ip_id > 0 and b.ip_id > 0]
    kept = not told or 2 * sum(a == b for a, b in told) > len(told)
    same = [(a, b) for a, b in both if not kept or a.ip_id == b.ip_id]
    return kept, Shared([a.ts for a, _ in same], [b.ts for _, b in same])


def _only_ones(packets: Sequence[Sighting]) -> dict[tuple[int, ...], Sighting]:
    """Packets that nobody can take for another one, by what tells them apart."""
    out: dict[tuple[int, ...], Sighting] = {}
    several = set()
    for packet in packets:
        key = packet.seq, packet.payload, packet.ack, packet.flags, packet.tsval
        if key in out:
            several.add(key)
        out[key] = packet
    for key in several:
        del out[key]
    return out


@dataclass(slots=True)
class Seen:
    """A connection at all places that saw it: packets of each side, in the order of their times there."""

    stream: int
    base: list[int] = field(default_factory=lambda: [0, 0])  # of each side, the number from which all are counted
    own_base: dict[Place, tuple[int, int]] = field(default_factory=dict)  # where a place has other numbers
    at: dict[Place, tuple[list[Sighting], list[Sighting]]] = field(default_factory=dict)
    fragments: dict[Place, dict[tuple[int, int], int]] = field(default_factory=dict)
    """Bytes in later fragments, by their side and identification."""
    translated: dict[Place, tuple[tuple[int, ...], ...]] = field(default_factory=dict)
    """The ends of the connection there, the first member's side 0 first."""

    _shared: dict[tuple[Place, Place, int], tuple[bool, Shared]] = field(default_factory=dict)

    def shared(self, one: Place, two: Place, side: int) -> Shared:
        """Packets of a side that are the same at two places beyond doubt."""
        return self._compared(one, two, side)[1]

    def keeps_ids(self, one: Place, two: Place, side: int) -> bool:
        """False if IPv4 identifications are rewritten between two places."""
        return self._compared(one, two, side)[0]

    def _compared(self, one: Place, two: Place, side: int) -> tuple[bool, Shared]:
        if one > two:
            kept, found = self._compared(two, one, side)
            return kept, Shared(found.second, found.first)
        key = (one, two, side)
        if key not in self._shared:
            self._shared[key] = compared(self.at[one][side], self.at[two][side])
        return self._shared[key]

    def mss_of(self, side: int) -> int:
        """The largest MSS that was announced to the sender of `side`, as any place saw it; 0: none was seen."""
        return max((p.mss for packets in self.at.values() for p in packets[1 - side] if p.flags & SYN), default=0)


def seen_by(
    rows: Any, watched: Watched, connections: Sequence[Connection], flows: Any, split: frozenset[int]
) -> list[Seen]:
    """What the places saw of each connection. Points in `split` are one place for each of their interfaces."""
    seen = [Seen(connection.stream) for connection in connections]
    order = np.argsort(rows["watch"], kind="stable")
    starts = np.searchsorted(rows["watch"][order], np.arange(len(watched.watches) + 1))
    for number, members in enumerate(watched.members):
        part = rows[order[starts[number] : starts[number + 1]]]
        if not members or not len(part):
            continue
        begin = np.array([int(flows["first_ts"][member.row]) for _, member in members])
        owner = np.maximum(np.searchsorted(begin, part["ts"], side="right") - 1, 0)
        for place, (connection, member) in enumerate(members):
            mine = part[owner == place]
            for interface in sorted(set(mine["interface"].tolist())) if member.point in split else [-1]:
                some = mine if interface == -1 else mine[mine["interface"] == interface]
                _add(seen[connection], (member.point, interface), some, member.flipped)
                seen[connection].translated[member.point, interface] = _ends(flows[member.row], member.flipped)
                if member.base is not None:
                    seen[connection].own_base[member.point, interface] = member.base
    _add_fragments(seen, rows, order, starts, watched, connections, split)
    for each in seen:
        _straighten(each)
    return seen


def _ends(row: Any, flipped: bool) -> tuple[tuple[int, ...], ...]:
    ends = tuple((*(int(row[f"{letter}{i}"]) for i in range(4)), int(row[f"port_{letter}"])) for letter in "ab")
    return ends[::-1] if flipped else ends


def _add(seen: Seen, place: Place, rows: Any, flipped: bool) -> None:
    if not len(rows):
        return
    packets = seen.at.setdefault(place, ([], []))
    for values in rows[np.argsort(rows["ts"], kind="stable")].tolist():
        sighting = Sighting(*values)
        packets[sighting.side ^ flipped].append(sighting)


def _add_fragments(
    seen: list[Seen],
    rows: Any,
    order: Any,
    starts: Any,
    watched: Watched,
    connections: Sequence[Connection],
    split: frozenset[int],
) -> None:
    later: dict[tuple[Any, ...], int] = {}
    for number, members in enumerate(watched.members):
        if not members:
            later[_pair(watched.watches[number].ends)] = number
    for number, members in enumerate(watched.members):
        other = later.get(_pair(watched.watches[number].ends)) if members else None
        if other is None or starts[other] == starts[other + 1]:
            continue
        part = rows[order[starts[other] : starts[other + 1]]]
        for connection, member in members:
            # Sides of a pair without ports are those of its addresses, as are the connection's.
            for side, ident, size, interface in zip(
                part["side"].tolist(),
                part["ip_id"].tolist(),
                part["ip_len"].tolist(),
                part["interface"].tolist(),
                strict=True,
            ):
                place = (member.point, interface if member.point in split else -1)
                of = seen[connection].fragments.setdefault(place, defaultdict(int))
                of[side ^ member.flipped, ident] += size - 20
    del connections


def _pair(ends: Any) -> tuple[Any, ...]:
    return ends.version, ends.point, ends.low, ends.high


def _straighten(seen: Seen) -> None:
    """Count sequence numbers from the connection's first one, in both directions, and drop the capture's copies."""
    seen.base = [_first(seen, side) for side in (0, 1)]
    for place, packets in seen.at.items():
        base = seen.own_base.get(place, seen.base)
        for side in (0, 1):
            packets[side][:] = _without_copies(_relative(packets[side], base[side], base[1 - side]))


def relative_number(seen: Seen, side: int, raw: int, place: Place) -> int:
    """A sequence number as on the wire at a place, counted as those of the sightings."""
    numbers = [p.seq for packets in seen.at.values() for p in packets[side][-1:]]
    return _near(raw - seen.own_base.get(place, seen.base)[side], numbers[0] if numbers else 0)


def _first(seen: Seen, side: int) -> int:
    """A sequence number of the side from which all are counted, as on the wire."""
    for packets in seen.at.values():
        for packet in packets[side]:
            if packet.flags & SYN:
                return packet.seq
    numbers = [packets[side][0].seq for packets in seen.at.values() if packets[side]]
    numbers += [p.ack for packets in seen.at.values() for p in packets[1 - side][:1] if p.ack >= 0]
    return numbers[0] if numbers else 0


def _relative(packets: list[Sighting], first: int, other: int) -> list[Sighting]:
    out = []
    seq, ack = 0, 0
    for packet in packets:
        seq = _near(packet.seq - first, seq)
        values = {"seq": seq + (1 if packet.flags & SYN and packet.payload else 0)}
        if packet.ack >= 0:
            ack = _near(packet.ack - other, ack)
            values["ack"] = ack
        if packet.sack_left >= 0:
            values["sack_left"] = _near(packet.sack_left - other, ack)
            values["sack_right"] = _near(packet.sack_right - other, ack)
        out.append(packet._replace(**values))
    return out


def _near(number: int, expected: int) -> int:
    """The number congruent to it that is nearest to the one expected."""
    return expected + (number - expected + HALF) % WRAP - HALF


def _without_copies(packets: list[Sighting]) -> list[Sighting]:
    """Without packets that the capture holds twice: inside and outside of a tunnel, on several interfaces."""
    out: list[Sighting] = []
    last: dict[tuple[int, ...], int] = {}  # time of the latest one of its kind
    for packet in packets:
        key = packet.seq, packet.payload, packet.ack, packet.flags, packet.ip_id, packet.tsval
        before = last.get(key)
        last[key] = packet.ts
        within = DUPLICATE_ID_NS if packet.ip_id > 0 else DUPLICATE_NS
        if before is None or packet.ts - before > within:
            out.append(packet)
    return out
