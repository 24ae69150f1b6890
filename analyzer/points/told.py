"""What all points say together, in words: beside a flow's own explanation, evidence and fixes."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.knowledge.fixes import fixes_for
from analyzer.knowledge.overheads import tunnel_of
from analyzer.model.flow import Flow, PathMtu
from analyzer.model.points import Located
from analyzer.model.statement import Fix, FrameRef, RuledOut, Statement
from analyzer.model.verdicts import BY_NAME
from analyzer.points.joined import SHOWN_FRAMES, Joined, lost_ptb
from analyzer.points.legs import LegFacts
from analyzer.points.sightings import Place


def explained(flow: Flow, told: Sequence[Statement], found: Joined) -> str:
    """What all points say, then what the one says that saw most."""
    if not told:
        return flow.explanation
    places = [place for place in found.names if flow.file in found.files[place]]
    alone = [f"As {found.names[places[0]]} alone shows it:"] if len(places) == 1 else []
    return " ".join([*(each.text for each in told), *alone, flow.explanation])


def ruled_out(flow: Flow, found: Joined) -> tuple[RuledOut, ...]:
    """What is ruled out, with the PTBs that other points saw."""
    lost = lost_ptb(found)
    if lost is None:
        return flow.ruled_out
    ptb, leg = lost
    because = f"the PTB of {ptb.router} never reached {found.names[leg.start]}"
    return tuple(
        RuledOut(each.cause, because, ptb.frames[:SHOWN_FRAMES]) if each.cause == "pmtud_ok" else each
        for each in flow.ruled_out
    )


def shown_evidence(located: Located | None, told: Sequence[Statement], found: Joined) -> list[Statement]:
    """What the legs show, in short, with the frames."""
    out = [each for each in told if located is None or each is not located.told]
    if located is not None and located.frames:
        start, end = located.between
        names = {number: found.names[place] for place, number in found.numbers.items()}
        text = f"{located.lost}-byte packets that left {names[start] if start is not None else 'the sender'}"
        text += f" and never came to {names[end]}" if end is not None else ", the last point that saw them"
        out.insert(0, Statement(text, located.frames))
    lost = lost_ptb(found) if located is not None else None
    if lost is not None:
        out.append(Statement("the PTB, as far as it came", lost[0].frames[:SHOWN_FRAMES]))
    return out


def with_ptb(located: Located, found: Joined) -> Located:
    """As it is, and between which points the PTB gets lost, if one does."""
    lost = lost_ptb(found)
    if lost is None:
        return located
    ptb, leg = lost
    text = (
        f"{located.told.text} The PTB of {ptb.router} (MTU {ptb.mtu}) came back as far as {found.names[leg.end]} and "
        f"never reached {found.names[leg.start]}: it is dropped between these two."
    )
    way = (found.numbers[leg.end], found.numbers[leg.start])
    return located._replace(ptb_lost_between=way, told=Statement(text, (*located.frames, *ptb.frames[:SHOWN_FRAMES])))


def ending(leg: LegFacts, found: Joined) -> Statement | None:
    """What ends on a leg, where it is no size; None: nothing, or a size."""
    between = f"between {found.names[leg.start]} and {found.names[leg.end]}"
    frames = tuple(each.packet.ref for each in leg.lost[:SHOWN_FRAMES])
    if leg.ends == "content":
        return Statement(f"One segment is lost {between} again and again, while packets as large cross.", frames)
    if leg.ends == "all":
        return Statement(f"Nothing crosses any more {between}, small packets included.", frames)
    if leg.ends == "damaged":
        refs = tuple(each.packet.ref for each in leg.altered[:SHOWN_FRAMES])
        return Statement(f"Packets are damaged {between}: they arrive with a wrong checksum.", refs)
    return None


def contradictions(verdict: str, alone: Sequence[tuple[Place, Flow]], found: Joined) -> list[Statement]:
    """What single points would say that does not agree."""
    out = []
    for place, each in alone:
        if each.verdict != verdict and place in found.names:
            sees = "" if BY_NAME[each.verdict].decisive else ", which sees too little to tell,"
            text = f"{found.names[place]} alone{sees} would say {each.verdict}."
            out.append(Statement(text, (FrameRef(each.file, each.first_frame),)))
    return out


def fixes_of(flow: Flow, verdict: str, size: PathMtu, platforms: Sequence[str]) -> tuple[Fix, ...]:
    """The steps against a verdict, which may be another one now."""
    if (verdict, size) == (flow.verdict, flow.path_mtu) or not BY_NAME[verdict].advised:
        return flow.fixes
    return fixes_for(
        verdict,
        sender_ip=flow.sender.ip,
        receiver_ip=flow.receiver.ip,
        path_mtu=size,
        version=flow.version,
        ptb_reasons=tuple(ptb.reason for ptb in flow.ptb if ptb.reason),
        platforms=platforms,
        tunnel=tunnel_of(flow.encapsulation),
    )


LETS_PTBS_THROUGH = frozenset({"permit_icmp", "nat_quote", "accept_on_host"})
NARROW_PLACE = frozenset({"clamp_mss", "set_mtu", "permit_fragments"})
"""Steps that belong where the PTB gets lost, and where the packets do."""


def named(fixes: Sequence[Fix], located: Located | None, found: Joined) -> tuple[Fix, ...]:
    """The fixes with the legs that they are about."""
    if located is None:
        return tuple(fixes)
    names = {number: found.names[place] for place, number in found.numbers.items()}
    start, end = (names.get(number) if number is not None else None for number in located.between)
    if start and end:
        packets = f"the packets get lost between {start} and {end}"
    else:
        packets = f"the packets get lost behind {start}" if start else f"the packets get lost before {end}"
    ptb = packets
    if located.ptb_lost_between is not None:
        ptb = "the PTB gets lost between {} and {}".format(*(names[number] for number in located.ptb_lost_between))
    out = []
    for fix in fixes:
        place = ptb if fix.step in LETS_PTBS_THROUGH else packets if fix.step in NARROW_PLACE else ""
        out.append(fix._replace(why=f"{fix.why} ({place})") if place else fix)
    return tuple(out)
