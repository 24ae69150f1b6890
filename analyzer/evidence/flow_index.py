"""From the tables of the skim to conversations: segments, PTBs and siblings brought to each flow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from analyzer.decode.icmp import KIND_PTB
from analyzer.evidence.handshake import handshake_trips
from analyzer.evidence.row_addresses import ADDRESS_WORDS, address, host_keys, numbered
from analyzer.evidence.stream_numbers import PointOpening, stream_numbers
from analyzer.flows.flow_tables import C_EVENTS, C_FILES, C_ICMPS, C_LAST_TS, SAW_BACKWARDS, SAW_FRAGMENT, State
from analyzer.flows.table_parts import direction_table, flow_table
from analyzer.model.statement import FrameRef

if TYPE_CHECKING:
    from analyzer.evidence.direction import Conversation
    from analyzer.evidence.ptb import PtbSeen
    from analyzer.evidence.ptb_index import PtbIndex
    from analyzer.evidence.segments import Segment
    from analyzer.evidence.siblings import Siblings


BLOCK_ROWS = 1 << 15
"""Flows that are looked at together: their columns stay in the processor's cache."""


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


class Block(NamedTuple):
    """Some rows of the flow table, of that of directions, and `Collector.ends` of them."""

    flows: Any
    directions: Any
    ends: Any


class Collector:
    """Reads the tables of one finished skim. Flows come out one at a time; only they become objects.

    Here `stream` is a row of the flow table; `numbers` has Wireshark's number of each.
    """

    def __init__(self, state: State, renumbered: Sequence[tuple[PointOpening, PointOpening]] = ()) -> None:
        counters = state.counters
        self.flows = flow_table(state)
        self.directions = direction_table(state)
        self.progress = state.progress
        self.several_files = int(counters[C_FILES]) > 1
        self.numbers = stream_numbers(self.flows, self.directions, renumbered)
        self.end = int(counters[C_LAST_TS])
        self._ends = _last_times(self.flows, self.end)
        self.ends = _ends_by_row(self.flows, self._ends)
        events = state.events[: counters[C_EVENTS]]
        order = np.argsort(events["flow"], kind="stable")
        self.events = events
        self.event_header_bytes = state.event_header_bytes[: counters[C_EVENTS]]
        self.event_order = order
        self.event_starts = np.searchsorted(events["flow"][order], np.arange(len(self.flows) + 1)).astype(np.int32)
        icmps = state.icmps[: counters[C_ICMPS]]
        self.ptb_index: PtbIndex | None = None
        if (icmps["kind"] == KIND_PTB).any():
            from analyzer.evidence.ptb_index import PtbIndex  # most captures have none

            self.ptb_index = PtbIndex(icmps, state.icmp_header_bytes)
        self.ptbs: Sequence[PtbSeen] = self.ptb_index.ptbs if self.ptb_index is not None else ()
        self._of_pair: dict[tuple[int, int], Siblings] = {}

    def blocks(self) -> Iterator[tuple[slice, Block]]:
        """The tables by parts, each with its rows of the flow table: what is computed of one takes little memory."""
        for begin in range(0, len(self.flows), BLOCK_ROWS):
            rows = slice(begin, min(begin + BLOCK_ROWS, len(self.flows)))
            directions = self.directions[2 * rows.start : 2 * rows.stop]
            yield rows, Block(self.flows[rows], directions, self.ends[rows])

    def column(self, name: str) -> Any:
        """A field of all recorded rows, those of one flow together and as they were captured."""
        return self.events[name][self.event_order]

    def timeline(self, stream: int) -> Any:
        """Recorded rows of a flow, dtype PACKET."""
        return self.events[self.event_order[self.event_starts[stream] : self.event_starts[stream + 1]]]

    def segments(self, stream: int) -> list[Segment]:
        """Recorded packets of a flow, decoded in full."""
        from analyzer.evidence.segments import segments_of

        rows = self.event_order[self.event_starts[stream] : self.event_starts[stream + 1]]
        return segments_of(self.events[rows], self.event_header_bytes[rows])

    def header_bytes(self, stream: int) -> Any:
        """Header bytes of the recorded rows of a flow, as in `timeline`."""
        return self.event_header_bytes[self.event_order[self.event_starts[stream] : self.event_starts[stream + 1]]]

    def first(self, stream: int) -> FrameRef:
        """The first frame of a flow."""
        return FrameRef(int(self.flows["file"][stream]), int(self.flows["first_frame"][stream]))

    def conversation(self, stream: int) -> Conversation:
        """One flow with all that belongs to it."""
        from analyzer.evidence.clock import straighten
        from analyzer.evidence.direction import Conversation, Direction
        from analyzer.evidence.effort import Effort

        flow = self.flows[stream]
        straight = straighten(
            self.segments(stream) if self.event_starts[stream + 1] > self.event_starts[stream] else []
        )
        segments = straight.segments
        end = self._ends[int(flow["point"])]
        if straight.stepped:
            end = segments[-1].ts  # how the clock went on after the flow's last packet nobody knows
        counts = [self.directions[2 * stream + side].values() for side in (0, 1)]
        client = int(flow["client"])
        there, back = (int(trip) for trip in handshake_trips(flow))
        trips = {client: there, 1 - client: back}
        ptbs, ends = self.ptb_index, self.endpoints(stream) if self.ptb_index is not None else None
        about = [ptbs.about(stream, side, ends, segments) if ptbs and ends else [] for side in (0, 1)]
        told = [ptbs.told(stream, side, ends) if ptbs and ends and not straight.stepped else () for side in (0, 1)]
        effort = Effort(len(segments) + len(about[0]) + len(about[1]) + 1)
        directions = [
            Direction(
                side=side,
                version=int(flow["version"]),
                count=counts[side],
                peer=counts[1 - side],
                segments=segments,
                ptbs=[p._replace(ts=straight.time_of(p.ref, p.ts)) for p in about[side]]
                if straight.stepped
                else about[side],
                told=told[side],  # of other flows' packets the order is not known where the clock was set
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
        version, port_a, port_b, *words = (int(column[stream]) for column in self._end_columns)
        one, other = (words[0], words[1], words[2], words[3]), (words[4], words[5], words[6], words[7])
        return (address(one, version), port_a), (address(other, version), port_b)

    @cached_property
    def _end_columns(self) -> tuple[Any, ...]:
        """Columns with the endpoints of flows: a row of the joined tables takes longer to read than these fields."""
        return tuple(self.flows[name] for name in ("version", "port_a", "port_b", *ADDRESS_WORDS))

    @cached_property
    def pairs(self) -> Any:
        """A number for each row of the flow table, the same for flows between the same addresses at one point."""
        out, count = np.zeros(len(self.flows), np.int64), 0
        for version in (4, 6):
            members = np.flatnonzero(self.flows["version"] == version)
            if not len(members):
                continue
            numbers, found = numbered(host_keys(self.flows, members, version))
            out[members], count = numbers + count, count + found
        if self.flows["point"].any():
            out, _ = numbered(out << 32 | self.flows["point"])
        return out

    @cached_property
    def _by_pair(self) -> tuple[Any, Any]:
        """The rows that have packets, those of each pair together, and where each pair begins."""
        rows = np.flatnonzero(self.flows["packets"] > 0)
        rows = rows[np.argsort(self.pairs[rows], kind="stable")]
        return rows, np.searchsorted(self.pairs[rows], np.arange(int(self.pairs.max()) + 2))

    def _siblings(self, stream: int, side: int) -> Siblings:
        from analyzer.evidence.siblings import Siblings

        key = int(self.pairs[stream]), side
        # Side 0 is the lower (address, port): for two flows of one pair of different addresses the sides agree.
        if key not in self._of_pair:
            rows, starts = self._by_pair
            self._of_pair[key] = Siblings(self, rows[starts[key[0]] : starts[key[0] + 1]], side)
        return self._of_pair[key]

    def end_at(self, point: int) -> int:
        """When the capture ends at a point, ns."""
        return self._ends[point]
