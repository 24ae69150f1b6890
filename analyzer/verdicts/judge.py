"""One verdict per flow: the worse of its directions, with bracket, stalled segment and ruled-out causes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from analyzer.evidence.direction import Conversation, Way
from analyzer.evidence.ptb import FILLS_BYTES, PtbSeen, acked_after, cut_after, obeyed
from analyzer.evidence.retransmissions import Run, runs_of
from analyzer.evidence.segments import refs
from analyzer.evidence.vantage import at_receiver, beside_receiver
from analyzer.flows.flow_tables import SAW_SYN_ACK
from analyzer.model.flow import PathMtu, Ptb, Stalled
from analyzer.model.statement import RuledOut, Statement
from analyzer.model.verdicts import VERDICTS
from analyzer.settings import Settings
from analyzer.verdicts.stalled_facts import Facts
from analyzer.verdicts.stalled_rules import judge_run
from analyzer.verdicts.unstalled_facts import Calm
from analyzer.verdicts.unstalled_rules import judge_calm

LOST_AGAIN = 2
"""Losses of packets of an announced size, none as large delivered, that leave it open whether it is the path MTU."""

DELAY_NS = Settings().sent_again_ns

LIMITED_BY_SIZE = frozenset({"blackhole", "blackhole_probable", "blackhole_recovered", "ptb_ignored", "fragment_loss"})


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found about one direction."""

    verdict: str
    confidence: str
    explanation: str
    path_mtu: PathMtu
    stalled: Stalled | None
    ptb: tuple[Ptb, ...]
    ruled_out: tuple[RuledOut, ...]
    evidence: tuple[Statement, ...]
    side: int
    arrived: bool = False  # what hangs is seen to have arrived at its receiver


def judge_way(way: Way, conversation: Conversation, settings: Settings) -> Judgement:
    """Judge one direction: the worst of its stalled runs, and of what else it shows."""
    if conversation.disordered:
        return _not_in_order(way)
    found: list[Judgement] = []
    way.beside_receiver = beside_receiver(conversation, way)
    way.at_receiver = way.beside_receiver and at_receiver(conversation, way)
    runs = runs_of(way.segments, way.side, way.count["una"])
    for run in runs:
        facts = Facts(way, run, settings)
        # A run that ended well at its own size is ordinary loss; the counters tell of it.
        if not (facts.episode or not run.acked or facts.gave_up_size):
            continue
        if not facts.hung and facts.peer_gone is not None and facts.refused is None:
            continue  # a peer that aborts is sent a few copies, until it is heard of
        rule = judge_run(facts)
        found.append(
            Judgement(
                verdict=rule.verdict,
                confidence=rule.confidence(facts),
                explanation=rule.words(facts),
                path_mtu=_bracket(way, rule.verdict, run),
                stalled=_stalled(way, run),
                ptb=_ptbs(way, facts if rule.verdict == "ptb_ignored" else None),
                ruled_out=_ruled_out(rule.verdict, facts),
                evidence=_evidence(facts),
                side=way.side,
                arrived=rule.verdict == "stall" and facts.arrived is not None,
            )
        )
    to_client = way.side != conversation.client_side
    calm = Calm(way, settings, conversation.seen, _established(conversation), to_client, longest_wait(runs))
    plain = judge_calm(calm)
    frames = plain.frames(calm)
    if plain.verdict == "loss" and any(judgement.verdict == "pmtud_ok" for judgement in found):
        return min(found, key=lambda j: VERDICTS.index(j.verdict))  # what was lost was told to be too large
    found.append(
        Judgement(
            verdict=plain.verdict,
            confidence=plain.confidence,
            explanation=plain.words(calm),
            path_mtu=_bracket(way, plain.verdict, None),
            stalled=None,
            ptb=_ptbs(way, None),
            ruled_out=(),
            evidence=(Statement(plain.words(calm), frames),) if frames else (),
            side=way.side,
        )
    )
    return min(found, key=lambda j: VERDICTS.index(j.verdict))


def _not_in_order(way: Way) -> Judgement:
    back = next(b for a, b in pairwise(way.segments) if b.ts < a.ts)
    text = (
        f"The packets of this connection are not in the order of their times in the file ({way.name(back.ref)} is from "
        "before the packet above it), so nothing can be followed in it. Sort the file first: reordercap IN OUT"
    )
    frames = (back.ref,)
    return Judgement("inconclusive", "low", text, PathMtu(), None, (), (), (Statement(text, frames),), way.side)


def longest_wait(runs: list[Run]) -> Run | None:
    """The run whose byte waited longest for its acknowledgement, of those that got one; or None."""
    waits = [run for run in runs if run.acked_by is not None]
    return max(waits, key=lambda run: run.waited_ns, default=None)


def judge_conversation(conversation: Conversation, judged: list[Judgement]) -> Judgement:
    """The worse of the two directions; of two healthy ones, the one that carried the larger packets."""

    def rank(judgement: Judgement) -> tuple[int, int, int, bool]:
        way = conversation.ways[judgement.side]
        from_client = judgement.side == conversation.client_side
        return VERDICTS.index(judgement.verdict), -way.delivered, -way.count["max_sent"], from_client

    return min(judged, key=rank)


def _established(conversation: Conversation) -> bool:
    if conversation.seen & SAW_SYN_ACK:
        return any(way.count["una_known"] for way in conversation.ways)
    return any(way.count["data_packets"] for way in conversation.ways)


def _bracket(way: Way, verdict: str, run: Run | None) -> PathMtu:
    """[at_least, at_most]: the largest packet proven delivered, one less than the smallest proven lost."""
    at_least = way.delivered or None
    at_most = exact = None
    size_known = run is not None and way.size_known_without_cap(run.head)
    if verdict in LIMITED_BY_SIZE and run is not None and size_known:
        at_most = run.head.ip_len - 1
    elif verdict == "blackhole_suspected" and way.full_size:
        at_most = way.full_size - 1
    stuck = run.head.ip_len if run is not None and verdict == "ptb_ignored" else 1 << 30
    # An MTU no smaller than all that the sender sends is about packets that were merged on the way.
    sends = min(stuck, way.full_size or 1 << 30)
    believed = [p for p in way.ptbs if p.mtu < sends and (p.plausible or (verdict == "pmtud_ok" and _obeyed(way, p)))]
    if believed and verdict in ("pmtud_ok", "ptb_ignored"):
        smallest = min(believed, key=lambda p: p.mtu)
        if verdict == "pmtud_ok" and way.disproved(smallest):
            return PathMtu(at_least, None, None)  # the PTB says less than the path carries
        at_most = smallest.mtu if at_most is None else min(at_most, smallest.mtu)
        exact = None if _lost_at(way, at_least or 0, smallest) else smallest.mtu
    elif verdict == "pmtud_ok":
        quoted = [p.quoted_len for p in way.ptbs if p.defect == "mtu_zero" and p.quoted_len > 0]
        at_most = min(quoted) - 1 if quoted else None
    if verdict in ("stall", "dead_path") and run is not None and at_least is not None and at_least >= run.head.ip_len:
        at_least = None  # such packets passed before, and do so no more: the path may have changed
    if at_least is not None and at_most is not None and at_least > at_most:
        at_least = None  # contradiction (the path changed): the newer, smaller limit stands
    return PathMtu(at_least, at_most, exact)


def _lost_at(way: Way, at_least: int, ptb: PtbSeen) -> bool:
    """True if packets that the PTB allows were lost more than once since, and nothing as large got through."""
    if at_least >= ptb.mtu - FILLS_BYTES:
        return False
    since = [t for t in way.transmissions if t.segment.ts >= ptb.ts]
    lost = [t for t in since if t.lost or t.covered_by is None]
    count = sum(at_least < t.segment.ip_len <= ptb.mtu for t in lost)
    # A super-segment is cut to the size that the PTB names, once the sender knows it.
    supers = [t for t in since if t.segment.super_segment]
    if all(t.lost or t.covered_by is None for t in supers):
        count += sum((t.again_ts or 0) - t.segment.ts >= DELAY_NS for t in supers)
    return count >= LOST_AGAIN


def _obeyed(way: Way, ptb: PtbSeen) -> bool:
    return ptb.defect == "checksum" and cut_after(ptb, way.segments, way.side)


def _stalled(way: Way, run: Run) -> Stalled:
    head = run.head
    return Stalled(
        frames=refs(run.tries),
        first_frame=run.first.ref,
        ip_len=head.ip_len,
        payload_len=head.payload,
        seq=head.seq & 0xFFFFFFFF,
        df=head.df,
        retransmissions=run.retransmissions,
        seconds=run.waited_ns / 1e9,
    )


def _ptbs(way: Way, facts: Facts | None) -> tuple[Ptb, ...]:
    out = []
    for ptb in way.ptbs:
        acted = obeyed(ptb, way.segments, way.side, DELAY_NS)
        ignored = ptb.defect is not None and ptb.defect != "mtu_zero" and not (ptb.defect == "checksum" and acted)
        reason: str | None = ptb.defect
        useless = facts is not None and not acted and not acked_after(ptb, way.segments, way.side)
        if facts is not None and (useless or ptb in facts.ignored):
            ignored, reason = True, ptb.defect or "host"
        elif not ignored:
            reason = None
        out.append(Ptb(ptb.ref, ptb.router, ptb.mtu, "ignored" if ignored else "accepted", reason))
    return tuple(out)


def _evidence(facts: Facts) -> tuple[Statement, ...]:
    run = facts.run
    rows = [Statement(f"the segment of {run.head.ip_len} bytes and its retransmissions", refs(run.tries))]
    if run.changed:
        rows.append(Statement("the same bytes sent in another shape", refs(run.changed)))
    if run.acked_by is not None:
        rows.append(Statement("acknowledged", (run.acked_by.ref,)))
    controls = (
        facts.arrived,
        facts.refused,
        facts.peer_gone,
        facts.passed,
        facts.just_before if facts.passed is None else None,
        facts.before if facts.passed is None else None,
        facts.failed,
        *facts.as_large,
        *facts.siblings_as_large,
    )
    rows += [Statement(control.text, control.frames) for control in controls if control is not None]
    if facts.about:
        rows.append(Statement("PTBs", tuple(p.ref for p in facts.about)))
    return tuple(rows)


def _ruled_out(verdict: str, facts: Facts) -> tuple[RuledOut, ...]:
    """The other causes of a stall, each with what speaks against it."""
    if verdict in ("inconclusive", "pmtud_ok", "loss"):
        return ()
    out: list[RuledOut] = []
    run = facts.run
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
    elif verdict != "dead_path" and run.acked_by is not None:
        out.append(RuledOut("dead_path", "the same bytes were acknowledged in the end", (run.acked_by.ref,)))
    if verdict not in ("loss", "stall") and run.retransmissions >= 2:
        out.append(
            RuledOut(
                "loss",
                f"{len(run.tries)} transmissions of the same size in a row were lost",
                refs(run.tries),
            )
        )
    size = verdict.startswith("blackhole") or verdict in ("ptb_ignored", "fragment_loss")
    if size and facts.as_large == (None, None) and not run.acked:
        out.append(RuledOut("content_drop", "no packet as large got through either", refs(facts.large_lost)))
    if verdict == "content_drop" and facts.as_large[1] is not None:
        out.append(RuledOut("blackhole", facts.as_large[1].text, facts.as_large[1].frames))
    if verdict == "dead_path" and facts.failed is not None:
        out.append(RuledOut("blackhole", facts.failed.text, facts.failed.frames))
    if verdict.startswith("blackhole") and not facts.about:
        out.append(RuledOut("pmtud_ok", "no PTB for this flow in this capture", ()))
    return tuple(out)
