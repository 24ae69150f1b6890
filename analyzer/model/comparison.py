"""Two captures of the same hosts, one before and one after a fix: did it work?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple, TypeVar

from analyzer.model.analysis import Analysis
from analyzer.model.finding import Finding
from analyzer.model.flow import PathMtu
from analyzer.model.path import OUTCOMES, Path, PathChange, PathState
from analyzer.model.verdicts import SIZE_PROBLEMS, SURE_PROBLEMS, VERDICTS, rank

A = TypeVar("A", bound=Analysis)


def compared(before: A, after: A) -> A:
    """`before` with `after` as the later capture, and what became of each path by then.

    Paths are compared: ports and stream numbers differ from one capture to the next.
    """
    earlier = {(path.src, path.dst): _state(path) for path in before.all_paths}
    later = {(path.src, path.dst): _state(path) for path in after.all_paths}
    pairs = [*earlier, *(pair for pair in later if pair not in earlier)]
    if before.selection:
        pairs = list(earlier)  # what was not asked for is not told
    changes = [
        PathChange(*pair, earlier.get(pair), later.get(pair), _reason(earlier.get(pair), later.get(pair)))
        for pair in pairs
    ]
    if any(change.before is not None and change.before.verdict in SURE_PROBLEMS for change in changes):
        # Beside a problem, a direction that could not be judged before is no news.
        changes = [change for change in changes if change.reason != "unknown_before"]
    changes = [change for change in changes if change.reason != "none"] or changes
    return replace(before, later=after, changes=tuple(sorted(changes, key=_gravity)))


def outcome_of(changes: Iterable[PathChange]) -> str:
    """The worst of the outcomes of some paths, one of OUTCOMES; that there is no problem, where there are none."""
    return min((change.outcome for change in changes), key=OUTCOMES.index, default=OUTCOMES[-1])


class FindingChange(NamedTuple):
    """A finding of the first capture, and what became of its paths; or one that only the second capture has."""

    finding: Finding
    paths: int  # directions between two addresses that its flows take
    alike: int  # those of them that have its outcome
    outcome: str  # the worst of its paths', one of OUTCOMES


def finding_changes(before: Analysis) -> tuple[FindingChange, ...]:
    """What became of the findings of a capture that was compared with a later one, the worst first."""
    if before.later is None:
        return ()
    by_path = {(change.src, change.dst): change.outcome for change in before.changes}
    told: list[FindingChange] = []
    known: set[tuple[str, str]] = set()
    for finding, paths in _paths_by_finding(before):
        known |= paths
        outcomes = [by_path[path] for path in paths if path in by_path]
        if outcomes:
            worst = min(outcomes, key=OUTCOMES.index)
            told.append(FindingChange(finding, len(paths), outcomes.count(worst), worst))
    for finding, paths in _paths_by_finding(before.later):
        appeared = [path for path in paths - known if by_path.get(path) == "new_problem"]
        if appeared:
            told.append(FindingChange(finding, len(paths), len(appeared), "new_problem"))
    return tuple(sorted(told, key=lambda change: OUTCOMES.index(change.outcome)))


def _paths_by_finding(analysis: Analysis) -> list[tuple[Finding, set[tuple[str, str]]]]:
    """The findings that are sure, each with the addresses between which its flows send."""
    ends = {stream: (brief.sender, brief.receiver) for stream, brief in analysis.briefs_with(SURE_PROBLEMS)}
    return [
        (finding, {ends[stream] for stream in finding.streams if stream in ends} | _alone(finding))
        for finding in analysis.all_findings
        if finding.verdict in SURE_PROBLEMS
    ]


def _alone(finding: Finding) -> set[tuple[str, str]]:
    """Where packets of no flow show it."""
    return {(finding.trouble.sender, finding.trouble.receiver)} if finding.trouble is not None else set()


def _state(path: Path) -> PathState:
    return PathState(path.verdict, PathMtu(path.at_least, path.at_most, path.exact), len(path.streams))


def _gravity(change: PathChange) -> tuple[int, int, str, str]:
    verdict = change.before.verdict if change.before is not None else VERDICTS[-1]
    return (OUTCOMES.index(change.outcome), rank(verdict), change.src, change.dst)


def _reason(before: PathState | None, after: PathState | None) -> str:
    was = before.verdict if before is not None else ""
    now = after.verdict if after is not None else ""
    if was not in SURE_PROBLEMS or before is None:
        if now in SURE_PROBLEMS:
            return "appeared"
        return "unknown_before" if was == "inconclusive" else "none"
    if after is None:
        return "absent"
    if was in SIZE_PROBLEMS:
        return _after_size_problem(before, after)
    if now == was:
        return "still"
    if now in SURE_PROBLEMS:
        return "other_problem"
    if now == "inconclusive":
        return "undecided"
    return "not_sent" if now == "not_exercised" else "healthy"


def _after_size_problem(before: PathState, after: PathState) -> str:
    was, now = before.verdict, after.verdict
    if now in SIZE_PROBLEMS:
        return "recovers" if now == "blackhole_recovered" and was != now else "still"
    if now in SURE_PROBLEMS:
        return "other_problem"
    passed = after.path_mtu.at_least
    if now == "pmtud_ok":
        return "pmtud"
    limit = before.path_mtu.exact or before.path_mtu.at_most
    if passed is not None and limit is not None and passed > limit:
        return "larger"
    if now == "inconclusive":
        return "undecided"
    if now == "not_exercised":
        return "not_sent"
    if now == "no_df":
        return "without_df"
    return "smaller" if passed is not None else "size_unknown"
