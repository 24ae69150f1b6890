"""What was found about one direction between two addresses, from all flows and pings between them.

And what became of it from one capture to a later one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from analyzer.model.flow import PathMtu
from analyzer.model.statement import FrameRef

if TYPE_CHECKING:
    from analyzer.model.points import Leg


@dataclass(frozen=True, slots=True)
class Probe:
    """A ping with DF, and whether it was answered."""

    frame: FrameRef
    ip_len: int
    reply: FrameRef | None
    ptb_mtu: int | None


class Unprobing(NamedTuple):
    """Pings that may be fragmented on their way: what was answered says nothing about the path MTU."""

    sent: int  # in fragments, or large and without DF
    answered: int
    in_fragments: int  # of `sent`


@dataclass(frozen=True, slots=True)
class Path:
    """All that the capture tells about one direction between two addresses."""

    src: str
    dst: str
    at_least: int | None
    at_most: int | None
    exact: int | None
    verdict: str
    consistent_with: tuple[str, ...]
    streams: tuple[int, ...]
    probes: tuple[Probe, ...] = ()
    without_df: Unprobing | None = None
    legs: tuple[Leg, ...] = ()
    """Between the capture points that its flows passed, in their order; of one point none."""


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
