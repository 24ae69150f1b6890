"""One flow as the judging functions see it: counters of both directions, recorded segments, siblings.

Emits `Conversation` and `Direction` (one direction of it). Counters are those of `flows.flow_tables.DIRECTION`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from analyzer.evidence.deliveries import Transmission, transmissions_of
from analyzer.evidence.exchange import Exchange
from analyzer.evidence.holes import Hole, holes_of
from analyzer.evidence.in_time import InTime
from analyzer.evidence.ptb_answers import PtbAnswers
from analyzer.evidence.segments import Segment, frame_of
from analyzer.model.statement import FrameRef
from analyzer.model.wire_sizes import ETHERNET_MTU
from analyzer.settings import INITIAL_TTLS, LEAST_MISSING, LEAST_PIECE, LONG_HOLE_NS

if TYPE_CHECKING:
    from analyzer.evidence.ptb import PtbSeen
    from analyzer.evidence.siblings import Siblings

MOST_WAITING = 64  # segments without answer whose round trip is measured


@dataclass(kw_only=True)
class Direction(Exchange):
    """One direction of a flow: `count` holds its counters, `peer` those of the other direction."""

    version: int
    count: dict[str, int]
    peer: dict[str, int]
    ptbs: list[PtbSeen] = field(default_factory=list)
    _disproved: dict[tuple[str, int], bool] = field(default_factory=dict, init=False, repr=False)
    siblings: Siblings | None = None  # None: nothing was recorded that could be asked about
    row: int = 0  # of the flow table: what `siblings` leaves out
    told: tuple[PtbSeen, ...] = ()  # PTBs about other flows from here to the peer's host, each for less than before
    beside_receiver: bool = False  # no router lies between the capture point and its receiver (`vantage`)
    at_receiver: bool = False  # what the capture holds of this direction had arrived (`vantage`)
    backwards: bool = False  # times go backwards within the flow: where other packets belong is not sure
    capture_end: int = 0
    several_files: bool = False
    fragmented: bool = False
    handshake_rtt: int = 0  # from this side's SYN or SYN/ACK to the answer at the capture point, ns; 0 unknown

    def name(self, ref: FrameRef) -> str:
        """A frame in words."""
        return ref.name(several=self.several_files)

    def frame(self, frame_id: int) -> str:
        """A frame of a direction's row in words."""
        return self.name(frame_of(frame_id))

    @property
    def header(self) -> int:
        """Bytes of IP and TCP header without options."""
        return 40 if self.version == 4 else 60

    @cached_property
    def full_size(self) -> int:
        """IP length of a full-size packet: the peer's announced MSS and 40 or 60; 0 if the SYN was not seen."""
        return self.peer["mss"] + self.header if self.peer["mss"] > 0 else 0

    @cached_property
    def usual_size(self) -> int:
        """IP length of what the sender takes for a full-size packet; 0 unknown.

        Hosts keep to their own MSS as well, since both come from the same interface (RFC 9293 3.7.1). Where only what
        the sender announces was lowered on the way, it may still send `full_size`.
        """
        own = self.count["mss"] + self.header if self.count["mss"] > 0 else 0
        return min(self.full_size, own) if self.full_size and own else self.full_size

    @cached_property
    def rtt(self) -> int:
        """From this side's packet to the peer's answer at the capture point, ns; 0 unknown.

        The least of the handshake's and of that of data sent once (Karn): a SYN may have waited for address
        resolution, or for a radio to wake up, and an ACK may be delayed, but none comes before its packet.
        """
        trips = [self.handshake_rtt] if self.handshake_rtt > 0 else []
        waiting: deque[Segment] = deque()
        before = -1
        for segment in self.segments:
            if segment.side == self.side:
                if segment.resent:
                    waiting = deque(old for old in waiting if old.end <= segment.seq or old.seq >= segment.end)
                elif segment.data:
                    waiting.append(segment)
                    if len(waiting) > MOST_WAITING:
                        waiting.popleft()
            elif segment.has_ack:
                while waiting and waiting[0].end <= segment.ack:
                    trips.append(segment.ts - waiting.popleft().ts)
                trips += [
                    segment.ts - old.ts
                    for old in (waiting if segment.sack else ())
                    if any(left <= old.seq and old.end <= right for left, right in segment.sack)
                ]
                if segment.sack or segment.ack == before:
                    waiting.clear()  # what arrived behind a hole is acknowledged much later
                before = segment.ack
        trips = [trip for trip in trips if trip > 0]
        return min(trips, default=0)

    @cached_property
    def ended_ts(self) -> int:
        """When the connection was aborted, ns; else when the capture ends. A RST that nobody obeyed is none."""
        ended = self.capture_end
        for segment in reversed(self.segments):
            if segment.data and not segment.resent:
                break
            if segment.rst:
                ended = segment.ts
        return ended

    @property
    def at_sender(self) -> bool:
        """True if no router lies between this direction's sender and the capture point."""
        return self.count["packets"] > 0 and self.count["ttl_max"] in INITIAL_TTLS

    @cached_property
    def selective(self) -> bool:
        """True if the peer's ACKs tell what arrived behind a hole: SACK was agreed on, and no snap length hides it."""
        heard = [s for s in self.segments if s.side != self.side]
        agreed = self.count["sack_ok"] > 0 and self.peer["sack_ok"] > 0
        return (agreed or any(s.sack for s in heard)) and not any(s.options_cut for s in heard)

    @property
    def window_scale(self) -> int:
        """Shift of the windows that the peer announces."""
        return self.peer["wscale"] if self.peer["wscale"] >= 0 and self.count["wscale"] >= 0 else 0

    @property
    def one_sided(self) -> bool:
        """True if the capture holds packets of one direction only."""
        return self.count["packets"] == 0 or self.peer["packets"] == 0

    @cached_property
    def delivered(self) -> int:
        """Largest packet with DF proven delivered, IP length; 0 if none."""
        return self._largest_delivered(self.count["delivered"], df=True)

    @cached_property
    def delivered_nodf(self) -> int:
        """Largest packet without DF proven delivered, IP length; 0 if none."""
        return self._largest_delivered(self.count["delivered_nodf"], df=False)

    def _largest_delivered(self, largest: int, *, df: bool) -> int:
        if self.backwards or (self.count["super_packets"] and not self.full_size):
            return 0  # nobody knows what was answered, or into how large packets it all was cut
        for t in self.transmissions:
            if t.segment.ip_len > largest and t.segment.df == df and self.counts(t):
                largest = t.segment.ip_len
        return largest

    @cached_property
    def transmissions(self) -> list[Transmission]:
        """Every recorded data segment of this direction, with what became of it."""
        return transmissions_of(self.segments, self.side, self.rtt, self.effort)

    @cached_property
    def sendings(self) -> InTime[Transmission]:
        """As `transmissions`, found by time."""
        return InTime(self.transmissions, [t.segment.ts for t in self.transmissions], self.effort)

    @cached_property
    def all_holes(self) -> list[Hole]:
        """Bytes of this direction that were missing while later ones came, also where the capture lost them."""
        return holes_of(self.segments, self.side, self.count["una"], self.effort)

    @cached_property
    def holes(self) -> list[Hole]:
        """As `all_holes`, but for those that the peer acknowledged all the same."""
        return [hole for hole in self.all_holes if not hole.acknowledged]

    @cached_property
    def caps(self) -> list[tuple[int, int]]:
        """(time, size), in order of time: from then on larger captured packets may be super-segments of that size.

        That is when a PTB arrived, when the sender cut a segment smaller by itself, or, seen behind the
        narrow hop, when bytes that were long missing came in smaller packets.
        """
        changes = [(p.ts, p.mtu) for p in (*self.ptbs, *self.told) if p.plausible]
        for hole in self.holes:
            first = hole.filled_by[0] if hole.filled_by else None
            if first and first.ip_len < self.full_size and first.ts - hole.opened_by.ts >= LONG_HOLE_NS:
                changes.append((first.ts, first.ip_len))
        seen: dict[int, int] = {}
        for segment in self.segments:
            if segment.side == self.side and segment.data and not segment.super_segment:
                if segment.resent and segment.seq in seen and segment.ip_len < seen[segment.seq]:
                    changes.append((segment.ts, segment.ip_len))
                seen[segment.seq] = segment.ip_len
        return sorted(changes)

    @cached_property
    def _least_caps(self) -> list[int]:
        return list(accumulate((size for _, size in self.caps), min))

    def offload_ceiling_at(self, ts: int) -> int | None:
        """The largest size that a packet sent at `ts` is sure to have had as captured, None: any."""
        at = bisect_right(self.caps, (ts, 1 << 62))
        return self._least_caps[at - 1] if at else None

    @cached_property
    def ptb_answers(self) -> PtbAnswers:
        """What the sender did after each PTB."""
        return PtbAnswers(self)

    @cached_property
    def _first_ptb_ts(self) -> int:
        return min((p.ts for p in self.ptbs), default=1 << 62)

    @cached_property
    def cut_behind(self) -> frozenset[FrameRef]:
        """Packets of this direction that left as several, although their captured size is that of one.

        Two witnesses. An ACK of a byte in the middle of what was sent once: a part of it arrived alone. And the
        sender's IPv4 identifications, where no MSS tells how large packets can be: they go on by as many as packets
        were made (Linux). Where they are counted for this connection alone, all packets of a size step alike.
        """
        cut: set[FrameRef] = set()
        if not self.full_size:
            own = [s for s in self.segments if s.side == self.side and s.ip_id >= 0]
            steps: dict[int, list[tuple[FrameRef, int]]] = {}
            for a, b in pairwise(own):
                steps.setdefault(a.payload, []).append((a.ref, (b.ip_id - a.ip_id) & 0xFFFF))
            for payload, seen in steps.items():
                step = seen[0][1]
                if len(seen) > 1 and 1 < step <= payload // LEAST_PIECE and all(each == step for _, each in seen):
                    cut |= {ref for ref, _ in seen}
        cut |= {t.segment.ref for t in self.transmissions if t.one_shape and t.covered_by is not None and t.in_part}
        return frozenset(cut)

    def size_known_without_ceiling(self, segment: Segment) -> bool:
        """True if the packet is no super-segment by its own looks, and did not leave as several."""
        if segment.super_segment or segment.fragment or segment.ref in self.cut_behind:
            return False
        if not self.full_size and segment.ip_len > ETHERNET_MTU and self._first_ptb_ts <= segment.ts:
            return False  # no MSS seen, and a sender that had to shrink: rather several segments than a jumbo frame
        # No MSS seen: a timeout resends one segment, so larger packets were several.
        return bool(
            self.full_size
            or not self.count["resent_max"]
            or segment.ip_len <= max(self.count["resent_max"], ETHERNET_MTU)
        )

    def size_known(self, segment: Segment) -> bool:
        """True if the captured size was the size on the wire (no offload in between)."""
        size = self.offload_ceiling_at(segment.ts)
        return self.size_known_without_ceiling(segment) and (size is None or segment.ip_len <= size)

    def disproved(self, ptb: PtbSeen) -> bool:
        """True if packets larger than the PTB allows got through all the same.

        That is one that a PTB of this router quotes, or one sent after the first of them.
        """
        key = (ptb.router, ptb.mtu)
        if key not in self._disproved:
            self._disproved[key] = self._is_disproved(ptb)
        return self._disproved[key]

    @cached_property
    def _alike(self) -> dict[tuple[str, int], list[PtbSeen]]:
        """PTBs by router and MTU."""
        alike: dict[tuple[str, int], list[PtbSeen]] = defaultdict(list)
        for ptb in self.ptbs:
            alike[ptb.router, ptb.mtu].append(ptb)
        return alike

    def _is_disproved(self, ptb: PtbSeen) -> bool:
        alike = self._alike.get((ptb.router, ptb.mtu), [])
        quoted = {p.quoted_seq & 0xFFFFFFFF for p in alike if p.quoted_seq is not None}
        numbers = {p.quoted_id for p in alike if p.quoted_id > 0}
        since = min((p.ts for p in alike), default=ptb.ts)
        for t in self.sendings:
            segment = t.segment
            if (
                segment.ip_len <= ptb.mtu
                or not segment.df
                or t.covered_by is None
                or t.lost
                or not self.size_known_without_ceiling(segment)
            ):
                continue
            named = segment.seq & 0xFFFFFFFF in quoted or segment.ip_id in numbers
            if segment.ts > since or (named and t.covered_by.ts >= since):
                return True
        return False

    def counts(self, transmission: Transmission) -> bool:
        """True if the transmission proves its size delivered."""
        ack = transmission.covered_by
        if ack is None or not transmission.proven or not self.size_known(transmission.segment):
            return False
        again = self._resent_beyond_ceiling.get(transmission.segment.seq)
        return again is None or ack.ts < again

    @cached_property
    def _resent_beyond_ceiling(self) -> dict[int, int]:
        """Sequence number and time of resends that look as large as before the cap: smaller packets, by offload."""
        return {
            t.segment.seq: t.segment.ts
            for t in reversed(self.transmissions)
            if t.segment.resent and not self.size_known(t.segment)
        }

    @cached_property
    def largest_absent(self) -> int:
        """Most acknowledged bytes in a row, of this direction, that the capture does not hold.

        Of a flow that was not recorded as a whole all that are missing are taken for one row.
        """
        if len(self.segments) + self.count["duplicates"] + self.peer["duplicates"] < (
            self.count["packets"] + self.peer["packets"]
        ):
            return self.count["unseen"]
        return max((hole.missing for hole in self.all_holes if hole.acknowledged), default=0)

    @property
    def own_missing_share(self) -> float:
        """As `missing_share`, of this direction alone."""
        return missing_share(absent(self.count, self.peer), self.count["payload_bytes"], fragmented=self.fragmented)

    @property
    def missing_share(self) -> float:
        """Share of the acknowledged bytes of both directions that the capture does not hold.

        0 where fragments hide it, and where less is missing than a segment of any host holds: a keep-alive's byte is
        none of the connection's.
        """
        return missing_share(
            absent(self.count, self.peer) + absent(self.peer, self.count),
            self.count["payload_bytes"] + self.peer["payload_bytes"],
            fragmented=self.fragmented,
        )


def absent(count: Mapping[str, int], peer: Mapping[str, int]) -> int:
    """Acknowledged bytes of the direction with the counters `count` that the capture does not hold.

    Those before its first packet were on their way when the capture began, perhaps: not where they arrived.
    """
    arrive = peer["packets"] > 0 and peer["ttl_max"] in INITIAL_TTLS
    return count["unseen"] + (count["unseen_before"] if arrive else 0)


def missing_share(unseen: int, seen: int, *, fragmented: bool) -> float:
    """The share of `unseen` bytes, by the rules of `Direction.missing_share`."""
    if fragmented or unseen < LEAST_MISSING:
        return 0.0  # the bytes in later fragments are in the capture, but belong to no TCP header
    return unseen / (unseen + seen)


@dataclass
class Conversation:
    """Both directions of a flow and what belongs to neither."""

    stream: int
    client_side: int
    directions: tuple[Direction, Direction]
    seen: int
    first_ts: int
    last_ts: int
    packets: int
    disordered: bool = False  # the file is not in the order of its times

    def direction_to_server(self) -> Direction:
        """The direction client to server."""
        return self.directions[self.client_side]

    def direction_to_client(self) -> Direction:
        """The direction server to client."""
        return self.directions[1 - self.client_side]
