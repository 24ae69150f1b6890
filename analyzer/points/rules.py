"""The rules by which all points together change a verdict, as a table like those of `verdicts`.

Emits `POINTS`, of which the first rule that applies decides; where none does, the verdict of the point stands that saw
most.
"""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.model.flow import Flow
from analyzer.model.verdicts import SIZE_PROBLEMS
from analyzer.points.joined import SHOWN_FRAMES, Joined
from analyzer.points.legs import LegFacts
from analyzer.verdicts.rule import Condition, Frames, Rule, checked, frames_in, medium

RAISED = frozenset({"inconclusive", "blackhole_suspected", "blackhole_probable", "stall"})
"""Verdicts of a single point that a narrow leg makes graver."""

OTHER_PATHS = frozenset({"stalled/parallel-paths", "stalled/other-paths-before", "stalled/path-changed"})
"""Rules that say why no path is blamed for sure: that stays so, whichever leg it is."""


@dataclass(frozen=True, slots=True)
class PointFacts:
    """What the points show of a flow."""

    flow: Flow  # with the verdict of the point that saw most
    found: Joined
    stuck: LegFacts | None  # on which all copies of the stalled segment vanish
    leg: LegFacts | None  # that one, or the only narrow one, unless something else ends there

    @property
    def sized(self) -> LegFacts | None:
        """The leg, if size is what ends there."""
        return self.leg if self.leg is not None and self.leg.ends == "size" else None

    @property
    def damaged(self) -> Frames:
        """Frames of what arrived damaged, on legs where nothing arrives whole."""
        legs = [leg for leg in self.found.legs if leg.ends == "damaged"]
        return tuple(each.packet.ref for leg in legs for each in leg.altered[:SHOWN_FRAMES])

    @property
    def judged(self) -> Frames:
        """Frames that stand for the flow where a condition names none."""
        return frames_in(self.flow.evidence)[:SHOWN_FRAMES]


class PointRule(Rule[PointFacts]):
    """A rule for what all points prove together."""


def hangs(leg: LegFacts) -> bool:
    """True if what was lost on the leg never got through."""
    stuck = leg.proving
    last = max(each.time for each in stuck)
    return not any(
        each.time > last and any(each.packet.seq <= lost.packet.seq < each.packet.end for lost in stuck)
        for each in leg.crossed
    )


def _lost(leg: LegFacts | None) -> Frames:
    return tuple(each.packet.ref for each in leg.proving[:SHOWN_FRAMES]) if leg is not None else ()


def _with_df(f: PointFacts) -> bool:
    return f.sized is not None and all(each.packet.df for each in f.sized.proving)


def _for_sure(f: PointFacts) -> bool:
    leg = f.sized
    return leg is not None and leg.sure and not leg.wider_before and hangs(leg) and f.flow.rule not in OTHER_PATHS


undecided = Condition[PointFacts](
    "no point alone decides: inconclusive, blackhole_suspected, blackhole_probable or stall",
    lambda f: f.flow.verdict in RAISED,
)
size_alone = Condition[PointFacts](
    "the point that saw most blames the size of the packets", lambda f: f.flow.verdict in SIZE_PROBLEMS
)
narrow = Condition[PointFacts](
    "packets above some size are lost between two points, three times or more and over a second, where none as large "
    "crosses and smaller data does meanwhile",
    lambda f: _lost(f.sized),
)
never_through = Condition[PointFacts](
    "what was lost there never got through", lambda f: f.sized is not None and hangs(f.sized)
)
proven = Condition[PointFacts](
    "two different segments prove it, or one that crossed when it was cut smaller; one is enough where the receiver's "
    "side alone suspects a black hole",
    lambda f: f.sized is not None and (f.sized.sure or f.flow.verdict == "blackhole_suspected"),
)
with_df = Condition[PointFacts]("the lost packets must not be fragmented (DF, or IPv6)", _with_df)
without_df = Condition[PointFacts]("some of the lost packets may be fragmented", lambda f: not _with_df(f))
wider_before = Condition[PointFacts](
    "packets as large crossed there before", lambda f: f.sized is not None and f.sized.wider_before
)
other_paths = Condition[PointFacts](
    "there are parallel paths, or the path changed", lambda f: f.flow.rule in OTHER_PATHS
)
lost_on_the_way = Condition[PointFacts]("the stalled segment vanishes between two points", lambda f: _lost(f.stuck))
spoilt = Condition[PointFacts](
    "packets arrive with a wrong checksum that they had not at the point before, and never whole", lambda f: f.damaged
)
narrow_for_sure = Condition[PointFacts]("a leg is narrow for sure", _for_sure)


def narrow_confidence(f: PointFacts) -> str:
    """High if two different segments prove it, or one that crossed when it was cut smaller; else medium."""
    return "high" if f.leg is not None and f.leg.sure else "medium"


def _as_told(f: PointFacts) -> str:
    """The words are those of `located`, which every graver verdict gets."""
    return f.flow.explanation


_NARROW = (undecided, narrow, never_through, proven)

POINTS: tuple[PointRule, ...] = checked(
    (
        PointRule(
            id="points/narrow-leg",
            verdict="blackhole",
            requires=(*_NARROW, with_df),
            excludes=(wider_before, other_paths),
            confidence=narrow_confidence,
            words=_as_told,
            frames=lambda f: _lost(f.sized),
        ),
        PointRule(
            id="points/narrow-leg-no-df",
            verdict="fragment_loss",
            requires=(*_NARROW, without_df),
            excludes=(wider_before, other_paths),
            confidence=narrow_confidence,
            words=_as_told,
            frames=lambda f: _lost(f.sized),
        ),
        PointRule(
            id="points/damaged",
            verdict="stall",
            requires=(size_alone, spoilt),
            excludes=(lost_on_the_way, narrow_for_sure),
            confidence=medium,
            words=_as_told,
            frames=lambda f: f.damaged,
        ),
    )
)


def decided(facts: PointFacts) -> PointRule | None:
    """The rule that changes the verdict; None if none does."""
    return next((rule for rule in POINTS if rule.applies(facts)), None)
