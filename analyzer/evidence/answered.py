"""What a host sent, the small packets that acknowledged it, and whether it was sent again all the same.

A host that does not send again what a small packet acknowledged has got that packet. Emits `Asked`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analyzer.evidence.segments import Segment
from analyzer.model.wire_sizes import EVERY_HOST_TAKES


@dataclass(slots=True)
class Asked:
    """A packet that takes up sequence numbers, and what answered it."""

    segment: Segment
    gap: int  # since what ends at the same number was sent before, ns; 0: it was not
    ack: Segment | None = None  # the first small packet after it that acknowledges it
    early_ack: Segment | None = None  # the first in all, perhaps before it
    again_ts: int | None = None  # when its last byte was sent last, by any packet


def asked_of(segments: Sequence[Segment], side: int) -> list[Asked]:
    """What the peer of `side` sent that asks for an acknowledgement, in order."""
    out: list[Asked] = []
    sent_at: dict[int, int] = {}
    highest: list[int] = []  # small ACKs so far, those that are higher than all before
    rising: list[Segment] = []
    for s in segments:
        if s.side == side:
            if _is_small_ack(s) and (not highest or s.ack > highest[-1]):
                highest.append(s.ack)
                rising.append(s)
        elif s.end > s.seq:
            out.append(Asked(s, s.ts - sent_at.get(s.end, s.ts)))
            if not s.keepalive:
                sent_at[s.end] = s.ts
    for asked in out:
        at = bisect_left(highest, asked.segment.end)
        asked.early_ack = rising[at] if at < len(rising) else None
    _find_later_acks(segments, side, out)
    latest = last_covering((asked.segment.end for asked in out), sorted_by_time(segments, side))
    for asked in out:
        again = latest.get(asked.segment.end)
        asked.again_ts = again.ts if again is not None else None
    return out


def _is_small_ack(s: Segment) -> bool:
    return s.has_ack and s.ip_len <= EVERY_HOST_TAKES


def _find_later_acks(segments: Sequence[Segment], side: int, asked: list[Asked]) -> None:
    """From the last packet to the first: of the small ACKs behind, each higher than all before it, the nearest last."""
    lowered: list[int] = []  # their numbers, negative, so that they rise
    behind: list[Segment] = []
    left = len(asked)
    for s in reversed(segments):
        if s.side == side:
            if _is_small_ack(s):
                while lowered and -lowered[-1] <= s.ack:
                    lowered.pop()
                    behind.pop()
                lowered.append(-s.ack)
                behind.append(s)
        elif left and s is asked[left - 1].segment:
            left -= 1
            at = bisect_right(lowered, -s.end)
            asked[left].ack = behind[at - 1] if at else None


def sorted_by_time(segments: Sequence[Segment], side: int) -> list[Segment]:
    """The packets of the peer of `side`, the earliest first."""
    return sorted((s for s in segments if s.side != side), key=lambda s: s.ts)


def last_covering(ends: Iterable[int], segments: Sequence[Segment]) -> dict[int, Segment]:
    """For each of some sequence numbers the last of `segments` that holds the byte before it; none where none does."""
    places = sorted(set(ends))
    following = list(range(len(places) + 1))  # from each place the next one that has no segment yet

    def free(at: int) -> int:
        while following[at] != at:
            following[at] = following[following[at]]
            at = following[at]
        return at

    found: dict[int, Segment] = {}
    for s in reversed(segments):
        at, stop = free(bisect_right(places, s.seq)), bisect_right(places, s.end)
        while at < stop:
            found[places[at]] = s
            following[at] = at + 1
            at = free(at)
    return found
