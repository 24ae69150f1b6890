"""All that the rules ask about a direction in which no segment is stuck, worked out only when asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from analyzer.evidence.holes import Hole, fits_full_size, fits_larger_than
from analyzer.evidence.ptb import PtbSeen
from analyzer.evidence.retransmissions import RetransmissionSeries
from analyzer.evidence.segments import frame_of
from analyzer.flows.flow_tables import SAW_FIN, SAW_MORE, SAW_RST
from analyzer.model.statement import FrameRef
from analyzer.model.wire_sizes import EVERY_HOST_TAKES
from analyzer.settings import (
    DAY_NS,
    JITTER_NS,
    LEAST_UNANSWERED,
    LEAST_ZERO_WINDOWS,
    REQUEST_PACKETS,
    SOON_NS,
    Settings,
)
from analyzer.verdicts.naming_facts import NamingFacts


def closed_longest(peer: Mapping[str, Any], end: int) -> tuple[int, int]:
    """How long the peer kept its window closed at a stretch, ns, and which frame began that; `end` of the capture."""
    still = min(end - peer["window_zero_ts"], DAY_NS) if peer["window_zero_ts"] else 0
    if still > peer["window_zero_longest"]:
        return still, peer["window_zero_now"]
    return min(peer["window_zero_longest"], DAY_NS), peer["window_zero_frame"]


@dataclass
class UnstalledFacts(NamingFacts):
    """Facts about one direction without a stall."""

    settings: Settings
    seen: int  # SAW_ bits of the flow
    established: bool
    to_client: bool  # the direction from the server, where answers are expected
    waited: RetransmissionSeries | None = None  # the run of retransmissions whose byte waited longest for its ACK

    @cached_property
    def unrecorded_stall(self) -> bool:
        """A stall that lasts as the capture ends, of which not all was recorded: else the other rules would tell."""
        count = self.direction.count
        hangs = count["run_count"] >= self.settings.episode_retransmissions and count["una"] < count["snd_max"]
        return bool(self.seen & SAW_MORE and hangs)

    @cached_property
    def answered_ptb(self) -> tuple[PtbSeen, FrameRef] | None:
        """A PTB that was obeyed or may have been, and the later packet that acknowledged the bytes it quotes."""
        direction = self.direction
        for ptb in direction.ptbs:
            believed = ptb.defect in (None, "mtu_zero") or (
                ptb.defect == "checksum" and direction.ptb_answers.obeyed(ptb, self.settings.sent_again_ns)
            )
            if believed:
                ack = direction.ptb_answers.acked_after(ptb)
                if ack is not None:
                    return ptb, ack.ref
        return None

    @cached_property
    def pending_ptb(self) -> PtbSeen | None:
        """A PTB after which the capture shows nothing of the quoted bytes."""
        return next((p for p in self.direction.ptbs if p.plausible), None)

    @cached_property
    def closed_ns(self) -> int:
        """How long the peer kept its window closed at a stretch, ns: see `closed_longest`."""
        return closed_longest(self.direction.peer, self.direction.capture_end)[0]

    @cached_property
    def closed_frame(self) -> FrameRef:
        """The frame that began that time."""
        return frame_of(closed_longest(self.direction.peer, self.direction.capture_end)[1])

    @cached_property
    def held_back(self) -> bool:
        """The closed window held somebody back: this side had something to send meanwhile, and not sent its last byte.

        A window of 0 in one packet alone, or where nobody wants to send, is no trouble.
        """
        direction = self.direction
        closed_for, frame_id = closed_longest(direction.peer, direction.capture_end)
        if direction.peer["zero_windows"] < LEAST_ZERO_WINDOWS or not frame_id:
            return False
        frame = frame_of(frame_id)
        start = next((s.ts for s in direction.segments if s.ref == frame), None)
        if start is None:
            return direction.count["una"] < direction.count["snd_max"] or direction.count["keepalives"] > 0
        end = start + closed_for
        if 0 < direction.count["fin_ts"] <= start and direction.count["una"] >= direction.count["snd_max"]:
            return False
        soon = end + max(2 * direction.rtt, SOON_NS)
        if any(
            s.side == direction.side and start < s.ts <= soon and (s.payload or s.keepalive) for s in direction.segments
        ):
            return True
        # Probes that are lost behind the capture point are answered all the same, with the same ACK again and again.
        bare = [
            s.ack for s in direction.segments if s.side != direction.side and start <= s.ts <= end and s.end == s.seq
        ]
        return any(bare.count(ack) > LEAST_ZERO_WINDOWS for ack in set(bare[-8:]))

    @cached_property
    def closed_to_the_end(self) -> bool:
        """The window is closed when the capture ends, of a connection that nobody had closed or aborted."""
        over = self.seen & SAW_RST or self.direction.count["fin_ts"] or self.direction.peer["fin_ts"]
        return bool(self.direction.peer["window_zero_ts"]) and not over

    @cached_property
    def largest_arrived(self) -> int:
        """IP length of the largest packet of this direction that was seen, or proven delivered."""
        return max(self.direction.count["max_sent"], self.direction.delivered)

    @cached_property
    def unexplained_hole(self) -> Hole | None:
        """A hole that full-size packets may have left, while only smaller ones were ever seen; or None.

        That is what a black hole before the capture point leaves, and for a moment ordinary loss too.
        """
        direction = self.direction
        full = direction.usual_size
        if (
            direction.backwards
            or direction.count["super_packets"]
            or self.largest_arrived >= (full or self.settings.exercised_bytes)
        ):
            return None
        for hole in direction.holes:
            first_fill = hole.filled_by[0].ip_len if hole.filled_by else 0
            quick = hole.filled_ts is not None and hole.filled_ts - hole.opened_by.ts < self.settings.hole_ns
            if (
                not quick
                and first_fill < (full or self.settings.exercised_bytes)
                and self.fits_large(hole)
                and all(not s.super_segment and s.ip_len < (full or 1 << 30) for s in hole.arrived)
            ):
                return hole
        return None

    def fits_large(self, hole: Hole) -> bool:
        """The missing bytes fit into packets that are all larger than any that arrived."""
        direction = self.direction
        if fits_full_size(hole.missing, direction.peer["mss"], direction.count["mss"]):
            return True
        arrived = max(self.largest_payload, EVERY_HOST_TAKES - direction.header)
        return fits_larger_than(hole.missing, arrived, direction.peer["mss"])

    @cached_property
    def largest_payload(self) -> int:
        """Most payload of a data packet of this direction, bytes."""
        return max((s.payload for s in self.direction.data_sent), default=0)

    @cached_property
    def lossy(self) -> bool:
        """Too many acknowledged bytes are missing from the capture to believe in its holes."""
        return self.direction.own_missing_share > self.settings.capture_loss

    @cached_property
    def useless(self) -> bool:
        """Most of the acknowledged bytes are missing from the capture: nothing is concluded."""
        return self.direction.missing_share > self.settings.capture_useless

    @cached_property
    def suspicious_hole(self) -> Hole | None:
        """The unexplained hole if it stayed open long enough for `blackhole_suspected`."""
        hole = self.unexplained_hole
        if hole is None or (hole.filled_ts is None and self.direction.peer["run_count"] >= LEAST_UNANSWERED):
            return None  # what this side gets is not answered either: it is gone, not only its large packets
        if self.lossy or not any(s.payload for s in hole.arrived):
            return None  # bare ACKs arrive from a sender whose data do not, whatever their size
        end = hole.filled_ts if hole.filled_ts is not None else self.direction.capture_end
        return hole if end - hole.opened_by.ts >= self.settings.hole_ns else None

    @cached_property
    def lasting_hole(self) -> Hole | None:
        """A hole of any kind that stays open to the end of the capture."""
        for hole in self.direction.holes:
            if hole.filled_ts is None and self.direction.capture_end - hole.opened_by.ts >= self.settings.hole_ns:
                return hole
        return None

    @cached_property
    def recut_hole(self) -> Hole | None:
        """A hole filled by pieces that add up to full-size segments: the sender cut its segments smaller."""
        direction = self.direction
        full = direction.usual_size
        if not full or self.largest_arrived >= full:
            return None
        payloads = {direction.peer["mss"], direction.peer["mss"] - 12}
        for hole in direction.holes:
            pieces = hole.filled_by
            halves = {a.payload + b.payload for a, b in pairwise(pieces) if a.end == b.seq}
            if all(piece.ip_len < full for piece in pieces) and halves & payloads:
                return hole
        return None

    @cached_property
    def recut_after_ns(self) -> int:
        """How long after the peer's last data the first piece of the re-cut segments came; 0 if not so."""
        hole, asked = self.recut_hole, self.direction.peer["last_data_ts"]
        if hole is None or not asked:
            return 0
        first = hole.filled_by[0].ts
        before = (
            s.ts for s in self.direction.segments if s.side == self.direction.side and s.data and asked < s.ts < first
        )
        return max(0, min([first, *before]) - asked)

    @cached_property
    def silence_ns(self) -> int:
        """Time since the peer's acknowledged request during which this side sent no data; 0 if not so.

        Only what looks like a request counts, and only where the answer would be new: the peer spoke
        last, and neither side closed in good order.
        """
        direction, peer = self.direction, self.direction.peer
        if (
            not self.to_client
            or not self.established
            or peer["last_data_ts"] <= direction.count["last_data_ts"]
            or not peer["last_data_ts"]
        ):
            return 0
        if peer["una"] < peer["snd_max"] - 1 or (
            self.seen & SAW_FIN and not self.seen & SAW_RST and direction.at_sender
        ):
            return 0
        if peer["data_packets"] > REQUEST_PACKETS and not direction.count["data_packets"]:
            return 0
        if (
            direction.count["fin_ts"]
            and not direction.count["hole_ts"]
            and direction.count["una"] >= direction.count["snd_max"]
        ):
            return 0  # its FIN follows its last byte and was acknowledged: it had nothing more to say
        return min(direction.capture_end - peer["last_data_ts"], DAY_NS)

    @cached_property
    def real_losses(self) -> int:
        """Segments sent again that the peer did not have, as far as the capture tells."""
        count = self.direction.count
        resent = max(0, count["resent"] - count["spurious"] - count["dsacks"])
        late = count["filled"] if count["hole_longest"] > max(self.direction.rtt, JITTER_NS) else 0
        if self.recut_hole is not None:
            late = 0  # the size was changed, not the luck
        return resent + late
