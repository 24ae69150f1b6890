"""From the legs of a flow to where its large packets get lost, and to the verdict that all points prove together.

Emits revised flows. A verdict is made graver only by a leg that is narrow beyond doubt; where the points contradict
each other, that is printed, and nothing is located.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from analyzer.model.flow import Flow, PathMtu
from analyzer.model.points import Located, SeenPacket
from analyzer.model.statement import FrameRef, Statement
from analyzer.model.verdicts import PROBLEMS, SIZE_PROBLEMS
from analyzer.point_settings import DRAWN_BEFORE_NS, LEAST_STUCK, TRANSIT_NS
from analyzer.points.joined import SHOWN_FRAMES, Joined, all_lost, told_mtu
from analyzer.points.leg_reasons import Lacks, lacks_of
from analyzer.points.legs import LegFacts
from analyzer.points.rules import OTHER_PATHS, PointFacts, decided
from analyzer.points.sightings import Place, relative_number
from analyzer.points.told import (
    contradictions,
    ending,
    explained,
    fixes_of,
    named,
    ruled_out,
    shown_evidence,
    with_ptb,
)
from analyzer.verdicts.merge_points import chosen_of

SHOWN_PACKETS = 512
"""Packets that are kept to be drawn of each end of a leg."""


def revised(
    flow: Flow, client: int, both: Mapping[int, Joined], alone: Sequence[tuple[Place, Flow]], platforms: Sequence[str]
) -> tuple[Flow, Lacks]:
    """The flow, with what all points say together; and why they do not say more.

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
    facts = facts_of(flow, found)
    leg = facts.leg
    rule_of_points = decided(facts)
    verdict, rule, confidence = flow.verdict, flow.rule, flow.confidence
    if rule_of_points is not None:
        verdict, rule, confidence = rule_of_points.verdict, rule_of_points.id, rule_of_points.confidence(facts)
    elif verdict in SIZE_PROBLEMS and flow.rule not in OTHER_PATHS and facts.sized is not None and facts.sized.sure:
        confidence = "high"
    lacks = lacks_of(facts, rule_of_points)
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
    told += [told_ for each in found.legs if (told_ := ending(each, found)) is not None]
    new = replace(
        flow,
        verdict=verdict,
        rule=rule,
        confidence=confidence,
        path_mtu=size,
        located=located,
        explanation=explained(flow, told, found),
        ruled_out=ruled_out(flow, found),
        evidence=(*shown_evidence(located, told, found), *flow.evidence, *contradictions(verdict, alone, found)),
        fixes=named(fixes_of(flow, verdict, size, platforms), located, found),
    )
    return new, lacks


def facts_of(flow: Flow, found: Joined) -> PointFacts:
    """What the rules of the points go by."""
    narrow = [leg for leg in found.legs if leg.ends == "size"]
    stuck = _stuck_leg(flow, found)
    leg = stuck if stuck is not None else narrow[0] if len(narrow) == 1 else None
    if leg is not None and leg.ends in ("content", "damaged", "all"):
        leg = None
    return PointFacts(flow, found, stuck, leg)


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


def _limit(leg: LegFacts) -> None:
    """Size ends on a leg: the flow says so, and the leg does not contradict.

    Where nothing with data ever crossed, the leg does not say either whether it is the size or the data.
    """
    if not any(each.packet.payload for each in leg.crossed):
        return
    proving = [each for each in leg.proving if each.packet.payload and each.size]
    since = min((each.time for each in leg.lost if each.packet.payload), default=0)
    width = max((each.size for each in leg.crossed if each.time >= since), default=0)
    limit = min((each.size for each in proving if each.size > width), default=None)
    if limit is not None:
        below = max((each.size for each in leg.crossed if each.size < limit), default=0)
        leg.ends, leg.limit, leg.at_least = "size", limit, below or None
        leg.segments = leg.segments or 1


def _compared(leg: LegFacts, crossed: int | None, lost: int | None) -> str:
    """What crossed the leg beside what did not, and when: data since the first loss proves more than bare ACKs."""
    if not crossed:
        return "none of them crossed"
    data = [each for each in leg.crossed if each.packet.payload]
    since = min((each.time for each in leg.proving if each.packet.payload), default=0)
    if not data:
        return f"packets without data crossed, up to {crossed} bytes, none with data did"
    if not any(each.time >= since for each in data):
        bare = "packets without data" if any(each.time >= since for each in leg.crossed) else "nothing"
        return f"{crossed} crossed before, since then {bare} did, {lost} did not"
    return f"{crossed} crossed, {lost} did not"


def _size(size: PathMtu, crossed: int | None, limit: int | None, found: Joined) -> PathMtu:
    """The bracket with what the leg says of it, and the PTBs that other points saw."""
    least = max(size.at_least or 0, crossed or 0) or None
    most = min(size.at_most if size.at_most is not None else 1 << 30, (limit or 1 << 30) - 1)
    if size.exact is not None or (least is not None and least > most):
        return size
    told = told_mtu(found.ptbs)
    exact = told if (least or 0) <= told <= most else 0
    return PathMtu(least, exact or most, exact or None)


def _stuck_number(raw: int, flow: Flow, found: Joined) -> int:
    """A number as on the wire where the flow's verdict comes from, as the sightings count."""
    place = next((place for place in found.names if flow.file in found.files[place]), found.order[0])
    return relative_number(found.seen, found.side, raw, place)


def _stuck_leg(flow: Flow, found: Joined) -> LegFacts | None:
    """The leg on which all copies of the stalled segment vanish, if it is one."""
    if flow.stalled is None or not found.order:
        return None
    number = _stuck_number(flow.stalled.seq, flow, found)
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
        sizes = _compared(leg, crossed, lost)
        text = (
            f"Packets of {lost} bytes are lost between {found.names[leg.start]} and {found.names[leg.end]}: "
            f"{sizes} ({len(same)} of {len(same)})."
        )
        frames = tuple(each.packet.ref for each in same[:SHOWN_FRAMES])
        names = (found.names[leg.start], found.names[leg.end])
        shown = Located(ends, crossed, lost, frames, None, Statement(text, frames), names, _seen(leg))
        return with_ptb(shown, found)
    place = _last_place(flow, found)
    if place is None:
        return _before(flow, found)
    number, frames = place
    last = found.names[found.order[-1]]
    text = f"Packets of {lost} bytes left {last}, the last point on their way, and are lost behind it."
    crossed = flow.path_mtu.at_least
    return with_ptb(Located((number, None), crossed, lost, frames, None, Statement(text, frames)), found)


def _seen(leg: LegFacts) -> tuple[tuple[SeenPacket, ...], tuple[SeenPacket, ...]]:
    """The packets with data at both ends of a leg, from a second before the first loss on."""
    since = min((each.time for each in leg.proving), default=0) - DRAWN_BEFORE_NS
    crossed = [each for each in leg.crossed if each.packet.payload and each.time >= since]
    left = [SeenPacket(each.time, each.size, False) for each in crossed]
    left += [SeenPacket(each.time, each.size, True) for each in leg.lost if each.packet.payload]
    arrived = [SeenPacket(when, size, False) for each in crossed for when, size in each.arrived]
    return tuple(sorted(left)[:SHOWN_PACKETS]), tuple(sorted(arrived)[:SHOWN_PACKETS])


def _last_place(flow: Flow, found: Joined) -> tuple[int, tuple[FrameRef, ...]] | None:
    """The last point, if it saw the stalled segment again and again."""
    if flow.stalled is None or not found.order:
        return None
    number = _stuck_number(flow.stalled.seq, flow, found)
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
