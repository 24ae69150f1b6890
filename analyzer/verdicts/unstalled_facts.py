"""All that the rules ask about a direction in which no segment is stuck, worked out only when asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from analyzer.evidence.direction import Way
from analyzer.evidence.holes import Hole, fits_full_size, fits_larger_than
from analyzer.evidence.ptb import PtbSeen, acked_after, obeyed
from analyzer.evidence.retransmissions import Run
from analyzer.evidence.segments import frame_of
from analyzer.flows.flow_tables import SAW_FIN, SAW_RST
from analyzer.model.statement import FrameRef
from analyzer.settings import Settings

UNANSWERED = 2
"""Retransmissions of the peer without an answer after which the other side counts as gone."""

REQUEST_PACKETS = 10
"""Data packets up to which what the peer sent looks like a request, whose answer may be missed."""

LEAST_ZERO_WINDOWS = 2
"""Packets that must announce a window of 0 before it is more than a moment's."""

SOON_NS = 500_000_000
"""A sender that was held back goes on this soon after the window opens, ns, or within two round trips."""

LEAST_LARGE = 576
"""IP length that every path carries (RFC 791): no hole is explained by packets that small."""

DAY_NS = 86_400_000_000_000
"""Nothing is said to last longer: between packets that far apart, clocks were set and captures joined."""

JITTER_NS = 10_000_000
"""Packets that overtake one another do so within this time, ns, or a round trip: no loss."""


def closed_longest(peer: Mapping[str, Any], end: int) -> tuple[int, int]:
    """How long the peer kept its window closed at a stretch, ns, and which frame began that; `end` of the capture."""
    still = min(end - peer["window_zero_ts"], DAY_NS) if peer["window_zero_ts"] else 0
    if still > peer["window_zero_longest"]:
        return still, peer["window_zero_now"]
    return min(peer["window_zero_longest"], DAY_NS), peer["window_zero_frame"]


@dataclass
class Calm:
    """Facts about one direction without a stall."""

    way: Way
    settings: Settings
    seen: int  # SAW_ bits of the flow
    established: bool
    to_client: bool  # the direction from the server, where answers are expected
    waited: Run | None = None  # the run of retransmissions whose byte waited longest for its ACK

    @cached_property
    def answered_ptb(self) -> tuple[PtbSeen, FrameRef] | None:
        """A PTB that was obeyed or may have been, and the later packet that acknowledged the bytes it quotes."""
        way = self.way
        for ptb in way.ptbs:
            believed = ptb.defect in (None, "mtu_zero") or (
                ptb.defect == "checksum" and obeyed(ptb, way.segments, way.side, self.settings.sent_again_ns)
            )
            if believed:
                ack = acked_after(ptb, way.segments, way.side)
                if ack is not None:
                    return ptb, ack.ref
        return None

    @cached_property
    def pending_ptb(self) -> PtbSeen | None:
        """A PTB after which the capture shows nothing of the quoted bytes."""
        return next((p for p in self.way.ptbs if p.plausible), None)

    @cached_property
    def closed_ns(self) -> int:
        """How long the peer kept its window closed at a stretch, ns: see `closed_longest`."""
        return closed_longest(self.way.peer, self.way.capture_end)[0]

    @cached_property
    def closed_frame(self) -> FrameRef:
        """The frame that began that time."""
        return frame_of(closed_longest(self.way.peer, self.way.capture_end)[1])

    @cached_property
    def held_back(self) -> bool:
        """The closed window held somebody back: this side had something to send meanwhile, and not sent its last byte.

        A window of 0 in one packet alone, or where nobody wants to send, is no trouble.
        """
        way = self.way
        closed_for, place = closed_longest(way.peer, way.capture_end)
        if way.peer["zero_windows"] < LEAST_ZERO_WINDOWS or not place:
            return False
        frame = frame_of(place)
        start = next((s.ts for s in way.segments if s.ref == frame), None)
        if start is None:
            return way.count["una"] < way.count["snd_max"] or way.count["keepalives"] > 0
        end = start + closed_for
        if 0 < way.count["fin_ts"] <= start and way.count["una"] >= way.count["snd_max"]:
            return False
        soon = end + max(2 * way.rtt, SOON_NS)
        if any(s.side == way.side and start < s.ts <= soon and (s.payload or s.keepalive) for s in way.segments):
            return True
        # Probes that are lost behind the capture point are answered all the same, with the same ACK again and again.
        bare = [s.ack for s in way.segments if s.side != way.side and start <= s.ts <= end and s.end == s.seq]
        return any(bare.count(ack) > LEAST_ZERO_WINDOWS for ack in set(bare[-8:]))

    @cached_property
    def closed_to_the_end(self) -> bool:
        """The window is closed when the capture ends, of a connection that nobody had closed or aborted."""
        over = self.seen & SAW_RST or self.way.count["fin_ts"] or self.way.peer["fin_ts"]
        return bool(self.way.peer["window_zero_ts"]) and not over

    @cached_property
    def largest_arrived(self) -> int:
        """IP length of the largest packet of this direction that was seen, or proven delivered."""
        return max(self.way.count["max_sent"], self.way.delivered)

    @cached_property
    def unexplained_hole(self) -> Hole | None:
        """A hole that full-size packets may have left, while only smaller ones were ever seen; or None.

        That is what a black hole before the capture point leaves, and for a moment ordinary loss too.
        """
        way = self.way
        full = way.usual_size
        if (
            way.backwards
            or way.count["super_packets"]
            or self.largest_arrived >= (full or self.settings.exercised_bytes)
        ):
            return None
        for hole in way.holes:
            first_fill = hole.filled_by[0].ip_len if hole.filled_by else 0
            quick = hole.filled_ts is not None and hole.filled_ts - hole.opened_by.ts < self.settings.hole_ns
            if (
                not quick
                and all(not s.super_segment and s.ip_len < (full or 1 << 30) for s in hole.arrived)
                and self.fits_large(hole)
                and first_fill < (full or self.settings.exercised_bytes)
            ):
                return hole
        return None

    def fits_large(self, hole: Hole) -> bool:
        """The missing bytes fit into packets that are all larger than any that arrived."""
        way = self.way
        if fits_full_size(hole.missing, way.peer["mss"], way.count["mss"]):
            return True
        arrived = max((s.payload for s in way.segments if s.side == way.side and s.data), default=0)
        return fits_larger_than(hole.missing, max(arrived, LEAST_LARGE - way.header), way.peer["mss"])

    @cached_property
    def lossy(self) -> bool:
        """Too many acknowledged bytes are missing from the capture to believe in its holes."""
        return self.way.own_missing_share > self.settings.capture_loss

    @cached_property
    def useless(self) -> bool:
        """Most of the acknowledged bytes are missing from the capture: nothing is concluded."""
        return self.way.missing_share > self.settings.capture_useless

    @cached_property
    def suspicious_hole(self) -> Hole | None:
        """The unexplained hole if it stayed open long enough (contract: `blackhole_suspected`)."""
        hole = self.unexplained_hole
        if hole is None or (hole.filled_ts is None and self.way.peer["run_count"] >= UNANSWERED):
            return None  # what this side gets is not answered either: it is gone, not only its large packets
        if self.lossy or not any(s.payload for s in hole.arrived):
            return None  # bare ACKs arrive from a sender whose data do not, whatever their size
        end = hole.filled_ts if hole.filled_ts is not None else self.way.capture_end
        return hole if end - hole.opened_by.ts >= self.settings.hole_ns else None

    @cached_property
    def lasting_hole(self) -> Hole | None:
        """A hole of any kind that stays open to the end of the capture."""
        for hole in self.way.holes:
            if hole.filled_ts is None and self.way.capture_end - hole.opened_by.ts >= self.settings.hole_ns:
                return hole
        return None

    @cached_property
    def recut_hole(self) -> Hole | None:
        """A hole filled by pieces that add up to full-size segments: the sender cut its segments smaller."""
        way = self.way
        full = way.usual_size
        if not full or self.largest_arrived >= full:
            return None
        payloads = {way.peer["mss"], way.peer["mss"] - 12}
        for hole in way.holes:
            pieces = hole.filled_by
            halves = {a.payload + b.payload for a, b in pairwise(pieces) if a.end == b.seq}
            if all(piece.ip_len < full for piece in pieces) and halves & payloads:
                return hole
        return None

    @cached_property
    def recut_after_ns(self) -> int:
        """How long after the peer's last data the first piece of the re-cut segments came; 0 if not so."""
        hole, asked = self.recut_hole, self.way.peer["last_data_ts"]
        if hole is None or not asked:
            return 0
        first = hole.filled_by[0].ts
        before = (s.ts for s in self.way.segments if s.side == self.way.side and s.data and asked < s.ts < first)
        return max(0, min([first, *before]) - asked)

    @cached_property
    def silence_ns(self) -> int:
        """Time since the peer's acknowledged request during which this side sent no data; 0 if not so.

        Only what looks like a request counts, and only where the answer would be new: the peer spoke
        last, and neither side closed in good order.
        """
        way, peer = self.way, self.way.peer
        if (
            not self.to_client
            or not self.established
            or peer["last_data_ts"] <= way.count["last_data_ts"]
            or not peer["last_data_ts"]
        ):
            return 0
        if peer["una"] < peer["snd_max"] - 1 or (self.seen & SAW_FIN and not self.seen & SAW_RST and way.at_sender):
            return 0
        if peer["data_packets"] > REQUEST_PACKETS and not way.count["data_packets"]:
            return 0
        if way.count["fin_ts"] and not way.count["hole_ts"] and way.count["una"] >= way.count["snd_max"]:
            return 0  # its FIN follows its last byte and was acknowledged: it had nothing more to say
        return min(way.capture_end - peer["last_data_ts"], DAY_NS)

    @cached_property
    def real_losses(self) -> int:
        """Segments sent again that the peer did not have, as far as the capture tells."""
        count = self.way.count
        resent = max(0, count["resent"] - count["spurious"] - count["dsacks"])
        late = count["filled"] if count["hole_longest"] > max(self.way.rtt, JITTER_NS) else 0
        if self.recut_hole is not None:
            late = 0  # the size was changed, not the luck
        return resent + late
