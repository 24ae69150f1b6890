"""One flow as the judging functions see it: counters of both directions, recorded segments, neighbours.

Emits `Conversation` and `Way` (one direction of it). Counters are those of `flows.tables.DIRECTION`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from analyzer.evidence.deliveries import Transmission, transmissions_of
from analyzer.evidence.holes import Hole, holes_of
from analyzer.evidence.segments import FrameRef, Segment
from analyzer.settings import LONG_HOLE_NS

if TYPE_CHECKING:
    from analyzer.evidence.ptb import PtbSeen

ETHERNET_MTU = 1500
INITIAL_TTLS = (32, 64, 128, 255)  # what common stacks send with; one of them means no router in between


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What another flow between the same two addresses tells about one direction of theirs."""

    stream: int
    first_ts: int
    last_ts: int
    answered: tuple[tuple[int, FrameRef], ...]  # when its packets were acknowledged, and by which frames: some times
    opened_ts: int  # when its SYN or SYN/ACK was answered, 0: never
    asked_ts: int  # when that was sent first
    opening: tuple[FrameRef, ...]  # that packet and its answer
    delivered: int  # largest packet delivered with DF
    delivered_ts: int
    delivered_ref: FrameRef
    delivered_ack: FrameRef
    hung_since: int  # start of a run of retransmissions that is still unanswered, 0: none
    hung_payload: int  # payload of what is retransmitted
    hung_frame: FrameRef  # a retransmission of it


@dataclass
class Way:
    """One direction of a flow: `count` holds its counters, `peer` those of the other direction."""

    side: int
    version: int
    count: dict[str, int]
    peer: dict[str, int]
    segments: list[Segment]
    ptbs: list[PtbSeen] = field(default_factory=list)
    neighbours: list[Neighbour] = field(default_factory=list)
    capture_end: int = 0
    several_files: bool = False
    fragmented: bool = False
    rtt: int = 0  # from this side's packet to the peer's answer at the capture point, ns; 0 unknown

    def name(self, ref: FrameRef) -> str:
        """A frame in words."""
        return ref.name(several=self.several_files)

    def frame(self, place: int) -> str:
        """A frame of a direction's row in words."""
        return self.name(FrameRef.at(place))

    @property
    def header(self) -> int:
        """Bytes of IP and TCP header without options."""
        return 40 if self.version == 4 else 60

    @cached_property
    def full_size(self) -> int:
        """IP length of a full-size packet: the peer's announced MSS and 40 or 60; 0 if the SYN was not seen."""
        return self.peer["mss"] + self.header if self.peer["mss"] > 0 else 0

    @property
    def at_sender(self) -> bool:
        """True if no router lies between this direction's sender and the capture point."""
        return self.count["packets"] > 0 and self.count["ttl_max"] in INITIAL_TTLS

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
        for t in self.transmissions:
            if t.segment.ip_len > largest and t.segment.df == df and self.counts(t):
                largest = t.segment.ip_len
        return largest

    @cached_property
    def transmissions(self) -> list[Transmission]:
        """Every recorded data segment of this direction, with what became of it."""
        return transmissions_of(self.segments, self.side, self.rtt)

    @cached_property
    def holes(self) -> list[Hole]:
        """Bytes of this direction that were missing while later ones came."""
        return holes_of(self.segments, self.side, self.count["una"])

    @cached_property
    def cap(self) -> tuple[int, int]:
        """(time, size): from then on larger captured packets may be super-segments of that size.

        That is when a PTB arrived, when the sender cut a segment smaller by itself, or, seen behind the
        narrow hop, when bytes that were long missing came in smaller packets.
        """
        changes = [(p.ts, p.mtu) for p in self.ptbs if p.plausible]
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
        return min(changes, default=(1 << 62, 0))

    def size_known_without_cap(self, segment: Segment) -> bool:
        """True if the packet is no super-segment by its own looks."""
        if segment.super_segment:
            return False
        if not self.full_size and segment.ip_len > ETHERNET_MTU and any(p.ts <= segment.ts for p in self.ptbs):
            return False  # no MSS seen, and a sender that had to shrink: rather several segments than a jumbo frame
        # No MSS seen: a timeout resends one segment, so larger packets were several.
        return bool(
            self.full_size or not self.count["resent_max"] or segment.ip_len <= max(self.count["resent_max"], 1500)
        )

    def size_known(self, segment: Segment) -> bool:
        """True if the captured size was the size on the wire (no offload in between)."""
        since, size = self.cap
        return self.size_known_without_cap(segment) and (segment.ts < since or segment.ip_len <= size)

    def counts(self, transmission: Transmission) -> bool:
        """True if the transmission proves its size delivered."""
        ack = transmission.covered_by
        if ack is None or not transmission.proven or not self.size_known(transmission.segment):
            return False
        again = self._resent_beyond_cap.get(transmission.segment.seq)
        return again is None or ack.ts < again

    @cached_property
    def _resent_beyond_cap(self) -> dict[int, int]:
        """Sequence number and time of resends that look as large as before the cap: smaller packets, by offload."""
        return {
            t.segment.seq: t.segment.ts
            for t in reversed(self.transmissions)
            if t.segment.resent and not self.size_known(t.segment)
        }

    @property
    def missing_share(self) -> float:
        """Share of the acknowledged bytes that the capture does not hold; 0 where fragments hide it."""
        if self.fragmented:
            return 0.0  # the bytes in later fragments are in the capture, but belong to no TCP header
        total = self.count["payload_bytes"] + self.count["unseen"]
        return self.count["unseen"] / total if total else 0.0


@dataclass
class Conversation:
    """Both directions of a flow and what belongs to neither."""

    stream: int
    client_side: int
    ways: tuple[Way, Way]
    seen: int
    first_ts: int
    last_ts: int
    packets: int

    def way_to_server(self) -> Way:
        """The direction client to server."""
        return self.ways[self.client_side]

    def way_to_client(self) -> Way:
        """The direction server to client."""
        return self.ways[1 - self.client_side]
