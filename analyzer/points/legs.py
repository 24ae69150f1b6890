"""What becomes of the packets of one direction of a connection between each two neighbouring places.

A packet crossed a leg if it was seen at its end, or anywhere behind. It was lost there if it was seen at its start,
never behind, and its bytes were not acknowledged without having been seen: what is acknowledged arrived, and it is the
capture that missed it. A leg is narrow only if packets above some size were lost again and again while smaller ones
crossed, so often that neither loss nor a gap of the capture explains it.

Emits `LegFacts`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from analyzer.decode.tcp import SYN
from analyzer.model.points import Ends
from analyzer.model.wire_sizes import ETHERNET_MSS
from analyzer.passes.watched import SUM_PARTIAL, SUM_RIGHT, SUM_WRONG
from analyzer.point_settings import (
    LEAST_LOST,
    LEAST_LOST_NS,
    LEAST_SMALL_TRIES,
    LEAST_SURE,
    LEG_CHANCE,
    SILENT_NS,
    SLACK_NS,
)
from analyzer.points.clocks import Clocks
from analyzer.points.matching import matched
from analyzer.points.sightings import Place, Seen, Sighting
from analyzer.settings import LARGE_LOST

FOREVER = 1 << 62


@dataclass(slots=True)
class Lost:
    """A packet that left the start of a leg, and never came to its end."""

    packet: Sighting
    time: int  # by the common clock, ns
    size: int  # bytes of IP on the wire, 0 where a super-segment hides them


@dataclass(slots=True)
class Crossed:
    """A packet that crossed a leg."""

    packet: Sighting
    time: int  # when it left, by the common clock, ns
    size: int  # bytes of IP on the wire; 0: not known
    intact: bool  # its checksum was not spoilt on the leg
    arrived: tuple[tuple[int, int], ...]  # at the end of the leg: times by the common clock, and sizes of its pieces


@dataclass(slots=True)
class LegFacts:
    """One leg of one direction of a connection."""

    start: Place
    end: Place
    crossed: list[Crossed] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    missed: int = 0  # crossed, but not captured at `end`
    mss_clamped: bool = False
    df_cleared: bool = False
    fragmented: bool = False
    translated: bool = False
    ptb_lost: bool = False
    ends: Ends | None = None
    at_least: int | None = None
    limit: int | None = None  # the smallest size of which none crossed while smaller ones did
    segments: int = 0
    wider_before: bool = False  # packets as large as those that are lost once crossed
    sure: bool = False

    @property
    def altered(self) -> list[Crossed]:
        """Packets that arrived with a wrong checksum."""
        return [each for each in self.crossed if not each.intact]

    @property
    def proving(self) -> list[Lost]:
        """The lost packets that are above what crossed; all, where size is no matter."""
        if self.limit is None:
            return self.lost
        return [each for each in self.lost if not each.size or each.size >= self.limit]


Times = dict[Place, tuple[int, int]]
"""First and last time of anything at a place, by the common clock, ns."""


def legs_of(
    seen: Seen, side: int, order: Sequence[Place], clocks: Clocks, running: Times, told: int = 0
) -> list[LegFacts]:
    """The legs of the packets of `side`, whose places are in the order in which these pass them.

    `told`: the MTU of a PTB about them that was seen somewhere, 0: none was.
    """
    places = [place for place in order if seen.at[place][0] or seen.at[place][1]]
    while places and not seen.at[places[0]][side]:
        places.pop(0)
    way = _Way(seen, side, clocks, running, told, {p: [clocks.time(p, s.ts) for s in seen.at[p][side]] for p in places})
    return [way.leg(start, places[number + 1 :]) for number, start in enumerate(places[:-1])]


class _Acked:
    """What the receiver acknowledged of one side, as any place saw it."""

    def __init__(self, seen: Seen, side: int) -> None:
        answers = [p for packets in seen.at.values() for p in packets[1 - side]]
        self.up_to = max((p.ack for p in answers if p.ack >= 0), default=-1)
        self.ranges = sorted({(p.sack_left, p.sack_right) for p in answers if p.sack_left >= 0})

    def covers(self, start: int, end: int) -> bool:
        """True if all of these bytes were acknowledged."""
        if end <= self.up_to:
            return True
        return any(left <= start and end <= right for left, right in self.ranges)


def _largest_single(seen: Seen, side: int) -> int:
    """Payload above which a captured segment is none that was on the wire."""
    return seen.mss_of(side) or ETHERNET_MSS


class _Way:
    """One direction of a connection."""

    def __init__(
        self, seen: Seen, side: int, clocks: Clocks, running: Times, told: int, times: dict[Place, list[int]]
    ) -> None:
        self.seen, self.side, self.clocks, self.running, self.told, self.times = (
            seen,
            side,
            clocks,
            running,
            told,
            times,
        )
        self.acked = _Acked(seen, side)
        self.largest = _largest_single(seen, side)

    def leg(self, start: Place, behind: Sequence[Place]) -> LegFacts:
        """The leg from a place to the first of those behind it."""
        here, end = self.seen.at[start][self.side], behind[0]
        there = {place: self.seen.at[place][self.side] for place in behind}
        matches = {
            place: matched(
                here,
                there[place],
                (self.times[start], self.times[place]),
                self.clocks.doubt(start, place),
                ids=self.seen.keeps_ids(start, place, self.side),
            )
            for place in behind
        }
        facts = LegFacts(start, end)
        facts.translated = any(told.get(start) != told.get(end) for told in (self.seen.translated, self.seen.own_base))
        covered = _Covered([p for place in behind for p in there[place]])
        unseen = []
        for index, packet in enumerate(here):
            time = self.times[start][index]
            place = next((place for place in behind if matches[place].of[index]), None)
            if place is not None:
                pieces = matches[place].of[index]
                times = [self.times[place][i] for i in pieces] if place == end else []
                self._crossed(facts, packet, time, [there[place][i] for i in pieces], times)
            elif packet.payload or packet.flags & SYN:
                known = packet.payload and self.acked.covers(packet.seq, packet.end)
                if known and not covered.covers(packet.seq, packet.end):
                    facts.missed += 1
                else:
                    unseen.append(Lost(packet, time, _size(packet, self.largest)))
        begin, stop = self._running(facts, unseen)
        facts.lost += [each for each in unseen if begin <= each.time <= stop]
        _judge(facts, told=self.told)
        return facts

    def _crossed(
        self, facts: LegFacts, packet: Sighting, time: int, pieces: Sequence[Sighting], times: Sequence[int]
    ) -> None:
        at_end = bool(times)
        if not at_end:
            facts.missed += 1
        elif any(p.fragment for p in pieces) and not packet.fragment:
            facts.fragmented = True
            if not _complete(self.seen, self.side, facts.end, packet, pieces):
                facts.lost.append(Lost(packet, time, _size(packet, self.largest)))
                return
        facts.df_cleared |= bool(packet.df and not pieces[0].df)
        facts.mss_clamped |= bool(packet.flags & SYN and 0 < pieces[0].mss < packet.mss)
        spoilt = at_end and packet.sum in (SUM_RIGHT, SUM_PARTIAL) and all(p.sum == SUM_WRONG for p in pieces)
        size = _crossed_size(packet, pieces, self.largest)
        arrived = tuple((when, _size(piece, self.largest)) for when, piece in zip(times, pieces, strict=False))
        facts.crossed.append(Crossed(packet, time, size, not spoilt, arrived))

    def _running(self, facts: LegFacts, unseen: Sequence[Lost]) -> tuple[int, int]:
        """From when to when the end of a leg is known to have captured what crossed it, by the common clock, ns.

        A file ends with its last packet, and nobody knows how long its capture went on in silence. It did not if what
        came from there the other way was seen at the start of the leg only; and that it ended just before the first
        loss would be a strange chance.
        """
        first, last = self.running.get(facts.end, (0, 0))
        doubt = self.clocks.doubt(facts.start, facts.end) or 0
        crossed = [each.time for each in facts.crossed]
        begin, stop = min([first + doubt, *crossed]), max([last - doubt, *crossed])
        back = self.seen.at[facts.start][1 - self.side]
        there = {(p.seq, p.payload, p.ack) for p in self.seen.at[facts.end][1 - self.side]}
        later = [p for p in back if self.clocks.time(facts.start, p.ts) > stop + doubt + SLACK_NS]
        if any((p.seq, p.payload, p.ack) not in there for p in later):
            return begin, stop
        silent = [each.time for each in unseen if each.packet.payload and each.time >= begin]
        return begin, FOREVER if silent and min(silent) <= stop + SILENT_NS else stop


class _Covered:
    """Ranges of bytes that were seen somewhere."""

    def __init__(self, packets: Sequence[Sighting]) -> None:
        merged: list[list[int]] = []
        for start, end in sorted((p.seq, p.end) for p in packets if p.payload):
            if merged and start <= merged[-1][1]:
                merged[-1][1] = max(merged[-1][1], end)
            else:
                merged.append([start, end])
        self._ranges = merged

    def covers(self, start: int, end: int) -> bool:
        return any(left <= start and end <= right for left, right in self._ranges)


def _complete(seen: Seen, side: int, place: Place, whole: Sighting, here: Sequence[Sighting]) -> bool:
    """True if all fragments of a packet arrived, as far as later ones can be told."""
    later = seen.fragments.get(place, {}).get((side, here[0].ip_id), 0)
    return sum(p.ip_len - 20 for p in here) + later >= whole.ip_len - 20


def _size(packet: Sighting, largest: int) -> int:
    return packet.ip_len if packet.payload <= largest else 0


def _crossed_size(packet: Sighting, here: Sequence[Sighting], largest: int) -> int:
    """Bytes of the largest packet that crossed: of a whole one, or of the pieces that a super-segment was cut into."""
    if any(p.fragment for p in here):
        return 0  # it crossed in pieces
    if packet.payload <= largest:
        return packet.ip_len
    return max((p.ip_len for p in here if p.payload <= largest), default=0)


def _judge(facts: LegFacts, *, told: int) -> None:
    """What the sizes of what crossed and what did not say together."""
    facts.at_least = max((each.size for each in facts.crossed), default=0) or None
    # Of what got through in the end at its own size, single copies were lost: that is loss.
    got_through = {(each.packet.seq, each.packet.payload) for each in facts.crossed}
    stuck = [e for e in facts.lost if e.packet.payload and (e.packet.seq, e.packet.payload) not in got_through]
    if stuck:
        since = min(each.time for each in stuck)
        after = [each for each in facts.crossed if each.time >= since]
        width = max((each.size for each in after), default=0)
        large = [each for each in stuck if each.size > width or not each.size]
        if width and any(each.size for each in large):
            _narrow(facts, large, after, width, told=told)
        if facts.ends is None and not width:
            _nothing_after(facts, stuck)
        elif facts.ends is None:
            _content(facts, stuck, after)
    if facts.ends is None:
        _damage(facts)


def _narrow(facts: LegFacts, large: list[Lost], after: list[Crossed], width: int, *, told: int) -> None:
    first, last = min(each.time for each in large), max(each.time for each in large)
    limit = min(each.size for each in large if each.size)
    said = told if told < limit else 0  # a router says so itself
    control = [each for each in after if each.size and (each.packet.payload or said)]
    cut = any(
        lost.packet.seq <= each.packet.seq < lost.packet.end and each.time > lost.time
        for each in control
        if each.packet.payload
        for lost in large
    )
    # What crosses only afterwards may have been let through by the end of an outage; unless a PTB tells what it was.
    if not any(each.time < last for each in control) and not (said and cut):
        return
    smaller_lost = sum(1 for each in facts.lost if 0 < each.size <= width)
    smaller = sum(1 for each in facts.crossed if 0 < each.size <= width)
    share = (smaller_lost + facts.missed + 1) / (smaller + smaller_lost + facts.missed + 2)
    if len(large) < LEAST_LOST or share ** len(large) > LEG_CHANCE or (last - first < LEAST_LOST_NS and not cut):
        return
    facts.segments = _different(large)
    facts.wider_before = any(each.size >= limit for each in facts.crossed)
    if facts.wider_before and facts.segments < LARGE_LOST:
        return  # as large ones crossed before: it may be what is in these
    facts.sure = (facts.segments >= 2 or cut) and len(large) >= LEAST_SURE
    if said:  # what crossed before is no less known
        width = max([each.size for each in facts.crossed if each.size <= said], default=width)
    facts.ends, facts.limit, facts.at_least = "size", limit, width


def _different(lost: Sequence[Lost]) -> int:
    """Segments that have no bytes in common: copies are one trial."""
    count, end = 0, -1
    for each in sorted(lost, key=lambda each: each.packet.seq):
        if each.packet.seq >= end:
            count += 1
            end = each.packet.end
    return count


def _nothing_after(facts: LegFacts, stuck: list[Lost]) -> None:
    """Nothing crossed any more since."""
    if len(stuck) < LEAST_LOST or max(e.time for e in stuck) - min(e.time for e in stuck) < LEAST_LOST_NS:
        return
    before = facts.at_least or 0
    small = [each for each in stuck if each.size and each.size <= before]
    if len(small) >= LEAST_SMALL_TRIES or (before and len(small) == len(stuck)):
        facts.ends = "all"
        return
    large = [each for each in stuck if each.size > before]
    if before and len(large) >= LEAST_SURE and any(each.packet.payload for each in facts.crossed):
        # Only before: what crossed says how large packets were then, and nothing how it went on.
        facts.limit = min(each.size for each in large)
        facts.segments = _different(large)


def _content(facts: LegFacts, stuck: list[Lost], after: list[Crossed]) -> None:
    """One segment is lost again and again while others as large cross."""
    copies: dict[int, list[Lost]] = defaultdict(list)
    for each in stuck:
        copies[each.packet.seq].append(each)
    most = max(copies.values(), key=len)
    span = most[-1].time - most[0].time
    as_large = [
        each for each in after if each.size >= max(lost.size for lost in most) > 0 and each.time >= most[0].time
    ]
    if len(most) > LEAST_LOST and span >= LEAST_LOST_NS and as_large:
        smaller_lost = len(facts.lost) - len(most) + facts.missed
        share = (smaller_lost + 1) / (len(facts.crossed) + smaller_lost + 2)
        if share ** len(most) <= LEG_CHANCE:
            facts.ends = "content"
            facts.segments = 1


def _damage(facts: LegFacts) -> None:
    """Packets arrive, spoilt, and never whole."""
    copies: dict[int, list[Crossed]] = defaultdict(list)
    for each in facts.crossed:
        if each.packet.payload:
            copies[each.packet.seq].append(each)
    if any(len(same) >= LEAST_LOST and not any(each.intact for each in same) for same in copies.values()):
        facts.ends = "damaged"
