"""Recorded datagrams of a UDP conversation: which were sent again, which were answered, which are known to have come.

What answers what is read from the few bytes that protocols leave in clear (`answers`); where a protocol leaves none,
any new datagram of the other end counts as an answer, which can only speak against trouble.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from analyzer.evidence.row_addresses import row_address
from analyzer.flows.conversation_tables import SENT_DF, SENT_FRAGMENTED
from analyzer.flows.datagram_protocols import (
    DNS_HEADER,
    IKE_HEADER,
    IKE_PORTS,
    NFS_PORT,
    RADIUS_HEADER,
    RADIUS_PORTS,
    RPC_CALL_HEADER,
    RPC_REPLY_HEADER,
)
from analyzer.model.statement import FrameRef
from analyzer.model.wire_sizes import LEAST_V6_MTU
from analyzer.settings import DUPLICATE_NS, MOST_ASKED, SETTLED_NS, WAITED_NS

DNS, RADIUS, IKE, NFS, TFTP, DTLS, QUIC = "dns", "radius", "ike", "nfs", "tftp", "dtls", "quic"
SIP, OTHER = "sip", "udp"

ASKING = frozenset({DNS, RADIUS, IKE, NFS})
"""Protocols whose answers name what they answer: asked again after one, the answer did not come."""

FLIGHTS = frozenset({DTLS, QUIC})
"""Protocols that send all messages again that belong together, those that came, too (RFC 9147 5.8.1)."""

RPC_CALL, RPC_REPLY = b"\0\0\0\0\0\0\0\x02", b"\0\0\0\x01"
"""Behind the identifier: message types, and of a call the version."""

RADIUS_REQUESTS = frozenset({1, 4, 12, 40, 43})
"""Codes of requests (RFC 2865 3, RFC 2866 3, RFC 5176 3.1)."""

IKE_RESPONSE = 0x20
"""Flag of a response (RFC 7296 3.1)."""

SKF = 53
"""The payload of a part of a message that IKE cut itself (RFC 7383 2.5): behind the header come the part's number and
how many there are."""


class Sent(NamedTuple):
    """One datagram."""

    ref: FrameRef
    ts: int
    side: int
    size: int  # bytes of IP, put together where it is fragmented
    payload: int
    key: int  # equal for the same one sent again
    df: bool
    fragmented: bool
    ttl: int
    head: bytes  # first bytes of the payload


@dataclass(frozen=True, slots=True)
class Series:
    """The same datagram, sent several times by one end."""

    sent: tuple[Sent, ...]

    @property
    def size(self) -> int:
        """Bytes of IP of the smallest: where a protocol writes a new packet each time, they differ."""
        return min(each.size for each in self.sent)

    @property
    def span(self) -> int:
        """From the first to the last, ns."""
        return self.sent[-1].ts - self.sent[0].ts

    @property
    def frames(self) -> tuple[FrameRef, ...]:
        """All of them."""
        return tuple(each.ref for each in self.sent)


@dataclass(frozen=True, slots=True)
class Stuck:
    """A datagram sent several times that did not get through, as the other end's silence, or its asking, shows."""

    sent: tuple[Sent, ...]  # each of these is lost, or its answer
    asked: tuple[Sent, ...]  # the questions that were asked again, where these are the answers; else empty

    @property
    def size(self) -> int:
        """Bytes of IP of the smallest."""
        return min(each.size for each in self.sent)

    @property
    def first(self) -> int:
        """When it was sent first, ns."""
        return self.sent[0].ts

    @property
    def last(self) -> int:
        """And last, or asked for once more."""
        return max(self.sent[-1].ts, self.asked[-1].ts if self.asked else 0)

    @property
    def times(self) -> int:
        """How often its loss shows beyond the first time."""
        return len(self.sent) - (0 if self.asked else 1)

    @property
    def frames(self) -> tuple[FrameRef, ...]:
        """Of all transmissions."""
        return tuple(each.ref for each in self.sent)


@dataclass
class Talk:
    """A conversation with what is recorded of it."""

    row: int
    ends: tuple[tuple[str, int], tuple[str, int]]  # address and port of side 0 and 1
    client: int
    sent: list[Sent] = field(default_factory=list)  # in order of time, copies made by the capture left out
    kept_until: int | None = None  # ns: what came later was not recorded; None: all of it was
    point: int = 0  # where it was captured

    @cached_property
    def protocol(self) -> str:
        """What it speaks, as far as ports and first bytes tell."""
        ports = {port for _, port in self.ends}
        heads = [each.head for each in self.sent[:8] if each.head]
        if 53 in ports:
            return DNS
        if ports & RADIUS_PORTS:
            return RADIUS
        if NFS_PORT in ports and any(_is_call(head) for head in heads):
            return NFS
        if ports & IKE_PORTS and any(_ike(head) is not None for head in heads):
            return IKE
        if any(head[0] in (20, 21, 22) and head[1:2] == b"\xfe" for head in heads):
            return DTLS
        if any(head[0] & 0xC0 == 0xC0 and len(head) > 5 and _is_quic(head[1:5]) for head in heads):
            return QUIC
        if any(head[:8] in (b"INVITE s", b"REGISTER", b"OPTIONS ") or head[:4] == b"SIP/" for head in heads):
            return SIP
        return TFTP if any(_is_tftp(head) for head in heads) and 69 in ports else OTHER

    @cached_property
    def series(self) -> list[Series]:
        """What was sent several times, by either end.

        At one size, unless a new packet is written each time: then large ones are one, and small ones another.
        """
        found: dict[tuple[int, int, int], list[Sent]] = defaultdict(list)
        for each in self.sent:
            found[self._same(each)].append(each)
        return [Series(tuple(sent)) for sent in found.values() if len(sent) > 1]

    def _same(self, sent: Sent) -> tuple[int, int, int]:
        """Equal for the same datagram sent again, or what stands for it."""
        size = int(sent.size > LEAST_V6_MTU) if self.protocol in FLIGHTS else sent.size
        return sent.side, sent.key, size

    @cached_property
    def news(self) -> tuple[list[Sent], list[Sent]]:
        """Of each end the datagrams that it had not sent before."""
        seen: set[tuple[int, int, int]] = set()
        found: tuple[list[Sent], list[Sent]] = ([], [])
        for each in self.sent:
            if self._same(each) not in seen:
                seen.add(self._same(each))
                found[each.side].append(each)
        return found

    @cached_property
    def _tagged(self) -> dict[tuple[int, bytes], list[Sent]]:
        """Datagrams by side and by what a question and its answer have in common."""
        found: dict[tuple[int, bytes], list[Sent]] = defaultdict(list)
        for each in self.sent:
            found[each.side, tag_of(self.protocol, each.head)].append(each)
        return found

    def answers_to(self, question: Sent, until: int | None = None) -> Iterator[Sent]:
        """What the other end sent in answer, as far as the protocol tells."""
        if self.protocol in ASKING:
            same = self._tagged[1 - question.side, tag_of(self.protocol, question.head)]
            said = [each for each in same if is_answer(self.protocol, question.head, each.head)]
        else:
            said = self.news[1 - question.side]
        for each in said:
            if each.ts >= question.ts and (until is None or each.ts <= until):
                yield each

    def unanswered(self) -> Iterator[Series]:
        """Series to which nothing answers: where a protocol does not tell, since the other end's last news."""
        for series in self.series:
            first = series.sent[0]
            if self.protocol in ASKING:
                if is_question(self.protocol, first.head) and next(self.answers_to(first), None) is None:
                    yield series
                continue
            news = self.news[1 - first.side]
            rest = tuple(each for each in series.sent if not news or each.ts > news[-1].ts)
            if len(rest) > 1:
                yield Series(rest)

    def asked_again(self) -> Iterator[tuple[Series, Series]]:
        """Series of a question that is asked again well after each answer, and the series of these answers."""
        if self.protocol not in ASKING:
            return
        for series in self.series:
            if len(series.sent) > MOST_ASKED:
                continue  # polled
            said = [
                self._largest_answer(question, again.ts - SETTLED_NS)
                for question, again in itertools.pairwise(series.sent)
            ]
            answered = [answer for answer in said if answer is not None]
            if answered:
                last = self._largest_answer(series.sent[-1])
                yield series, Series((*answered, last) if last is not None else tuple(answered))

    def _largest_answer(self, question: Sent, until: int | None = None) -> Sent | None:
        """Of the last answer the largest datagram, where it is several (RFC 7383 2.5): none may be missing."""
        said = list(self.answers_to(question, until))
        last = [each for each in said if each.ts > said[-1].ts - SETTLED_NS]
        return max(last, key=lambda each: each.size, default=None)

    def unasked(self, side: int) -> tuple[int, int]:
        """Of how many answers of this end the capture does not hold the question, and of how many it could."""
        asked = [each for each in self.sent if each.side != side and is_question(self.protocol, each.head)]
        if self.protocol not in ASKING or not asked:
            return 0, 0
        later = asked[0].ts + WAITED_NS  # what had been asked before the first of them is answered by then
        tags = {tag_of(self.protocol, each.head) for each in asked}
        answers = [each for each in self.sent if each.side == side and each.ts > later]
        answers = [each for each in answers if not is_question(self.protocol, each.head)]
        return sum(tag_of(self.protocol, each.head) not in tags for each in answers), len(answers)

    def delivered(self, side: int, end: int) -> Iterator[Sent]:
        """What this end sent and is known to have come; `end`: when the capture ends, ns."""
        repeated = {(series.sent[0].side, series.sent[0].key) for series in self.series}
        times = [each.ts for each in self.news[1 - side]]
        again = {self._same(s.sent[0]): s.sent for s in self.series}
        for each in self.news[side]:
            if self.protocol not in ASKING:
                following = bisect_right(times, each.ts)
                resent = again.get(self._same(each))
                if following < len(times) and (resent is None or resent[1].ts > times[following]):
                    yield each
            elif next(self.answers_to(each), None) is not None:
                yield each  # a question that was answered
            elif each.ts + WAITED_NS <= end and self._asked(each) and (1 - side, self._asked(each)) not in repeated:
                yield each  # an answer after which nobody asked again

    def _asked(self, answer: Sent) -> int:
        """The key of what this answers, 0 none."""
        for each in self._tagged[1 - answer.side, tag_of(self.protocol, answer.head)]:
            if each.ts <= answer.ts and is_answer(self.protocol, each.head, answer.head):
                return each.key
        return 0


def talk_of(row: int, conversation: Any, rows: Any, header_bytes: Any) -> Talk:
    """A conversation from the tables: its row, and its rows of datagrams in order."""
    version = int(conversation["version"])
    talk = Talk(
        row,
        (
            (row_address(conversation, "a", version), int(conversation["port_a"])),
            (row_address(conversation, "b", version), int(conversation["port_b"])),
        ),
        int(conversation["client"]),
        kept_until=_kept_until(conversation, rows),
        point=int(conversation["point"]),
    )
    last: dict[tuple[int, int, int], int] = {}
    for each, head in zip(rows, header_bytes, strict=True):
        key = (int(each["side"]), int(each["key"]), int(each["size"]))
        ts = int(each["ts"])
        if ts - last.get(key, ts - DUPLICATE_NS - 1) <= DUPLICATE_NS:
            continue
        last[key] = ts
        talk.sent.append(
            Sent(
                FrameRef(int(each["file"]), int(each["frame"])),
                ts,
                key[0],
                key[2],
                int(each["payload"]),
                key[1],
                bool(each["marks"] & SENT_DF),
                bool(each["marks"] & SENT_FRAGMENTED),
                int(each["ttl"]),
                head[: int(each["head_len"])].tobytes(),
            )
        )
    talk.sent.sort(key=lambda sent: sent.ts)
    return talk


def _kept_until(conversation: Any, rows: Any) -> int | None:
    """Up to when all of a conversation was recorded, ns; None: to its end."""
    if not len(rows) or (not conversation["lost_rows"] and conversation["recorded"] >= conversation["last_row"]):
        return None
    return int(rows[-1]["ts"])


def tag_of(protocol: str, head: bytes) -> bytes:
    """What a question and its answer have in common, of protocols that tell; else nothing."""
    if protocol == DNS:
        return head[:2]
    if protocol == RADIUS:
        return head[1:2]
    if protocol == NFS:
        return head[:4]
    message = _ike(head) if protocol == IKE else None
    return message[:8] + message[20:24] if message is not None else b""


def is_question(protocol: str, head: bytes) -> bool:
    """Whether these first bytes ask for an answer: of protocols that do not tell, all do."""
    if protocol == DNS:
        return len(head) >= DNS_HEADER and head[2] < 0x80
    if protocol == RADIUS:
        return len(head) >= RADIUS_HEADER and head[0] in RADIUS_REQUESTS
    if protocol == NFS:
        return _is_call(head)
    if protocol == IKE:
        message = _ike(head)
        return message is not None and not message[19] & IKE_RESPONSE
    return True


def is_answer(protocol: str, question: bytes, answer: bytes) -> bool:
    """Whether one datagram's first bytes say that it answers the other."""
    if not is_question(protocol, question):
        return False
    if protocol == DNS:  # RFC 1035 4.1.1: identifier, and the bit that tells answers
        return len(answer) >= DNS_HEADER and question[:2] == answer[:2] and answer[2] >= 0x80
    if protocol == RADIUS:
        return len(answer) >= RADIUS_HEADER and answer[0] not in RADIUS_REQUESTS and question[1] == answer[1]
    if protocol == NFS:  # RFC 5531 9: identifier, and whether it replies
        return len(answer) >= RPC_REPLY_HEADER and answer[:4] == question[:4] and answer[4:8] == RPC_REPLY
    asked, told = _ike(question), _ike(answer)
    if asked is None or told is None or not told[19] & IKE_RESPONSE:
        return False
    return asked[:8] == told[:8] and asked[20:24] == told[20:24]


def _ike(head: bytes) -> bytes | None:
    """An IKEv2 header (RFC 7296 3.1), whichever port it came by (RFC 3948 2.2); None if it is none."""
    message = head[4:] if head[:4] == bytes(4) else head
    return message if len(message) >= IKE_HEADER and message[17] == 0x20 else None


def ike_part(head: bytes) -> tuple[int, int] | None:
    """Which part of how many this is, of an IKE message that IKE cut itself; None if it did not."""
    message = _ike(head)
    if message is None or message[16] != SKF or len(message) < IKE_HEADER + 8:
        return None
    return int.from_bytes(message[IKE_HEADER + 4 : IKE_HEADER + 6]), int.from_bytes(
        message[IKE_HEADER + 6 : IKE_HEADER + 8]
    )


def _is_call(head: bytes) -> bool:
    """Whether an ONC RPC call begins so (RFC 5531 9): message type 0, version 2 of RPC."""
    return len(head) >= RPC_CALL_HEADER and head[4:12] == RPC_CALL


def _is_quic(version: bytes) -> bool:
    number = int.from_bytes(version)
    return number in (1, 0x6B3343CF) or number >> 8 == 0xFF0000


def _is_tftp(head: bytes) -> bool:
    return len(head) >= 4 and head[0] == 0 and 1 <= head[1] <= 6


def backs_off(sent: Sequence[Sent]) -> bool:
    """Whether the gaps grow as those of a timer that doubles: nothing that is sent at regular times does so."""
    gaps = [b.ts - a.ts for a, b in itertools.pairwise(sent)]
    return len(gaps) >= 3 and all(b >= 1.4 * a for a, b in itertools.pairwise(gaps))
