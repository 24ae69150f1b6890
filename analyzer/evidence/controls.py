"""Controls: do smaller packets get through while a larger one does not?

Emits `Control`: a statement with its frames. The principle is scamper's: without a responsive smaller probe, "only big
packets are lost" cannot be told from "all packets are lost". What proves most is data of the connection itself; an ACK
of its own, or a packet of another connection, may take ways that its data do not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from analyzer.evidence.answered import last_covering
from analyzer.evidence.direction import Direction
from analyzer.evidence.duplicate_acks import data_before_each, duplicate_acks
from analyzer.evidence.exchange import Spans
from analyzer.evidence.retransmissions import RetransmissionSeries
from analyzer.evidence.segments import Segment, frame_of, refs
from analyzer.model.statement import FrameRef
from analyzer.settings import ACK_DELAY_NS, DELAYED_ACK_NS, JUST_BEFORE_NS, Settings

FOREVER = 1 << 62  # ns: before -FOREVER and after FOREVER is no time


Kind = Literal["data", "ack", "sibling"]


class Control(NamedTuple):
    """A fact about another packet, in words, with the frames that show it. `sure` is False for inference."""

    text: str
    frames: tuple[FrameRef, ...]
    sure: bool = True
    kind: Kind = "data"  # of this connection's data, a bare ACK of it, or a packet of another connection
    number: int = 1  # how many packets it is about
    short: str = ""
    """The same for a comment at one of its frames: a few words that need no other sentence, and name no frame."""

    @property
    def noted(self) -> str:
        """What a comment at one of its frames says."""
        return self.short or self.text


def passed_during(direction: Direction, series: RetransmissionSeries, settings: Settings) -> Control | None:
    """A smaller packet sent after the stuck segment's first transmission that got through meanwhile, or None.

    It is sure only if the stuck segment was sent once more afterwards, in vain: between two copies, seconds apart,
    an outage may have ended, and nobody has tried a large packet since.
    """
    end = series.over_ts(direction.ended_ts)
    # A copy whose answer may still be on its way when the capture ends has not failed yet.
    answerable = end - max(direction.rtt + DELAYED_ACK_NS, settings.sent_again_ns)
    last = max((copy.ts for copy in series.tries if copy.ts <= answerable), default=series.first.ts)
    for find in (_small_data, _ack_stopped_peer, _sibling):
        found = find(direction, series, settings, last)
        if found is not None:
            return found
    for find in (_small_data, _ack_stopped_peer, _sibling):
        found = find(direction, series, settings, end)
        if found is not None:
            return found._replace(sure=False)
    return _duplicate_acks(direction, series, sure=False)


def _small_data(direction: Direction, series: RetransmissionSeries, settings: Settings, until: int) -> Control | None:
    stuck_segment, end = series.stuck_segment, series.over_ts(direction.ended_ts)
    since = _stuck_since(direction, series)
    small = [
        t
        for t in direction.sendings.between(since, until)
        if t.covered_by is not None
        and t.by_sack
        and t.segment is not series.first
        and t.covered_by.ts <= end
        and t.segment.ip_len < stuck_segment.ip_len
        and not t.segment.super_segment
    ]
    if small and (ack := small[0].covered_by) is not None:
        sent = small[0].segment
        text = f"a packet of {sent.ip_len} bytes sent after it was selectively acknowledged"
        return Control(text, (sent.ref, ack.ref), number=len(small), short=f"{sent.ip_len} bytes acknowledged")
    early = Spans((s.seq, s.end) for s in direction.sent.between(series.first.ts + 1, since - 1))
    # The sent packet may lie before the capture, or in a super-segment.
    for ack in direction.heard.between(series.first.ts + 1, until):
        for left, right in ack.sack:
            # A FIN takes a number, but is no data.
            if (
                left >= stuck_segment.seq + stuck_segment.payload
                and right - left < stuck_segment.payload
                and left not in direction.fins
                and not early.hold(left)
            ):
                text = f"{right - left} bytes sent after it were selectively acknowledged"
                return Control(text, (ack.ref,), short=f"a segment of {right - left} bytes acknowledged")
    found = _duplicate_acks(direction, series, sure=True)
    return found if found is not None and direction.time_of(found.frames[-1]) <= until else None


def _ack_stopped_peer(
    direction: Direction, series: RetransmissionSeries, settings: Settings, until: int
) -> Control | None:
    """The peer sent something, a small packet acknowledged it, and the peer did not send it again."""
    end = series.over_ts(direction.ended_ts)
    for asked in direction.asked.between(series.first.ts + 1, end - 1):
        segment, ack = asked.segment, asked.ack
        occupies = segment.payload > 0 or segment.fin
        if not occupies or segment.keepalive or ack is None or ack.ts > until:
            continue
        if asked.again_ts is not None and asked.again_ts > ack.ts:
            continue
        # Of what was sent again the next copy is due later: its timer doubles.
        waited = end - ack.ts >= max(settings.control_wait_ns, 3 * direction.rtt, 3 * asked.gap)
        if waited or (not segment.resent and direction.speaks_between(ack.ts, end)):
            return Control(
                f"an ACK of {ack.ip_len} bytes got through: the peer did not send {direction.name(segment.ref)} again",
                (segment.ref, ack.ref),
                kind="ack",
                short=f"an ACK of {ack.ip_len} bytes got through",
            )
    return None


def _sibling(direction: Direction, series: RetransmissionSeries, settings: Settings, until: int) -> Control | None:
    if direction.siblings is None:
        return None
    # What was on its way when the stall began is answered before the first retransmissions.
    after = series.retransmissions[min(1, len(series.retransmissions) - 1)].ts
    # SYN and SYN/ACK are answered at once: sent after the stuck segment, they passed after it.
    event = direction.siblings.opened(direction.row, series.first.ts, until) or direction.siblings.answered(
        direction.row, after, until
    )
    if event is None:
        return None
    text = f"small packets of stream {event.stream} between the same addresses were answered meanwhile"
    return Control(text, event.frames, kind="sibling", short=f"small packets of stream {event.stream} answered")


def _stuck_since(direction: Direction, series: RetransmissionSeries) -> int:
    """When the stuck bytes were first sent, ns; if a PTB had them cut to the stuck segment's size, when that was.

    What left before may have missed an outage that began in between.
    """
    first, cut = series.first, series.tries[0]
    direction.effort.spend(len(direction.ptbs))
    told = any(first.ts <= p.ts <= cut.ts and cut.ip_len <= p.mtu < first.ip_len for p in direction.ptbs)
    return cut.ts if told and not first.super_segment else first.ts


def passed_just_before(direction: Direction, series: RetransmissionSeries) -> Control | None:
    """A bare ACK sent at most a round trip before the stuck segment that the peer must have got; or None.

    It did not send again what that acknowledges.


    An outage would have to begin exactly between the two.
    """
    end = series.over_ts(direction.ended_ts)
    first = _stuck_since(direction, series)
    before = [s for s in direction.sent.between(first - max(direction.rtt, JUST_BEFORE_NS), first) if s.has_ack]
    if not before:
        return None
    found = [(s, asked) for s in before if (asked := direction.spoken_before(s)) is not None]
    later = [p for p in direction.heard if p.ts <= end]
    latest = last_covering((asked.end for _, asked in found), later)
    for s, asked in found:
        again = latest.get(asked.end)
        if (
            s.ack >= asked.end
            and s.ip_len < series.stuck_segment.ip_len
            and (again is None or direction.position(again) < direction.position(s))
        ):
            text = f"an ACK of {s.ip_len} bytes sent right before it got through: the peer did not send"
            short = f"an ACK of {s.ip_len} bytes got through right before"
            return Control(f"{text} {direction.name(asked.ref)} again", (asked.ref, s.ref), kind="ack", short=short)
    return None


def _duplicate_acks(direction: Direction, series: RetransmissionSeries, *, sure: bool) -> Control | None:
    """Without SACK a duplicate ACK says that something arrived; if only smaller packets were sent, one of them."""
    if direction.selective:
        return None  # what arrives behind a hole is named in SACK blocks; a duplicate without any has another reason
    reach = max(4 * direction.rtt, 50_000_000)
    for recent in data_before_each(direction, series, duplicate_acks(direction, series), reach):
        ack, sent, small, copy = recent.ack, recent.sent, recent.small, recent.copy
        # A copy of the stuck segment that arrived and was refused is answered so, too.
        if sure and sent and recent.all_small and (copy is None or copy.ts <= sent.ts):
            text = "a duplicate ACK answered a smaller packet sent after it"
            return Control(text, (sent.ref, ack.ref), short="a smaller packet answered by a duplicate ACK")
        if not sure and small:
            return Control(
                "a duplicate ACK answered one of the packets sent after it, some of which were smaller",
                (small.ref, ack.ref),
                sure=False,
                short="one of some packets, smaller ones among them, answered by a duplicate ACK",
            )
    return None


def passed_before(direction: Direction, series: RetransmissionSeries, settings: Settings) -> Control | None:
    """Smaller packets of this direction that got through before the stuck segment was sent first, or None."""
    best = None
    for t in direction.sendings:
        ack = t.covered_by
        if (
            t.proven
            and ack is not None
            and ack.ts <= series.first.ts
            and t.segment.ip_len < series.stuck_segment.ip_len
        ):
            best = (t.segment, ack)
    if best is not None:
        text = f"a packet of {best[0].ip_len} bytes got through before it"
        return Control(text, (best[0].ref, best[1].ref), short=f"{best[0].ip_len} bytes got through before")
    count = direction.count
    # Of what was acknowledged but is not in the capture nobody knows the sizes.
    if (
        count["una_known"]
        and series.seq - count["first_seq"] > count["unseen"] + count["unseen_before"]
        and not count["super_packets"]
    ):
        frames = tuple(frame_of(frame) for frame in (count["delivered_frame"], count["delivered_ack"]) if frame)
        before = count["delivered_ts"] <= series.first.ts
        text = "smaller packets of this direction were acknowledged before it"
        return Control(text, frames if before else (), short="smaller packets acknowledged before")
    return None


def begins_late(series: RetransmissionSeries) -> bool:
    """True if the stuck segment's first transmission is not in the capture, so that its time is unknown."""
    return series.original is None or series.original.fills_hole


def failed_during(direction: Direction, series: RetransmissionSeries, settings: Settings) -> Control | None:
    """Smaller packets sent in the episode that did not get through either, or None.

    Only such as every usual path carries: of one of 1350 bytes nobody knows whether it was small enough.
    """
    return next(_failures(direction, series, settings), None)


def _failures(direction: Direction, series: RetransmissionSeries, settings: Settings) -> Iterator[Control]:
    end = series.over_ts(direction.ended_ts)
    stuck_segment = series.stuck_segment
    small = [
        t.segment
        for t in direction.sendings
        if (t.covered_by is None or (direction.selective and t.covered_by.ts >= end))
        and not t.segment.super_segment
        and (t.segment.ts >= series.first.ts or (begins_late(series) and t.segment.seq > series.seq))
        and not t.segment.seq <= series.seq < t.segment.end
        and t.segment.ip_len < min(stuck_segment.ip_len, settings.exercised_bytes)
        and end - t.segment.ts >= max(settings.control_wait_ns, 2 * direction.rtt)
    ]
    if small:
        text = f"a smaller packet of {small[0].ip_len} bytes sent meanwhile did not get through either"
        # Without (visible) SACK an arrival shows as a duplicate ACK.
        if direction.selective or not (
            _duplicate_acks(direction, series, sure=True) or _duplicate_acks(direction, series, sure=False)
        ):
            short = f"a smaller packet of {small[0].ip_len} bytes" if len(small) == 1 else "smaller packets"
            yield Control(text, refs(small[:16]), number=len({s.seq for s in small}), short=short)
    answerable = end - max(2 * direction.rtt, direction.rtt + ACK_DELAY_NS)
    shrunk = [
        c
        for c in series.changed
        if c.ip_len < min(stuck_segment.ip_len, settings.exercised_bytes) and c.ts <= answerable
    ]
    if shrunk and series.acked_by is None:
        text = f"the same bytes cut smaller, to {shrunk[0].ip_len} bytes, were not acknowledged either"
        short = f"the same bytes cut smaller, to {shrunk[0].ip_len} bytes"
        yield Control(text, refs(shrunk[:16]), number=len(shrunk), short=short)
    for asked in direction.asked.between(series.first.ts + 1, end - 1):
        segment, ack = asked.segment, asked.early_ack
        if not segment.resent or ack is None or ack.ts >= segment.ts:
            continue
        again = direction.resent_by_peer(segment.seq, ack.ts + direction.rtt)
        if len(again) >= (1 if segment.syn else 2):
            yield Control(
                "the peer keeps sending what small ACKs have acknowledged: they do not arrive",
                (ack.ref, *refs(again[:16])),
                kind="ack",
                short="a small ACK, after which the peer sends the same again",
            )
            break
    most = min(stuck_segment.ip_len, settings.exercised_bytes) - (stuck_segment.ip_len - stuck_segment.payload) - 1
    hung = (
        direction.siblings.hung(direction.row, series.first.ts - ACK_DELAY_NS, end, most=most)
        if direction.siblings
        else iter(())
    )
    event = next(hung, None)
    if event is not None:
        text = f"stream {event.stream} between the same addresses got no answer any more either"
        yield Control(text, event.frames, kind="sibling", short=f"stream {event.stream}, which gets no answer any more")


def sacked_unseen(direction: Direction, series: RetransmissionSeries) -> Segment | None:
    """An ACK whose SACK blocks beyond the stuck segment hold bytes that are not in the capture; or None.

    The capture lost packets.
    """
    end = series.over_ts(direction.ended_ts)
    for ack in direction.heard.between(series.first.ts + 1, end):
        for left, right in ack.sack:
            if left >= series.stuck_segment.seq + series.stuck_segment.payload and not direction.carried(left, right):
                return ack
    return None
