"""What went on around a conversation while something was stuck in it: ICMP errors, and small datagrams of its hosts."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from itertools import accumulate

from analyzer.evidence.exchanges import Talk
from analyzer.evidence.icmp_errors import Refused, between, is_closed
from analyzer.evidence.small_ones import SmallOne, small_ones
from analyzer.model.statement import FrameRef
from analyzer.verdicts.conversation_hosts import Hosts


class Around:
    """All conversations of a capture with recorded datagrams.

    Args:
        talks: these.
        hosts: which of them have the same hosts, and those of which no datagram is recorded.
        refused: what ICMP errors quote.
        end: when the capture ends, ns.
    """

    def __init__(self, talks: Iterable[Talk], hosts: Hosts, refused: Refused, end: int) -> None:
        self._talks = talks
        self._hosts = hosts
        self._refused = refused
        self._end = end
        self._made: dict[tuple[int, int], Counted] = {}

    @cached_property
    def _of_hosts(self) -> dict[tuple[int, int], list[Talk]]:
        found: dict[tuple[int, int], list[Talk]] = defaultdict(list)
        for talk in self._talks:
            found[self._place(talk)].append(talk)
        return found

    def _place(self, talk: Talk) -> tuple[int, int]:
        """The same for the same two hosts at the same capture point."""
        return self._hosts.group(talk.row), talk.point

    def refusals(self, talk: Talk, side: int, first: int, last: int) -> tuple[FrameRef, ...]:
        """ICMP errors between two times (ns), other than PTBs, about what the end `side` sent."""
        return between(self._refused.about(*talk.ends[side], *talk.ends[1 - side]), first, last)

    def is_closed(self, talk: Talk, side: int) -> bool:
        """Whether the receiver of what the end `side` sent said that nobody listens there."""
        return is_closed(self._refused.about(*talk.ends[side], *talk.ends[1 - side]))

    def small(self, talk: Talk, side: int, answers: bool, first: int, last: int) -> tuple[int, int]:
        """How many small datagrams of one of the two hosts got lost, and how many came, whatever the conversation.

        Args:
            talk: a conversation of theirs.
            side: whose they are.
            answers: whether answers are counted, or else what waits for one.
            first: from this time on, ns.
            last: until this time.
        """
        place = self._place(talk)
        if place not in self._made:
            self._made[place] = _counted(one for each in self._of_hosts[place] for one in small_ones(each, self._end))
        times, lost_before = self._made[place].get((side, answers), ([], [0]))
        low, high = bisect_left(times, first), bisect_right(times, last)
        lost = lost_before[high] - lost_before[low]
        silent = 0 if answers else self._hosts.unanswered(talk, side, first, last, self._end)
        return lost + silent, high - low - lost


Counted = dict[tuple[int, bool], tuple[list[int], list[int]]]
"""By side, and whether they are answers: times, and how many got lost of those that stand before."""


def _counted(ones: Iterable[SmallOne]) -> Counted:
    """Small ones in order of time, so that those of any span are counted by two of them."""
    found: dict[tuple[int, bool], list[SmallOne]] = defaultdict(list)
    for one in sorted(ones):
        found[one.side, one.is_answer].append(one)
    return {key: ([one.ts for one in some], [0, *accumulate(one.lost for one in some)]) for key, some in found.items()}
