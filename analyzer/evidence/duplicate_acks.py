"""Duplicate ACKs of the stuck byte, and the data that each of them may answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from analyzer.evidence.direction import Direction
from analyzer.evidence.retransmissions import RetransmissionSeries
from analyzer.evidence.segments import Segment


def duplicate_acks(direction: Direction, series: RetransmissionSeries) -> list[Segment]:
    """The peer's duplicate ACKs of the stuck byte in the episode.

    Each says that at least one segment beyond the hole arrived (RFC 5681 2), not which.
    """
    end = series.over_ts(direction.ended_ts)
    found = []
    for before, ack in direction.acks_in_turn.between(series.first.ts + 1, end - 1):
        bare = ack.payload == 0 and not ack.keepalive and not ack.fin and not ack.syn
        if bare and ack.ack == before.ack == series.seq and _same_window(direction, ack, before):
            found.append(ack)
    return found


def _same_window(direction: Direction, ack: Segment, before: Segment) -> bool:
    """A window update is no duplicate ACK; where options were cut off, an ACK that has some is one all the same.

    The window of a SYN is not scaled (RFC 7323 2.2), so it is rounded when it is announced again.
    """
    if before.syn:
        return (
            abs((ack.window << direction.window_scale) - before.window) < 1 << direction.window_scale or ack.options_cut
        )
    return ack.window == before.window or ack.options_cut


class Answerable(NamedTuple):
    """A duplicate ACK and the data that it may answer: sent in the episode, and shortly before it."""

    ack: Segment
    sent: Segment | None  # the last from beyond the stuck byte
    small: Segment | None  # the last of these that is smaller than the stuck segment
    all_small: bool  # all of these are
    copy: Segment | None  # the last that holds bytes up to the stuck one, but for its first transmission


def data_before_each(
    direction: Direction, series: RetransmissionSeries, acks: Sequence[Segment], reach: int
) -> Iterator[Answerable]:
    """The data sent at most `reach` ns before each of some ACKs, which are in the order of the file."""
    data = direction.data_sent.items
    first = last = 0  # data[first:last] is what an ACK may answer
    beyond = small = 0  # how many of these lie beyond the stuck byte, and are small
    at_sent = at_small = at_copy = -1
    for ack in acks:
        direction.effort.spend(1)
        place = direction.position(ack)
        while last < len(data) and direction.position(data[last]) < place:
            direction.effort.spend(1)
            if data[last].seq > series.seq:
                beyond, at_sent = beyond + 1, last
                if data[last].ip_len < series.stuck_segment.ip_len:
                    small, at_small = small + 1, last
            elif data[last] is not series.first:
                at_copy = last
            last += 1
        since = max(series.first.ts, ack.ts - reach)
        while first < last and data[first].ts < since:
            if data[first].seq > series.seq:
                beyond -= 1
                small -= data[first].ip_len < series.stuck_segment.ip_len
            first += 1
        yield Answerable(
            ack,
            data[at_sent] if at_sent >= first else None,
            data[at_small] if at_small >= first else None,
            small == beyond,
            data[at_copy] if at_copy >= first else None,
        )
