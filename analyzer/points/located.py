"""From the legs of a flow to where its large packets get lost, and to the verdict that all points prove together.

Emits revised flows. A verdict is made graver only by a leg that is narrow beyond doubt; where the points contradict
each other, that is printed, and nothing is located.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from analyzer.knowledge.fixes import fixes_for
from analyzer.model.flow import Flow, PathMtu
from analyzer.model.points import Leg, Located, SeenPacket
from analyzer.model.statement import Fix, FrameRef, RuledOut, Statement
from analyzer.model.verdicts import BY_NAME, PROBLEMS, SIZE_PROBLEMS
from analyzer.model.wire_sizes import LEAST_V4_MTU
from analyzer.points.legs import LegFacts, Lost
from analyzer.points.matching import TRANSIT_NS
from analyzer.points.sightings import Place, Seen, relative_number
from analyzer.verdicts.merge_points import chosen_of

SHOWN_FRAMES = 32

SHOWN_PACKETS = 512
BEFORE_NS = 1_000_000_000
"""Packets that are kept to be drawn of each end of a leg, and from when on."""

RAISED = frozenset({"inconclusive", "blackhole_suspected", "blackhole_probable", "stall"})
"""Verdicts of a single point that a narrow leg makes graver."""

OTHER_PATHS = frozenset({"stalled/parallel-paths", "stalled/other-paths-before", "stalled/path-changed"})
"""Rules that say why no path is blamed for sure: that stays so, whichever leg it is."""

NARROW = "points/narrow-leg"
DAMAGED = "points/damaged"
"""Ids of the rules by which a verdict is what all points say, and none of them alone."""

LEAST_STUCK = 2
"""Copies of the stalled segment that must vanish on a leg before it is named."""


class PtbWay(NamedTuple):
    """PTBs of one kind about a direction: the places that saw them."""

    router: str
    mtu: int
    places: frozenset[Place]
    last: int  # time of the last of them, by the common clock, ns
    sound: bool  # its checksum is right and what it quotes was on its way, as far as it can be told
    frames: tuple[FrameRef, ...]


@dataclass(frozen=True)
class Joined:
    """What all points say of the direction of a flow that its verdict is about."""

    seen: Seen
    side: int
    order: tuple[Place, ...]  # in the direction of its packets
    legs: tuple[LegFacts, ...]
    ptbs: tuple[PtbWay, ...]
    numbers: dict[Place, int]  # of the points
    names: dict[Place, str]
    files: dict[Place, frozenset[int]]  # indexes in `Analysis.files`
    deaf: frozenset[Place]  # captured with a filter that lets no ICMP through


def lost_ptb(found: Joined) -> tuple[PtbWay, LegFacts] | None:
    """PTBs that were seen at the end of a leg and never at its start, and that leg."""
    order = list(found.order)
    for ptb in found.ptbs:
        at = [order.index(place) for place in ptb.places if place in order]
        if not at or min(at) == 0:
            continue
        leg = next((leg for leg in found.legs if leg.end == order[min(at)]), None)
        if leg is None or leg.start in found.deaf:
            continue
        big = [each for each in all_lost(found) if each.time > ptb.last and each.size > ptb.mtu]
        if len(ptb.frames) > 1 or big:
            return ptb, leg
    return None


def all_lost(found: Joined) -> list[Lost]:
    """All packets that got lost on any leg."""
    return [each for leg in found.legs for each in leg.lost]


def revised(
    flow: Flow, client: int, both: Mapping[int, Joined], alone: Sequence[tuple[Place, Flow]], platforms: Sequence[str]
) -> Flow:
    """The flow, with what all points say together.

    Args:
        flow: with the verdict of the point that saw most.
        client: the side of the client.
        both: what is known of the packets of each side.
        alone: what each point says of the flow by itself.
        platforms: whose commands the fixes are.
    """
    found = both[_side(flow, client)]
    if flow.verdict in SIZE_PROBLEMS and _smaller_fail_too(flow, found):
        # The point that blames the size did not see the smaller ones leave.
        # What never reached another point does not make the flow healthy there.
        others = [each for _, each in alone if each.verdict in PROBLEMS - SIZE_PROBLEMS]
        if others:
            flow = replace(others[chosen_of(others)], stream=flow.stream)
            found = both[_side(flow, client)]
        else:
            flow = replace(flow, confidence="low")
    narrow = [leg for leg in found.legs if leg.ends == "size"]
    stuck = _stuck_leg(flow, found)
    verdict, rule, confidence = flow.verdict, flow.rule, flow.confidence
    if verdict in SIZE_PROBLEMS and stuck is None and any(leg.ends == "damaged" for leg in found.legs):
        verdict, rule, confidence = "stall", DAMAGED, "medium"  # they arrived, and no host takes them
    leg = stuck if stuck is not None else narrow[0] if len(narrow) == 1 else None
    if leg is not None and leg.ends in ("content", "damaged", "all"):
        leg = None
    sized = leg is not None and leg.ends == "size" and flow.rule not in OTHER_PATHS
    if (
        leg is not None
        and sized
        and verdict in RAISED
        and not leg.wider_before
        and _hangs(leg)
        and (leg.sure or verdict == "blackhole_suspected")
    ):
        verdict = "blackhole" if _with_df(leg) else "fragment_loss"
        rule = NARROW
        confidence = "high" if leg.sure else "medium"
    elif leg is not None and sized and verdict in SIZE_PROBLEMS and leg.sure:
        confidence = "high"
    located = None
    if verdict in SIZE_PROBLEMS:
        if leg is not None and leg.ends is None:
            _limit(leg)
        located = _located(flow, found, leg)
    size = flow.path_mtu
    if located is not None and leg is not None and leg.ends == "size" and leg.limit is not None:
        size = _size(size, leg.at_least, leg.limit, found)
    elif located is not None and verdict == "blackhole":
        size = _size(size, None, located.lost, found)
        if size.exact is not None and located.ptb_lost_between is not None:
            confidence = "high"  # a router says so itself
    if verdict == "stall":
        size = size._replace(at_most=None)
    told = [located.told] if located is not None else []
    told += [told_ for each in found.legs if (told_ := _ending(each, found)) is not None]
    return replace(
        flow,
        verdict=verdict,
        rule=rule,
        confidence=confidence,
        path_mtu=size,
        located=located,
        explanation=_explained(flow, told, found),
        ruled_out=_ruled_out(flow, found),
        evidence=(*_shown(located, told, found), *flow.evidence, *_contradictions(verdict, alone, found)),
        fixes=_named(_fixes(flow, verdict, size, platforms), located, found),
    )


def _explained(flow: Flow, told: Sequence[Statement], found: Joined) -> str:
    """What all points say, then what the one says that saw most."""
    if not told:
        return flow.explanation
    places = [place for place in found.names if flow.file in found.files[place]]
    alone = [f"As {found.names[places[0]]} alone shows it:"] if len(places) == 1 else []
    return " ".join([*(each.text for each in told), *alone, flow.explanation])


def _ruled_out(flow: Flow, found: Joined) -> tuple[RuledOut, ...]:
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


def _shown(located: Located | None, told: Sequence[Statement], found: Joined) -> list[Statement]:
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


def _side(flow: Flow, client: int) -> int:
    return 1 - client if flow.direction == "server_to_client" else client


def _smaller_fail_too(flow: Flow, found: Joined) -> bool:
    """True if data smaller than what once crossed was lost as well since, and no data crossed."""
    leg = _stuck_leg(flow, found)
    if leg is None:
        return False
    since = min(each.time for each in leg.lost if each.packet.payload)
    width = leg.at_least or 0
    if any(each.packet.payload and each.time >= since for each in leg.crossed):
        return False
    got_through = {each.packet.seq for one in found.legs for each in one.crossed if one is leg}
    return any(
        each.packet.payload
        and 0 < each.size <= width
        and each.time >= since - TRANSIT_NS  # seen farther up, it left earlier
        and each.packet.seq not in got_through
        for each in all_lost(found)
    )


def _hangs(leg: LegFacts) -> bool:
    """True if what was lost on the leg never got through."""
    stuck = leg.proving
    last = max(each.time for each in stuck)
    return not any(
        each.time > last and any(each.packet.seq <= lost.packet.seq < each.packet.end for lost in stuck)
        for each in leg.crossed
    )


def _with_df(leg: LegFacts) -> bool:
    return all(each.packet.df for each in leg.proving)


def _limit(leg: LegFacts) -> None:
    """Size ends on a leg: the flow says so, and the leg does not contradict."""
    proving = [each for each in leg.proving if each.packet.payload and each.size]
    since = min((each.time for each in leg.lost if each.packet.payload), default=0)
    width = max((each.size for each in leg.crossed if each.time >= since), default=0)
    limit = min((each.size for each in proving if each.size > width), default=None)
    if limit is not None:
        below = max((each.size for each in leg.crossed if each.size < limit), default=0)
        leg.ends, leg.limit, leg.at_least = "size", limit, below or None
        leg.segments = leg.segments or 1


def told_mtu(ptbs: Sequence[PtbWay]) -> int:
    """The smallest MTU that PTBs name which may be true; 0: none does."""
    return min((ptb.mtu for ptb in ptbs if ptb.sound and ptb.mtu >= LEAST_V4_MTU), default=0)


def _size(size: PathMtu, crossed: int | None, limit: int | None, found: Joined) -> PathMtu:
    """The bracket with what the leg says of it, and the PTBs that other points saw."""
    least = max(size.at_least or 0, crossed or 0) or None
    most = min(size.at_most if size.at_most is not None else 1 << 30, (limit or 1 << 30) - 1)
    if size.exact is not None or (least is not None and least > most):
        return size
    told = told_mtu(found.ptbs)
    exact = told if (least or 0) <= told <= most else 0
    return PathMtu(least, exact or most, exact or None)


def _stuck_leg(flow: Flow, found: Joined) -> LegFacts | None:
    """The leg on which all copies of the stalled segment vanish, if it is one."""
    if flow.stalled is None:
        return None
    number = relative_number(found.seen, found.side, flow.stalled.seq)
    lost_on = []
    for leg in found.legs:
        copies = [each for each in leg.lost if each.packet.seq <= number < each.packet.end]
        if len(copies) < LEAST_STUCK:
            continue
        least = min(each.size or each.packet.ip_len for each in copies)
        if any(each.packet.seq <= number < each.packet.end and each.size >= least for each in leg.crossed):
            continue  # some got through: what of them is missing was not captured
        lost_on.append(leg)
    return lost_on[0] if len(lost_on) == 1 else None


def _located(flow: Flow, found: Joined, leg: LegFacts | None) -> Located | None:
    lost = flow.stalled.ip_len if flow.stalled is not None else None
    if leg is not None:
        proving = [each for each in leg.proving if each.packet.payload]
        if leg.limit is not None:
            lost = leg.limit
        same = [each for each in proving if not each.size or lost is None or each.size >= lost]
        crossed = leg.at_least
        if crossed is not None and lost is not None and crossed >= lost:
            crossed = flow.path_mtu.at_least if (flow.path_mtu.at_least or 0) < lost else None
        ends = (found.numbers[leg.start], found.numbers[leg.end])
        sizes = f"{crossed} crossed, {lost} did not" if crossed else "none of them crossed"
        text = (
            f"Packets of {lost} bytes are lost between {found.names[leg.start]} and {found.names[leg.end]}: "
            f"{sizes} ({len(same)} of {len(same)})."
        )
        frames = tuple(each.packet.ref for each in same[:SHOWN_FRAMES])
        names = (found.names[leg.start], found.names[leg.end])
        shown = Located(ends, crossed, lost, frames, None, Statement(text, frames), names, _seen(leg))
        return _with_ptb(shown, found)
    place = _last_place(flow, found)
    if place is None:
        return _before(flow, found)
    number, frames = place
    last = found.names[found.order[-1]]
    text = f"Packets of {lost} bytes left {last}, the last point on their way, and are lost behind it."
    crossed = flow.path_mtu.at_least
    return _with_ptb(Located((number, None), crossed, lost, frames, None, Statement(text, frames)), found)


def _seen(leg: LegFacts) -> tuple[tuple[SeenPacket, ...], tuple[SeenPacket, ...]]:
    """The packets with data at both ends of a leg, from a second before the first loss on."""
    since = min((each.time for each in leg.proving), default=0) - BEFORE_NS
    crossed = [each for each in leg.crossed if each.packet.payload and each.time >= since]
    left = [SeenPacket(each.time, each.size, False) for each in crossed]
    left += [SeenPacket(each.time, each.size, True) for each in leg.lost if each.packet.payload]
    arrived = [SeenPacket(when, size, False) for each in crossed for when, size in each.arrived]
    return tuple(sorted(left)[:SHOWN_PACKETS]), tuple(sorted(arrived)[:SHOWN_PACKETS])


def _last_place(flow: Flow, found: Joined) -> tuple[int, tuple[FrameRef, ...]] | None:
    """The last point, if it saw the stalled segment again and again."""
    if flow.stalled is None or not found.order:
        return None
    number = relative_number(found.seen, found.side, flow.stalled.seq)
    last = found.order[-1]
    copies = [p for p in found.seen.at[last][found.side] if p.seq <= number < p.end]
    if len(copies) < LEAST_STUCK:
        return None
    return found.numbers[last], tuple(p.ref for p in copies[:SHOWN_FRAMES])


def _before(flow: Flow, found: Joined) -> Located | None:
    """Before the first point, if none of them saw a packet as large as those that are missing."""
    if flow.verdict != "blackhole_suspected" or not found.order or flow.path_mtu.at_most is None:
        return None
    most = flow.path_mtu.at_most
    if any(p.ip_len > most for place in found.order for p in found.seen.at[place][found.side]):
        return None
    first = found.order[0]
    size = flow.path_mtu.at_least or most
    text = f"Nothing above {size} bytes came to {found.names[first]}, the first point on its way."
    told = Statement(text, ())
    return Located((None, found.numbers[first]), flow.path_mtu.at_least, most + 1, (), None, told)


def _with_ptb(located: Located, found: Joined) -> Located:
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


def _ending(leg: LegFacts, found: Joined) -> Statement | None:
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


def _contradictions(verdict: str, alone: Sequence[tuple[Place, Flow]], found: Joined) -> list[Statement]:
    """What single points would say that does not agree."""
    out = []
    for place, each in alone:
        if each.verdict != verdict and place in found.names:
            sees = "" if BY_NAME[each.verdict].decisive else ", which sees too little to tell,"
            text = f"{found.names[place]} alone{sees} would say {each.verdict}."
            out.append(Statement(text, (FrameRef(each.file, each.first_frame),)))
    return out


def _fixes(flow: Flow, verdict: str, size: PathMtu, platforms: Sequence[str]) -> tuple[Fix, ...]:
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
    )


LETS_PTBS_THROUGH = frozenset({"permit_icmp", "nat_quote", "accept_on_host"})
NARROW_PLACE = frozenset({"clamp_mss", "set_mtu", "permit_fragments"})
"""Steps that belong where the PTB gets lost, and where the packets do."""


def _named(fixes: Sequence[Fix], located: Located | None, found: Joined) -> tuple[Fix, ...]:
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


def leg_of(facts: LegFacts, numbers: dict[Place, int]) -> Leg:
    """The leg as it is handed out."""
    proving = facts.proving if facts.ends in ("size", "all") else facts.lost
    above = facts.limit if facts.ends == "size" else None
    of = len(proving) + sum(1 for each in facts.crossed if above is None or each.size >= above)
    return Leg(
        start=numbers[facts.start],
        end=numbers[facts.end],
        at_least=facts.at_least,
        at_most=above - 1 if above is not None else None,
        lost=len(proving),
        of=of,
        ends=facts.ends,
        segments=facts.segments,
        sure=facts.sure,
        ptb_lost=facts.ptb_lost,
        mss_clamped=facts.mss_clamped,
        df_cleared=facts.df_cleared,
        fragmented=facts.fragmented,
        translated=facts.translated,
        altered=len(facts.altered),
        missed=facts.missed,
        frames=tuple(each.packet.ref for each in proving[:SHOWN_FRAMES]),
    )
