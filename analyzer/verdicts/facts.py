"""All that the rules ask about one stalled run, worked out once and only when asked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from analyzer.evidence.controls import (
    ACK_DELAY_NS,
    Control,
    as_large_passed,
    distinct_large_lost,
    failed_during,
    neighbour_as_large_later,
    passed_before,
    passed_during,
    sacked_unseen,
)
from analyzer.evidence.conversation import Neighbour, Way
from analyzer.evidence.episodes import Run
from analyzer.evidence.ptb import PtbSeen, acked_after, resends_after
from analyzer.evidence.segments import Segment
from analyzer.evidence.window import WindowSeen, window_at
from analyzer.settings import Settings

OVERSIZED = {4: 576, 6: 1280}
"""A stuck packet of this size or less is no matter of path MTU: RFC 791 makes every host take 576 bytes, and no
tunnel in use leaves less; RFC 8200 5 makes every IPv6 link carry 1280."""

FALLBACK_PAYLOADS = frozenset(mss - options for mss in (1024, 1200, 1220, 536, 512) for options in (0, 12))
"""Payloads after a black hole was detected: tcp_base_mss of Linux (1024, then halved), 1200 and 1220 (IPv6) of xnu
and FreeBSD, 536 of RFC 1122 4.2.2.6; timestamps take 12 bytes in some stacks."""

LARGE_LOST = 3
"""Different large segments that must be lost, none delivered, before a path that once carried such packets
is said to have changed. Three independent losses in a row of 10 % random loss happen once in a thousand."""


@dataclass
class Facts:
    """One run of one direction under the given thresholds."""

    way: Way
    run: Run
    settings: Settings

    @cached_property
    def episode(self) -> bool:
        """The run meets the contract's definition of an episode."""
        return self.run.is_episode(self.settings)

    @cached_property
    def hung(self) -> bool:
        """An episode, or one in which the size changed without success."""
        return self.episode or self.run.is_mixed_episode(self.settings)

    @cached_property
    def resolved(self) -> bool:
        """The stuck byte was acknowledged in the end."""
        return self.run.acked

    @cached_property
    def head(self) -> Segment:
        """The stuck segment at its size on the wire."""
        return self.run.head

    @cached_property
    def oversized(self) -> bool:
        """The stuck segment is large enough for a path MTU to matter, and its size is known."""
        return self.head.ip_len > OVERSIZED[self.way.version] and not self.head.super_segment

    @cached_property
    def small(self) -> bool:
        """The stuck segment is so small that every path must carry it. Of a super-segment nobody knows."""
        return self.head.ip_len <= OVERSIZED[self.way.version] and not self.head.super_segment

    @cached_property
    def window(self) -> WindowSeen | None:
        """The receiver's window meanwhile."""
        return window_at(self.way, self.run)

    @cached_property
    def window_closed(self) -> bool:
        """The stuck segment did not fit the receiver's window."""
        return self.window is not None and self.window.closed

    @cached_property
    def passed(self) -> Control | None:
        """A smaller packet that got through in the episode."""
        return passed_during(self.way, self.run, self.settings)

    @cached_property
    def before(self) -> Control | None:
        """A smaller packet that got through before it."""
        return passed_before(self.way, self.run)

    @cached_property
    def failed(self) -> Control | None:
        """A smaller packet that did not get through in the episode."""
        return failed_during(self.way, self.run, self.settings)

    @cached_property
    def as_large(self) -> tuple[Control | None, Control | None]:
        """Packets as large that got through: before, and meanwhile or afterwards."""
        return as_large_passed(self.way, self.run)

    @cached_property
    def large_lost(self) -> list[Segment]:
        """Different segments as large that were lost in the episode."""
        return distinct_large_lost(self.way, self.run)

    @cached_property
    def others_hang(self) -> Neighbour | None:
        """A flow between the same addresses that hangs since about the same time, whatever the size; or None."""
        end = self.run.end_ts(self.way.capture_end)
        since = self.run.first.ts - ACK_DELAY_NS
        return next((n for n in self.way.neighbours if n.hung_since and since <= n.hung_since <= end), None)

    @cached_property
    def as_large_later(self) -> Control | None:
        """A packet as large that another flow got through after this one was given up."""
        return neighbour_as_large_later(self.way, self.run)

    @cached_property
    def only_one_tried(self) -> bool:
        """True if a single packet that large was tried, in this flow and its neighbours: it may be its content."""
        others = any(other.hung_payload >= self.head.payload for other in self.way.neighbours)
        starts = {segment.seq for segment in self.large_lost} | {self.run.seq}
        several = len(starts) > 1 or any(segment.payload > self.head.payload for segment in self.large_lost)
        return not several and not others

    @cached_property
    def about(self) -> list[PtbSeen]:
        """PTBs that came after the head was first sent (or about it)."""
        return [p for p in self.way.ptbs if p.ts >= self.run.first.ts]

    @cached_property
    def ignored(self) -> list[PtbSeen]:
        """PTBs after which the sender went on sending the same bytes, too big, at least an RTO later."""
        found = []
        for ptb in self.about:
            late = resends_after(ptb, self.way.segments, self.way.side, self.settings.sent_again_ns)
            late = [s for s in late if self.way.size_known_without_cap(s) and s.ip_len >= self.head.ip_len]
            # One late resend may have crossed the PTB's effect; two, or one that nothing answered, have not.
            # A sender that turned to smaller copies since then is about to obey.
            kept_size = self.run.copies[-1].ip_len >= self.head.ip_len
            if len(late) >= 2 or (late and not self.resolved and kept_size):
                found.append(ptb)
        return found

    @cached_property
    def obeyed(self) -> list[PtbSeen]:
        """PTBs after which the quoted bytes were acknowledged."""
        return [
            p
            for p in self.about
            if p.defect in (None, "mtu_zero", "below_1280") and acked_after(p, self.way.segments, self.way.side)
        ]

    @cached_property
    def fell_back(self) -> Segment | None:
        """The smaller (or DF-less) copy that brought the bytes through, or None."""
        ack, changed = self.run.acked_by, self.run.changed
        if ack is None or not changed:
            return None
        answered = [c for c in changed if ack.ts - c.ts >= self.way.rtt // 2 and c.ts <= ack.ts]
        return answered[-1] if answered else None

    @cached_property
    def gave_up_size(self) -> bool:
        """The same size was tried again and again before the sender changed it by itself.

        Two retransmissions over a second at least. Or one, where the change is one that a stack is known to
        make at its second timeout: DF cleared, or a documented fallback size that is not what this sender
        used before (it would fall back to that after a lost probe for a larger path MTU, too).
        """
        changed, tries = self.run.changed, self.run.tries
        if not changed or len(tries) < 2:
            return False
        new = changed[0]
        waited = new.ts - self.run.first.ts
        if len(tries) > 2:
            return waited >= self.settings.episode_span_ns
        usual = max((t.segment.ip_len for t in self.way.transmissions if t.segment.ts < self.run.first.ts), default=0)
        known = (self.head.df and not new.df) or (new.payload in FALLBACK_PAYLOADS and usual < new.ip_len)
        return known and waited >= 2 * self.settings.sent_again_ns

    @cached_property
    def peer_spoke(self) -> Segment | None:
        """Something new from the peer well after the stall began, or None."""
        for segment in self.way.segments:
            if (
                segment.side != self.way.side
                and len(self.run.copies) > 1
                and segment.ts > self.run.copies[1].ts
                and not segment.resent
            ):
                return segment
        return None

    @cached_property
    def capture_lossy(self) -> bool:
        """Too many acknowledged bytes are missing from the capture to be sure of anything."""
        if self.way.missing_share > self.settings.capture_loss:
            return True
        return self.passed is None and sacked_unseen(self.way, self.run) is not None
