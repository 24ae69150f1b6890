"""The result of one run: the capture's facts and all that was found; the reports and DataFrames are made from it.

Times are int64 nanoseconds since the epoch, sizes bytes. Field names are those of the JSON where it has them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

import numpy as np

from analyzer.model.brief import Brief, brief_of
from analyzer.model.finding import Finding, findings_of
from analyzer.model.flow import Flow
from analyzer.model.flow_list import FlowList
from analyzer.model.path import Path, PathChange
from analyzer.model.seen import Seen, seen_in
from analyzer.model.statement import FrameRef
from analyzer.model.verdicts import CONFIDENCES, PROBLEMS, SURE_PROBLEMS, VERDICTS, rank
from analyzer.settings import Settings

if TYPE_CHECKING:
    from analyzer.model.fragment_count import FragmentCount
    from analyzer.model.host_name import Names
    from analyzer.model.points import CapturePoint
    from analyzer.model.seen_ptb import SeenPtb, ToldPtb
    from analyzer.model.trouble import Trouble


class Rereadable(NamedTuple):
    """A source that can be read once more: a regular file, or an open file that can go back."""

    source: FilePath | BinaryIO
    start: int  # where the capture starts in an open file


class AddressMap(Protocol):
    """What replaced the addresses of a capture (`redaction.addresses.Anonymizer`)."""

    def packed(self, address: bytes) -> bytes:
        """The address that stands for `address`."""

    def text(self, address: str) -> str:
        """As `packed`, for the usual text form."""

    def original(self, address: bytes) -> bytes:
        """The address that was mapped to `address`."""


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
    stored: int = 0  # bytes that were read of it as it is stored; `bytes` are what these decompress to
    is_cut: bool = False  # it is sound as far as it goes, but ends within a record
    filters: tuple[str, ...] = ()  # capture filters that the file names
    dropped: int = 0  # packets that the capturing host says it lost
    point: int = 0  # capture point: files of one point are one capture, those of several saw the same packets
    interfaces: int = 1  # that a pcapng file describes; of Linux's "any" device nobody knows
    stamp: tuple[int, int] | None = None
    """Size in bytes and modification time in ns of a regular file once it was read: it can be read again
    as long as they are the same. None for pipes and open files."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Packet counts: `packets` = `tcp_packets` + `icmp_packets` + `udp_packets` + the sum of `undecoded`."""

    packets: int
    tcp_packets: int
    icmp_packets: int
    ptb_packets: int
    undecoded: dict[str, int]
    flows: int
    verdicts: dict[str, int]
    udp_packets: int = 0
    """In which UDP is the innermost that is known. What carries TCP or ICMP is counted as that."""
    udp_flows: int = 0
    udp_verdicts: dict[str, int] = field(default_factory=dict)
    payload_bytes: int = 0
    """TCP payload of all packets in the capture, sent again or not."""
    unseen_bytes: int = 0
    """TCP payload that was acknowledged but is not in the capture: the capture lost packets, or started late."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """The result of one run."""

    files: tuple[CaptureFile, ...]  # as they were read
    first_time: int  # of the first packet, ns
    last_time: int
    totals: Totals  # packet counts of the whole capture
    all_flows: FlowList[Flow] | tuple[Flow, ...]  # in order of their stream numbers
    all_paths: tuple[Path, ...]
    ptb_timeline: tuple[tuple[int, int, int, FrameRef], ...]  # (time, stream or -1, mtu, frame) of each PTB
    notes: tuple[str, ...]  # what a reader should know: damage, bounds reached, strange PTBs
    selection: str = ""
    """What was asked for, if `all_flows` is only part of the capture: "stream 3", "port 443"."""
    all_ptbs: tuple[SeenPtb, ...] = ()
    """Every PTB, also of no flow."""
    all_fragments: tuple[FragmentCount, ...] = ()
    """Fragmented datagrams by hosts and protocol."""
    all_troubles: tuple[Trouble, ...] = ()
    """What packets of no TCP flow show: pings, PTBs, fragments, UDP conversations, encrypted tunnels."""
    all_udp_flows: FlowList[Flow] | tuple[Flow, ...] = ()
    """UDP conversations, in order of their stream numbers."""
    whole: Analysis | None = field(default=None, compare=False, repr=False)
    """That of the whole capture, if this is only part of it."""
    settings: Settings = field(default_factory=Settings)
    """The thresholds that were used."""
    sources: tuple[Rereadable | None, ...] = field(default=(), compare=False)
    """How to read each file again; None for one that can be read only once."""
    inputs: tuple[FilePath | BinaryIO, ...] = field(default=(), compare=False, repr=False)
    """The regular files that were read: by their paths, and those that were given open also as they are. No report
    is written over one."""
    anonymizer: AddressMap | None = field(default=None, compare=False)
    """What replaced the addresses, if all addresses here are replaced ones."""
    joined_points: tuple[CapturePoint, ...] = field(default=(), repr=False)
    """The capture points where there are several, and they were joined."""
    later: Analysis | None = field(default=None, compare=False)
    """A later capture of the same hosts, where one was compared with this one."""
    changes: tuple[PathChange, ...] = field(default=(), compare=False)
    """What became of the paths in `later`, the worst first."""
    names: Names | None = field(default=None, compare=False)
    """Names of hosts that the capture tells, by their addresses; None where nobody asked for them."""

    def name_of(self, address: str) -> str:
        """What the capture calls an address, in short; empty where that is not known, or not asked for (`names`)."""
        found = self.names.get(address) if self.names else None
        if not found:
            return ""
        from analyzer.model.host_name import names_text  # few ask for names

        return names_text(found)

    def named(self, address: str) -> str:
        """An address with the names that the capture tells: "198.51.100.20 (www.example.com)"."""
        name = self.name_of(address)
        return f"{address} ({name})" if name else address

    @property
    def all_points(self) -> tuple[CapturePoint, ...]:
        """The capture points, in the order of the files. The clock of the first is the one that counts."""
        if self.joined_points:
            return self.joined_points
        from analyzer.model.points import CapturePoint, Clock  # only for reports

        numbers = sorted({file.point for file in self.files}) or [0]
        return tuple(
            CapturePoint(
                number,
                tuple(i for i, file in enumerate(self.files) if file.point == number),
                None,
                Clock(None, None) if number else Clock(0.0, 0.0),
            )
            for number in numbers
        )

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

    def udp_flow(self, stream: int) -> Flow:
        """The UDP conversation that Wireshark calls udp.stream `stream`. Raises KeyError if there is none."""
        flows = self.all_udp_flows
        found = (
            flows.find(stream) if isinstance(flows, FlowList) else next((f for f in flows if f.stream == stream), None)
        )
        if found is None:
            raise KeyError(f"no UDP conversation {stream} in this analysis")
        return found

    def udp_streams_with(self, verdicts: Collection[str]) -> list[int]:
        """Stream numbers of the UDP conversations that have one of `verdicts`."""
        if isinstance(self.all_udp_flows, FlowList):
            return self.all_udp_flows.streams_with(verdicts)
        return [flow.stream for flow in self.all_udp_flows if flow.verdict in verdicts]

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

    def briefs_with(self, verdicts: Collection[str]) -> list[tuple[int, Brief]]:
        """Stream numbers of the flows that have one of `verdicts`, in their order, and what tells which to show."""
        if isinstance(self.all_flows, FlowList):
            return self.all_flows.briefs_with(verdicts)
        return [(flow.stream, brief_of(flow)) for flow in self.all_flows if flow.verdict in verdicts]

    @property
    def problems(self) -> list[tuple[int, Brief]]:
        """As `briefs_with`, of the flows with a problem: the worst first, of equals the surest."""

        def gravity(found: tuple[int, Brief]) -> tuple[int, int, int]:
            stream, brief = found
            return rank(brief.verdict), CONFIDENCES.index(brief.confidence), stream

        return sorted(self.briefs_with(PROBLEMS), key=gravity)

    @property
    def problem_flows(self) -> tuple[Flow, ...]:
        """Flows with a problem: the worst first, of equals the surest."""
        return tuple(self.flow(stream) for stream, _ in self.problems)

    def seen(self, *, healthy: bool = False) -> Seen | None:
        """What `all_flows` show beside their verdicts; `healthy`: those without a sure problem only. None: unknown."""
        whole = (self.whole or self).all_flows
        if not isinstance(whole, FlowList) or whole.traits is None:
            return None
        streams = np.array([flow.stream for flow in self.all_flows], np.int64) if self.whole else whole.streams
        if healthy and SURE_PROBLEMS & self.verdict_counts.keys():
            left = whole.streams_with(set(VERDICTS) - SURE_PROBLEMS)
            streams = streams[np.isin(streams, left)]
        return seen_in(whole.traits[np.searchsorted(whole.streams, streams)], streams)

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """The flows with a problem, told as findings, the gravest first."""
        return findings_of(self.problems, self.all_troubles)

    def told_ptbs(self) -> Iterator[tuple[SeenPtb, ToldPtb]]:
        """Each PTB, and what is said of it: by the flow that it quotes, or that may be meant, or by PTBs alone."""
        from analyzer.model.seen_ptb import ToldPtb  # most captures have none

        streams = {ptb.stream for ptb in self.all_ptbs if ptb.stream is not None}
        if len(streams) < len(self.all_ptbs):  # others may be about flows that they do not quote right
            streams |= {stream for stream, _ in self.briefs_with({"ptb_ignored"})}
        flows = [flow for stream in sorted(streams) if (flow := self.find(stream)) is not None]
        said = {
            ptb.frame: ToldPtb(flow.stream, ptb.effect, ptb.reason, flow.verdict) for flow in flows for ptb in flow.ptb
        }
        for ptb in self.all_ptbs:
            yield ptb, said.get(ptb.frame, ToldPtb(ptb.stream, ptb.effect, ptb.reason, ptb.verdict))
