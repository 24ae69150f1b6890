"""What an analysis found: immutable, plain Python; the reports and DataFrames are made from it.

Sizes are IP total lengths in bytes as on the wire, times int64 nanoseconds since the epoch, frame
numbers Wireshark's (from 1 within their file). Field names are those of the JSON where it has them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from analyzer.evidence.segments import FrameRef as FrameRef  # noqa: PLC0414 - this module's vocabulary too
from analyzer.evidence.vantage import Vantage as Vantage  # noqa: PLC0414 - as above
from analyzer.knowledge.fixes import Fix as Fix  # noqa: PLC0414 - part of this module's own vocabulary
from analyzer.settings import Settings

if TYPE_CHECKING:
    import os

    import numpy as np
    import pandas as pd

SCHEMA = "pmtu-analyze/1"

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


@dataclass(frozen=True, slots=True)
class Flow:
    """One TCP connection and what became of it."""

    stream: int
    client: Endpoint
    server: Endpoint
    verdict: str
    confidence: str  # high, medium, low
    direction: str | None  # client_to_server, server_to_client: the direction that the verdict is about
    path_mtu: PathMtu
    stalled: Stalled | None
    ptb: tuple[Ptb, ...]
    ruled_out: tuple[RuledOut, ...]
    explanation: str
    evidence: tuple[tuple[str, tuple[FrameRef, ...]], ...]  # statements, each with the frames it rests on
    packets: int
    bytes: int
    first_time: int
    last_time: int
    file: int = 0
    fixes: tuple[Fix, ...] = ()
    encapsulation: Encapsulation | None = None
    vantage: Vantage = Vantage("unknown", "")  # noqa: RUF009 - an immutable tuple
    timeline: np.ndarray[Any, Any] | None = field(default=None, repr=False, compare=False)
    """Recorded packets, dtype `flows.tables.PACKET`, in capture order; None where none were recorded."""
    heads: np.ndarray[Any, Any] | None = field(default=None, repr=False, compare=False)
    """First bytes of the packets in `timeline`, from the IP header on, as in `flows.tables.State.event_heads`."""
    client_side: int = 0
    """`side` value of the client's packets in `timeline`."""
    window_scales: tuple[int, int] = (0, 0)
    """Window scale shifts of the packets of side 0 and 1 in `timeline`."""

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


@dataclass(frozen=True, slots=True)
class Analysis:
    """The result of one run."""

    files: tuple[CaptureFile, ...]
    first_time: int
    last_time: int
    totals: Totals
    all_flows: tuple[Flow, ...]
    all_paths: tuple[Path, ...]
    ptb_timeline: tuple[tuple[int, int, int, FrameRef], ...]  # (time, stream or -1, mtu, frame) of each PTB
    notes: tuple[str, ...]
    selection: str = ""
    """What was asked for, if `all_flows` is only part of the capture: "stream 3", "port 443"."""
    settings: Settings = field(default_factory=Settings)
    """The thresholds that were used."""

    def flow(self, stream: int) -> Flow:
        """The flow that Wireshark calls tcp.stream `stream`. Raises KeyError if there is none."""
        for candidate in self.all_flows:
            if candidate.stream == stream:
                return candidate
        raise KeyError(f"no flow {stream} in this analysis")

    @property
    def problem_flows(self) -> tuple[Flow, ...]:
        """Flows with a problem, the worst first."""
        flows = (flow for flow in self.all_flows if flow.verdict in PROBLEMS)
        return tuple(sorted(flows, key=lambda flow: (VERDICTS.index(flow.verdict), flow.stream)))

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

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a report; the suffix picks the format. Raises UsageError for an unknown one."""
        from analyzer.report import save

        save(self, path)


def worst(verdicts: Iterable[str]) -> str:
    """The worst of some verdicts."""
    return min(verdicts, key=VERDICTS.index)
