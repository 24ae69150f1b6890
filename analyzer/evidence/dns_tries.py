"""One DNS question asked several times, each time with another identifier or from another port, as resolvers do.

Who asks for the same now and then without need looks alike. So it is taken for the want of an answer only where the one
asking does what nobody does otherwise: it allows smaller answers than before (the UDP size of EDNS, RFC 6891 6.2.5), or
asks by TCP although no answer was truncated (RFC 7766 5). Emits `Tries`.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from analyzer.evidence.exchanges import DNS, Sent, Talk, is_question
from analyzer.evidence.small_ones import no_better
from analyzer.flows.datagram_protocols import DNS_HEADER, DNS_OPT
from analyzer.model.wire_sizes import LEAST_V6_MTU
from analyzer.settings import ASKED_WITHIN_NS, LEAST_LOST_ALONE, MOST_ASKED, SETTLED_NS

WITHOUT_EDNS = 512
"""Bytes that an answer may have without EDNS (RFC 1035 4.2.1)."""

NEARLY = 0.8
"""A gap of so much of the one before is as long: clocks and programs are not exact."""


class Try(NamedTuple):
    """A question, and what answered it."""

    row: int  # of the conversation
    question: Sent
    allowed: int  # bytes that the answer may have
    answer: Sent | None  # the largest


@dataclass(frozen=True, slots=True)
class Tries:
    """Tries with one question of which the large answers did not come."""

    lost: tuple[Sent, ...]
    asked: tuple[Sent, ...]
    came: Sent | None  # the answer to the last of them, where that is smaller
    rows: frozenset[int]  # conversations, those with further tries, too


def asked_for(head: bytes) -> tuple[bytes, int] | None:
    """What a DNS question asks for, and how large the answer may be; None if its first bytes do not tell."""
    at = DNS_HEADER
    while at < len(head) and head[at]:
        at += 1 + head[at]
    end = at + 5
    if end > len(head) or head[at] or int.from_bytes(head[4:6]) != 1:
        return None
    option = head[end : end + 5]
    edns = len(option) == 5 and option[0] == 0 and int.from_bytes(option[1:3]) == DNS_OPT
    return head[DNS_HEADER:end].lower(), max(int.from_bytes(option[3:5]), WITHOUT_EDNS) if edns else WITHOUT_EDNS


def tries_of(talks: Iterable[Talk], by_tcp: Callable[[str, str, int, int], bool]) -> Iterator[Tries]:
    """Those of a capture; `by_tcp`: whether one host connects to port 53 of the other between two times (ns)."""
    groups: dict[tuple[str, str, bytes, int], list[Try]] = defaultdict(list)
    for talk in talks:
        if talk.protocol != DNS:
            continue
        for each in talk.sent:
            told = asked_for(each.head) if is_question(DNS, each.head) else None
            if told is not None and talk.ends[1 - each.side][1] == 53:
                answer = max(talk.answers_to(each), key=lambda s: s.size, default=None)
                ends = (talk.ends[each.side][0], talk.ends[1 - each.side][0])
                groups[(*ends, told[0], talk.point)].append(Try(talk.row, each, told[1], answer))
    for (client, server, _, _), tries in groups.items():
        followed = partial(by_tcp, client, server)
        for part in _parts(sorted(tries, key=lambda t: t.question.ts)):
            found = _lost(part, followed) or _lost(part[: _growing(part)], followed)
            if found is not None:
                yield replace(found, rows=frozenset(each.row for each in part))


def _parts(tries: Sequence[Try]) -> Iterator[list[Try]]:
    """Tries that follow one another in time."""
    part: list[Try] = []
    for each in tries:
        if part and each.question.ts - part[-1].question.ts > ASKED_WITHIN_NS:
            yield part
            part = []
        part.append(each)
    yield part


def _lost(tries: Sequence[Try], by_tcp: Callable[[int, int], bool]) -> Tries | None:
    if len({each.row for each in tries}) < 2 or len(tries) > 2 * MOST_ASKED:
        return None
    last = tries[-1]
    large = [each for each in tries if each.answer is not None and each.answer.size > LEAST_V6_MTU]
    if not large:
        return None
    tcp = by_tcp(large[-1].question.ts, large[-1].question.ts + ASKED_WITHIN_NS)
    again = [
        before
        for before, after in itertools.pairwise(tries)
        if before.answer and after.question.ts >= before.answer.ts + SETTLED_NS
    ]
    lost = [each.answer for each in again if each in large and each.answer]
    if tcp and last in large and last.answer is not None:
        lost.append(last.answer)
    if not lost or no_better(len(again) - len(lost), int(last not in large and last.answer is not None)):
        return None
    shrunk = any(b.allowed < a.allowed for i, a in enumerate(tries) if a in large for b in tries[i + 1 :])
    in_the_end = tcp or (last.answer is not None and last not in large)
    given_up = len(lost) >= LEAST_LOST_ALONE and _growing(tries) == len(tries)
    if not ((in_the_end and (shrunk or tcp)) or (shrunk and given_up)):
        return None
    came = last.answer if last not in large else None
    return Tries(tuple(lost), tuple(each.question for each in tries), came, frozenset(each.row for each in tries))


def _growing(tries: Sequence[Try]) -> int:
    """How many of the first of them come at gaps that grow, as those of who waits for an answer."""
    gaps = [b.question.ts - a.question.ts for a, b in itertools.pairwise(tries)]
    count = next((i for i in range(1, len(gaps)) if gaps[i] < NEARLY * gaps[i - 1]), len(gaps))
    return count + 1 if count and gaps[count - 1] >= 2 * gaps[0] else 0
