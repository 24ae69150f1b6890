"""Two captures of the same hosts, one before and one after a fix: did it work? Emits `Comparison`.

What is compared are paths: ports and stream numbers differ from one capture to the next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from analyzer.findings import PROBLEMS, SIZE_PROBLEMS, VERDICTS, Path, PathMtu
from analyzer.results import Analysis

if TYPE_CHECKING:
    import os

OUTCOMES = ("not_fixed", "new_problem", "changed", "cannot_tell", "fixed", "no_problem")
"""What became of a path, the worst first. A comparison has the worst of its paths."""

REASONS = {
    "still": "not_fixed",  # packets of some size still vanish, or the other problem is still there
    "appeared": "new_problem",  # healthy or unknown before
    "recovers": "changed",  # large packets still vanish, but the sender gets over it by itself
    "other_problem": "changed",
    "without_df": "changed",  # large packets pass, since they may be fragmented
    "absent": "cannot_tell",  # the second capture has nothing of this path
    "not_sent": "cannot_tell",  # no large packet was sent after
    "undecided": "cannot_tell",  # the second capture does not tell what became of them
    "unknown_before": "cannot_tell",  # the first capture does not tell
    "larger": "fixed",  # a packet as large as those that were lost got through
    "pmtud": "fixed",  # a PTB told the sender
    "smaller": "fixed",  # nothing as large is sent any more, and what is sent gets through
    "size_unknown": "fixed",  # large segments get through, captured before they were cut (offload)
    "healthy": "fixed",  # a problem of another kind is gone
    "none": "no_problem",
}
"""Why, and the outcome that it makes."""

SURE_PROBLEMS = PROBLEMS - {"inconclusive"}


class PathState(NamedTuple):
    """A path in one of the two captures."""

    verdict: str
    path_mtu: PathMtu
    flows: int


@dataclass(frozen=True, slots=True)
class PathChange:
    """One direction between two addresses, before and after."""

    src: str
    dst: str
    before: PathState | None  # None: nothing of it in the first capture
    after: PathState | None
    reason: str  # what the outcome rests on: "larger", "pmtud", "smaller", "still", "not_sent", ...

    @property
    def outcome(self) -> str:
        """One of OUTCOMES."""
        return REASONS[self.reason]


@dataclass(frozen=True, slots=True, repr=False)
class Comparison:
    """What became of each path from one capture to the next, the worst first."""

    before: Analysis
    after: Analysis
    changes: tuple[PathChange, ...]  # one a path that has something to tell

    @property
    def outcome(self) -> str:
        """The worst of the paths': not_fixed, new_problem, changed, cannot_tell, fixed or no_problem."""
        return min((change.outcome for change in self.changes), key=OUTCOMES.index, default="no_problem")

    @property
    def headline(self) -> str:
        """The answer in a sentence: "Fixed: ...", "Not fixed: ...", "Cannot tell: ..."."""
        from analyzer.report.changes import answer

        return answer(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a report of the first capture that starts with the comparison. As `Analysis.save`."""
        replace(self.before, comparison=self).save(path)

    def __repr__(self) -> str:
        return self.headline


def compare_analyses(before: Analysis, after: Analysis) -> Comparison:
    """Compare the paths of two analyses by their source and destination addresses."""
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
    return Comparison(before, after, tuple(sorted(changes, key=_gravity)))


def _state(path: Path) -> PathState:
    return PathState(path.verdict, PathMtu(path.at_least, path.at_most, path.exact), len(path.streams))


def _gravity(change: PathChange) -> tuple[int, int, str, str]:
    verdict = change.before.verdict if change.before is not None else VERDICTS[-1]
    return (OUTCOMES.index(change.outcome), VERDICTS.index(verdict), change.src, change.dst)


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
