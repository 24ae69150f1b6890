"""Why all points together do not give a flow some other verdict: beside what the point lacks that saw most.

Emits a `Reasons` that a `FlowList` asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from analyzer.model.statement import Statement
from analyzer.points.rules import POINTS, PointFacts, PointRule


@dataclass(frozen=True, slots=True)
class Lacks:
    """What a flow lacks of the rules of the points: of each verdict that they give and it has not."""

    alone: str  # verdict of the point that saw most
    statement: Statement | None  # why that does not stand, where it does not
    of: Mapping[str, Statement]


def lacks_of(facts: PointFacts, decided: PointRule | None) -> Lacks:
    """What keeps the rules of the points from applying, told while the legs are known."""
    of: dict[str, tuple[int, Statement]] = {}
    for rule in POINTS:
        unmet = rule.unmet(facts, facts.judged)
        if rule is decided:
            continue
        if unmet is None and decided is not None:
            left, told = 0, Statement(f"{rule.id} would apply, but {decided.id} comes before it", facts.judged)
        elif unmet is not None:
            left, told = unmet.left, Statement(f"{rule.id} {unmet.words}", unmet.frames)
        else:
            continue
        if rule.verdict not in of or left < of[rule.verdict][0]:
            of[rule.verdict] = left, told
    flow = facts.flow
    stands = None
    if decided is not None and decided.verdict != flow.verdict:
        text = f"{flow.rule} applies to what one point saw, but {decided.id} is what all of them prove"
        stands = Statement(text, decided.frames(facts))
    return Lacks(flow.verdict, stands, {verdict: told for verdict, (_, told) in of.items()})


@dataclass(frozen=True, slots=True)
class Reasons:
    """Says why flows have not other verdicts, with what all points say of some of them. No closure: it is pickled."""

    alone: Callable[[int, str], Statement]
    points: Mapping[int, Lacks]  # by stream number

    def __call__(self, stream: int, verdict: str) -> Statement:
        """Why the flow of a stream number has not `verdict`."""
        lacks = self.points.get(stream)
        if lacks is not None and verdict == lacks.alone and lacks.statement is not None:
            return lacks.statement
        told = self.alone(stream, verdict)
        more = lacks.of.get(verdict) if lacks is not None else None
        return Statement(f"{told.text}; {more.text}", (*told.frames, *more.frames)) if more is not None else told
