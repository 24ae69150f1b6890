"""Were the answers right? Pure comparison of what was said about a capture with its entry of truth.json."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ACCUSATIONS = frozenset(
    {"blackhole", "blackhole_probable", "blackhole_suspected", "blackhole_recovered", "ptb_ignored"}
)
"""Verdicts that blame the path MTU: a healthy path must never get one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bracket:
    """What was said of the path MTU from `source` to `destination`; None: nothing."""

    source: str
    destination: str
    at_least: int | None = None
    at_most: int | None = None
    exact: int | None = None

    def __str__(self) -> str:
        said = f"{self.at_least or '?'}..{self.at_most or '?'}"
        return said if self.exact is None else f"{said}, exact {self.exact}"

    @property
    def says_something(self) -> bool:
        return (self.at_least, self.at_most, self.exact) != (None, None, None)

    def holds(self, mtu: int) -> bool:
        """Whether the bounds allow this path MTU."""
        return (self.at_least or 0) <= mtu <= (self.at_most or 1 << 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowAnswer:
    """What was said of one flow."""

    port: int  # the server's
    verdict: str
    bracket: Bracket | None = None
    ptbs: tuple[tuple[str, str | None], ...] = ()  # (effect, reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was said of one capture."""

    flows: tuple[FlowAnswer, ...]
    paths: tuple[Bracket, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One verdict beside those that were allowed."""

    capture: str
    vantage: str
    group: str
    port: int | None  # None: the worst flow of the capture
    allowed: tuple[str, ...]
    got: str

    @property
    def right(self) -> bool:
        return self.got in self.allowed

    @property
    def false_accusation(self) -> bool:
        """It blames the path MTU where nothing of the kind is allowed."""
        return self.got in ACCUSATIONS and not ACCUSATIONS & set(self.allowed)

    @property
    def where(self) -> str:
        return self.capture if self.port is None else f"{self.capture}, port {self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All that was compared for one capture; the lists of complaints are words for people."""

    verdicts: tuple[Judged, ...]
    brackets: int  # said at all, where the configuration knows better
    missed: tuple[str, ...]  # brackets that do not hold the true path MTU
    inexact: tuple[str, ...]  # `exact` values that are not the path MTU
    ptbs: int
    misjudged_ptbs: tuple[str, ...]


def judge(capture: str, truth: Mapping[str, Any], answer: Answer, order: Sequence[str]) -> Judgement:
    """Compare. `order` lists all verdicts, the worst first: without a truth by port the worst flow counts."""
    brackets = [bracket for bracket in _brackets(answer) if bracket.says_something and _true_mtus(truth, bracket)]
    ptbs = [ptb for flow in answer.flows for ptb in flow.ptbs]
    return Judgement(
        verdicts=tuple(_verdicts(capture, truth, answer, order)),
        brackets=len(brackets),
        missed=_distinct(
            f"{capture}: {bracket}, truly {_either(_true_mtus(truth, bracket))}"
            for bracket in brackets
            if not any(bracket.holds(mtu) for mtu in _true_mtus(truth, bracket))
        ),
        inexact=_distinct(
            f"{capture}: {bracket}, truly {_either(_true_mtus(truth, bracket))}"
            for bracket in brackets
            if bracket.exact is not None and bracket.exact not in _true_mtus(truth, bracket)
        ),
        ptbs=len(ptbs),
        misjudged_ptbs=_distinct(
            f"{capture}: {effect}{f' ({reason})' if reason else ''}, allowed: {', '.join(truth['ptb']) or 'none'}"
            for effect, reason in ptbs
            if effect not in truth["ptb"] or (reason is not None and reason not in truth["ptb"])
        ),
    )


def _verdicts(capture: str, truth: Mapping[str, Any], answer: Answer, order: Sequence[str]) -> Iterable[Judged]:
    about = {"capture": capture, "vantage": truth["vantage"], "group": truth["group"]}
    by_port = truth.get("flows")
    if by_port:
        # Once a port, however many connections it has: a flood must not drown the rest.
        for port in sorted(by_port.keys() | {str(flow.port) for flow in answer.flows}):
            allowed = tuple(by_port.get(port, ()))
            said = sorted({flow.verdict for flow in answer.flows if str(flow.port) == port}, key=order.index)
            wrong = [verdict for verdict in said if verdict not in allowed]
            yield Judged(**about, port=int(port), allowed=allowed, got=[*wrong, *said, "no flow"][0])
        return
    worst = min((flow.verdict for flow in answer.flows), key=order.index, default="no flow")
    yield Judged(**about, port=None, allowed=tuple(truth["accept"]), got=worst)


def _brackets(answer: Answer) -> list[Bracket]:
    return [*(flow.bracket for flow in answer.flows if flow.bracket is not None), *answer.paths]


def _true_mtus(truth: Mapping[str, Any], bracket: Bracket) -> tuple[int, ...]:
    """The path MTUs that the configuration knows in the bracket's direction; none when nothing got through."""
    ends = bracket.source, bracket.destination
    known: tuple[int | None, ...] = ()
    if ends == (truth["sender"], truth["receiver"]):
        known = truth["path_mtu"], truth.get("path_mtu_also")
    elif ends == (truth["receiver"], truth["sender"]):
        known = (truth.get("path_mtu_back"),)
    return tuple(mtu for mtu in known if mtu is not None)


def _either(mtus: tuple[int, ...]) -> str:
    return " or ".join(map(str, mtus))


def _distinct(complaints: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(complaints))
