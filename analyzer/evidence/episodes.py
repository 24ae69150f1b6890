"""Runs of retransmissions of the oldest outstanding byte: the ladder that a stalled sender climbs.

Emits `Run`. A run that is long and spread enough is an episode (contract.md: three retransmissions of the
same sequence number and length with growing gaps over at least a second, without cumulative progress).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from analyzer.evidence.segments import Segment
from analyzer.settings import Settings


@dataclass
class Run:
    """Transmissions that cover one stuck byte, first to last, and how it ended."""

    seq: int
    original: Segment | None  # the first transmission; None if the capture starts later
    copies: list[Segment] = field(default_factory=list)  # retransmissions in order
    acked_by: Segment | None = None  # the packet that acknowledged the byte

    @property
    def same(self) -> list[Segment]:
        """The retransmissions of the shape that was repeated most, up to the first smaller one."""
        tries = self.copies[: self.first_change] if self.first_change is not None else self.copies
        shapes = [(copy.payload, copy.df) for copy in tries]
        if not shapes:
            return []
        usual = max(set(shapes), key=lambda shape: (shapes.count(shape), shape))
        return [copy for copy in tries if (copy.payload, copy.df) == usual]

    @property
    def first_change(self) -> int | None:
        """Index of the first retransmission that is smaller than the one before, or lost its DF."""
        before = self.original if self.original is not None and not self.original.super_segment else None
        for i, copy in enumerate(self.copies):
            if before is not None and (copy.payload < before.payload or (before.df and not copy.df)):
                return i
            before = copy
        return None

    @property
    def changed(self) -> list[Segment]:
        """The retransmissions from the first change of shape on."""
        return self.copies[self.first_change :] if self.first_change is not None else []

    @property
    def head(self) -> Segment:
        """The stuck segment at a size that was on the wire: a repeated retransmission, else the original.

        A timeout resends exactly one segment, also where the original was a super-segment.
        """
        if self.same:
            return self.same[0]
        return self.original if self.original is not None else self.copies[0]

    @property
    def first(self) -> Segment:
        """The first transmission seen."""
        return self.original if self.original is not None else self.copies[0]

    @property
    def tries(self) -> list[Segment]:
        """All transmissions of the head's size: those that were lost if nothing acknowledged them."""
        same = self.same
        if self.original is not None and (self.original.super_segment or self.original.payload == self.head.payload):
            return [self.original, *same]
        return same or [self.first]

    @property
    def retransmissions(self) -> int:
        """Retransmissions of the same sequence number, length and DF."""
        return len(self.same)

    def end_ts(self, capture_end: int) -> int:
        """When the byte was acknowledged, or the capture ended."""
        return self.acked_by.ts if self.acked_by is not None else capture_end

    @property
    def span(self) -> int:
        """From the first to the last transmission of the head's size, ns."""
        return self.tries[-1].ts - self.tries[0].ts

    def grows(self, growth: float) -> bool:
        """True if the gaps between retransmissions grow as a backing-off timer's do."""
        times = [copy.ts for copy in self.same]
        gaps = [b - a for a, b in zip(times, times[1:], strict=False)]
        if len(gaps) < 2 or gaps[0] <= 0:
            return False
        steady = all(b >= 0.7 * a for a, b in zip(gaps, gaps[1:], strict=False))
        return steady and gaps[-1] >= growth * gaps[0]

    def is_episode(self, settings: Settings) -> bool:
        """True if the run meets the contract's definition of an episode."""
        return (
            self.retransmissions >= settings.episode_retransmissions
            and self.span >= settings.episode_span_ns
            and self.grows(settings.backoff_growth)
        )


def runs_of(segments: list[Segment], side: int) -> list[Run]:
    """All runs of `side` in order of their start. Spurious resends (already acknowledged) make none."""
    finished: list[Run] = []
    open_run: Run | None = None
    originals: dict[int, Segment] = {}
    una: int | None = None
    sent: list[Segment] = []
    for segment in segments:
        if segment.side != side:
            if segment.has_ack and (una is None or segment.ack > una):
                una = segment.ack
                if open_run is not None and una > open_run.seq:
                    open_run.acked_by = segment
                    finished.append(open_run)
                    open_run = None
                sent = [old for old in sent if old.seq + old.payload > una]
            continue
        if not segment.data:
            continue
        if not segment.resent or segment.fills_hole:
            if segment.seq not in originals:
                originals[segment.seq] = segment
            sent.append(segment)
            continue
        end = segment.seq + segment.payload
        if segment.spurious or (una is not None and not segment.seq <= una < end):
            continue
        stuck = una if una is not None else segment.seq
        if open_run is None or not segment.seq <= open_run.seq < end:
            if open_run is not None:
                finished.append(open_run)
            original = next((old for old in sent if old.seq <= stuck < old.seq + old.payload), None)
            open_run = Run(stuck, original)
        open_run.copies.append(segment)
    if open_run is not None:
        finished.append(open_run)
    return finished
