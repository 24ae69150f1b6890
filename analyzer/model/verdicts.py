"""All verdicts and what each of them is, in one table. Every set of verdicts is taken from here.

A new verdict is a row here, a rule (`verdicts.stalled_rules`, `verdicts.unstalled_rules`), its words
(`report.verdict_text`) and its fixes (`knowledge.fixes`). Where a row is missing there, importing fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

Kind = Literal["problem", "undecided", "healthy"]
Tone = Literal["bad", "warn", "good", "plain"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One verdict. What it says in words is elsewhere; what follows from it is here."""

    name: str
    kind: Kind
    """`problem` and `undecided` are shown with a diagnosis; `healthy` ones are listed with `--all`."""
    tone: Tone
    """How alarming it is: bad, warn, good, or plain where it says nothing about large packets."""
    limited_by_size: bool = False
    """It says that packets above some size do not arrive."""
    accuses: bool = False
    """It says, or suspects, that the path drops them and tells nobody: a black hole."""
    at_receiver: bool = False
    """It is told from what arrived: the capture was taken behind the narrow part of the path."""
    advised: bool = False
    """There is something to do about it."""
    ptb: Literal["none", "some", ""] = ""
    """It rests on there being no PTB in the capture, or on there being one; or on neither."""
    told_as: str = ""
    """The verdict with which it is the same trouble, less sure; empty: it is trouble of its own."""
    carries: bool = False
    """Packets of full size get through, or what a router says to those that do not."""
    directed: bool = True
    """It is about one of the two directions of a flow."""
    decisive: bool = True
    """The capture point saw enough: of several points, it stands beside those that did not."""


TABLE = (
    Verdict(name="blackhole", kind="problem", tone="bad", limited_by_size=True, accuses=True, advised=True, ptb="none"),
    Verdict(name="ptb_ignored", kind="problem", tone="bad", limited_by_size=True, advised=True, ptb="some"),
    Verdict(
        name="blackhole_probable",
        kind="problem",
        tone="bad",
        limited_by_size=True,
        accuses=True,
        advised=True,
        ptb="none",
        told_as="blackhole",
    ),
    Verdict(
        name="blackhole_suspected",
        kind="problem",
        tone="warn",
        limited_by_size=True,
        accuses=True,
        at_receiver=True,
        advised=True,
        told_as="blackhole",
        decisive=False,
    ),
    Verdict(
        name="blackhole_recovered",
        kind="problem",
        tone="warn",
        limited_by_size=True,
        accuses=True,
        advised=True,
        ptb="none",
    ),
    Verdict(name="fragment_loss", kind="problem", tone="warn", limited_by_size=True, advised=True),
    Verdict(name="content_drop", kind="problem", tone="warn", advised=True),
    Verdict(name="dead_path", kind="problem", tone="warn", advised=True),
    Verdict(name="zero_window", kind="problem", tone="warn", advised=True),
    Verdict(name="stall", kind="problem", tone="warn", advised=True, ptb="none"),
    Verdict(name="inconclusive", kind="undecided", tone="warn", advised=True, decisive=False),
    Verdict(name="loss", kind="healthy", tone="good", advised=True),
    Verdict(name="pmtud_ok", kind="healthy", tone="good", ptb="some", carries=True),
    Verdict(name="no_df", kind="healthy", tone="plain"),
    Verdict(name="ok", kind="healthy", tone="good", carries=True),
    Verdict(name="not_exercised", kind="healthy", tone="plain", directed=False, decisive=False),
)
"""All verdicts, the worst first. A flow gets the worse of its two directions'."""

VERDICTS = tuple(verdict.name for verdict in TABLE)

BY_NAME: Mapping[str, Verdict] = {verdict.name: verdict for verdict in TABLE}

RANKS: Mapping[str, int] = {name: rank for rank, name in enumerate(VERDICTS)}
"""The place of each in the table: the smaller, the worse."""

CONFIDENCES = ("high", "medium", "low")
"""How sure a verdict is, the surest first."""


def those(quality: Callable[[Verdict], bool]) -> frozenset[str]:
    """The names of the verdicts that have a quality."""
    return frozenset(verdict.name for verdict in TABLE if quality(verdict))


PROBLEMS = those(lambda verdict: verdict.kind != "healthy")
"""Verdicts that are shown with a diagnosis."""

SURE_PROBLEMS = those(lambda verdict: verdict.kind == "problem")
"""Those that say that something is wrong, and not only that nothing can be said."""

SIZE_PROBLEMS = those(lambda verdict: verdict.limited_by_size)
"""Verdicts that say packets above some size do not arrive."""

CARRYING = those(lambda verdict: verdict.carries)
"""Verdicts of what is known to carry full-size packets."""

GROUPS: Mapping[str, frozenset[str]] = {"problem": SURE_PROBLEMS, "size": SIZE_PROBLEMS}
"""Names that stand for several verdicts, where one of them is asked for."""


def named(names: Iterable[str]) -> frozenset[str]:
    """The verdicts that are meant by names of verdicts and of `GROUPS`."""
    return frozenset(verdict for name in names for verdict in GROUPS.get(name, {name}))


def rank(verdict: str) -> int:
    """Sorts verdicts, the worst first."""
    return RANKS[verdict]


def worst(verdicts: Iterable[str]) -> str:
    """The worst of some verdicts."""
    return min(verdicts, key=rank)


def complete(entries: Mapping[str, T], verdicts: Iterable[str], what: str) -> Mapping[str, T]:
    """`entries`, if there is one for each of `verdicts` and no other.

    Raises:
        LookupError: one is missing, or too many; `what` names the entries.
    """
    wanted = frozenset(verdicts)
    missing, strange = wanted - entries.keys(), entries.keys() - wanted
    if missing:
        raise LookupError(f"no {what} for the verdicts {', '.join(sorted(missing, key=rank))}")
    if strange:
        raise LookupError(f"{what} for {', '.join(sorted(strange))}, which have none or are no verdicts")
    return entries
