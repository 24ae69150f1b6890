"""From the tables of the skim to conversations: segments, PTBs and siblings brought to each flow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from analyzer.decode.icmp import KIND_PTB
from analyzer.evidence.clock import straighten
from analyzer.evidence.direction import Conversation, Direction
from analyzer.evidence.effort import Effort
from analyzer.evidence.ptb import CHECKSUM_WRONG, PtbSeen, steps_down
from analyzer.evidence.ptb_ties import UntiedPtbs
from analyzer.evidence.segments import Segment, segments_of
from analyzer.evidence.siblings import Siblings
from analyzer.evidence.stream_numbers import stream_numbers
from analyzer.flows.flow_tables import (
    C_EVENTS,
    C_FILES,
    C_FLOWS,
    C_ICMPS,
    C_LAST_TS,
    SAW_BACKWARDS,
    SAW_FRAGMENT,
    State,
    direction_table,
)
from analyzer.flows.icmp_quotes import QUOTED_SEQ
from analyzer.model.statement import FrameRef
from analyzer.model.text import ip_text


def address(words: tuple[int, int, int, int], version: int) -> str:
    """An address in text form from its 32-bit words (IPv4: the first)."""
    if version == 4:
        return ip_text(words[0], 4)
    return ip_text(words[0] << 96 | words[1] << 64 | words[2] << 32 | words[3], 6)


def row_address(row: Any, prefix: str, version: int) -> str:
    """The address in the fields `prefix`0..3 of a table row."""
    words = (int(row[f"{prefix}0"]), int(row[f"{prefix}1"]), int(row[f"{prefix}2"]), int(row[f"{prefix}3"]))
    return address(words, version)


def _last_times(flows: Any, last: int) -> dict[int, int]:
    """When the capture ends at each point, ns, by that point's clock."""
    points = np.unique(flows["point"]).tolist() if len(flows) and flows["point"].any() else [0]
    if points == [0]:
        return {0: last}
    return {point: int(flows["last_ts"][flows["point"] == point].max()) for point in points}


def _ends_by_row(flows: Any, ends: dict[int, int]) -> Any:
    """Of each row of the flow table, when the capture ends at its point, ns; int64."""
    if len(ends) == 1:
        return np.broadcast_to(np.int64(next(iter(ends.values()))), len(flows))
    table = np.zeros(max(ends) + 1, np.int64)
    table[list(ends)] = list(ends.values())
    return table[flows["point"]]


class Collector:
    """Reads the tables of one finished skim. Flows come out one at a time; only they become objects.

    Here `stream` is a row of the flow table; `numbers` has Wireshark's number of each.
    """

    def __init__(self, state: State) -> None:
        counters = state.counters
        self.flows = state.flows[: counters[C_FLOWS]]
        self.directions = direction_table(state)
        self.progress = state.progress
        self.several_files = int(counters[C_FILES]) > 1
        self.numbers = stream_numbers(self.flows, self.directions)
        self.end = int(counters[C_LAST_TS])
        self._ends = _last_times(self.flows, self.end)
        self.ends = _ends_by_row(self.flows, self._ends)
        events = state.events[: counters[C_EVENTS]]
        order = np.argsort(events["flow"], kind="stable")
        self._events = events
        self._header_bytes = state.event_header_bytes
        self._order = order
        self._starts = np.searchsorted(events["flow"][order], np.arange(len(self.flows) + 1))
        self._icmps = state.icmps[: counters[C_ICMPS]]
        self._icmp_header_bytes = state.icmp_header_bytes
        self.ptbs = [self._ptb(int(i)) for i in np.flatnonzero(self._icmps["kind"] == KIND_PTB)]
        self._ptbs_of: dict[tuple[int, int], list[PtbSeen]] = defaultdict(list)
        self.told_tunnel: dict[tuple[int, int], list[PtbSeen]] = defaultdict(list)
        for ptb in self.ptbs:
            if ptb.flow >= 0:
                (self.told_tunnel if ptb.overhead else self._ptbs_of)[ptb.flow, ptb.side].append(ptb)
        self._untied = UntiedPtbs(self.ptbs) if any(ptb.flow < 0 for ptb in self.ptbs) else None
        told: dict[tuple[str, str], list[PtbSeen]] = defaultdict(list)
        for ptb in self.ptbs:
            if ptb.flow >= 0 and not ptb.overhead:
                told[ptb.quoted_src, ptb.quoted_dst].append(ptb)
        self._told_hosts = {hosts: steps_down(sorted(ptbs, key=lambda p: p.ts)) for hosts, ptbs in told.items()}
        self._pairs: dict[tuple[int, ...], list[int]] | None = None
        self._of_pair: dict[tuple[tuple[int, ...], int], Siblings] = {}

    def column(self, name: str) -> Any:
        """A field of all recorded rows, those of one flow together and as they were captured."""
        return self._events[name][self._order]

    def timeline(self, stream: int) -> Any:
        """Recorded rows of a flow, dtype PACKET."""
        return self._events[self._order[self._starts[stream] : self._starts[stream + 1]]]

    def segments(self, stream: int) -> list[Segment]:
        """Recorded packets of a flow, decoded in full."""
        rows = self._order[self._starts[stream] : self._starts[stream + 1]]
        return segments_of(self._events[rows], self._header_bytes[rows])

    def heads(self, stream: int) -> Any:
        """Header bytes of the recorded rows of a flow, as in `timeline`."""
        return self._header_bytes[self._order[self._starts[stream] : self._starts[stream + 1]]]

    def first(self, stream: int) -> FrameRef:
        """The first frame of a flow."""
        return FrameRef(int(self.flows["file"][stream]), int(self.flows["first_frame"][stream]))

    def conversation(self, stream: int) -> Conversation:
        """One flow with all that belongs to it."""
        flow = self.flows[stream]
        straight = straighten(self.segments(stream) if self._starts[stream + 1] > self._starts[stream] else [])
        segments = straight.segments
        end = self._ends[int(flow["point"])]
        if straight.stepped:
            end = segments[-1].ts  # how the clock went on after the flow's last packet nobody knows
        counts = [self.directions[2 * stream + side].values() for side in (0, 1)]
        client = int(flow["client"])
        trips = {
            # Karn: of several SYNs the last one was answered, or an earlier one late.
            client: _difference(flow["syn_last_ts"], flow["syn_ack_ts"]),
            1 - client: _difference(flow["syn_ack_last_ts"], flow["ack_ts"]),
        }
        about = [self._ptbs_about(stream, side, segments) for side in (0, 1)]
        effort = Effort(len(segments) + len(about[0]) + len(about[1]) + 1)
        directions = [
            Direction(
                side=side,
                version=int(flow["version"]),
                count=counts[side],
                peer=counts[1 - side],
                segments=segments,
                ptbs=[replace(p, ts=straight.time_of(p.ref, p.ts)) for p in about[side]]
                if straight.stepped
                else about[side],
                # Of other flows' packets the order is not known where the clock was set.
                told=() if straight.stepped else tuple(p for p in self._told(stream, side) if p.flow != stream),
                siblings=self._siblings(stream, side) if segments and not straight.stepped else None,
                row=stream,
                backwards=bool(int(flow["seen"]) & SAW_BACKWARDS),
                capture_end=end,
                several_files=self.several_files,
                fragmented=bool(int(flow["seen"]) & SAW_FRAGMENT),
                handshake_rtt=trips[side],
                effort=effort,
            )
            for side in (0, 1)
        ]
        return Conversation(
            stream=stream,
            client_side=client,
            directions=(directions[0], directions[1]),
            seen=int(flow["seen"]),
            first_ts=int(flow["first_ts"]),
            last_ts=int(flow["last_ts"]),
            packets=int(flow["packets"]),
            disordered=straight.disordered,
        )

    def endpoints(self, stream: int) -> tuple[tuple[str, int], tuple[str, int]]:
        """(address, port) of side 0 and of side 1."""
        flow = self.flows[stream]
        version = int(flow["version"])
        return (
            (row_address(flow, "a", version), int(flow["port_a"])),
            (row_address(flow, "b", version), int(flow["port_b"])),
        )

    def _told(self, stream: int, side: int) -> tuple[PtbSeen, ...]:
        """What the sender's host was told about the way to the receiver's, by PTBs about any flow."""
        if not self._told_hosts:
            return ()
        ends = self.endpoints(stream)
        return self._told_hosts.get((ends[side][0], ends[1 - side][0]), ())

    def _ptbs_about(self, stream: int, side: int, segments: list[Segment]) -> list[PtbSeen]:
        found = list(self._ptbs_of.get((stream, side), ()))
        if self._untied is not None:
            found += self._untied.about(stream, side, self.endpoints(stream), segments)
        return sorted(found, key=lambda p: p.ts)

    def _ptb(self, index: int) -> PtbSeen:
        from analyzer.decode.dpkt_decoder import (
            decode_icmp_packet,  # loads dpkt: only where there are packets to decode
        )

        row = self._icmps[index]
        head = self._icmp_header_bytes[index, : int(row["header_len"])].tobytes()
        full = decode_icmp_packet(head)
        quote = full.quote if full is not None else None
        version = int(row["version"])
        flow = int(row["flow"])
        seq: int | None = None
        ports: tuple[int, int] | None = None
        if quote is not None:
            seq = quote.seq
            if quote.sport is not None and quote.dport is not None:
                ports = (quote.sport, quote.dport)
        if flow >= 0 and int(row["quoted"]) == QUOTED_SEQ:
            seq = int(row["seq"])
        return PtbSeen(
            ref=FrameRef(int(row["file"]), int(row["frame"])),
            ts=int(row["ts"]),
            version=version,
            router=row_address(row, "s", version),
            target=row_address(row, "d", version),
            mtu=int(row["mtu"]),
            checksum_wrong=int(row["sum"]) == CHECKSUM_WRONG,
            quoted_len=quote.ip_len if quote is not None else 0,
            quoted_df=quote.df if quote is not None else False,
            quoted_src=quote.src if quote is not None else "",
            quoted_dst=quote.dst if quote is not None else "",
            quoted_ports=ports,
            quoted_seq=seq,
            flow=flow,
            side=int(row["side"]),
            una=int(row["una"]),
            snd_max=int(row["snd_max"]),
            quoted_echo=quote.echo if quote is not None else None,
            quoted_id=quote.ip_id if quote is not None else -1,
            quoted_port=quote.sport if quote is not None else None,
            overhead=int(row["overhead"]),
        )

    def _siblings(self, stream: int, side: int) -> Siblings:
        if self._pairs is None:
            pairs: dict[tuple[int, ...], list[int]] = defaultdict(list)
            self._key_list = list(self._keys())
            for number, key in enumerate(self._key_list):
                if self.flows["packets"][number]:
                    pairs[key].append(number)
            self._pairs = pairs
        key = self._key_list[stream]
        # Side 0 is the lower (address, port): for two flows of one pair of different addresses the sides agree.
        if (key, side) not in self._of_pair:
            self._of_pair[key, side] = Siblings(self, np.array(self._pairs[key]), side)
        return self._of_pair[key, side]

    def _keys(self) -> Iterator[tuple[int, ...]]:
        names = ("a0", "a1", "a2", "a3", "b0", "b1", "b2", "b3", "version", "point")
        columns = [self.flows[name].tolist() for name in names]
        return zip(*columns, strict=True)


def _difference(earlier: Any, later: Any) -> int:
    return int(later) - int(earlier) if int(earlier) and int(later) else 0
