"""`Analysis`, `Flow` and `Comparison` as they are handed out: the data of `model`, able to show and save itself.

A flow and its analysis know each other, which is why both are in one file. Neither changes afterwards: the flows of an
analysis are made, and bound to it, when somebody asks for them.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, cast

from analyzer.model import analysis as plain_analysis
from analyzer.model import flow as plain_flow
from analyzer.model.comparison import outcome_of
from analyzer.model.flow_list import FlowList
from analyzer.model.path import PathChange
from analyzer.model.statement import Statement

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from analyzer.notebook.repr_text import Explanation


class Evidence(tuple[Statement, ...]):
    """Statements about a flow, each with the frames that it rests on. Shows itself as a list."""

    _captured: Sequence[plain_analysis.CaptureFile] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the capture's files, where there are several."""
        return tuple(file.path for file in self._captured) if len(self._captured) > 1 else ()

    @classmethod
    def of(cls, statements: Iterable[Statement], files: Sequence[plain_analysis.CaptureFile]) -> Evidence:
        """The statements about a flow of a capture of these files."""
        made = cls(statements)
        made._captured = files  # of very many files their names are not listed anew for each flow
        return made

    def __repr__(self) -> str:
        from analyzer.notebook.repr_text import evidence_text

        return evidence_text(self, self.files)

    def _repr_html_(self) -> str:
        from analyzer.notebook.repr_html import evidence_html

        return evidence_html(self, self.files)


@dataclass(frozen=True, slots=True, repr=False)
class Flow(plain_flow.Flow):
    """One TCP connection and what became of it.

    In a notebook it shows itself: the verdict, the evidence and the timeline.
    """

    analysis: Analysis = field(kw_only=True, compare=False)
    """The analysis that found it, of the whole capture however narrowed since."""

    @classmethod
    def of(cls, flow: plain_flow.Flow, analysis: Analysis) -> Flow:
        """The flow as part of `analysis`."""
        values = {each.name: getattr(flow, each.name) for each in fields(plain_flow.Flow)}
        return cls(**values | {"evidence": Evidence.of(flow.evidence, analysis.files)}, analysis=analysis)

    @property
    def packets(self) -> pd.DataFrame:
        """Every TCP packet of the flow, with what became of it. Reads the capture again.

        Raises:
            UsageError: the capture cannot be read again (a pipe), or changed since it was analysed. The
                packets around the trouble are in `events`.
        """
        from analyzer.tables.packet_table import packets_of

        return packets_of(self.analysis, self)

    @property
    def events(self) -> pd.DataFrame:
        """The flow's recorded packets: those around its trouble, none of a healthy flow."""
        from analyzer.tables.event_table import event_table

        return event_table(self.analysis, [self])

    @property
    def episodes(self) -> pd.DataFrame:
        """The runs of retransmissions of the oldest unacknowledged byte among the recorded packets."""
        from analyzer.tables.event_table import episode_table

        return episode_table(self.analysis, self)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw time against sequence number, in the direction that the verdict is about.

        x is seconds from the flow's start. Where a packet stalled, the axis of time has parts (`docs/plots.md`), and
        its ticks count from that packet; `ax.set_xscale("linear")` gives even seconds.

        Args:
            ax: to draw into; by default those of a new pyplot figure.

        Raises:
            UsageError: no packets of this flow were recorded, and the capture cannot be read again.
        """
        from analyzer.notebook.plots import plot_flow

        return plot_flow(self.analysis, self, ax)

    def plot_sizes(self, ax: Axes | None = None) -> Axes:
        """Draw time against packet size: what was delivered, what was lost, and the bracket between them.

        Reads the capture again as `packets` does; where that is impossible, the recorded packets are drawn.

        Args:
            ax: to draw into; by default those of a new pyplot figure.
        """
        from analyzer.notebook.plots import plot_sizes

        return plot_sizes(self.analysis, self, ax)

    def explain(self) -> Explanation:
        """The diagnosis in words, as the command prints it: what, where, why, what was ruled out, the fix."""
        from analyzer.notebook.repr_text import explanation

        return explanation(self.analysis, self)

    def why_not(self, verdict: str) -> str | None:
        """What the flow lacks to have `verdict`, with the frames that show it; None if it has it.

        Raises:
            UsageError: there is no such verdict.
        """
        from analyzer.report.reasons import why_not

        return why_not(self.analysis, self, verdict)

    def __repr__(self) -> str:
        from analyzer.notebook.repr_text import flow_line

        return flow_line(self)

    def _repr_html_(self) -> str:
        from analyzer.notebook.repr_html import flow_html

        return flow_html(self.analysis, self)


@dataclass(frozen=True, slots=True, repr=False)
class Analysis(plain_analysis.Analysis):
    """The result of one run. In a notebook it shows itself: the answer, the table, the paths.

    `len(analysis)` is how many flows it has; to iterate over it is to iterate over them.
    """

    all_flows: FlowList[Flow] | tuple[Flow, ...]  # in order of their stream numbers

    @classmethod
    def of(cls, found: plain_analysis.Analysis) -> Analysis:
        """What was found, as it is handed out."""
        handed_out = _HandedOut()
        flows = found.all_flows if isinstance(found.all_flows, FlowList) else FlowList.of(found.all_flows)
        values = {each.name: getattr(found, each.name) for each in fields(plain_analysis.Analysis)}
        values["all_flows"] = flows.mapped(handed_out)
        values["later"] = cls.of(found.later) if found.later is not None else None
        handed_out.analysis = cls(**values)
        return handed_out.analysis

    def __len__(self) -> int:
        return len(self.all_flows)

    def __bool__(self) -> bool:
        return True  # one without flows is an analysis all the same: `analysis or other` is not about its length

    def __iter__(self) -> Iterator[Flow]:
        return iter(self.all_flows)

    def flow(self, stream: int) -> Flow:
        """The flow that Wireshark calls tcp.stream `stream`. Raises KeyError if there is none."""
        return cast(Flow, plain_analysis.Analysis.flow(self, stream))

    def find(self, stream: int) -> Flow | None:
        """As `flow`, but None if there is none."""
        return cast("Flow | None", plain_analysis.Analysis.find(self, stream))

    def flows_with(self, verdicts: Collection[str]) -> tuple[Flow, ...]:
        """The flows that have one of `verdicts`, in order of their stream numbers."""
        return cast("tuple[Flow, ...]", plain_analysis.Analysis.flows_with(self, verdicts))

    @property
    def problem_flows(self) -> tuple[Flow, ...]:
        """Flows with a problem: the worst first, of equals the surest."""
        return cast("tuple[Flow, ...]", plain_analysis.Analysis.problem_flows.__get__(self))

    @property
    def comparison(self) -> Comparison | None:
        """What became of the paths in a later capture, where one was compared with this one."""
        if self.later is None:
            return None
        return Comparison(replace(self, later=None, changes=()), cast(Analysis, self.later), self.changes)

    @property
    def flows(self) -> pd.DataFrame:
        """One row a flow, columns named as in the JSON (nested ones joined by a dot)."""
        from analyzer.tables.flow_table import flow_table

        return flow_table(self)

    @property
    def udp_flows(self) -> pd.DataFrame:
        """One row a UDP conversation, columns as those of `flows` where they have a meaning, and `protocol`."""
        from analyzer.tables.flow_table import udp_flow_table

        return udp_flow_table(self)

    @property
    def flows_flat(self) -> pd.DataFrame:
        """As `flows`, with names that are names in Python, too: `table.client_ip`, which completes as you type."""
        from analyzer.tables.flow_table import flat, flow_table

        return flat(flow_table(self))

    @property
    def findings(self) -> pd.DataFrame:
        """One row a finding: flows with the same trouble on the same way, the gravest first. Columns as in the JSON."""
        from analyzer.tables.flow_table import finding_table

        return finding_table(self)

    @property
    def paths(self) -> pd.DataFrame:
        """One row a path, columns named as in the JSON."""
        from analyzer.tables.flow_table import path_table

        return path_table(self)

    @property
    def points(self) -> pd.DataFrame:
        """One row a capture point: its files, and how its clock stands to that of the first."""
        from analyzer.tables.flow_table import point_table

        return point_table(self)

    @property
    def legs(self) -> pd.DataFrame:
        """One row a path and two neighbouring capture points: what crossed, what was lost. None of one point."""
        from analyzer.tables.flow_table import leg_table

        return leg_table(self)

    @property
    def ptbs(self) -> pd.DataFrame:
        """One row a PTB, in order of time, also those about packets of no TCP flow."""
        from analyzer.tables.event_table import ptb_table

        return ptb_table(self)

    @property
    def fragments(self) -> pd.DataFrame:
        """One row a sender, receiver and protocol of fragmented datagrams: how many are complete at this point."""
        from analyzer.tables.event_table import fragment_table

        return fragment_table(self)

    @property
    def events(self) -> pd.DataFrame:
        """One row a recorded packet: those around the trouble of flows that had some."""
        from analyzer.tables.event_table import event_table

        return event_table(self, self.all_flows)

    def where(self, query: str) -> Analysis:
        """The same analysis with only the flows that match a pandas query over `flows`, and their paths.

        Args:
            query: as in "verdict == 'blackhole'" or "server_port == 443 and packets > 100"; columns are those of
                `flows` (in backticks, because of their dots) and of `flows_flat`.
        """
        from analyzer.tables.selection import matching

        return matching(self, query)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the bracket of the path MTU of each path, the worst first.

        Args:
            ax: to draw into; by default those of a new pyplot figure.
        """
        from analyzer.notebook.plots import plot_paths

        return plot_paths(self, ax)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a report; the suffix picks the format. Raises UsageError for an unknown one."""
        from analyzer.report.save import save

        save(self, path)

    def __repr__(self) -> str:
        from analyzer.notebook.repr_text import analysis_text

        return analysis_text(self)

    def _repr_html_(self) -> str:
        from analyzer.notebook.repr_html import analysis_html

        return analysis_html(self)


class _HandedOut:
    """Makes each flow part of its analysis, which is there before anybody can ask for one."""

    analysis: Analysis

    def __call__(self, flow: plain_flow.Flow) -> Flow:
        return Flow.of(flow, self.analysis)


@dataclass(frozen=True, slots=True, repr=False)
class Comparison:
    """What became of each path from one capture to the next, the worst first."""

    before: Analysis
    after: Analysis
    changes: tuple[PathChange, ...]  # one a path that has something to tell

    @property
    def outcome(self) -> str:
        """The worst of the paths': not_fixed, new_problem, changed, cannot_tell, fixed or no_problem."""
        return outcome_of(self.changes)

    @property
    def headline(self) -> str:
        """The answer in a sentence: "Fixed: ...", "Not fixed: ...", "Cannot tell: ..."."""
        from analyzer.report.changes import answer

        return answer(self.changes)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a report of the first capture that starts with the comparison. As `Analysis.save`."""
        replace(self.before, later=self.after, changes=self.changes).save(path)

    def __repr__(self) -> str:
        return self.headline
