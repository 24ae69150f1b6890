"""What the datagrams of a UDP conversation show of the sizes that its path carries: facts for `conversation_rules`."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analyzer.evidence.dns_tries import Tries
from analyzer.evidence.exchanges import FLIGHTS, IKE, OTHER, Sent, Series, Stuck, Talk, backs_off, ike_part, tag_of
from analyzer.evidence.ptb import PtbSeen
from analyzer.evidence.range_maximum import RangeMaximum
from analyzer.evidence.small_ones import no_better
from analyzer.model.statement import FrameRef
from analyzer.model.wire_sizes import LEAST_V6_MTU
from analyzer.settings import (
    INITIAL_TTLS,
    LEAST_RETRANSMISSIONS,
    PTB_AGAIN_NS,
    PTB_FORGOTTEN_NS,
    SAME_MINUTE_NS,
    SEVERAL,
    WAITED_NS,
    Settings,
)
from analyzer.verdicts.conversation_around import Around
from analyzer.verdicts.conversation_hosts import NO_PIECES, Beside, Pieces


@dataclass
class UdpFacts:
    """What is known of one conversation, and of one direction where something is stuck in it.

    Args:
        talk: what is recorded.
        ptbs: PTBs that quote it, in order of time.
        others: gives other conversations of these hosts, which few need.
        carried: bytes of IP of the largest TCP packet known to get through, by side, 0 unknown.
        end: when the capture ends, ns.
        both: whether both ends sent something.
        settings: thresholds.
        large: times that something came after a large packet; the largest such with DF, and without.
        side: the end whose datagrams are asked about.
        around: what went on meanwhile.
        unasked: gives first frames of what came to an end from other addresses at a time (`evidence.unasked`).
        pieces: fragments that are not complete.
        tries: of a DNS question that this conversation asks, and others, too.
        tunnel: bytes of IP of the largest packet of an encrypted tunnel, 0: it is none, or has no large ones.
    """

    talk: Talk
    ptbs: Sequence[PtbSeen]
    others: Callable[[], Sequence[Beside]]
    carried: tuple[int, int]
    end: int
    both: bool
    settings: Settings
    large: tuple[int, int, int]
    side: int
    around: Around
    unasked: Callable[[int, int, int], tuple[FrameRef, ...]] = lambda *_: ()
    pieces: Pieces = NO_PIECES
    tunnel: int = 0
    tries: Sequence[Tries] = ()

    @cached_property
    def beside(self) -> Sequence[Beside]:
        """Other conversations of these hosts."""
        return self.others()

    @cached_property
    def all_stuck(self) -> list[Stuck]:
        """Everything that did not get through, whatever its size."""
        found = [Stuck(series.sent, ()) for series in self.talk.unanswered() if self._is_timed(series)]
        for asked, answers in self.talk.asked_again():
            lost = tuple(each for each in answers.sent if each.ts < asked.sent[-1].ts)
            found.append(Stuck(lost, asked.sent))
        found += [Stuck(each.lost, each.asked) for each in self.tries]
        return [each for each in found if each.sent]

    def _is_timed(self, series: Series) -> bool:
        return self.talk.protocol != OTHER or backs_off(series.sent)

    @cached_property
    def repeats(self) -> list[Series]:
        """Large ones sent again at growing gaps, by either end, whatever comes back, where no answer names them."""
        if self.talk.protocol != OTHER:
            return []
        large = [each for each in self.talk.series if each.size > LEAST_V6_MTU]
        return [each for each in large if each.span >= self.settings.episode_span_ns and backs_off(each.sent)]

    @cached_property
    def stuck(self) -> list[Stuck]:
        """What is stuck of `side` and large enough to be stuck for its size, that which shows it best first."""
        of_side = [each for each in self.all_stuck if each.sent[0].side == self.side and each.size > LEAST_V6_MTU]
        followed = [each for each in of_side if self._is_followed(each)]
        return sorted(followed or of_side, key=lambda each: -each.times)

    def _is_followed(self, stuck: Stuck) -> bool:
        """Whether what came after its last time is known, for as long as it took to be sent again before."""
        kept = self.talk.kept_until
        if kept is None or stuck.asked or len(stuck.sent) == 1:
            return True
        return kept - stuck.last >= stuck.sent[-1].ts - stuck.sent[-2].ts

    @property
    def unheard(self) -> bool:
        """Whether the answer may have come at last, of all that is stuck, among what was not recorded."""
        return bool(self.stuck) and not self._is_followed(self.stuck[0])

    @cached_property
    def small_stuck(self) -> list[Stuck]:
        """What is stuck and small; not where a whole flight is sent again if a part of it is missing."""
        if self.talk.protocol in FLIGHTS:
            return []
        small = [each for each in self.all_stuck if each.size <= LEAST_V6_MTU]
        return [each for each in small if self._message(each) not in self._large_messages]

    def _message(self, stuck: Stuck) -> tuple[int, bytes] | None:
        """Of what IKE cut itself (RFC 7383), the message: all of it is sent again if a part is missing."""
        first = stuck.sent[0]
        return (first.side, tag_of(IKE, first.head)) if self.talk.protocol == IKE and ike_part(first.head) else None

    @cached_property
    def _large_messages(self) -> set[tuple[int, bytes] | None]:
        return {self._message(each) for each in self.all_stuck if each.size > LEAST_V6_MTU} - {None}

    @cached_property
    def size(self) -> int:
        """Bytes of IP of the smallest that is stuck."""
        return min((each.size for each in self.stuck), default=0)

    @property
    def first(self) -> int:
        """When the first of what is stuck was sent, ns."""
        return min(each.first for each in self.stuck)

    @property
    def last(self) -> int:
        """When the last was."""
        return max(each.last for each in self.stuck)

    @cached_property
    def df(self) -> bool:
        """True if no router may fragment what is stuck, and the sender did not."""
        return bool(self.stuck) and all(s.df and not s.fragmented for each in self.stuck for s in each.sent)

    @cached_property
    def no_df(self) -> bool:
        """True if routers may fragment all of it, or the sender did."""
        return bool(self.stuck) and all(s.fragmented or not s.df for each in self.stuck for s in each.sent)

    @property
    def episode(self) -> bool:
        """Whether something is sent again often and long enough, as in TCP."""
        return any(
            each.times >= self.settings.episode_retransmissions
            and each.last - each.first >= self.settings.episode_span_ns
            for each in self.stuck
        )

    @property
    def repeated(self) -> bool:
        """Whether something is sent again more than once, over a second."""
        return any(
            each.times >= LEAST_RETRANSMISSIONS and each.last - each.first >= self.settings.episode_span_ns
            for each in self.stuck
        )

    @cached_property
    def asked_for(self) -> bool:
        """Whether the other end goes on asking for it: its datagrams pass, the other way."""
        other = any(each.sent[0].side != self.side and each.times for each in self.all_stuck)
        return bool(self.stuck) and (bool(self.stuck[0].asked) or other)

    @property
    def several(self) -> bool:
        """Whether different datagrams are stuck."""
        return len(self.stuck) >= SEVERAL

    @cached_property
    def delivered(self) -> list[Sent]:
        """What `side` sent in this conversation and is known to have come."""
        if not self.stuck:
            return []
        lost = {each.ref for tries in self.tries for each in tries.lost}
        return [each for each in self.talk.delivered(self.side, self.end) if each.ref not in lost]

    @cached_property
    def controls(self) -> list[tuple[int, int, FrameRef]]:
        """Time, size and frame of smaller ones that came, at most a minute away: whole packets."""
        if not self.stuck:
            return []
        low, high = self.first - SAME_MINUTE_NS, self.last + SAME_MINUTE_NS
        own = [(s.ts, s.size, s.ref) for s in self.delivered if not s.fragmented and s.size < self.size]
        own += [(t.came.ts, t.came.size, t.came.ref) for t in self.tries if t.came and t.came.size < self.size]
        for each in self.beside:
            size = each.sent[self.side]
            if each.same_service and 0 < size < self.size:
                own.append((each.first, size, each.ref))
        return sorted(each for each in own if low <= each[0] <= high)

    @cached_property
    def control(self) -> FrameRef | None:
        """A smaller one that came while others as large got lost."""
        return next((ref for ts, _, ref in self.controls if ts > self.first), None)

    @cached_property
    def control_before(self) -> FrameRef | None:
        """A smaller one that came, before them or meanwhile."""
        return self.controls[-1][2] if self.controls else None

    @cached_property
    def as_large(self) -> tuple[FrameRef, ...] | bool:
        """Frames of what came although it is as large; True where a TCP flow or another conversation shows it."""
        whole = self.df or all(not s.fragmented for each in self.stuck for s in each.sent)
        own = tuple(
            s.ref
            for s in self.delivered
            if s.size >= self.size and not (whole and s.fragmented) and (s.df or not self.df)
        )
        if own:
            return own
        if self.df or whole:
            sizes = [each.with_df[self.side] if self.df else each.sent[self.side] for each in self.beside]
            if max(sizes, default=0) >= self.size:
                return tuple(each.ref for each, s in zip(self.beside, sizes, strict=True) if s >= self.size)[:4]
            return bool(self.carried[self.side] >= self.size)
        return False

    @cached_property
    def from_elsewhere(self) -> tuple[FrameRef, ...]:
        """Frames that came to `side` meanwhile from the port to which it sends, of an address that it never asked."""
        return self.unasked(self.side, self.first, self.last + SAME_MINUTE_NS) if self.stuck else ()

    @cached_property
    def refused(self) -> tuple[FrameRef, ...]:
        """ICMP errors that name another reason why what is stuck got no answer, or was asked for again."""
        return self.around.refusals(self.talk, self.side, self.first, self.last + WAITED_NS) if self.stuck else ()

    @cached_property
    def small_alike(self) -> bool:
        """Whether smaller ones of these hosts fared no better meanwhile: as many got lost as came, or more.

        Where large answers are stuck, small answers count; else questions, and whatever is followed by an answer.
        """
        if not self.stuck:
            return False
        answers = bool(self.stuck[0].asked)
        lost, came = self.around.small(self.talk, self.side, answers, self.first, self.last)
        came += sum(each.same_service and self.first <= each.first <= self.last for each in self.beside)
        return no_better(lost, came)

    @property
    def misses(self) -> bool:
        """Whether the capture misses questions, so that it may miss the answer, too, that what is stuck lacks."""
        if not self.stuck or self.stuck[0].asked:
            return False
        unasked, answers = self.talk.unasked(1 - self.side)
        return unasked > self.settings.chance * answers

    @cached_property
    def beside_receiver(self) -> bool:
        """Whether it was captured where it had arrived: routers passed it, and none what the receiver sends."""
        lost = [s for each in self.stuck for s in each.sent]
        other = [s for s in self.talk.sent if s.side != self.side]
        return bool(lost and other) and lost[0].ttl not in INITIAL_TTLS and other[0].ttl in INITIAL_TTLS

    @property
    def own_stuck(self) -> list[Stuck]:
        """What is stuck of `side`, whatever its size."""
        return [each for each in self.all_stuck if each.sent[0].side == self.side]

    @property
    def routed(self) -> bool:
        """Whether what is stuck had passed a router where it was captured."""
        return any(s.ttl not in INITIAL_TTLS for each in self.stuck[:1] for s in each.sent)

    @property
    def rest_missing(self) -> bool:
        """Whether of all that is stuck only the first fragments came to where the capture was taken."""
        lost = [s for each in self.stuck for s in each.sent]
        return bool(lost) and all(s.ref in self.pieces.refs for s in lost)

    @property
    def rest_hidden(self) -> bool:
        """Whether a filter may have left out the others, and nobody asks for them."""
        return self.pieces.hidden and not any(each.asked for each in self.stuck)

    @cached_property
    def moved(self) -> Beside | None:
        """Where the exchange began and was answered, on another port, while nothing came back on this one."""
        return next((each for each in self.beside if each.before), None) if not self.both else None

    @cached_property
    def parts_missing(self) -> tuple[Sent, ...]:
        """Parts of a message that IKE cut, sent again twice or more, over a second, while another part never came."""
        own = [each for each in self.talk.sent if each.side == self.side]
        large = any(each.size > LEAST_V6_MTU for each in own)
        if self.talk.protocol != IKE or large or all(each.ttl in INITIAL_TTLS for each in own):
            return ()
        came: dict[bytes, dict[int, list[Sent]]] = {}
        totals: dict[bytes, int] = {}
        for each in own:
            part = ike_part(each.head)
            if part is not None:
                tag = tag_of(IKE, each.head)
                came.setdefault(tag, {}).setdefault(part[0], []).append(each)
                totals[tag] = part[1]
        for tag, parts in came.items():
            sent = max(parts.values(), key=len)
            again = len(sent) > LEAST_RETRANSMISSIONS and sent[-1].ts - sent[0].ts >= self.settings.episode_span_ns
            answered = next(self.talk.answers_to(sent[0]), None) is not None
            if again and 1 not in parts and len(parts) < totals[tag] and not answered:
                return tuple(sent)  # the first is as large as any (RFC 7383 2.5.1)
        return ()

    @cached_property
    def on_one_link(self) -> bool:
        """Whether nothing tells at which end it was captured."""
        lost = [s for each in self.stuck for s in each.sent]
        other = [s for s in self.talk.sent if s.side != self.side]
        return bool(lost) and lost[0].ttl in INITIAL_TTLS and (not other or other[0].ttl in INITIAL_TTLS)

    # PTBs.

    @cached_property
    def valid_ptbs(self) -> list[PtbSeen]:
        """Those that a host goes by."""
        return [ptb for ptb in self.ptbs if ptb.is_valid and not (ptb.version == 6 and ptb.mtu < LEAST_V6_MTU)]

    @property
    def ptb(self) -> PtbSeen | None:
        """The first of them."""
        return self.valid_ptbs[0] if self.valid_ptbs else None

    @cached_property
    def larger_after(self) -> list[Sent]:
        """What was sent with DF, larger than a PTB allows, after it had time to come."""
        if self.ptb is None:
            return []
        return [
            s
            for s in self.talk.sent
            if s.side == self._told_side(self.ptb)
            and s.df
            and not s.fragmented
            and s.size > self.ptb.mtu
            and s.ts > self.ptb.ts + self.settings.sent_again_ns
        ]

    @property
    def probing(self) -> bool:
        """Whether the receiver of what a PTB quotes refuses others of it: nobody is served by them."""
        return self.ptb is not None and self.around.is_closed(self.talk, self._told_side(self.ptb))

    def _told_side(self, ptb: PtbSeen) -> int:
        return 0 if (ptb.quoted_src, _port(ptb)) == self.talk.ends[0] else 1

    @cached_property
    def disobeyed(self) -> list[Sent]:
        """Of these, what had been sent before a PTB, more than a second after it: the sender does not obey.

        Nor may it have forgotten the PTB.
        """
        first: dict[tuple[int, int], int] = {}
        for s in self.talk.sent:
            first.setdefault((s.side, s.key), s.ts)
        times = [ptb.ts for ptb in self.valid_ptbs]
        limits = RangeMaximum(np.array([-ptb.mtu for ptb in self.valid_ptbs], np.int64))

        def told(s: Sent) -> bool:
            begin = bisect_left(times, max(first[s.side, s.key], s.ts - PTB_FORGOTTEN_NS))
            return limits.first_reaching(begin, bisect_left(times, s.ts - PTB_AGAIN_NS), 1 - s.size) >= 0

        return [s for s in self.larger_after if told(s)]

    @cached_property
    def went_on(self) -> FrameRef | None:
        """What the receiver of the quoted datagram sent, new, after the PTB."""
        if self.ptb is None:
            return None
        receiver = 0 if (self.ptb.quoted_dst, _port(self.ptb, 1)) == self.talk.ends[0] else 1
        after = self.ptb.ts + self.settings.sent_again_ns
        return next((s.ref for s in self.talk.news[receiver] if s.ts > after), None)


def _port(ptb: PtbSeen, which: int = 0) -> int:
    return int.from_bytes(ptb.quoted_transport[2 * which : 2 * which + 2])
