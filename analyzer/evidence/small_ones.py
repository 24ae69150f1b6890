"""What became of the small datagrams of two hosts while their large ones got stuck.

Where they fare no better, it is not the size: the path is broken for a while, or the other end answers nobody. Emits
`SmallOne`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from analyzer.evidence.exchanges import ASKING, FLIGHTS, Talk, ike_part, is_question
from analyzer.model.wire_sizes import LEAST_V6_MTU
from analyzer.settings import LEAST_SMALL_LOST, WAITED_NS


class SmallOne(NamedTuple):
    """A small datagram of which it shows, sooner or later, whether it came."""

    ts: int
    side: int
    is_answer: bool  # it answers a question: lost if that is asked again
    lost: bool  # it, or the answer to it


def small_ones(talk: Talk, end: int) -> Iterator[SmallOne]:
    """Those of a conversation of which both ends are captured; `end`: when the capture ends, ns.

    Not of protocols that send a whole flight again, nor of messages cut into parts: the small ones wait for the others.
    """
    if talk.protocol in FLIGHTS or {each.side for each in talk.sent} != {0, 1}:
        return
    asking = talk.protocol in ASKING
    last = [max(each.ts for each in talk.sent if each.side == side) for side in (0, 1)]
    for each in talk.sent:
        if each.size > LEAST_V6_MTU or each.ts + WAITED_NS > end or ike_part(each.head) is not None:
            continue
        if not asking:
            yield SmallOne(each.ts, each.side, is_answer=False, lost=last[1 - each.side] <= each.ts)
        elif is_question(talk.protocol, each.head):
            yield SmallOne(each.ts, each.side, is_answer=False, lost=next(talk.answers_to(each), None) is None)
    for asked, answers in talk.asked_again():
        for each in answers.sent:
            if each.size <= LEAST_V6_MTU and each.ts < asked.sent[-1].ts:
                yield SmallOne(each.ts, each.side, is_answer=True, lost=True)
    if asking:
        for side in (0, 1):
            for each in talk.delivered(side, end):
                if each.size <= LEAST_V6_MTU and not is_question(talk.protocol, each.head):
                    yield SmallOne(each.ts, side, is_answer=True, lost=False)


def no_better(lost: int, came: int) -> bool:
    """Whether so many small ones got lost that size is no reason: one may be bad luck."""
    return lost >= LEAST_SMALL_LOST and lost >= came
