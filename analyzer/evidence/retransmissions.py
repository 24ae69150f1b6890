"""Runs of retransmissions of the oldest outstanding byte: the ladder that a stalled sender climbs.

Emits `RetransmissionSeries`. One that is long enough is an episode: three retransmissions of the same bytes over at
least a second without cumulative progress, whatever the gaps. A stall is time without progress: timers back off
(RFC 6298 5.5), but some stacks keep theirs constant, and duplicate ACKs make others send everything again in each
round trip.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from analyzer.evidence.effort import Effort
from analyzer.evidence.segments import Segment
from analyzer.settings import LONGEST_GAP_NS, MOST_RTO_NS, Settings


def elapsed(segments: Sequence[Segment]) -> int:
    """Time from the first to the last of some transmissions of the same bytes, ns.

    They follow one another in the order of the file, and at most LONGEST_GAP_NS apart: where the capture's clock says
    otherwise, it was set meanwhile.
    """
    return sum(min(max(b.ts - a.ts, 0), LONGEST_GAP_NS) for a, b in pairwise(segments))


def _is_cut_into(whole: Segment, piece: Segment) -> bool:
    """True if a super-segment is a whole number of such packets: that is how it was cut."""
    return whole.super_segment and not piece.super_segment and whole.payload % piece.payload == 0


@dataclass
class RetransmissionSeries:
    """Transmissions that cover one stuck byte, first to last, and how it ended."""

    seq: int
    original: Segment | None  # the first transmission; None if the capture starts later
    retransmissions: list[Segment] = field(default_factory=list)  # retransmissions in order
    acked_by: Segment | None = None  # the packet that acknowledged the byte
    acked_unseen: bool = False  # acknowledged later, but the packet was not recorded

    @cached_property
    def phases(self) -> list[list[Segment]]:
        """The retransmissions in groups of equal length and DF, in order."""
        groups: list[list[Segment]] = []
        for copy in self.retransmissions:
            if groups and (groups[-1][-1].payload, groups[-1][-1].df) == (copy.payload, copy.df):
                groups[-1].append(copy)
            else:
                groups.append([copy])
        return groups

    @cached_property
    def _stuck_phase(self) -> int:
        """Index of the phase that was repeated most, the first of equals.

        The original counts with the first phase if it had its shape; so does a super-segment, since a
        timeout resends exactly one of the segments it is cut into. So do super-segments that were sent again.
        """
        lengths = [len(phase) for phase in self.phases]
        if self.original is not None and not self._original_fits(self.phases[0]):
            lengths[0] -= 1
        for i, (whole, pieces) in enumerate(pairwise(self.phases)):
            if _is_cut_into(whole[0], pieces[0]):
                lengths[i], lengths[i + 1] = 0, lengths[i] + lengths[i + 1]
        return lengths.index(max(lengths))

    @cached_property
    def _first_phase(self) -> int:
        """Index of the first phase of the stuck segment's size: that of the super-segment cut into it, if any."""
        first = self._stuck_phase
        while first and _is_cut_into(self.phases[first - 1][0], self.phases[first][0]):
            first -= 1
        return first

    def _original_fits(self, phase: list[Segment]) -> bool:
        original, copy = self.original, phase[0]
        if original is None:
            return False
        as_it_was = original.payload == copy.payload and original.df == copy.df
        return as_it_was or (original.super_segment and not copy.super_segment)

    @cached_property
    def same(self) -> list[Segment]:
        """The transmissions of the shape that was repeated most, without the original."""
        return self.phases[self._stuck_phase]

    @cached_property
    def changed(self) -> list[Segment]:
        """The retransmissions after those: from the first that is smaller, or lost its DF, on."""
        later = [copy for phase in self.phases[self._stuck_phase + 1 :] for copy in phase]
        stuck_segment = self.stuck_segment
        start = next(
            (
                i
                for i, copy in enumerate(later)
                if copy.payload < stuck_segment.payload or (stuck_segment.df and not copy.df)
            ),
            len(later),
        )
        return later[start:]

    @cached_property
    def stuck_segment(self) -> Segment:
        """The stuck segment at a size that was on the wire: a retransmission repeated most, or the original.

        An original that was sent once and then cut smaller was not given the time to get stuck, but where
        no shape was repeated it is the one that was given up.
        """
        first = self.phases[0]
        alone = self.original is not None and not self.original.super_segment and max(map(len, self.phases)) == 1
        if alone and self.original is not None and not self._original_fits(first):
            return self.original
        return self.same[0]

    @property
    def first(self) -> Segment:
        """The first transmission seen."""
        return self.original if self.original is not None else self.retransmissions[0]

    @cached_property
    def tries(self) -> list[Segment]:
        """All transmissions of the stuck segment's shape: those that were lost if nothing acknowledged them."""
        if self.stuck_segment is self.original:
            return [self.original]
        sent = [copy for phase in self.phases[self._first_phase : self._stuck_phase + 1] for copy in phase]
        if self.original is not None and self._first_phase == 0 and self._original_fits(self.phases[0]):
            return [self.original, *sent]
        return sent

    @property
    def retransmission_count(self) -> int:
        """Retransmissions of the same sequence number, length and DF."""
        return len(self.tries) - 1 if self.original is not None or self._first_phase else len(self.tries)

    @property
    def acked(self) -> bool:
        """True if the stuck byte was acknowledged in the end."""
        return self.acked_by is not None or self.acked_unseen

    @cached_property
    def given_up_ts(self) -> int:
        """When the next copy of the stuck segment was overdue: a little more than the doubled timer (RFC 6298 5.5)."""
        times = [copy.ts for copy in self.tries]
        gap = max(times[-1] - times[-2], 0) if len(times) > 1 else MOST_RTO_NS
        return max(times[-1], self.retransmissions[-1].ts) + min(5 * gap // 2, 2 * MOST_RTO_NS)

    @property
    def waited_ns(self) -> int:
        """From the first transmission until the byte was acknowledged, or until its last transmission, ns."""
        last = [self.acked_by] if self.acked_by is not None else []
        return elapsed([self.first, *self.retransmissions, *last])

    def over_ts(self, ended_ts: int) -> int:
        """When it was over: the byte was acknowledged, the sender gave it up, or the connection ended (`ended_ts`)."""
        return min(self.acked_by.ts if self.acked_by is not None else self.given_up_ts, ended_ts)

    @cached_property
    def span(self) -> int:
        """From the first to the last transmission of the stuck segment's size, ns."""
        return elapsed(self.tries)

    def is_episode(self, settings: Settings) -> bool:
        """True if the run meets the definition of an episode: see `docs/verdicts.md`."""
        return self.retransmission_count >= settings.episode_retransmissions and self.span >= settings.episode_span_ns

    def is_mixed_episode(self, settings: Settings) -> bool:
        """As an episode, but the sender changed the segment's size meanwhile and was not answered either.

        Stacks that fall back do so, and senders of small messages join queued ones when they resend.
        """
        return (
            not self.acked
            and len(self.retransmissions) >= settings.episode_retransmissions
            and elapsed([self.first, *self.retransmissions]) >= settings.episode_span_ns
        )


class _Sent:
    """First transmissions, but for those that were acknowledged when an ACK last made progress."""

    def __init__(self) -> None:
        self._segments: deque[Segment] = deque()
        self._since = 0  # how many of them were sent after that ACK
        self._una = 0

    def add(self, segment: Segment) -> None:
        self._segments.append(segment)
        self._since += 1

    def acknowledge(self, una: int) -> None:
        # They mostly are in order. What is acknowledged behind one that is not is left, and passed over later.
        segments = self._segments
        while segments and segments[0].seq + segments[0].payload <= una:
            segments.popleft()
        self._una, self._since = una, 0

    def __len__(self) -> int:
        return len(self._segments)

    def first_with(self, byte: int) -> Segment | None:
        """The first that carries the byte, or None."""
        before = len(self._segments) - self._since
        for i, old in enumerate(self._segments):
            end = old.seq + old.payload
            if old.seq <= byte < end and (i >= before or end > self._una):
                return old
        return None


def series_of(
    segments: list[Segment], side: int, una_at_end: int, effort: Effort | None = None
) -> list[RetransmissionSeries]:
    """All runs of `side` in order of their start. Spurious resends (already acknowledged) make none.

    `una_at_end` is the highest acknowledgement of the whole capture, recorded or not. What a run's first transmission
    is looked for among is drawn from `effort`.
    """
    finished: list[RetransmissionSeries] = []
    open_run: RetransmissionSeries | None = None
    again: dict[int, int] = {}
    una: int | None = None
    sent = _Sent()
    for segment in segments:
        if segment.side != side:
            if segment.has_ack and (una is None or segment.ack > una):
                una = segment.ack
                if open_run is not None and una > open_run.seq:
                    open_run.acked_by = segment
                    finished.append(open_run)
                    open_run = None
                sent.acknowledge(una)
            continue
        if not segment.data:
            continue
        if not segment.resent or segment.fills_hole:
            sent.add(segment)
            continue
        end = segment.seq + segment.payload
        if segment.spurious:
            continue
        again[segment.seq] = again.get(segment.seq, 0) + 1
        oldest = una is None or segment.seq <= una < end
        if not oldest and (again[segment.seq] < 2 or (open_run is not None and open_run.seq == una)):
            continue  # sent because of SACK; sent twice, the ACK before it is missing from the capture
        stuck = una if una is not None and oldest else segment.seq
        if open_run is None or not segment.seq <= open_run.seq < end:
            if open_run is not None:
                finished.append(open_run)
            if effort is not None:
                effort.spend(len(sent))
            open_run = RetransmissionSeries(stuck, sent.first_with(stuck))
        open_run.retransmissions.append(segment)
    if open_run is not None:
        finished.append(open_run)
    for series in finished:
        series.acked_unseen = series.acked_by is None and una_at_end > series.seq
    return finished
