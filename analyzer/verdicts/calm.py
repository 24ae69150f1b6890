"""All that the rules ask about a direction in which no segment is stuck, worked out only when asked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from analyzer.evidence.conversation import Way
from analyzer.evidence.holes import Hole, fits_full_size
from analyzer.evidence.ptb import PtbSeen, acked_after
from analyzer.evidence.segments import FrameRef
from analyzer.flows.tables import SAW_FIN, SAW_RST
from analyzer.settings import Settings

UNANSWERED = 2
"""Retransmissions of the peer without an answer after which the other side counts as gone."""

REQUEST_PACKETS = 10
"""Data packets up to which what the peer sent looks like a request, whose answer may be missed."""

JITTER_NS = 10_000_000
"""Packets that overtake one another do so within this time, ns, or a round trip: no loss."""


@dataclass
class Calm:
    """Facts about one direction without a stall."""

    way: Way
    settings: Settings
    seen: int  # SAW_ bits of the flow
    established: bool
    to_client: bool  # the direction from the server, where answers are expected

    @cached_property
    def answered_ptb(self) -> tuple[PtbSeen, FrameRef] | None:
        """A PTB and the later packet that acknowledged the bytes it quotes."""
        for ptb in self.way.ptbs:
            if ptb.defect in (None, "mtu_zero"):
                ack = acked_after(ptb, self.way.segments, self.way.side)
                if ack is not None:
                    return ptb, ack.ref
        return None

    @cached_property
    def pending_ptb(self) -> PtbSeen | None:
        """A PTB after which the capture shows nothing of the quoted bytes."""
        return next((p for p in self.way.ptbs if p.plausible), None)

    @cached_property
    def closed_ns(self) -> int:
        """How long the peer kept its window closed, ns."""
        peer = self.way.peer
        still = self.way.capture_end - peer["window_zero_ts"] if peer["window_zero_ts"] else 0
        return max(peer["window_zero_longest"], still)

    @cached_property
    def unexplained_hole(self) -> Hole | None:
        """A hole that full-size packets may have left, while only smaller ones were ever seen; or None.

        That is what a black hole before the capture point leaves, and for a moment ordinary loss too.
        """
        way = self.way
        full = way.full_size
        largest = max(way.count["max_sent"], way.delivered)
        if way.count["super_packets"] or largest >= (full or self.settings.exercised_bytes):
            return None
        for hole in way.holes:
            first_fill = hole.filled_by[0].ip_len if hole.filled_by else 0
            quick = hole.filled_ts is not None and hole.filled_ts - hole.opened_by.ts < self.settings.hole_ns
            if (
                not quick
                and all(not s.super_segment and s.ip_len < (full or 1 << 30) for s in hole.arrived)
                and fits_full_size(hole.missing, way.peer["mss"], way.count["mss"])
                and first_fill < (full or self.settings.exercised_bytes)
            ):
                return hole
        return None

    @cached_property
    def lossy(self) -> bool:
        """Too many acknowledged bytes are missing from the capture to believe in its holes."""
        return self.way.missing_share > self.settings.capture_loss

    @cached_property
    def suspicious_hole(self) -> Hole | None:
        """The unexplained hole if it stayed open long enough (contract: `blackhole_suspected`)."""
        hole = self.unexplained_hole
        if hole is None or (hole.filled_ts is None and self.way.peer["run_count"] >= UNANSWERED):
            return None  # what this side gets is not answered either: it is gone, not only its large packets
        if self.lossy:
            return None
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
        full = way.full_size
        if not full or max(way.count["max_sent"], way.delivered) >= full:
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
        return way.capture_end - peer["last_data_ts"]

    @cached_property
    def real_losses(self) -> int:
        """Segments sent again that the peer did not have, as far as the capture tells."""
        count = self.way.count
        resent = max(0, count["resent"] - count["spurious"] - count["dsacks"])
        late = count["filled"] if count["hole_longest"] > max(self.way.rtt, JITTER_NS) else 0
        if self.recut_hole is not None:
            late = 0  # the size was changed, not the luck
        return resent + late
