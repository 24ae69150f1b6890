"""Positive and negative controls: do smaller packets get through while a larger one does not?

Emits `Control`: a statement with its frames. The principle is scamper's: without a responsive smaller
probe, "only big packets are lost" cannot be told from "all packets are lost".
"""

from __future__ import annotations

from typing import NamedTuple

from analyzer.evidence.conversation import Neighbour, Way
from analyzer.evidence.episodes import Run
from analyzer.evidence.segments import FrameRef, Segment, refs
from analyzer.settings import Settings

DELAYED_ACK_NS = 40_000_000  # Linux's shortest delay of an ACK (TCP_DELACK_MIN)
MOST_RTO_NS = 60_000_000_000  # RFC 6298 2.5: a limit to the timer is at least this long
ACK_DELAY_NS = 500_000_000  # RFC 9293 3.8.6.3: an ACK is not held back longer


class Control(NamedTuple):
    """A fact about a smaller packet, in words, with the frames that show it. `sure` is False for inference."""

    text: str
    frames: tuple[FrameRef, ...]
    sure: bool = True


def passed_during(way: Way, run: Run, settings: Settings) -> Control | None:
    """A smaller packet sent after the head's first transmission that got through meanwhile, or None.

    It is sure only if the head was sent once more afterwards, in vain: between two copies, seconds apart,
    an outage may have ended, and nobody has tried a large packet since.
    """
    end = run.end_ts(way.capture_end)
    # A copy whose answer may still be on its way when the capture ends has not failed yet.
    answerable = end - max(way.rtt + DELAYED_ACK_NS, settings.sent_again_ns)
    last = max((copy.ts for copy in run.tries if copy.ts <= answerable), default=run.first.ts)
    for until in (last, end):
        found = _sacked(way, run, until) or _ack_stopped_peer(way, run, settings, until) or _neighbour(way, run, until)
        if found is not None:
            return found if until == last else found._replace(sure=False)
    return _duplicate_acks(way, run)


def _sacked(way: Way, run: Run, until: int) -> Control | None:
    head, end = run.head, run.end_ts(way.capture_end)
    for t in way.transmissions:
        ack = t.covered_by
        if (
            ack is not None
            and t.by_sack
            and run.first.ts <= t.segment.ts <= until
            and t.segment is not run.first
            and ack.ts <= end
            and t.segment.ip_len < head.ip_len
            and not t.segment.super_segment
        ):
            return Control(
                f"a packet of {t.segment.ip_len} bytes sent after it was selectively acknowledged",
                (t.segment.ref, ack.ref),
            )
    for ack in way.segments:  # the sent packet may lie before the capture, or in a super-segment
        if ack.side == way.side or not run.first.ts < ack.ts <= until:
            continue
        for left, right in ack.sack:
            if left >= head.seq + head.payload and right - left < head.payload:
                return Control(f"{right - left} bytes sent after it were selectively acknowledged", (ack.ref,))
    return None


def _ack_stopped_peer(way: Way, run: Run, settings: Settings, until: int) -> Control | None:
    """The peer sent something, a small packet acknowledged it, and the peer did not send it again."""
    end = run.end_ts(way.capture_end)
    for i, asked in enumerate(way.segments):
        occupies = asked.payload > 0 or asked.fin
        if asked.side == way.side or not occupies or asked.keepalive or not run.first.ts < asked.ts < end:
            continue
        if asked.resent:
            continue  # its ACK did not arrive before; the next copy may only be due later than the capture ends
        later = way.segments[i + 1 :]
        ack = next(
            (
                s
                for s in later
                if s.side == way.side and s.has_ack and s.ack >= asked.end and s.ip_len < run.head.ip_len
            ),
            None,
        )
        if ack is None or ack.ts > until:
            continue
        again = [s for s in later if s.side != way.side and s.seq < asked.end <= s.end and s.ts > ack.ts]
        spoke = [s for s in later if s.side != way.side and s.ts > ack.ts and s not in again]
        waited = way.capture_end - ack.ts >= max(settings.control_wait_ns, 3 * way.rtt)
        if not again and (waited or spoke):
            return Control(
                f"an ACK of {ack.ip_len} bytes got through: the peer did not send {way.name(asked.ref)} again",
                (asked.ref, ack.ref),
            )
    return None


def _neighbour(way: Way, run: Run, until: int) -> Control | None:
    # What was on its way when the stall began is answered before the first retransmissions.
    after = run.copies[min(1, len(run.copies) - 1)].ts
    for other in way.neighbours:
        text = f"small packets of stream {other.stream} between the same addresses were answered meanwhile"
        # SYN and SYN/ACK are answered at once: sent after the head, they passed after it.
        if run.first.ts < other.asked_ts and other.opened_ts <= until and other.opened_ts:
            return Control(text, other.opening)
        for ts, frame in other.answered:
            if after < ts <= until:
                return Control(text, (frame,))
    return None


def duplicate_acks(way: Way, run: Run) -> list[tuple[int, Segment]]:
    """The peer's duplicate ACKs of the stuck byte in the episode, with their index among the segments.

    Each says that at least one segment beyond the hole arrived (RFC 5681 2), not which.
    """
    end = run.end_ts(way.capture_end)
    found = []
    before: Segment | None = None
    for i, ack in enumerate(way.segments):
        if ack.side == way.side or not ack.has_ack:
            continue
        bare = ack.payload == 0 and not ack.keepalive and not ack.fin and not ack.syn
        if (
            before is not None
            and bare
            and run.first.ts < ack.ts < end
            and ack.ack == before.ack == run.seq
            # A window update is no duplicate; where options were cut off, an ACK that has some is one all the same.
            and (ack.window == before.window or ack.options_cut)
        ):
            found.append((i, ack))
        before = ack
    return found


def _duplicate_acks(way: Way, run: Run) -> Control | None:
    """Without SACK a duplicate ACK says that something arrived; if only smaller packets were sent, one of them."""
    reach = max(4 * way.rtt, 50_000_000)
    for i, ack in duplicate_acks(way, run):
        sent = [
            s
            for s in way.segments[:i]
            if s.side == way.side and s.data and s.ts >= run.first.ts and ack.ts - s.ts <= reach and s.seq > run.seq
        ]
        if sent and all(s.ip_len < run.head.ip_len for s in sent):
            return Control("a duplicate ACK answered a smaller packet sent after it", (*refs(sent[-1:]), ack.ref))
        small = [s for s in sent if s.ip_len < run.head.ip_len]
        if small:
            return Control(
                "a duplicate ACK answered one of the packets sent after it, some of which were smaller",
                (*refs(small[-1:]), ack.ref),
                sure=False,
            )
    return None


def _answers_head(way: Way, run: Run, index: int) -> bool:
    """True if the last data before segment `index` is a copy of the head: it arrived and was refused."""
    before = next((s for s in reversed(way.segments[:index]) if s.side == way.side and s.data), None)
    return before is not None and before.resent and before.seq <= run.seq


def sacked_unseen(way: Way, run: Run) -> Segment | None:
    """An ACK whose SACK blocks beyond the head hold bytes that the capture does not: it lost packets; or None."""
    end = run.end_ts(way.capture_end)
    sent = [(s.seq, s.seq + s.payload) for s in way.segments if s.side == way.side and s.data]
    for ack in way.segments:
        if ack.side != way.side and run.first.ts < ack.ts <= end:
            for left, right in ack.sack:
                if left >= run.head.seq + run.head.payload and not _covered(left, right, sent):
                    return ack
    return None


def _covered(left: int, right: int, spans: list[tuple[int, int]]) -> bool:
    """True if the spans together hold all of [left, right)."""
    for start, end in sorted(spans):
        if start <= left < end:
            left = end
    return left >= right


def _more_duplicate_acks_than_small(way: Way, run: Run) -> Control | None:
    """More duplicate ACKs than smaller packets were sent: something as large as the head arrived as well."""
    acks = [ack for i, ack in duplicate_acks(way, run) if not ack.sack and not _answers_head(way, run, i)]
    blind = any(ack.options_cut for ack in acks)
    if len(acks) < (
        1 if blind else 2
    ):  # a single one may have another reason; where SACK is cut off it is all there is
        return None
    segment = max(run.head.payload, 1)
    small = large = 0
    for s in way.segments:
        if s.side == way.side and s.data and s.ts >= run.first.ts and s.seq > run.seq and s.ts <= acks[-1].ts:
            if s.super_segment:
                large += s.payload // segment
                small += 1 if s.payload % segment else 0
            elif s.ip_len < run.head.ip_len:
                small += 1
            else:
                large += 1
    if not large or len(acks) <= small:
        return None
    text = (
        f"{len(acks)} duplicate ACKs answered what was sent after it, of which only {small} were smaller: a packet as"
    )
    return Control(f"{text} large got through", refs(acks[:8]))


def passed_before(way: Way, run: Run) -> Control | None:
    """Smaller packets of this direction that got through before the head was sent, or None."""
    best = None
    for t in way.transmissions:
        if t.proven and t.covered_by is not None and t.segment.ip_len < run.head.ip_len:
            best = (t.segment, t.covered_by)
    if best is not None:
        return Control(f"a packet of {best[0].ip_len} bytes got through before it", (best[0].ref, best[1].ref))
    if way.count["una_known"] and way.count["una"] > way.count["first_seq"]:
        frames = tuple(
            FrameRef.at(frame) for frame in (way.count["delivered_frame"], way.count["delivered_ack"]) if frame
        )
        return Control("smaller packets of this direction were acknowledged before it", frames)
    return None


def _begins_late(run: Run) -> bool:
    """True if the head's first transmission is not in the capture, so that its time is unknown."""
    return run.original is None or run.original.fills_hole


def failed_during(way: Way, run: Run, settings: Settings) -> Control | None:
    """Smaller packets sent in the episode that did not get through either, or None.

    Only such as every usual path carries: of one of 1350 bytes nobody knows whether it was small enough.
    """
    end = run.end_ts(way.capture_end)
    head = run.head
    small = [
        t.segment
        for t in way.transmissions
        if t.covered_by is None
        and not t.segment.super_segment
        and (t.segment.ts > run.first.ts or (_begins_late(run) and t.segment.seq > run.seq))
        and t.segment.ip_len < min(head.ip_len, settings.exercised_bytes)
        and end - t.segment.ts >= settings.control_wait_ns
    ]
    if small:
        text = f"a smaller packet of {small[0].ip_len} bytes sent meanwhile did not get through either"
        blind = any(s.options_cut for s in way.segments if s.side != way.side)
        if way.count["sack_ok"] and way.peer["sack_ok"] and not blind:
            return Control(text, refs(small))
        if not _duplicate_acks(way, run):  # without (visible) SACK an arrival shows as a duplicate ACK
            return Control(text, refs(small))
    for asked in way.segments:  # the peer goes on sending what was acknowledged: ACKs do not arrive
        if asked.side != way.side and asked.resent and asked.end > asked.seq and run.first.ts < asked.ts < end:
            acks = [
                s for s in way.segments if s.side == way.side and s.has_ack and s.ack >= asked.end and s.ts < asked.ts
            ]
            again = [s for s in way.segments if s.side != way.side and s.seq == asked.seq and s.resent]
            if acks and len(again) >= (1 if asked.syn else 2):
                return Control(
                    "the peer keeps sending what small ACKs have acknowledged: they do not arrive",
                    (*refs(acks[:1]), *refs(again)),
                )
    for other in way.neighbours:
        if (
            other.hung_payload + head.ip_len - head.payload < min(head.ip_len, settings.exercised_bytes)
            and other.hung_since
            and run.first.ts - ACK_DELAY_NS <= other.hung_since <= end
        ):
            return Control(
                f"stream {other.stream} between the same addresses got no answer any more either", (other.hung_frame,)
            )
    return None


def as_large_passed(way: Way, run: Run) -> tuple[Control | None, Control | None]:
    """Packets at least as large as the head that got through: (before it was sent, afterwards)."""
    before: Control | None = None
    after: Control | None = None
    size = run.head.ip_len
    since, _ = way.cap

    def sent_later(segment: Segment) -> bool:
        return segment.ts >= run.first.ts or (_begins_late(run) and segment.seq > run.seq)

    for t in way.transmissions:
        if (
            t.segment.super_segment
            and t.covered_by is not None
            and t.one_shape  # sent again in pieces, the pieces may have arrived
            and t.segment.seq > run.seq
            and t.segment.payload >= 2 * run.head.payload
            and sent_later(t.segment)
            and t.segment.ts < since
        ):
            text = f"a super-segment of {t.segment.payload} bytes, cut into packets as large, got through"
            after = after or Control(text, (t.segment.ref, t.covered_by.ref))
        if t.segment.ip_len < size or t.segment.df < run.head.df:
            continue
        if t.covered_by is None:
            below = t.segment.seq + t.segment.payload <= run.seq and run.retransmissions >= 2
            if below and t.one_shape and not t.segment.resent and way.size_known(t.segment):
                # A timer resends the oldest byte: the sender had the ACK of all below, the capture has not.
                text = f"a packet of {t.segment.ip_len} bytes was acknowledged, for the sender went on behind it"
                before = Control(text, (t.segment.ref, run.head.ref))
            continue
        if not way.counts(t):
            continue
        found = Control(f"a packet of {t.segment.ip_len} bytes got through", (t.segment.ref, t.covered_by.ref))
        if sent_later(t.segment):
            # Attributed by timing alone, the head's own size proves nothing against a smaller re-cut.
            after = after or found
        else:
            before = found
    count = way.count
    kept = "delivered" if run.head.df else "delivered_nodf"
    if count[kept] >= size:
        frames = [FrameRef.at(count[f"{kept}_frame"])]
        if run.head.df:
            frames.append(FrameRef.at(count["delivered_ack"]))
        found = Control(f"a packet of {count[kept]} bytes got through", tuple(frames))
        # Frame numbers tell which was sent first within a file only; else the time of the ACK must do.
        same_file = frames[0].file == run.first.ref.file
        sent_after = frames[0].frame >= run.first.ref.frame if same_file else count["delivered_ts"] > run.first.ts
        if sent_after:
            after = after or found
        else:
            before = before or found
    after = after or _more_duplicate_acks_than_small(way, run)
    for other in way.neighbours:
        before, after = _neighbour_as_large(other, run, way, before, after)
    return before, after


def _neighbour_as_large(
    other: Neighbour, run: Run, way: Way, before: Control | None, after: Control | None
) -> tuple[Control | None, Control | None]:
    if other.delivered < run.head.ip_len:
        return before, after
    found = Control(
        f"stream {other.stream} delivered a packet of {other.delivered} bytes between the same addresses",
        (other.delivered_ref, other.delivered_ack),
    )
    if other.delivered_ts > _given_up(run):
        return before, after  # `neighbour_as_large_later`
    if other.delivered_ts > run.copies[min(1, len(run.copies) - 1)].ts:
        return before, after or found
    return before or found, after


def _given_up(run: Run) -> int:
    """When the next copy of the head was overdue: the timer doubles (RFC 6298 5.5), so a little more than that."""
    times = [copy.ts for copy in run.tries]
    gap = times[-1] - times[-2] if len(times) > 1 else MOST_RTO_NS
    return times[-1] + min(5 * gap // 2, 2 * MOST_RTO_NS)


def neighbour_as_large_later(way: Way, run: Run) -> Control | None:
    """A packet as large of another flow that got through after the head was given up, or None."""
    for other in way.neighbours:
        if other.delivered >= run.head.ip_len and other.delivered_ts > _given_up(run):
            return Control(
                f"stream {other.stream} delivered a packet of {other.delivered} bytes between the same addresses",
                (other.delivered_ref, other.delivered_ack),
            )
    return None


def distinct_large_lost(way: Way, run: Run) -> list[Segment]:
    """Different segments at least as large as the head, sent in the episode, none acknowledged."""
    lost: dict[int, Segment] = {}
    for t in way.transmissions:
        if t.covered_by is None and t.segment.ip_len >= run.head.ip_len and t.segment.ts >= run.first.ts:
            lost.setdefault(t.segment.seq, t.segment)
    return list(lost.values())
