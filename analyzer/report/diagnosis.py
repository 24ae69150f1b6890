"""What a report says of one finding, whatever shows it. Emits `Diagnosis`, `Remark`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from analyzer.model.display_filter import FrameFilter
from analyzer.model.flow import Flow
from analyzer.model.points import Located
from analyzer.model.statement import Fix, FixKind
from analyzer.model.text import printable
from analyzer.model.trouble import Trouble
from analyzer.report.verdict_text import WORDS

if TYPE_CHECKING:
    from analyzer.report.strip import Strip


class Remark(NamedTuple):
    """Something the capture shows, and the frames that show it (empty where none can)."""

    text: str
    frames: str


class Diagnosis(NamedTuple):
    """A flow with a problem, standing for all of its finding, or what pings, PTBs or fragments show without one."""

    flow: Flow | None
    shown_by: str  # "stream 3", "pings"
    verdict: str
    finding: str  # the finding's letters, empty where it is about one flow
    title: str
    tone: str
    endpoints: str
    confidence: str
    rule: str  # id of the rule that decided, or empty
    what: Remark
    where: tuple[str, ...]
    strip: Strip | None  # the capture points that it passed, where they are several
    why: tuple[Remark, ...]
    ruled_out: tuple[Remark, ...]
    fixes: tuple[Fix, ...]
    same: str  # the other streams it stands for, or empty
    members: tuple[int, ...]  # streams of its finding, those that are listed, in order
    more: int  # flows of its finding that are not among `members`
    display_filter: str  # Wireshark's, for the flow or the packets
    frame_filters: tuple[FrameFilter, ...]  # and for the frames of this finding
    trouble: Trouble | None = None  # what shows it where no flow does

    @property
    def name(self) -> str:
        """What heads it: the finding, or the flow."""
        return f"Finding {self.finding}" if self.finding else f"{self.shown_by[:1].upper()}{self.shown_by[1:]}"

    @property
    def stream(self) -> int | None:
        """The number of its flow."""
        return self.flow.stream if self.flow is not None else None

    @property
    def located(self) -> Located | None:
        """Where its large packets get lost, as several capture points prove."""
        told = self.flow if self.flow is not None else self.trouble
        return told.located if told is not None else None

    @property
    def drawn_as(self) -> int | str:
        """Tells its figure from others: the number of its flow, or the letters of its finding."""
        return self.flow.stream if self.flow is not None else self.finding

    @property
    def anchor(self) -> str:
        """Its place in a page: "finding-A", "stream-3"."""
        return self.name.replace(" ", "-").lower() if not self.finding else f"finding-{self.finding}"

    @property
    def steps(self) -> tuple[tuple[FixKind, tuple[Fix, ...]], ...]:
        """What to do, by what it is for, in the order in which it is done."""
        kinds = dict.fromkeys(fix.kind for fix in self.fixes)
        return tuple((kind, tuple(fix for fix in self.fixes if fix.kind == kind)) for kind in kinds)


CAUSES = {"pmtud_ok": "working PMTUD"}
"""Of those that are ruled out, what a verdict's own short words would not say."""


def cause_words(name: str) -> str:
    """Another cause, in a few words."""
    return CAUSES.get(name) or (WORDS[name].short if name in WORDS else printable(name))
