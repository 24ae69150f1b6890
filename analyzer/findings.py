"""What was found about flows and paths: immutable, plain Python; an `Analysis` holds it all.

Sizes are IP total lengths in bytes as on the wire, times int64 nanoseconds since the epoch, frame
numbers Wireshark's (from 1 within their file). Field names are those of the JSON where it has them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from analyzer.errors import UsageError
from analyzer.evidence.segments import FrameRef as FrameRef  # noqa: PLC0414 - this module's vocabulary too
from analyzer.evidence.vantage import Vantage as Vantage  # noqa: PLC0414 - as above
from analyzer.knowledge.fixes import Fix as Fix  # noqa: PLC0414 - part of this module's own vocabulary

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes

    from analyzer.notebook.plain import Explanation
    from analyzer.results import Analysis

VERDICTS = (
    "blackhole",
    "ptb_ignored",
    "blackhole_probable",
    "blackhole_suspected",
    "blackhole_recovered",
    "fragment_loss",
    "content_drop",
    "dead_path",
    "zero_window",
    "stall",
    "inconclusive",
    "loss",
    "pmtud_ok",
    "no_df",
    "ok",
    "not_exercised",
)
"""All verdicts, the worst first. A flow gets the worse of its two directions'."""

CONFIDENCES = ("high", "medium", "low")
"""How sure a verdict is, the surest first."""

PROBLEMS = frozenset(VERDICTS[: VERDICTS.index("inconclusive") + 1])
"""Verdicts that are shown with a diagnosis. The others are healthy, and listed with `--all`."""

SIZE_PROBLEMS = frozenset(
    {
        "blackhole",
        "blackhole_probable",
        "blackhole_suspected",
        "blackhole_recovered",
        "ptb_ignored",
        "fragment_loss",
    }
)
"""Verdicts that say packets above some size do not arrive."""


class Endpoint(NamedTuple):
    """One end of a TCP connection; `ip` in the usual text form."""

    ip: str
    port: int


class PathMtu(NamedTuple):
    """The path MTU lies in [at_least, at_most]; None: nothing known. `exact` from a valid PTB only."""

    at_least: int | None = None
    at_most: int | None = None
    exact: int | None = None


class Stalled(NamedTuple):
    """The segment that did not get through: its transmissions (the first is the original, where captured)."""

    frames: tuple[FrameRef, ...]
    first_frame: FrameRef
    ip_len: int
    payload_len: int
    seq: int  # as on the wire
    df: bool
    retransmissions: int
    seconds: float  # from its first transmission until it was ACKed, or until the capture's last packet of it


class Ptb(NamedTuple):
    """An ICMP frag-needed or ICMPv6 packet-too-big about this flow."""

    frame: FrameRef
    router: str
    mtu: int
    effect: str  # "accepted" or "ignored"
    reason: str | None  # why ignored: checksum, tuple, sequence, mtu_zero, mtu_not_smaller, below_1280, host


class Encapsulation(NamedTuple):
    """What carries the flow's packets where they were captured; sizes of the flow are those inside."""

    layers: tuple[str, ...]  # outermost first
    overhead: int  # bytes from the start of the outermost header to the IP header inside
    also_bare: bool  # packets were captured outside of it, too


class RuledOut(NamedTuple):
    """Another cause that the capture speaks against."""

    cause: str
    because: str
    frames: tuple[FrameRef, ...]


class Evidence(tuple[tuple[str, tuple[FrameRef, ...]], ...]):
    """Statements about a flow, each with the frames that it rests on. Shows itself as a list."""

    files: tuple[str, ...] = ()
    """Names of the capture's files, where there are several."""

    def __repr__(self) -> str:
        from analyzer.notebook.plain import evidence_text

        return evidence_text(self)

    def _repr_html_(self) -> str:
        from analyzer.notebook.display import evidence_html

        return evidence_html(self)


@dataclass(frozen=True, slots=True, repr=False)
class Flow:
    """One TCP connection and what became of it.

    In a notebook it shows itself: the verdict, the evidence and the timeline.
    """

    stream: int  # as Wireshark numbers tcp.stream
    client: Endpoint  # who opened the connection, or sent the first packet seen
    server: Endpoint
    verdict: str  # one of VERDICTS
    confidence: str  # high, medium, low
    direction: str | None  # client_to_server, server_to_client: the direction that the verdict is about
    path_mtu: PathMtu  # in that direction
    stalled: Stalled | None  # the segment that did not get through
    ptb: tuple[Ptb, ...]  # PTBs about this flow
    ruled_out: tuple[RuledOut, ...]  # other causes, and what speaks against them
    explanation: str  # the verdict in words
    evidence: tuple[tuple[str, tuple[FrameRef, ...]], ...]
    """Statements, each with the frames it rests on; an `Evidence` once the flow is part of an analysis."""
    packet_count: int  # TCP packets in the capture
    bytes: int  # sum of their IP total lengths
    first_time: int  # ns
    last_time: int
    file: int = 0  # index in `Analysis.files`, where it starts
    first_frame: int = 0
    """Frame number of the first packet, in `file`."""
    fixes: tuple[Fix, ...] = ()  # commands: first those that prove the fault, then the cures
    encapsulation: Encapsulation | None = None
    vantage: Vantage = Vantage("unknown", "")  # noqa: RUF009 - an immutable tuple
    timeline: np.ndarray[Any, Any] | None = field(default=None, repr=False, compare=False)
    """Recorded packets, dtype `flows.flow_tables.PACKET`, in capture order; None where none were recorded."""
    heads: np.ndarray[Any, Any] | None = field(default=None, repr=False, compare=False)
    """First bytes of the packets in `timeline`, from the IP header on, as in `flows.flow_tables.State.event_heads`."""
    arrived: bool = False
    """What hangs is seen to have arrived at its receiver, so that the path carries it."""
    client_side: int = 0
    """`side` value of the client's packets in `timeline`."""
    window_scales: tuple[int, int] = (0, 0)
    """Window scale shifts of the packets of side 0 and 1 in `timeline`."""
    analysis: Analysis | None = field(default=None, compare=False)
    """The analysis that found it, of the whole capture however narrowed since."""

    @property
    def sender(self) -> Endpoint:
        """The end whose large packets the verdict is about (the server where no direction is named)."""
        return self.client if self.direction == "client_to_server" else self.server

    @property
    def receiver(self) -> Endpoint:
        """The other end."""
        return self.server if self.direction == "client_to_server" else self.client

    @property
    def version(self) -> int:
        """4 or 6."""
        return 6 if ":" in self.client.ip else 4

    @property
    def display_filter(self) -> str:
        """Wireshark display filter for the flow."""
        return f"tcp.stream eq {self.stream}"

    @property
    def packets(self) -> pd.DataFrame:
        """Every TCP packet of the flow, with what became of it. Reads the capture again.

        Raises:
            UsageError: the capture cannot be read again (a pipe), or changed since it was analysed. The
                packets around the trouble are in `events`.
        """
        from analyzer.packets import packets_of

        return packets_of(self)

    @property
    def events(self) -> pd.DataFrame:
        """The flow's recorded packets: those around its trouble, none of a healthy flow."""
        from analyzer.report.recorded import event_table

        return event_table(self._whole, [self])

    @property
    def episodes(self) -> pd.DataFrame:
        """The runs of retransmissions of the oldest unacknowledged byte among the recorded packets."""
        from analyzer.report.recorded import episode_table

        return episode_table(self._whole, self)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw time against sequence number, in the direction that the verdict is about.

        Args:
            ax: to draw into; by default those of a new pyplot figure.

        Raises:
            UsageError: no packets of this flow were recorded, and the capture cannot be read again.
        """
        from analyzer.notebook.plots import plot_flow

        return plot_flow(self, ax)

    def plot_sizes(self, ax: Axes | None = None) -> Axes:
        """Draw time against packet size: what was delivered, what was lost, and the bracket between them.

        Reads the capture again as `packets` does; where that is impossible, the recorded packets are drawn.

        Args:
            ax: to draw into; by default those of a new pyplot figure.
        """
        from analyzer.notebook.plots import plot_sizes

        return plot_sizes(self, ax)

    def explain(self) -> Explanation:
        """The diagnosis in words, as the command prints it: what, where, why, what was ruled out, the fix."""
        from analyzer.notebook.plain import explanation

        return explanation(self)

    @property
    def _whole(self) -> Analysis:
        if self.analysis is None:
            raise UsageError("this flow belongs to no analysis")
        return self.analysis

    def __repr__(self) -> str:
        from analyzer.notebook.plain import flow_line

        return flow_line(self)

    def _repr_html_(self) -> str:
        from analyzer.notebook.display import flow_html

        return flow_html(self)


@dataclass(frozen=True, slots=True)
class Probe:
    """A ping with DF, and whether it was answered."""

    frame: FrameRef
    ip_len: int
    reply: FrameRef | None
    ptb_mtu: int | None


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


def worst(verdicts: Iterable[str]) -> str:
    """The worst of some verdicts."""
    return min(verdicts, key=VERDICTS.index)
