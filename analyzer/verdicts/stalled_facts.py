"""All that the rules ask about one stalled run, worked out once and only when asked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from analyzer.evidence.chance import Losses, losses_beside
from analyzer.evidence.controls import (
    FOREVER,
    Control,
    failed_during,
    passed_before,
    passed_during,
    passed_just_before,
    sacked_unseen,
)
from analyzer.evidence.larger import (
    as_large_passed,
    distinct_large_lost,
    large_tried,
    sibling_as_large,
    siblings_large_lost,
)
from analyzer.evidence.ptb import PtbSeen
from analyzer.evidence.refusals import arrived, peer_gone, refused
from analyzer.evidence.retransmissions import RetransmissionSeries
from analyzer.evidence.segments import Segment
from analyzer.evidence.siblings import Event
from analyzer.evidence.window import WindowSeen, window_at
from analyzer.model.statement import FrameRef
from analyzer.model.wire_sizes import EVERY_HOST_TAKES, LEAST_V6_MTU
from analyzer.settings import ACK_DELAY_NS, SETTLED_PACKETS, Settings
from analyzer.verdicts.naming_facts import NamingFacts

OVERSIZED = {4: EVERY_HOST_TAKES, 6: LEAST_V6_MTU}
"""A stuck packet of this size or less is no matter of path MTU: RFC 791 makes every host take 576 bytes, and no
tunnel in use leaves less; RFC 8200 5 makes every IPv6 link carry 1280."""

FALLBACK_PAYLOADS = frozenset(mss - options for mss in (1024, 1200, 1220, 536, 512) for options in (0, 12))
"""Payloads after a black hole was detected: tcp_base_mss of Linux (1024, then halved), 1200 and 1220 (IPv6) of xnu
and FreeBSD, 536 of RFC 1122 4.2.2.6; timestamps take 12 bytes in some stacks."""


@dataclass
class StalledFacts(NamingFacts):
    """One run of one direction under the given thresholds."""

    series: RetransmissionSeries
    settings: Settings

    @cached_property
    def episode(self) -> bool:
        """The run meets the definition of an episode."""
        return self.series.is_episode(self.settings)

    @cached_property
    def hung(self) -> bool:
        """An episode, or one in which the size changed without success."""
        return self.episode or self.series.is_mixed_episode(self.settings)

    @cached_property
    def resolved(self) -> bool:
        """The stuck byte was acknowledged in the end."""
        return self.series.acked

    @cached_property
    def stuck_segment(self) -> Segment:
        """The stuck segment at its size on the wire."""
        return self.series.stuck_segment

    @cached_property
    def stuck_size_known(self) -> bool:
        """The stuck packet had its captured size on the wire."""
        return self.direction.size_known_without_ceiling(self.stuck_segment)

    @cached_property
    def oversized(self) -> bool:
        """The stuck segment is large enough for a path MTU to matter, and its size is known."""
        return self.stuck_segment.ip_len > OVERSIZED[self.direction.version] and not self.stuck_segment.super_segment

    @cached_property
    def small(self) -> bool:
        """The stuck segment is so small that every path must carry it. Of a super-segment nobody knows."""
        return self.stuck_segment.ip_len <= OVERSIZED[self.direction.version] and not self.stuck_segment.super_segment

    @cached_property
    def window(self) -> WindowSeen | None:
        """The receiver's window meanwhile."""
        return window_at(self.direction, self.series)

    @cached_property
    def window_closed(self) -> bool:
        """The receiver's window was closed for at least half of the transmissions."""
        return self.window is not None and self.window.closed

    # What arrived

    @cached_property
    def arrived(self) -> Control | None:
        """The capture was taken where the copies had arrived."""
        return (
            arrived(self.direction, self.series) if self.direction.at_receiver and self.series.retransmissions else None
        )

    @cached_property
    def refused(self) -> Control | None:
        """Copies that were answered without being accepted."""
        return refused(self.direction, self.series)

    @cached_property
    def peer_gone(self) -> Control | None:
        """The peer had closed before, and is not heard any more."""
        return peer_gone(self.direction, self.series)

    # Smaller packets

    @cached_property
    def passed(self) -> Control | None:
        """A smaller packet that got through in the episode."""
        return passed_during(self.direction, self.series, self.settings)

    @cached_property
    def just_before(self) -> Control | None:
        """A small packet sent at most a round trip before the stuck segment that is seen to have got through."""
        return passed_just_before(self.direction, self.series)

    @cached_property
    def before(self) -> Control | None:
        """A smaller packet that got through before it."""
        return passed_before(self.direction, self.series, self.settings)

    @cached_property
    def failed(self) -> Control | None:
        """A smaller packet that did not get through in the episode."""
        return failed_during(self.direction, self.series, self.settings)

    @cached_property
    def control(self) -> Control | None:
        """The positive control: `passed`, unless what failed speaks against it.

        An ACK or another connection's packet says nothing where smaller data of this connection failed as well. Of
        its own data as many must have got through as failed: what is more than that, loss does not explain.
        """
        passed, failed = self.passed, self.failed
        if passed is None or not passed.sure:
            return None
        if failed is None or failed.kind == "sibling":
            return passed  # that another connection hangs, too, does not take back what got through
        own = passed.kind == "data" and failed.number <= passed.number
        return passed if own else None

    # Packets as large

    @cached_property
    def as_large(self) -> tuple[Control | None, Control | None]:
        """Packets as large of this connection that got through: before, and meanwhile or afterwards."""
        return as_large_passed(self.direction, self.series)

    @cached_property
    def siblings_as_large(self) -> tuple[Control | None, Control | None, Control | None]:
        """Packets as large of other connections that got through: before, meanwhile, and later."""
        return sibling_as_large(self.direction, self.series)

    @cached_property
    def large_lost(self) -> list[Segment]:
        """Different segments as large that were lost in the episode, the stuck segment among them."""
        return distinct_large_lost(self.direction, self.series)

    @cached_property
    def siblings_lost(self) -> list[FrameRef]:
        """Segments as large that hang in other connections, since none got through any more."""
        before = self.siblings_as_large[0] or self.as_large[0]
        if before is None:
            return []
        return siblings_large_lost(self.direction, self.series, self._last_as_large)

    @cached_property
    def _last_as_large(self) -> int:
        size = self.stuck_segment.ip_len
        ends = [t.covered_by.ts for t in self.direction.sendings if t.covered_by and t.segment.ip_len >= size]
        own = [ts for ts in (*ends, self._counted_as_large) if ts <= self.series.first.ts]
        others = (
            self.direction.siblings.last_delivered(self.direction.row, self.stuck_segment.ip_len)
            if self.direction.siblings
            else 0
        )
        return max([*own, others])

    @property
    def _counted_as_large(self) -> int:
        return (
            self.direction.count["delivered_ts"]
            if self.direction.count["delivered"] >= self.stuck_segment.ip_len
            else 0
        )

    @cached_property
    def narrowed(self) -> list[FrameRef]:
        """Frames of the different segments as large that were lost since the last that got through, in any flow."""
        return [*(segment.ref for segment in self.large_lost), *self.siblings_lost]

    @property
    def settled(self) -> bool:
        """The connection had carried so much that no inspection of its first packets cuts it off now."""
        return self.direction.count["data_packets"] - len(self.series.retransmissions) >= SETTLED_PACKETS

    @cached_property
    def others_hang(self) -> Event | None:
        """A flow between the same addresses that hangs since about the same time, whatever the size; or None."""
        if self.direction.siblings is None:
            return None
        end = self.series.over_ts(self.direction.ended_ts)
        return next(self.direction.siblings.hung(self.direction.row, self.series.first.ts - ACK_DELAY_NS, end), None)

    @cached_property
    def only_one_tried(self) -> bool:
        """True if a single packet that large was tried, in this flow and its siblings: it may be its content.

        The same request tried again in another connection is the same content.
        """
        tried = large_tried(self.direction, self.series)
        several = len(tried) > 1 or any(s.payload > self.stuck_segment.payload for s in tried)
        if several or self.direction.siblings is None:
            return not several
        hung = self.direction.siblings.hung(self.direction.row, -FOREVER, FOREVER, least=self.stuck_segment.payload + 1)
        return next(hung, None) is None

    @cached_property
    def siblings_rate(self) -> float:
        """Share of their bytes that siblings which carry as large packets lost: what this flow's luck may be."""
        return (
            self.direction.siblings.loss_rate(self.direction.row, self.stuck_segment.ip_len)
            if self.direction.siblings
            else 0.0
        )

    @cached_property
    def unlucky(self) -> bool:
        """Packets as large of this connection get through now and then, and at its rate of losses the run is chance."""
        return self.as_large[1] is not None and self.losses.expected >= self.settings.chance

    @cached_property
    def siblings_unlucky(self) -> bool:
        """Other connections get as large through now and then: all that this one lost is no more than their luck."""
        lost = self.losses.tries + len(self.large_lost) - 1
        return self.siblings_as_large[1] is not None and self.siblings_rate**lost >= self.settings.chance

    @cached_property
    def damaged(self) -> bool:
        """Smaller packets are lost so often that, byte by byte, the stuck one may be by chance."""
        return self.oversized and self.control is not None and self.losses.expected_by_length >= self.settings.chance

    @cached_property
    def losses(self) -> Losses:
        """What else of this direction was lost, and what chance makes of the run."""
        return losses_beside(self.direction, self.series)

    # PTBs

    @cached_property
    def about(self) -> list[PtbSeen]:
        """PTBs that came after the stuck segment was first sent (or about it)."""
        self.direction.effort.spend(len(self.direction.ptbs))
        return [p for p in self.direction.ptbs if p.ts >= self.series.first.ts]

    @cached_property
    def ignored(self) -> list[PtbSeen]:
        """PTBs after which the sender went on sending the same bytes, too big, at least an RTO later."""
        found = []
        direction, least = self.direction, self.stuck_segment.ip_len
        for ptb in self.about:
            resends = direction.ptb_answers.resends_after(ptb, self.settings.sent_again_ns)
            late = list(
                islice((s for s in resends if s.ip_len >= least and direction.size_known_without_ceiling(s)), 2)
            )
            # One late resend may have crossed the PTB's effect; two, or one that nothing answered, have not.
            # A sender that turned to smaller copies since then is about to obey.
            kept_size = self.series.retransmissions[-1].ip_len >= least
            if len(late) >= 2 or (late and not self.resolved and kept_size):
                found.append(ptb)
        return found

    @cached_property
    def outcome_open(self) -> list[PtbSeen]:
        """PTBs that ask for less, of which the capture does not show whether they were obeyed."""
        ignored = {p.ref for p in self.ignored}
        return [p for p in self.about if p.plausible and p.mtu < self.stuck_segment.ip_len and p.ref not in ignored]

    @cached_property
    def blamed(self) -> list[PtbSeen]:
        """Ignored PTBs that can be what the run hangs for: the router dropped a packet of this connection.

        One that no host would believe may be forged, stale or about something else: it must quote a packet that the
        capture holds, and something smaller must have got through.
        """
        ignored = [p for p in self.ignored if not self.direction.disproved(p)]
        if not any(p.defect for p in ignored):
            return ignored
        smaller = self.control is not None or (self.passed is not None and self.failed is None)
        own = self.direction.sent
        return [p for p in ignored if p.plausible or (smaller and any(p.quotes(s) for s in own))]

    @cached_property
    def obeyed(self) -> list[PtbSeen]:
        """PTBs about packets as large as the stuck segment that were obeyed, and whose bytes were acknowledged then."""
        answers = self.direction.ptb_answers
        return [
            p
            for p in self.about
            if p.mtu < self.stuck_segment.ip_len
            and answers.acked_after(p)
            and (p.defect in (None, "mtu_zero", "below_1280") or answers.obeyed(p, self.settings.sent_again_ns))
        ]

    @cached_property
    def told(self) -> PtbSeen | None:
        """A PTB about a sibling flow that taught the sender's host what then got through, or None."""
        new = self.fell_back
        if new is None:
            return None
        reached = (p for p in self.direction.told if p.ts <= new.ts and new.ip_len <= p.mtu < self.stuck_segment.ip_len)
        return next(reached, None)

    # How it ended

    @cached_property
    def fell_back(self) -> Segment | None:
        """The smaller (or DF-less) copy that brought the bytes through, or None."""
        ack, changed = self.series.acked_by, self.series.changed
        if ack is None or not changed:
            return None
        answered = [c for c in changed if ack.ts - c.ts >= self.direction.rtt // 2 and c.ts <= ack.ts]
        return answered[-1] if answered else None

    @cached_property
    def gave_up_size(self) -> bool:
        """The same size was tried again and again before the sender changed it by itself.

        Two retransmissions over a second at least. Or one, where the change is one that a stack is known to
        make at its second timeout: DF cleared, or a documented fallback size that is not what this sender
        used before (it would fall back to that after a lost probe for a larger path MTU, too).
        """
        changed, tries = self.series.changed, self.series.tries
        if not changed or len(tries) < 2:
            return False
        new = changed[0]
        waited = new.ts - self.series.first.ts
        if len(tries) > 2:
            return waited >= self.settings.episode_span_ns
        before = self.direction.sendings.between(-FOREVER, self.series.first.ts - 1)
        usual = max((t.segment.ip_len for t in before), default=0)
        known = (self.stuck_segment.df and not new.df) or (new.payload in FALLBACK_PAYLOADS and usual < new.ip_len)
        return known and waited >= 2 * self.settings.sent_again_ns

    @cached_property
    def peer_spoke(self) -> Segment | None:
        """Something new from the peer well after the stall began, or None. A RST ends it, whoever sent it."""
        if len(self.series.retransmissions) < 2:
            return None
        later = self.direction.heard.walk(self.series.retransmissions[1].ts + 1, FOREVER)
        return next((segment for segment in later if not segment.resent and not segment.rst), None)

    @cached_property
    def unanswered_ns(self) -> int:
        """How long the capture goes on after the last copy without an answer to it, ns; 0 once answered."""
        return 0 if self.resolved else max(0, self.direction.ended_ts - self.series.retransmissions[-1].ts)

    @cached_property
    def given_up(self) -> bool:
        """The capture goes on long enough to show that the sender sends no more copies."""
        return not self.resolved and self.series.given_up_ts < self.direction.capture_end

    @cached_property
    def capture_lossy(self) -> bool:
        """Acknowledged bytes are missing from the capture, more than a few."""
        return self.direction.missing_share > self.settings.capture_loss

    @cached_property
    def capture_blind(self) -> bool:
        """Too many of them are missing to be sure of anything.

        That is most, or some where no control shows what passes, or so many in a row that a packet as large may be
        among them.
        """
        if self.direction.missing_share > self.settings.capture_useless:
            return True
        if self.capture_lossy and self.direction.largest_absent >= self.stuck_segment.payload:
            return True
        unseen = sacked_unseen(self.direction, self.series) is not None
        # What lies beside the receiver has arrived, unless it is far behind a tunnel: that, lost answers would tell.
        if self.direction.beside_receiver and (self.capture_lossy or unseen):
            return True
        lacks = self.capture_lossy or (self.passed is None and unseen)
        return lacks and self.control is None
