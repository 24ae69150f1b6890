"""One verdict per flow: the worse of its directions, with bracket, stalled segment and ruled-out causes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

from analyzer.evidence.direction import Conversation, Direction
from analyzer.evidence.effort import TooMuchError
from analyzer.evidence.ptb import PtbSeen
from analyzer.evidence.retransmissions import RetransmissionSeries, series_of
from analyzer.evidence.segments import refs
from analyzer.evidence.vantage import at_receiver, beside_receiver
from analyzer.flows.flow_tables import SAW_SYN_ACK
from analyzer.model.flow import PathMtu, Ptb, Stalled
from analyzer.model.statement import FrameRef, RuledOut, Statement
from analyzer.model.text import plural
from analyzer.model.verdicts import BY_NAME, SIZE_PROBLEMS, SURE_PROBLEMS, rank, those
from analyzer.settings import FILLS_BYTES, LOST_AGAIN, Settings
from analyzer.verdicts.frame_parts import evidence_of, parts_of
from analyzer.verdicts.rule import decide
from analyzer.verdicts.stalled_facts import StalledFacts
from analyzer.verdicts.stalled_rules import StalledRule, judge_stalled
from analyzer.verdicts.unjudged_rules import NOT_IN_ORDER, TOO_MANY, TOO_MUCH, UNJUDGED
from analyzer.verdicts.unstalled_facts import UnstalledFacts
from analyzer.verdicts.unstalled_rules import UnstalledRule, judge_unstalled

LOST_BY_SIZE = those(lambda verdict: verdict.limited_by_size and not verdict.at_receiver)
"""Verdicts of which the size of the stuck segment is a bound of the path MTU."""


class Told(NamedTuple):
    """What is to be told of one direction beside its verdict; the fields are those of `Flow`."""

    explanation: str
    stalled: Stalled | None
    ptb: tuple[Ptb, ...]
    ruled_out: tuple[RuledOut, ...]
    evidence: tuple[Statement, ...]
    parts: tuple[Statement, ...]
    rests_on: tuple[FrameRef, ...]
    named: tuple[FrameRef, ...]
    arrived: bool  # what hangs is seen to have arrived at its receiver


class Judgement(NamedTuple):
    """What was found about one direction. To put it into words takes as long again, so that is left to `tell`."""

    verdict: str
    rule: str  # the id of the rule that decided
    confidence: str
    path_mtu: PathMtu
    side: int
    tell: Callable[[], Told]
    ptbs: Callable[[], tuple[Ptb, ...]] = tuple  # as `tell` has them
    series: RetransmissionSeries | None = None  # what is stalled
    longest_wait_ns: int = 0  # of all that was sent again: from its first transmission to its ACK, or its last one


class Judged(NamedTuple):
    """What was found about a flow."""

    directions: list[Judgement]
    chosen: Judgement  # the one that the flow's verdict is


def judge(conversation: Conversation, settings: Settings) -> Judged:
    """Judge both directions of a flow; neither, if that takes too much work."""
    try:
        judged = [judge_direction(direction, conversation, settings) for direction in conversation.directions]
        found = Judged(judged, judge_conversation(conversation, judged))
    except TooMuchError:
        judged = [_too_much(direction) for direction in conversation.directions]
        found = Judged(judged, judged[conversation.client_side])
    conversation.directions[0].effort.lift()  # what is told is about one run
    return found


def passed_over(conversation: Conversation) -> Judged:
    """What is found about a flow that is not judged, since there are too many."""
    judged = [_too_many(direction) for direction in conversation.directions]
    return Judged(judged, judged[conversation.client_side])


def judge_direction(direction: Direction, conversation: Conversation, settings: Settings) -> Judgement:
    """Judge one direction: the worst of its stalled series, and of what else it shows.

    Raises:
        TooMuchError: its packets would be looked at too often.
    """
    if conversation.disordered:
        return _not_in_order(direction)
    cases = cases_of(direction, conversation, settings)
    stalled = [(judge_stalled(facts), facts) for facts in cases.stalled]
    decided = judge_unstalled(cases.unstalled)
    worst = min(stalled, key=lambda case: rank(case[0].verdict), default=None)
    if worst is not None:
        # What was lost was told to be too large.
        explained = decided.verdict == "loss" and any(rule.verdict == "pmtud_ok" for rule, _ in stalled)
        if explained or rank(worst[0].verdict) <= rank(decided.verdict):
            rule, facts = worst
            return Judgement(
                verdict=rule.verdict,
                rule=rule.id,
                confidence=rule.confidence(facts),
                path_mtu=_bracket(direction, rule.verdict, facts.series, settings),
                side=direction.side,
                tell=lambda: _tell_stalled(rule, facts, direction, settings),
                ptbs=lambda: _ptbs(direction, facts if rule.verdict == "ptb_ignored" else None, settings),
                series=facts.series,
                longest_wait_ns=cases.longest_wait_ns,
            )
    return Judgement(
        verdict=decided.verdict,
        rule=decided.id,
        confidence=decided.confidence(cases.unstalled),
        path_mtu=_bracket(direction, decided.verdict, None, settings),
        side=direction.side,
        tell=lambda: _tell_unstalled(decided, cases.unstalled, direction, settings),
        ptbs=lambda: _ptbs(direction, None, settings),
        longest_wait_ns=cases.longest_wait_ns,
    )


def _tell_stalled(rule: StalledRule, facts: StalledFacts, direction: Direction, settings: Settings) -> Told:
    text = rule.words(facts)
    return Told(
        explanation=text,
        stalled=_stalled(facts.series),
        ptb=_ptbs(direction, facts if rule.verdict == "ptb_ignored" else None, settings),
        ruled_out=_ruled_out(rule.verdict, facts),
        evidence=evidence_of(facts),
        parts=parts_of(facts),
        rests_on=(),
        named=tuple(facts.named),
        arrived=rule.verdict == "stall" and facts.arrived is not None,
    )


def _tell_unstalled(rule: UnstalledRule, facts: UnstalledFacts, direction: Direction, settings: Settings) -> Told:
    frames = rule.frames(facts)
    text = rule.words(facts)
    return Told(
        explanation=text,
        stalled=None,
        ptb=_ptbs(direction, None, settings),
        ruled_out=(),
        evidence=(Statement(text, frames),) if frames else (),
        parts=(),
        rests_on=frames,
        named=tuple(facts.named),
        arrived=False,
    )


class Cases(NamedTuple):
    """What there is to judge about one direction."""

    stalled: list[StalledFacts]  # its series of retransmissions, but for those that are ordinary loss
    unstalled: UnstalledFacts  # and all else
    longest_wait_ns: int  # of all series


def cases_of(direction: Direction, conversation: Conversation, settings: Settings) -> Cases:
    """What there is to judge about one direction of a conversation whose packets are in order."""
    direction.beside_receiver = beside_receiver(conversation, direction)
    direction.at_receiver = direction.beside_receiver and at_receiver(conversation, direction)
    found = series_of(direction.segments, direction.side, direction.count["una"], direction.effort)
    stalled = []
    for series in found:
        facts = StalledFacts(direction, series, settings)
        # A series that ended well at its own size is ordinary loss; the counters tell of it.
        if not (facts.episode or not series.acked or facts.gave_up_size):
            continue
        if not facts.hung and facts.peer_gone is not None and facts.refused is None:
            continue  # a peer that aborts is sent a few copies, until it is heard of
        stalled.append(facts)
    to_client = direction.side != conversation.client_side
    established = _established(conversation)
    rest = UnstalledFacts(direction, settings, conversation.seen, established, to_client, longest_wait(found))
    return Cases(stalled, rest, max((series.waited_ns for series in found), default=0))


def _not_in_order(direction: Direction) -> Judgement:
    back = next(b for a, b in pairwise(direction.segments) if b.ts < a.ts)
    text = (
        f"The packets of this connection are not in the order of their times in the file ({direction.name(back.ref)} "
        "is from before the packet above it), so nothing can be followed in it. Sort the file first: reordercap IN OUT"
    )
    return _unjudged(NOT_IN_ORDER, text, back.ref, direction)


def _too_much(direction: Direction) -> Judgement:
    resent, ptbs = len(direction.resent), len(direction.ptbs)
    text = (
        f"Too much to judge: of the {len(direction.segments)} recorded packets of this connection {resent} are "
        f"retransmissions of this direction, in more runs than can be compared with each other"
        f"{f', and {ptbs} PTBs are about it' if ptbs else ''}. Cut the capture to a shorter time: editcap -A START -B "
        "STOP IN OUT"
    )
    frame = (direction.segments or direction.ptbs)[0].ref
    return _unjudged(TOO_MUCH, text, frame, direction)


def _too_many(direction: Direction) -> Judgement:
    text = (
        "Too much to judge: more flows of this capture have trouble, each another one, than are judged of a compressed "
        f"file of its size; this one has {plural(len(direction.segments), 'recorded packet')}, "
        f"{len(direction.resent)} of them retransmissions of this direction. Decompress the capture, and all are judged"
    )
    frame = (direction.segments or direction.ptbs)[0].ref
    return _unjudged(TOO_MANY, text, frame, direction)


def _unjudged(why: str, text: str, frame: FrameRef, direction: Direction) -> Judgement:
    told = Told(
        explanation=text,
        stalled=None,
        ptb=(),
        ruled_out=(),
        evidence=(Statement(text, (frame,)),),
        parts=(),
        rests_on=(frame,),
        named=(frame,),
        arrived=False,
    )
    decided = decide(UNJUDGED, why)
    return Judgement(decided.verdict, decided.id, decided.confidence(why), PathMtu(), direction.side, lambda: told)


def longest_wait(found_series: list[RetransmissionSeries]) -> RetransmissionSeries | None:
    """The run whose byte waited longest for its acknowledgement, of those that got one; or None."""
    waits = [series for series in found_series if series.acked_by is not None]
    return max(waits, key=lambda series: series.waited_ns, default=None)


def judge_conversation(conversation: Conversation, judged: list[Judgement]) -> Judgement:
    """The worse of the two directions; of two healthy ones, the one that carried the larger packets."""

    def gravity(judgement: Judgement) -> tuple[int, int, int, bool]:
        direction = conversation.directions[judgement.side]
        from_client = judgement.side == conversation.client_side
        return rank(judgement.verdict), -direction.delivered, -direction.count["max_sent"], from_client

    return min(judged, key=gravity)


def _established(conversation: Conversation) -> bool:
    if conversation.seen & SAW_SYN_ACK:
        return any(direction.count["una_known"] for direction in conversation.directions)
    return any(direction.count["data_packets"] for direction in conversation.directions)


def _bracket(direction: Direction, verdict: str, series: RetransmissionSeries | None, settings: Settings) -> PathMtu:
    """[at_least, at_most]: the largest packet proven delivered, one less than the smallest proven lost."""
    at_least = direction.delivered or None
    at_most = exact = None
    size_known = series is not None and direction.size_known_without_ceiling(series.stuck_segment)
    if verdict in LOST_BY_SIZE and series is not None and size_known:
        at_most = series.stuck_segment.ip_len - 1
    elif BY_NAME[verdict].at_receiver and direction.full_size:
        at_most = direction.full_size - 1
    stuck = series.stuck_segment.ip_len if series is not None and verdict == "ptb_ignored" else 1 << 30
    # An MTU no smaller than all that the sender sends is about packets that were merged on the way.
    sends = min(stuck, direction.full_size or 1 << 30)
    believed = [
        p
        for p in direction.ptbs
        if p.mtu < sends and (p.plausible or (verdict == "pmtud_ok" and _obeyed(direction, p)))
    ]
    if believed and verdict in ("pmtud_ok", "ptb_ignored"):
        smallest = min(believed, key=lambda p: p.mtu)
        if verdict == "pmtud_ok" and direction.disproved(smallest):
            return PathMtu(at_least, None, None)  # the PTB says less than the path carries
        at_most = smallest.mtu if at_most is None else min(at_most, smallest.mtu)
        exact = None if _lost_at(direction, at_least or 0, smallest, settings) else smallest.mtu
    elif verdict == "pmtud_ok":
        quoted = [p.quoted_len for p in direction.ptbs if p.defect == "mtu_zero" and p.quoted_len > 0]
        at_most = min(quoted) - 1 if quoted else None
    if (
        verdict in ("stall", "dead_path")
        and series is not None
        and at_least is not None
        and at_least >= series.stuck_segment.ip_len
    ):
        at_least = None  # such packets passed before, and do so no more: the path may have changed
    if at_least is not None and at_most is not None and at_least > at_most:
        at_least = None  # contradiction (the path changed): the newer, smaller limit stands
    return PathMtu(at_least, at_most, exact)


def _lost_at(direction: Direction, at_least: int, ptb: PtbSeen, settings: Settings) -> bool:
    """True if packets that the PTB allows were lost more than once since, and nothing as large got through."""
    if at_least >= ptb.mtu - FILLS_BYTES:
        return False
    since = [t for t in direction.transmissions if t.segment.ts >= ptb.ts]
    lost = [t for t in since if t.lost or t.covered_by is None]
    count = sum(at_least < t.segment.ip_len <= ptb.mtu for t in lost)
    # A super-segment is cut to the size that the PTB names, once the sender knows it.
    supers = [t for t in since if t.segment.super_segment]
    if all(t.lost or t.covered_by is None for t in supers):
        count += sum((t.again_ts or 0) - t.segment.ts >= settings.sent_again_ns for t in supers)
    return count >= LOST_AGAIN


def _obeyed(direction: Direction, ptb: PtbSeen) -> bool:
    return ptb.defect == "checksum" and direction.ptb_answers.cut_after(ptb)


def _stalled(series: RetransmissionSeries) -> Stalled:
    stuck_segment = series.stuck_segment
    return Stalled(
        frames=refs(series.tries),
        first_frame=series.first.ref,
        ip_len=stuck_segment.ip_len,
        payload_len=stuck_segment.payload,
        seq=stuck_segment.seq & 0xFFFFFFFF,
        df=stuck_segment.df,
        retransmissions=series.retransmission_count,
        seconds=series.waited_ns / 1e9,
        first_time=series.first.ts,
        last_time=series.tries[-1].ts,
    )


def _ptbs(direction: Direction, facts: StalledFacts | None, settings: Settings) -> tuple[Ptb, ...]:
    out = []
    answers = direction.ptb_answers
    kept_size = {ptb.ref for ptb in facts.ignored} if facts is not None else set()
    for ptb in direction.ptbs:
        acted = answers.obeyed(ptb, settings.sent_again_ns)
        ignored = ptb.defect is not None and ptb.defect != "mtu_zero" and not (ptb.defect == "checksum" and acted)
        reason: str | None = ptb.defect
        useless = facts is not None and not acted and not answers.acked_after(ptb)
        if facts is not None and (useless or ptb.ref in kept_size):
            ignored, reason = True, ptb.defect or "host"
        elif not ignored:
            reason = None
        out.append(Ptb(ptb.ref, ptb.router, ptb.mtu, "ignored" if ignored else "accepted", reason))
    return tuple(out)


def _ruled_out(verdict: str, facts: StalledFacts) -> tuple[RuledOut, ...]:
    """The other causes of a stall, each with what speaks against it."""
    if verdict not in SURE_PROBLEMS:
        return ()
    out: list[RuledOut] = []
    series = facts.series
    if verdict != "zero_window" and facts.window is not None and facts.window.ref.frame:
        out.append(
            RuledOut(
                "zero_window",
                f"the receiver's window was open ({facts.window.size} bytes)",
                (facts.window.ref,),
            )
        )
    if verdict != "dead_path" and facts.passed is not None:
        out.append(RuledOut("dead_path", facts.passed.text, facts.passed.frames))
    elif verdict != "dead_path" and series.acked_by is not None:
        out.append(RuledOut("dead_path", "the same bytes were acknowledged in the end", (series.acked_by.ref,)))
    if verdict != "stall" and series.retransmission_count >= 2:
        out.append(
            RuledOut(
                "loss",
                f"{len(series.tries)} transmissions of the same size in a row were lost",
                refs(series.tries),
            )
        )
    if verdict in SIZE_PROBLEMS and facts.as_large == (None, None) and not series.acked:
        out.append(RuledOut("content_drop", "no other packet as large is seen to get through", refs(facts.large_lost)))
    if verdict == "content_drop" and facts.as_large[1] is not None:
        out.append(RuledOut("blackhole", facts.as_large[1].text, facts.as_large[1].frames))
    if verdict == "dead_path" and facts.failed is not None:
        out.append(RuledOut("blackhole", facts.failed.text, facts.failed.frames))
    if BY_NAME[verdict].accuses and not facts.about:
        out.append(RuledOut("pmtud_ok", "no PTB about this flow is in the capture", ()))
    return tuple(out)
