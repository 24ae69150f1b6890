"""What is known of one direction of a flow at all points: the packets, the legs, the PTBs about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from analyzer.model.points import Leg
from analyzer.model.statement import FrameRef
from analyzer.model.wire_sizes import LEAST_V4_MTU
from analyzer.points.legs import LegFacts, Lost
from analyzer.points.sightings import Place, Seen

SHOWN_FRAMES = 32
"""Frames that are named of each thing."""


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


def told_mtu(ptbs: Sequence[PtbWay]) -> int:
    """The smallest MTU that PTBs name which may be true; 0: none does."""
    return min((ptb.mtu for ptb in ptbs if ptb.sound and ptb.mtu >= LEAST_V4_MTU), default=0)


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
