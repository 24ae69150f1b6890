"""The result of one run: the capture's facts and all that was found; the reports and DataFrames are made from it.

Times are int64 nanoseconds since the epoch, sizes bytes. Field names are those of the JSON where it has them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from analyzer.findings import CONFIDENCES, PROBLEMS, VERDICTS, Evidence, Flow, FrameRef, Path
from analyzer.flow_list import FlowList
from analyzer.settings import Settings

if TYPE_CHECKING:
    import os

    import pandas as pd
    from matplotlib.axes import Axes

    from analyzer.capture.sources import Rereadable
    from analyzer.comparison import Comparison
    from analyzer.redaction.addresses import Anonymizer

SCHEMA = "pmtu-analyze/1"


@dataclass(frozen=True, slots=True)
class CaptureFile:
    """One input file as it was read."""

    path: str
    format: str
    link_types: tuple[str, ...]
    bytes: int
    packets: int
    damaged_at: int | None
    problem: str
    filters: tuple[str, ...] = ()  # capture filters that the file names
    dropped: int = 0  # packets that the capturing host says it lost
    point: int = 0  # capture point: files of one point are one capture, those of several saw the same packets
    stamp: tuple[int, int] | None = None
    """Size in bytes and modification time in ns of a regular file once it was read: it can be read again
    as long as they are the same. None for pipes and open files."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Packet counts: `packets` = `tcp_packets` + `icmp_packets` + the sum of `undecoded`."""

    packets: int
    tcp_packets: int
    icmp_packets: int
    ptb_packets: int
    undecoded: dict[str, int]
    flows: int
    verdicts: dict[str, int]
    payload_bytes: int = 0
    """TCP payload of all packets in the capture, sent again or not."""
    unseen_bytes: int = 0
    """TCP payload that was acknowledged but is not in the capture: the capture lost packets, or started late."""


@dataclass(frozen=True, slots=True, repr=False)
class Analysis:
    """The result of one run. In a notebook it shows itself: the answer, the table, the paths."""

    files: tuple[CaptureFile, ...]  # as they were read
    first_time: int  # of the first packet, ns
    last_time: int
    totals: Totals  # packet counts of the whole capture
    all_flows: FlowList | tuple[Flow, ...]  # in order of their stream numbers
    all_paths: tuple[Path, ...]
    ptb_timeline: tuple[tuple[int, int, int, FrameRef], ...]  # (time, stream or -1, mtu, frame) of each PTB
    notes: tuple[str, ...]  # what a reader should know: damage, bounds reached, strange PTBs
    selection: str = ""
    """What was asked for, if `all_flows` is only part of the capture: "stream 3", "port 443"."""
    settings: Settings = field(default_factory=Settings)
    """The thresholds that were used."""
    sources: tuple[Rereadable | None, ...] = field(default=(), compare=False)
    """How to read each file again; None for one that can be read only once."""
    anonymizer: Anonymizer | None = field(default=None, compare=False)
    """What replaced the addresses, if all addresses here are replaced ones."""
    comparison: Comparison | None = field(default=None, compare=False)
    """What became of the paths in a later capture, where one was compared with this one."""

    def __post_init__(self) -> None:
        if isinstance(self.all_flows, FlowList):
            self.all_flows.belong_to(self)
            return
        for flow in self.all_flows:
            self.adopt(flow)

    def adopt(self, flow: Flow) -> None:
        """Make the flow part of this analysis, unless it is part of another; for those who make analyses."""
        if flow.analysis is None:
            # A flow is made before the analysis that it belongs to; nobody else has seen it yet.
            evidence = Evidence(flow.evidence)
            evidence.files = tuple(file.path for file in self.files) if len(self.files) > 1 else ()
            object.__setattr__(flow, "evidence", evidence)
            object.__setattr__(flow, "analysis", self)

    def __repr__(self) -> str:
        from analyzer.notebook.plain import analysis_text

        return analysis_text(self)

    def _repr_html_(self) -> str:
        from analyzer.notebook.display import analysis_html

        return analysis_html(self)

    def flow(self, stream: int) -> Flow:
        """The flow that Wireshark calls tcp.stream `stream`. Raises KeyError if there is none."""
        found = self.find(stream)
        if found is None:
            raise KeyError(f"no flow {stream} in this analysis")
        return found

    def find(self, stream: int) -> Flow | None:
        """As `flow`, but None if there is none."""
        if isinstance(self.all_flows, FlowList):
            return self.all_flows.find(stream)
        return next((flow for flow in self.all_flows if flow.stream == stream), None)

    @property
    def verdict_counts(self) -> Counter[str]:
        """How many of `all_flows` have each verdict; without the verdicts that none has."""
        if isinstance(self.all_flows, FlowList):
            return self.all_flows.counts()
        return Counter(flow.verdict for flow in self.all_flows)

    def flows_with(self, verdicts: Collection[str]) -> tuple[Flow, ...]:
        """The flows that have one of `verdicts`, in order of their stream numbers."""
        if isinstance(self.all_flows, FlowList):
            return tuple(self.all_flows.having(verdicts))
        return tuple(flow for flow in self.all_flows if flow.verdict in verdicts)

    @property
    def problem_flows(self) -> tuple[Flow, ...]:
        """Flows with a problem: the worst first, of equals the surest."""

        def rank(flow: Flow) -> tuple[int, int, int]:
            return VERDICTS.index(flow.verdict), CONFIDENCES.index(flow.confidence), flow.stream

        return tuple(sorted(self.flows_with(PROBLEMS), key=rank))

    @property
    def flows(self) -> pd.DataFrame:
        """One row a flow, columns named as in the JSON (nested ones joined by a dot)."""
        from analyzer.report.data import flow_table

        return flow_table(self)

    @property
    def paths(self) -> pd.DataFrame:
        """One row a path, columns named as in the JSON."""
        from analyzer.report.data import path_table

        return path_table(self)

    @property
    def ptbs(self) -> pd.DataFrame:
        """One row a PTB, in order of time."""
        from analyzer.report.recorded import ptb_table

        return ptb_table(self, self.all_flows)

    @property
    def events(self) -> pd.DataFrame:
        """One row a recorded packet: those around the trouble of flows that had some."""
        from analyzer.report.recorded import event_table

        return event_table(self, self.all_flows)

    def where(self, query: str) -> Analysis:
        """The same analysis with only the flows that match a pandas query over `flows`, and their paths.

        Args:
            query: as in "verdict == 'blackhole'" or "`server.port` == 443 and packets > 100".
        """
        from analyzer.report.selection import matching

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
        from analyzer.report import save

        save(self, path)
