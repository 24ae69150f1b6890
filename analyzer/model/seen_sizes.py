"""The datagrams that show a trouble, as they are drawn: when, how large, and whether they came. Emits `SeenSizes`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

MOST_SEEN = 2_000
"""Datagrams that are kept to draw one trouble: more than a picture shows apart."""


class SeenDatagram(NamedTuple):
    """A datagram at the capture point."""

    ts: int  # ns
    size: int  # bytes of IP, put together where it is fragmented
    forward: bool  # of the end whose large ones get lost
    came: bool | None  # whether the other end got it; None: nothing tells


class SeenFragments(NamedTuple):
    """A fragmented datagram at the capture point."""

    ts: int  # ns, of the first fragment that came
    pieces: tuple[tuple[int, int], ...]  # bytes of it that came: from, and behind them; in order
    ended: bool  # its last fragment came

    @property
    def end(self) -> int:
        """Bytes behind the last that came."""
        return max(end for _, end in self.pieces)

    @property
    def gaps(self) -> tuple[tuple[int, int], ...]:
        """Bytes that did not come though later ones did, or the first."""
        found, reached = [], 0
        for start, end in self.pieces:
            if start > reached:
                found.append((reached, start))
            reached = max(reached, end)
        return tuple(found)


@dataclass(frozen=True, slots=True)
class SeenSizes:
    """The datagrams of a trouble, in order of time."""

    datagrams: tuple[SeenDatagram, ...] = ()
    fragmented: tuple[SeenFragments, ...] = ()
    ptbs: tuple[tuple[int, int], ...] = ()  # time in ns, MTU
    gave_up: tuple[int, ...] = ()  # when the receiver said that it could not put one together, ns
    beside: tuple[tuple[int, int, int], ...] = ()
    """Other conversations in which smaller ones came: their first and last time, ns, and the largest, bytes of IP."""
    left_out: int = 0  # datagrams, of more than MOST_SEEN


def together(parts: Sequence[SeenSizes]) -> SeenSizes:
    """The datagrams of several conversations: where they are many, those around the first that is known to be lost."""
    datagrams = sorted((each for part in parts for each in part.datagrams), key=lambda each: each.ts)
    lost = next((i for i, datagram in enumerate(datagrams) if datagram.came is False), 0)
    start = max(min(lost - MOST_SEEN // 4, len(datagrams) - MOST_SEEN), 0)
    shown = tuple(datagrams[start : start + MOST_SEEN])
    return SeenSizes(
        datagrams=shown,
        ptbs=tuple(sorted(ptb for part in parts for ptb in part.ptbs))[:MOST_SEEN],
        beside=tuple(sorted({each for part in parts for each in part.beside}))[:MOST_SEEN],
        left_out=len(datagrams) - len(shown) + sum(part.left_out for part in parts),
    )
