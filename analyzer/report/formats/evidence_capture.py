"""The packets that the verdicts rest on, as a pcapng of their own, to be sent to somebody who may not see the rest.

All packets of the flows with a problem, the other flows between the same hosts as far as they can be a
control, PTBs and pings about these hosts; each with its time, and with its frame number as its packet id, which
Wireshark calls `frame.packet_id`. Frames that prove something have comments. Two more passes over the capture: one
lists the packets of these flows, one copies them.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from ipaddress import ip_address
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from analyzer.capture.writer import CaptureWriter
from analyzer.decode.link import SLL2
from analyzer.decode.packet_fields import (
    END,
    LINK,
    PACKET_DIRECTION,
    REASON_NOT_IP,
    START,
    TS,
    UNDECODED_REASONS,
    WIRE_LEN,
)
from analyzer.model import tool
from analyzer.model.analysis import Analysis
from analyzer.model.display_filter import frames_of
from analyzer.model.flow import Flow
from analyzer.model.statement import FrameRef
from analyzer.model.text import file_labels, joined_labels, plural
from analyzer.model.trouble import Trouble
from analyzer.passes.one_packet import decode_packet
from analyzer.passes.reread import every, listed, pick, reader_of
from analyzer.passes.walk import Notify
from analyzer.redaction.datagram_payload import StandIns
from analyzer.redaction.filter_text import anonymous_filter
from analyzer.redaction.packet_rewrite import link_header, redacted
from analyzer.report.frame_comments import Comments, frame_comments, left_without, section_comments
from analyzer.report.wishes import Wishes

FLOW_PACKETS = 50_000
"""Packets of one flow with a problem. Of a longer one, its first and those around the stall: 6 MB of headers."""

OPENING_PACKETS = 20
"""Packets at the start of a flow that are always taken: the handshake, the first request and its answer."""

SIBLING_PACKETS = 2_000
"""Packets of another flow between the same hosts. It only serves as a control."""

TOTAL_PACKETS = 500_000
"""Packets in all; the gravest flows come first."""

DATAGRAM_PACKETS = 200_000
"""Packets between hosts of which datagrams show trouble."""

SHOWN_BY_DATAGRAMS = ("udp", "probes", "fragments", "tunnels")
"""Kinds of trouble for which all packets of their hosts matter."""

LISTED_AT_ONCE = 100_000

Array = np.ndarray[Any, Any]

Place = tuple[int, int]
"""File and frame number."""

FILE_STEP = 10_000_000_000
"""Of several files, the packet id is the frame number and so much for each file before its own."""

NO_PLACES = np.zeros((0, 2), np.int64)


class Excerpt(NamedTuple):
    """An evidence capture: the pcapng, and what a reader should know about it (empty if it is complete)."""

    content: bytes
    packets: int
    left_out: str


@dataclass
class _Wanted:
    """What to copy."""

    surely: set[Place] = field(default_factory=set)
    if_about_hosts: set[Place] = field(default_factory=set)  # PTBs that quote no flow of the capture
    hosts: frozenset[bytes] = frozenset()
    not_ip: Place | None = None  # a frame that is no IP: a filter for ports would have left it out
    left_out: list[str] = field(default_factory=list)

    def frames(self) -> dict[int, set[int]]:
        """The frame numbers in each file."""
        found: dict[int, set[int]] = {}
        for file, frame in chain(self.surely, self.if_about_hosts, () if self.not_ip is None else (self.not_ip,)):
            found.setdefault(file, set()).add(frame)
        return found


class EvidenceCapture:
    """The packets that the verdicts rest on."""

    def files(self, analysis: Analysis, target: Path, wishes: Wishes) -> dict[Path, Iterable[bytes]]:
        """The one file."""
        return {target: [excerpt_of(analysis, keep_payload=wishes.keep_payload, notify=wishes.notify).content]}


def excerpt_of(analysis: Analysis, *, keep_payload: bool = False, notify: Notify | None = None) -> Excerpt:
    """The evidence capture for the flows with a problem, or where there are none, for all flows of the analysis.

    Args:
        analysis: possibly narrowed; its capture is read again.
        notify: called with a line for the user before something that takes long.
        keep_payload: copy packets as they were captured. Else only headers are, with the original length,
            and what ICMP errors quote behind the headers becomes zeros.

    Raises:
        UsageError: the capture cannot be read again, or changed since it was analysed.
    """
    wanted = _wanted(analysis, notify)
    out = io.BytesIO()
    left_out = "; ".join(wanted.left_out)
    commented = frame_comments(analysis)
    about = _about(analysis, left_out, keep_payload=keep_payload)
    writer = CaptureWriter(
        out, f"{tool.NAME} {tool.__version__}", section_comments(analysis, *about, left_without(commented))
    )
    copier = _Copier(analysis, wanted, writer, commented.comments, keep_payload=keep_payload)
    with ExitStack() as stack:
        readers = [stack.enter_context(reader_of(analysis, number)) for number in range(len(analysis.files))]
        pick(readers, wanted.frames(), analysis.last_time, copier.take, notify)
    copier.note_drops()
    return Excerpt(out.getvalue(), copier.packets, left_out)


def _about(analysis: Analysis, left_out: str, *, keep_payload: bool) -> tuple[str, str]:
    what = "" if keep_payload else ", headers only"
    content = f"Packets that the verdicts rest on{what}{f'; left out: {left_out}' if left_out else ''}."
    places = f"frame.packet_id is the frame number in {joined_labels(analysis.files)}"
    if len(analysis.files) > 1:
        places += f", and {FILE_STEP} more for each file before the packet's own"
    return content, f"{places}; comments (filter: frame.comment) name frames and streams by their numbers there."


# Which packets.


def _wanted(analysis: Analysis, notify: Notify | None) -> _Wanted:
    troubles = analysis.all_troubles
    chosen = analysis.problem_flows or (() if troubles else analysis.all_flows)
    whole = analysis.whole or analysis
    pairs = {frozenset((flow.client.ip, flow.server.ip)) for flow in chosen}
    pairs |= {frozenset((trouble.sender, trouble.receiver)) for trouble in troubles}
    own = {flow.stream for flow in chosen}
    siblings = [
        flow
        for flow in whole.all_flows
        if flow.stream not in own and frozenset((flow.client.ip, flow.server.ip)) in pairs
    ]
    wanted = _Wanted(hosts=frozenset(ip_address(ip).packed for pair in pairs for ip in pair))
    for flow in chosen:
        wanted.surely.update(frames_of(flow))
    for trouble in troubles:
        wanted.surely.update(trouble.frames)
    for path in whole.all_paths:
        if frozenset((path.src, path.dst)) in pairs:
            wanted.surely.update(probe.frame for probe in path.probes)
            wanted.surely.update(probe.reply for probe in path.probes if probe.reply is not None)
    streams = {flow.stream for flow in (*chosen, *siblings)}
    for _, stream, _, ref in whole.ptb_timeline:
        if stream in streams:
            wanted.surely.add(ref)
        elif stream < 0:
            wanted.if_about_hosts.add(ref)
    _add_troubles(whole, troubles, wanted)
    _add_flows(_places(whole, {flow.stream for flow in (*chosen, *siblings)}, notify), chosen, siblings, wanted)
    return wanted


def _add_troubles(whole: Analysis, troubles: Sequence[Trouble], wanted: _Wanted) -> None:
    """All packets between the hosts of what datagrams show: whatever goes the same way is a control."""
    pairs = {frozenset((each.sender, each.receiver)) for each in troubles if each.kind in SHOWN_BY_DATAGRAMS}
    if not pairs:
        return
    original = whole.anonymizer.original if whole.anonymizer is not None else bytes
    packed = [tuple(original(ip_address(ip).packed) for ip in pair) for pair in pairs]
    ways = [b"".join(ends) for pair in packed for ends in (pair, pair[::-1])]
    budget = [DATAGRAM_PACKETS]
    sought = UNDECODED_REASONS[REASON_NOT_IP] in whole.totals.undecoded
    for number in range(len(whole.files)):

        def take(view: Any, h: list[int], frame: int, file: int = number) -> None:
            data = bytes(view[h[START] : h[END]])
            if any(way in data for way in ways):
                budget[0] -= 1
                if budget[0] >= 0:
                    wanted.surely.add((file, frame))
            elif sought and wanted.not_ip is None and decode_packet(view, list(h)) == REASON_NOT_IP:
                wanted.not_ip = (file, frame)

        with reader_of(whole, number) as reader:
            for _ in every(reader, take):
                pass
    if budget[0] < 0:
        wanted.left_out.append(f"{-budget[0]:,} packets beyond the first {DATAGRAM_PACKETS:,} between hosts in trouble")


def _add_flows(places: dict[int, Array], chosen: Iterable[Flow], siblings: Iterable[Flow], wanted: _Wanted) -> None:
    budget = TOTAL_PACKETS
    flows = [(flow, FLOW_PACKETS) for flow in chosen] + [(flow, SIBLING_PACKETS) for flow in siblings]
    for number, (flow, limit) in enumerate(flows):
        own = places.get(flow.stream, NO_PLACES)
        if budget <= 0:
            wanted.left_out.append(plural(len(flows) - number, "flow"))
            return
        taken = _around(own, flow, min(limit, budget))
        if len(taken) < len(own) and limit == FLOW_PACKETS:
            wanted.left_out.append(f"{len(own) - len(taken):,} of {len(own):,} packets of stream {flow.stream}")
        wanted.surely.update(zip(*taken.T.tolist(), strict=True))
        budget -= len(taken)


def _around(own: Array, flow: Flow, limit: int) -> Array:
    """At most `limit` packets of a flow: its first, and those around the stall (without one, at its start)."""
    if len(own) <= limit:
        return own
    file, frame = flow.stalled.first_frame if flow.stalled is not None else own[0]
    later = np.flatnonzero((own[:, 0] > file) | ((own[:, 0] == file) & (own[:, 1] >= frame)))
    middle = int(later[0]) if len(later) else len(own)
    start = max(min(middle - limit // 2, len(own) - limit), 0)
    rest = own[max(start, OPENING_PACKETS) :][: limit - OPENING_PACKETS]
    return np.concatenate((own[:OPENING_PACKETS], rest))


def _places(whole: Analysis, streams: set[int], notify: Notify | None) -> dict[int, Array]:
    """File and frame of the packets of these flows, one row each, in the order of the capture."""
    known = np.array(sorted(streams), np.int64)
    found: dict[int, list[Array]] = {}
    with ExitStack() as stack:
        readers = [stack.enter_context(reader_of(whole, number)) for number in range(len(whole.files))]
        for rows, _ in listed(readers, None, None, None, LISTED_AT_ONCE, notify=notify):
            mine = rows[np.isin(rows["stream"], known)]
            if not len(mine):
                continue
            mine = mine[np.argsort(mine["stream"], kind="stable")]
            places = np.column_stack((mine["file"], mine["frame"]))  # of very many packets numbers, no objects
            starts = np.flatnonzero(np.diff(mine["stream"], prepend=-1))
            for stream, part in zip(mine["stream"][starts].tolist(), np.split(places, starts[1:]), strict=True):
                found.setdefault(stream, []).append(part)
    return {stream: np.concatenate(parts) for stream, parts in found.items()}


# Copying them.


class _Copier:
    """Takes packets of the capture and writes those that are wanted."""

    def __init__(
        self, analysis: Analysis, wanted: _Wanted, writer: CaptureWriter, comments: Comments, *, keep_payload: bool
    ) -> None:
        self._analysis = analysis
        self._wanted = wanted
        self._writer = writer
        self._comments = comments
        self._keep_payload = keep_payload
        labels = file_labels(analysis.files)
        self._of_file = [f" of {label}" for label in labels] if len(labels) > 1 else [""]
        self._names = labels if len(labels) > 1 else ("",)
        self._since = earliest_second(analysis)
        self._interfaces: dict[tuple[int, int, int], int] = {}  # by file, its interface and link type
        self._stand_ins = StandIns()
        self.packets = 0
        self._last_seen = False

    def take(self, view: Any, h: list[int], file: int, frame: int, interface: int) -> None:
        """Write the packet, or not."""
        place = (file, frame)
        surely = place in self._wanted.surely
        # The end of the capture is part of the evidence: how long nothing came. Of that packet only the time is.
        last = h[TS] == self._analysis.last_time and not self._last_seen
        if not surely and not last and place not in self._wanted.if_about_hosts and place != self._wanted.not_ip:
            return
        frame_bytes = bytes(view[h[START] : h[END]])
        if place == self._wanted.not_ip:
            header = link_header(frame_bytes, h[LINK], anonymous=self._analysis.anonymizer is not None)
            if header is not None:
                self._write(place, interface, h, header, h[LINK], h[WIRE_LEN])
            self._last_seen = self._last_seen or last
            return
        kept = redacted(
            frame_bytes,
            h[LINK],
            h[WIRE_LEN],
            keep_payload=self._keep_payload,
            bare=surely,
            anonymizer=self._analysis.anonymizer,
            stand_ins=self._stand_ins,
        )
        about_hosts = kept is not None and bool(kept.addresses & self._wanted.hosts)
        if kept is not None and (surely or (about_hosts and not last)):
            self._write(place, interface, h, kept.data, kept.link_type, kept.wire_len)
        elif last:
            self._write(place, interface, h, b"", h[LINK], h[WIRE_LEN])
        self._last_seen = self._last_seen or last

    def _write(self, place: Place, interface: int, h: list[int], data: bytes, link_type: int, wire_len: int) -> None:
        file, frame = place
        several = self._analysis.files[file].interfaces > 1 and h[LINK] != SLL2  # which says so in each packet
        key = (file, interface if several else -1, link_type)
        if key not in self._interfaces:
            self._interfaces[key] = self._writer.interface(
                link_type,
                capture_filter=filter_of(self._analysis, file),
                since=self._since,
                name=self._name(file, interface) if several else self._names[file],
            )
        origin = f"frame {frame}{self._of_file[file]}"
        self._writer.packet(
            self._interfaces[key],
            h[TS],
            data,
            wire_len,
            comments=[f"{origin}, {text}" for text in self._comments.get(FrameRef(file, frame), ())],
            direction=h[PACKET_DIRECTION],
            number=FILE_STEP * file + frame,
        )
        self.packets += 1

    def _name(self, file: int, interface: int) -> str:
        """Of one of several interfaces: as the report calls that point, or by its number."""
        told = f"interface {interface}"
        if self._analysis.anonymizer is None:
            points = self._analysis.joined_points
            same = (each.interface for each in points if (each.files, each.interface_number) == ((file,), interface))
            told = next((name for name in same if name is not None), told)
        return f"{self._names[file]} ({told})" if self._names[file] else told

    def note_drops(self) -> None:
        """Tell of packets that the capturing host lost."""
        if self._interfaces:
            note_drops(self._analysis, self._writer, next(iter(self._interfaces.values())))


# What is said of the whole capture.


def filter_of(analysis: Analysis, file: int) -> str:
    """The capture filter of a file without names and addresses: whether it let ICMP through matters."""
    filters = analysis.files[file].filters
    return anonymous_filter(filters[0]) if len(filters) == 1 else ""


def earliest_second(analysis: Analysis) -> int:
    """From when on times are counted: 1970, or before where the capture begins before."""
    return min(analysis.first_time // 1_000_000_000, 0)


def note_drops(analysis: Analysis, writer: CaptureWriter, interface: int) -> None:
    """Tell of packets that the capturing host lost, if they were so many that the verdicts are less sure."""
    lost = sum(file.dropped for file in analysis.files)
    if lost > analysis.settings.capture_loss * (analysis.totals.packets + lost):
        writer.dropped(interface, analysis.last_time, lost)
