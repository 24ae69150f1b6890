"""Packets as large as the stuck one: which got through, which were lost, and what chance makes of it.

If one as large of the same connection gets through, its size is not what stops the stuck one. Of another connection
that proves less: parallel paths need not be alike.
"""

from __future__ import annotations

from itertools import islice

from analyzer.evidence.controls import FOREVER, Control, begins_late
from analyzer.evidence.deliveries import Transmission
from analyzer.evidence.direction import Direction
from analyzer.evidence.duplicate_acks import duplicate_acks
from analyzer.evidence.retransmissions import RetransmissionSeries
from analyzer.evidence.segments import Segment, frame_of, refs
from analyzer.model.statement import FrameRef
from analyzer.settings import DELAYED_ACK_NS


def as_large_passed(direction: Direction, series: RetransmissionSeries) -> tuple[Control | None, Control | None]:
    """Packets of this connection as large as the stuck segment that got through: (before it was sent, afterwards)."""
    before: Control | None = None
    after: Control | None = None
    size = series.stuck_segment.ip_len

    def sent_later(segment: Segment) -> bool:
        return segment.ts >= series.first.ts or (begins_late(series) and segment.seq > series.seq)

    for t in direction.sendings:
        if t.segment.super_segment and (ack := _first_piece(direction, series, t)) is not None:
            text = f"packets as large, cut from a super-segment of {t.segment.payload} bytes, got through"
            short = "packets as large got through, cut from a super-segment"
            found = Control(text, (t.segment.ref, ack.ref), short=short)
            if t.segment.seq > series.seq and sent_later(t.segment):
                after = after or found
            else:
                before = found
        if t.segment.ip_len < size or t.segment.df < series.stuck_segment.df:
            continue
        if t.covered_by is None:
            below = t.segment.seq + t.segment.payload <= series.seq and series.retransmission_count >= 2
            if below and t.one_shape and not t.segment.resent and direction.size_known(t.segment):
                # A timer resends the oldest byte: the sender had the ACK of all below, the capture has not.
                text = f"a packet of {t.segment.ip_len} bytes was acknowledged, for the sender went on behind it"
                short = f"{t.segment.ip_len} bytes acknowledged: the sender went on behind them"
                before = Control(text, (t.segment.ref, series.stuck_segment.ref), short=short)
            continue
        if not direction.counts(t):
            continue
        found = _got_through(t.segment.ip_len, t.segment.ref, t.covered_by.ref)
        if sent_later(t.segment):
            # Attributed by timing alone, the stuck segment's own size proves nothing against a smaller re-cut.
            after = after or found
        else:
            before = found
    count = direction.count
    kept = "delivered" if series.stuck_segment.df else "delivered_nodf"
    if count[kept] >= size:
        frames = [frame_of(count[f"{kept}_frame"])]
        if series.stuck_segment.df:
            frames.append(frame_of(count["delivered_ack"]))
        found = _got_through(count[kept], *frames)
        # Frame numbers tell which was sent first within a file only; else the time of the ACK must do.
        same_file = frames[0].file == series.first.ref.file
        sent_after = frames[0].frame >= series.first.ref.frame if same_file else count["delivered_ts"] > series.first.ts
        if sent_after:
            after = after or found
        else:
            before = before or found
    return before, after or _more_duplicate_acks_than_small(direction, series)


def _got_through(size: int, *frames: FrameRef) -> Control:
    return Control(f"a packet of {size} bytes got through", frames, short=f"{size} bytes got through")


def _first_piece(direction: Direction, series: RetransmissionSeries, t: Transmission) -> Segment | None:
    """The ACK that shows that a packet as large as the stuck segment, cut from a super-segment, got through; or None.

    All packets that it is cut into are of full size but for the last. Sent again in pieces, the pieces may have
    arrived instead.
    """
    segment, size = t.segment, series.stuck_segment.payload
    if segment.payload < 2 * size or direction.offload_ceiling_at(segment.ts) is not None:
        return None
    if t.covered_by is not None and t.one_shape and not t.lost:
        return t.covered_by
    begin, end = segment.seq, segment.seq + segment.payload
    for s in islice(direction.segments, direction.position(segment) + 1, None):
        direction.effort.spend(1)
        if s.side == direction.side and s.resent and s.seq < end and s.end > begin:
            return None
        if s.side != direction.side and s.has_ack:
            spans = ((begin, s.ack), *s.sack)
            if any(min(right, end) - max(left, begin) >= size for left, right in spans):
                return s
    return None


def _answers_head(direction: Direction, series: RetransmissionSeries, ack: Segment) -> bool:
    """True if the last data before an ACK is a copy of the stuck segment: it arrived and was refused."""
    before = direction.data_before(ack)
    return before is not None and before.resent and before.seq <= series.seq


def _more_duplicate_acks_than_small(direction: Direction, series: RetransmissionSeries) -> Control | None:
    """More duplicate ACKs than smaller packets were sent: something as large as the stuck segment arrived as well."""
    if direction.selective:
        return None  # what arrives behind a hole is named in SACK blocks; a duplicate without any has another reason
    acks = [
        ack for ack in duplicate_acks(direction, series) if not ack.sack and not _answers_head(direction, series, ack)
    ]
    blind = any(ack.options_cut for ack in acks)
    # A single one may have another reason; where SACK is cut off it is all there is.
    if len(acks) < (1 if blind else 2):
        return None
    segment = max(series.stuck_segment.payload, 1)
    small = large = 0
    for s in direction.data_sent.between(series.first.ts, acks[-1].ts):
        if s.seq <= series.seq:
            continue
        if s.super_segment:
            large += s.payload // segment
            small += 1 if s.payload % segment else 0
        elif s.ip_len < series.stuck_segment.ip_len:
            small += 1
        else:
            large += 1
    if not large or len(acks) <= 2 * small:  # the network may deliver a small one twice
        return None
    text = (
        f"{len(acks)} duplicate ACKs answered what was sent after it, of which only {small} were smaller: a packet as"
    )
    short = f"one of {len(acks)} duplicate ACKs, more than smaller packets were sent"
    return Control(f"{text} large got through", refs(acks[:8]), short=short)


def sibling_as_large(
    direction: Direction, series: RetransmissionSeries
) -> tuple[Control | None, Control | None, Control | None]:
    """Packets as large that other connections of the two addresses got through: before, meanwhile, and later.

    Meanwhile is until the next copy of the stuck segment was due, or the connection ended.
    """
    if direction.siblings is None:
        return None, None, None
    over = series.over_ts(direction.ended_ts)
    # What was on its way when it began is answered within a round trip and an ACK's delay.
    spans = ((-FOREVER, series.first.ts), (series.first.ts + direction.rtt + DELAYED_ACK_NS, over), (over, FOREVER))
    before, meanwhile, later = (_sibling(direction, series.stuck_segment.ip_len, *span) for span in spans)
    return before, meanwhile, later


def _sibling(direction: Direction, size: int, after: int, until: int) -> Control | None:
    event = direction.siblings.delivered(direction.row, size, after, until) if direction.siblings is not None else None
    if event is None:
        return None
    text = f"stream {event.stream} delivered a packet of {event.size} bytes between the same addresses"
    return Control(text, event.frames, kind="sibling", short=f"stream {event.stream} delivered {event.size} bytes")


def distinct_large_lost(direction: Direction, series: RetransmissionSeries) -> list[Segment]:
    """Different segments at least as large as the stuck segment, sent in the episode and lost; it is one itself.

    Where their bytes were acknowledged in the end, something smaller brought them. Without SACK nobody knows what
    arrived behind the stuck segment.
    """
    tried = large_tried(direction, series)
    if direction.selective or series.acked:
        return tried
    return [segment for segment in tried if segment is series.stuck_segment or segment.resent]


def large_tried(direction: Direction, series: RetransmissionSeries) -> list[Segment]:
    """Different segments at least as large as the stuck segment, sent in the episode and not known to have arrived."""
    lost: dict[int, Segment] = {series.stuck_segment.seq: series.stuck_segment}
    end = series.over_ts(direction.ended_ts)
    for t in direction.sendings.between(series.first.ts, end):
        segment = t.segment
        lost_whole = not t.proven and (t.covered_by is None or t.lost)
        if lost_whole and segment.ip_len >= series.stuck_segment.ip_len:
            # A super-segment is as many as it is cut into; the first of them may be the stuck segment itself.
            step = series.stuck_segment.payload if segment.super_segment else segment.payload
            direction.effort.spend(segment.payload // max(step, 1))
            seq, end_of_it = segment.seq, segment.seq + segment.payload
            while seq < end_of_it:
                whole = segment.seq + segment.payload - seq >= series.stuck_segment.payload
                if whole and not direction.sacked.hold(seq):
                    lost.setdefault(seq, segment)
                seq += max(step, 1)
    return list(lost.values())


def siblings_large_lost(direction: Direction, series: RetransmissionSeries, since: int) -> list[FrameRef]:
    """Frames of segments as large that hang in other connections of the two addresses, since later than `since`."""
    if direction.siblings is None:
        return []
    hung = direction.siblings.hung(
        direction.row, since, series.over_ts(direction.ended_ts), least=series.stuck_segment.payload
    )
    return [event.frames[0] for event in hung if event.frames]
