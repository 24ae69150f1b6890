"""A comparison of two captures in words and cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from analyzer.model.analysis import Analysis
from analyzer.model.comparison import FindingChange, finding_changes, outcome_of
from analyzer.model.path import PathChange, PathState
from analyzer.model.text import bracket, joined_labels, lost_packets, plural
from analyzer.model.verdicts import SIZE_PROBLEMS
from analyzer.report.findings import ends_text
from analyzer.report.verdict_text import WORDS

TITLES = {
    "not_fixed": "Not fixed",
    "new_problem": "New problem",
    "changed": "Changed",
    "cannot_tell": "Cannot tell",
    "fixed": "Fixed",
    "no_problem": "No problem",
}
TONES = {
    "not_fixed": "bad", "new_problem": "bad", "changed": "warn", "cannot_tell": "warn", "fixed": "good",
    "no_problem": "good",
}  # fmt: skip

ABSENT = "-"


class ChangeRow(NamedTuple):
    """A path before and after, as table cells."""

    path: str
    before: str  # verdict
    before_mtu: str
    after: str
    after_mtu: str
    outcome: str
    tone: str
    sentence: str


class FindingChangeRow(NamedTuple):
    """A finding before and after, as table cells."""

    finding: str  # its letters, empty where only the second capture has it
    senders: str
    receivers: str
    paths: str
    outcome: str
    tone: str

    @property
    def sentence(self) -> str:
        """The row in words."""
        name = f"Finding {self.finding}" if self.finding else "A new finding"
        return f"{name}, {self.senders} -> {self.receivers}: {self.outcome[:1].lower()}{self.outcome[1:]}"


class ChangeTable(NamedTuple):
    """A comparison, ready to be shown."""

    answer: str
    tone: str
    findings: tuple[FindingChangeRow, ...]  # empty where the paths say it all
    later: str  # names of the later capture's files
    rows: tuple[ChangeRow, ...]


def change_table(before: Analysis, after: Analysis) -> ChangeTable:
    """The answer, one row a finding, and one a path, the worst first."""
    changes = before.changes
    findings = finding_changes(before)
    rows = tuple(
        ChangeRow(
            path=_route(change),
            before=_verdict(change.before),
            before_mtu=_mtu(change.before, change.src),
            after=_verdict(change.after),
            after_mtu=_mtu(change.after, change.src),
            outcome=TITLES[change.outcome],
            tone=TONES[change.outcome],
            sentence=sentence(change),
        )
        for change in changes
    )
    later = joined_labels(after.files)
    told = tuple(_finding_row(change) for change in findings) if _worth_telling(findings) else ()
    return ChangeTable(answer(changes), TONES[outcome_of(changes)], told, later, rows)


def _worth_telling(findings: Sequence[FindingChange]) -> bool:
    """Whether findings say more than the paths do: several of these are one, or one has several."""
    return len(findings) > 1 or any(change.paths > 1 for change in findings)


def _finding_row(change: FindingChange) -> FindingChangeRow:
    outcome = TITLES[change.outcome]
    if change.paths > 1:
        outcome += (
            f" on all {change.paths:,} paths"
            if change.alike == change.paths
            else (f" on {change.alike:,} of {change.paths:,} paths")
        )
    return FindingChangeRow(
        finding=change.finding.id if change.outcome != "new_problem" else "",
        senders=ends_text(change.finding.senders),
        receivers=ends_text(change.finding.receivers),
        paths=f"{change.paths:,}",
        outcome=outcome,
        tone=TONES[change.outcome],
    )


def answer(changes: Sequence[PathChange]) -> str:
    """Whether the fix worked, in a sentence or two."""
    outcome = outcome_of(changes)
    gravest = [change for change in changes if change.outcome == outcome]
    if outcome == "no_problem":
        return "No problem in either capture: there was nothing to fix."
    first = f"{TITLES[outcome]}: {sentence(gravest[0])}"
    if len(gravest) > 1:
        first += f" The same holds for {plural(len(gravest) - 1, 'other path')}."
    others = Counter(change.outcome for change in changes if change.outcome != outcome)
    rest = [f"{count} {TITLES[name].lower()}" for name, count in others.items() if name != "no_problem"]
    return first + (f" Of the other paths: {', '.join(rest)}." if rest else "")


def sentence(change: PathChange) -> str:
    """What became of one path."""
    route, before, after = _route(change), change.before, change.after
    was = f"{route} {_told(before, 'lost')}" if before is not None else route
    now = _told(after, "loses") if after is not None else ""
    passed = after.path_mtu.at_least if after is not None else None
    exact = after.path_mtu.exact if after is not None else None
    return {
        "still": f"{route} still {now if after.verdict in SIZE_PROBLEMS else f'has trouble ({now})'}." if after else "",
        "appeared": f"{route}: {now}, which the first capture does not show.",
        "recovers": f"{was}; they are still lost, but the sender now shrinks them by itself after a hang.",
        "other_problem": f"{was}; now: {now}.",
        "without_df": f"{was}; they pass now, but without DF, so that routers may fragment them.",
        "absent": f"the second capture holds nothing from {change.src} to {change.dst}.",
        "not_sent": f"no large packet was sent from {change.src} to {change.dst} after.",
        "undecided": f"{was}; the second capture does not show what became of large packets.",
        "unknown_before": f"the first capture does not show what was wrong on {route}.",
        "larger": f"{was}; {passed} bytes now get through.",
        "pmtud": f"{was}; PMTUD works now{f', and the path MTU is {exact} bytes' if exact is not None else ''}.",
        "smaller": (
            f"{was}; now packets of {passed} bytes at most are sent, and they get through. The path MTU may be as "
            "before: the MSS is clamped, or the sender knows the MTU."
        ),
        "size_unknown": (
            f"{was}; now large segments get through. They were captured before segmentation (offload), so that their "
            "size on the wire is not known."
        ),
        "healthy": f"{was}; now: {now}.",
        "none": f"{route} has no problem before or after.",
    }[change.reason]


def comparison_dict(before: Analysis) -> dict[str, Any]:
    """The comparison as in the JSON's `comparison`, without what tells of the second capture as a whole."""
    changes = before.changes
    return {
        "outcome": outcome_of(changes),
        "answer": answer(changes),
        "findings": [
            {
                "before": change.finding.id if change.outcome != "new_problem" else None,
                "after": change.finding.id if change.outcome == "new_problem" else None,
                "outcome": change.outcome,
                "paths": change.paths,
                "alike": change.alike,
            }
            for change in finding_changes(before)
        ],
        "paths": [
            {
                "src": change.src,
                "dst": change.dst,
                "outcome": change.outcome,
                "reason": change.reason,
                "before": _state_dict(change.before),
                "after": _state_dict(change.after),
                "text": sentence(change),
            }
            for change in changes
        ],
    }


def _state_dict(state: PathState | None) -> dict[str, Any] | None:
    if state is None:
        return None
    return {"verdict": state.verdict, "path_mtu": state.path_mtu._asdict(), "flows": state.flows}


def _told(state: PathState, verb: str) -> str:
    """What happens on a path: "loses packets above 1400..1499 bytes (black hole)", "had trouble (zero window)"."""
    words = WORDS[state.verdict].short
    if state.verdict in SIZE_PROBLEMS:
        return f"{verb} {lost_packets(state.path_mtu)} ({words})"
    return words if verb == "loses" else f"had trouble ({words})"


def _route(change: PathChange) -> str:
    return f"{change.src} -> {change.dst}"


def _verdict(state: PathState | None) -> str:
    return ABSENT if state is None else state.verdict


def _mtu(state: PathState | None, src: str) -> str:
    return ABSENT if state is None else bracket(state.path_mtu.on_links_of(src))
