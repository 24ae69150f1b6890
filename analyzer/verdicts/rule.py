"""What a rule is: an id, the conditions that it needs and those that speak against it, and what it says.

Of a table of rules the first that applies decides. Where two may apply to the same facts, the later one names the
earlier in `yields_to`; of any other two the order does not matter, as a test shows.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from analyzer.model.statement import FrameRef

F = TypeVar("F")

Frames = tuple[FrameRef, ...]

EVERYTHING = "*"
"""In `yields_to`: all rules before it."""


class Condition(Generic[F]):
    """Something that the facts show or not, with the words that complete "needs that ..." and the frames it rests on.

    Args:
        words: a clause: "a smaller packet got through meanwhile".
        test: what shows it, or something false: a truth value, a frame, or whatever has frames (see `frames_in`).
        against: the frames that speak against it where it does not hold; by default those of what is judged.
    """

    def __init__(self, words: str, test: Callable[[F], object], against: Callable[[F], object] | None = None) -> None:
        self.words = words
        self._test = test
        self._against = against

    def holds(self, facts: F) -> bool:
        """Whether the facts show it."""
        return bool(self._test(facts))

    def frames(self, facts: F, judged: Frames) -> Frames:
        """The frames on which it rests, or that it does not hold; `judged` where it names none itself."""
        shown = self._test(facts)
        if not shown:
            shown = self._against(facts) if self._against is not None else None
        return frames_in(shown) or judged

    def __repr__(self) -> str:
        return f"<{self.words}>"


def frames_in(shown: Any) -> Frames:
    """The frames of a fact: of a packet, of a control, of a PTB, of several of these; none of a truth value."""
    if isinstance(shown, FrameRef):
        return (shown,)
    if hasattr(shown, "ref"):
        return (shown.ref,)
    if hasattr(shown, "frames"):
        return tuple(shown.frames)
    if isinstance(shown, (tuple, list)):
        return tuple(frame for each in shown for frame in frames_in(each))
    return ()


def high(_: object) -> str:
    """High."""
    return "high"


def medium(_: object) -> str:
    """Medium."""
    return "medium"


def low(_: object) -> str:
    """Low."""
    return "low"


def told_confidence(rule: Rule[Any]) -> str:
    """How sure a rule is, in words: "high", or what it depends on."""
    told = (inspect.getdoc(rule.confidence) or "").replace("\n\n", " ").replace("\n", " ").rstrip(".")
    return told[:1].lower() + told[1:]


class Unmet(NamedTuple):
    """Why a rule does not decide: the end of a sentence that begins with its id, and the frames."""

    words: str
    frames: Frames
    left: int  # conditions from this one on: the fewer, the nearer the rule is


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Rule(Generic[F]):
    """One row of a table."""

    id: str
    verdict: str
    requires: tuple[Condition[F], ...] = ()
    excludes: tuple[Condition[F], ...] = ()
    confidence: Callable[[F], str]
    words: Callable[[F], str]
    frames: Callable[[F], Frames] = lambda _: ()
    """What the words rest on, where they do not rest on a stalled series."""
    yields_to: tuple[str, ...] = ()
    """Earlier rules that may apply to the same facts, and then decide."""

    def applies(self, facts: F) -> bool:
        """Whether all that it needs holds, and nothing that speaks against it."""
        return all(each.holds(facts) for each in self.requires) and not any(each.holds(facts) for each in self.excludes)

    def unmet(self, facts: F, judged: Frames) -> Unmet | None:
        """The first condition that keeps it from applying; None if it applies."""
        left = len(self.requires) + len(self.excludes)
        for each in self.requires:
            if not each.holds(facts):
                return Unmet(f"needs that {each.words}, which is not shown", each.frames(facts, judged), left)
            left -= 1
        for each in self.excludes:
            if each.holds(facts):
                return Unmet(f"is excluded where {each.words}", each.frames(facts, judged), left)
            left -= 1
        return None


R = TypeVar("R", bound=Rule[Any])


def checked(rules: Sequence[R]) -> tuple[R, ...]:
    """The table, if its ids are different and each yields to earlier rules only.

    Raises:
        LookupError: it is not so.
    """
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise LookupError(f"two rules are called {rule.id}")
        if strange := set(rule.yields_to) - seen - {EVERYTHING}:
            raise LookupError(f"{rule.id} yields to {', '.join(sorted(strange))}, which no rule before it is called")
        seen.add(rule.id)
    return tuple(rules)


def decide(rules: Iterable[R], facts: object) -> R:
    """The first rule that applies. The last of a table always does."""
    return next(rule for rule in rules if rule.applies(facts))
