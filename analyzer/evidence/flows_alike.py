"""Flows in bulk, those together whose recorded packets are alike: each a `Conversation` of columns.

Alike are flows with as many packets, from the same ends, with the same flags and marks; their times, numbers and sizes
are `lockstep.Lane`s. What is rare is left to be judged flow by flow: very many packets or PTBs, clocks that were set,
headers of an unusual form. Emits `FlowsAlike`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from analyzer.decode.common_headers import number_at, usual_headers
from analyzer.evidence.direction import Conversation, Direction
from analyzer.evidence.effort import Effort
from analyzer.evidence.flow_index import Collector
from analyzer.evidence.handshake import handshake_trips
from analyzer.evidence.lockstep import LARGEST, Column, FrameNumber, Key, Lane, Lockstep
from analyzer.evidence.ptbs_alike import PtbsAlike
from analyzer.evidence.segments import Segment, frame_of
from analyzer.evidence.sibling_columns import SiblingColumns, Told
from analyzer.evidence.siblings import Event
from analyzer.flows.flow_tables import MARK_DF, MARK_DUPLICATE, MARK_KEEPALIVE, MARK_STRAY, SAW_BACKWARDS, SAW_FRAGMENT
from analyzer.flows.tcp_state import WRAP
from analyzer.model.statement import FrameRef
from analyzer.settings import BACKWARDS_NS

MOST_PACKETS = 64
"""Recorded packets of a flow, at most: columns do not pay where each of a few flows has many."""

OPTION_BYTES = 40
SACK_OPTION, END_OF_OPTIONS, NO_OPERATION = 5, 0, 1
MOST_BLOCKS = 4


class FlowsAlike(NamedTuple):
    """Some flows that look alike, as rows of the flow table."""

    rows: Column
    tables: Tables

    def together(self) -> tuple[Lockstep, Conversation]:
        """All of them as one conversation."""
        return self.tables.conversation(self.rows)


class Tables:
    """The tables of a collector, as far as flows are judged in bulk."""

    def __init__(self, collector: Collector) -> None:
        self.collector = collector
        order = collector.event_order
        marks = collector.events["marks"]
        own = marks[order] & (MARK_DUPLICATE | MARK_STRAY) == 0
        self._order = order[own]
        self._starts = np.concatenate([[0], np.cumsum(own)])[collector.event_starts]

    def alike(self, rows: Column) -> tuple[list[FlowsAlike], Column]:
        """Those of the flows that are alike, together; and those that have to be judged one by one."""
        count = self._starts[rows + 1] - self._starts[rows]
        kinds = self._kinds_of_ptbs(rows)
        usual = (count <= MOST_PACKETS) & (kinds >= 0) & self._usual_flows(rows)
        groups: list[FlowsAlike] = []
        for length in np.unique(count[usual]).tolist():
            chosen = usual & (count == length)
            members = rows[chosen]
            shapes = np.ascontiguousarray(self._shapes(members, length, kinds[chosen]))
            keys = shapes.view(np.dtype((np.void, shapes.dtype.itemsize * shapes.shape[1]))).ravel()
            order = np.argsort(keys, kind="stable")
            edges = np.flatnonzero(np.concatenate([[True], keys[order][1:] != keys[order][:-1], [True]]))
            groups += [FlowsAlike(members[np.sort(order[a:b])], self) for a, b in pairwise(edges)]
        return groups, rows[~usual]

    def _shapes(self, rows: Column, length: int, kinds: Column) -> Column:
        """What flows have to have in common, a row for each."""
        flows = self.collector.flows
        columns = [flows[name][rows].astype(np.int64) for name in ("client", "version", "seen", "point")]
        columns.append(kinds)
        places = self._starts[rows]
        for i in range(length):
            at = self._order[places + i]
            columns += [self.collector.events[name][at].astype(np.int64) for name in ("side", "flags", "marks")]
            columns += [self._blocks[0][at], self._cut[at]]
        return np.stack(columns, axis=1)

    def _usual_flows(self, rows: Column) -> Column:
        """Which of the flows can be judged in bulk, bool."""
        return ~self._rare[rows]

    @cached_property
    def _rare(self) -> Column:
        """Rows of the flow table about which there is more than their packets, or whose packets are not usual."""
        collector = self.collector
        events, flows = collector.events, collector.flows
        rare = np.zeros(len(flows), bool)
        order = self._order
        flow, ts = events["flow"][order], events["ts"][order]
        rare[events["flow"][order[~self._usual[order]]]] = True
        same = flow[1:] == flow[:-1]
        rare[flow[1:][same & (ts[1:] < ts[:-1] - BACKWARDS_NS)]] = True
        file, frame = events["file"][order], events["frame"][order]
        behind = (file[1:] > file[:-1]) | ((file[1:] == file[:-1]) & (frame[1:] > frame[:-1]))
        rare[flow[1:][same & ~behind]] = True
        for name in ("ts", "seq", "ack"):
            rare[flow[np.abs(events[name][order]) >= LARGEST]] = True
        return rare

    @cached_property
    def _ptbs(self) -> PtbsAlike | None:
        """What PTBs there are about flows, None where the capture has none."""
        index = self.collector.ptb_index
        return PtbsAlike(index, self.collector.endpoints, self._data_packets) if index is not None else None

    @cached_property
    def _told(self) -> Column:
        """Rows of the flow table about which, or to whose hosts, PTBs may tell something, bool."""
        index, collector = self.collector.ptb_index, self.collector
        told = np.zeros(len(collector.flows), bool)
        if index is not None:
            packets = collector.events[self._order]
            told[packets["flow"][index.fit_untied(packets)]] = True
            told[index.rows()] = True
            of_pair = np.zeros(int(collector.pairs.max(initial=-1)) + 1, bool)
            for pair, row in zip(*np.unique(collector.pairs, return_index=True), strict=True):
                (one, _), (other, _) = collector.endpoints(int(row))
                of_pair[pair] = index.tells((one, other))
            told |= of_pair[collector.pairs]
        return told

    def _kinds_of_ptbs(self, rows: Column) -> Column:
        """`PtbsAlike.kind_of` each of the flows."""
        kinds = np.zeros(len(rows), np.int64)
        if self._ptbs is not None:
            told = np.flatnonzero(self._told[rows])
            kinds[told] = [self._ptbs.kind_of(row) for row in rows[told].tolist()]
        return kinds

    def _data_packets(self, row: int, side: int) -> list[tuple[int, int, int]]:
        packets = self.collector.events[self._order[self._starts[row] : self._starts[row + 1]]]
        packets = packets[
            (packets["side"] == side) & (packets["payload"] > 0) & (packets["marks"] & MARK_KEEPALIVE == 0)
        ]
        return list(zip(packets["seq"].tolist(), packets["ts"].tolist(), packets["ip_len"].tolist(), strict=True))

    @cached_property
    def _headers(self) -> tuple[Column, Column, tuple[Column, ...]]:
        """Of each event: whether columns tell what dpkt would; how many SACK blocks it has; their edges, raw."""
        events, header_bytes = self.collector.events, self.collector.event_header_bytes
        usual = usual_headers(header_bytes, events["header_len"], events["seq"] & 0xFFFFFFFF, events["marks"] & MARK_DF)
        known = usual.form & usual.bare
        count = np.zeros(len(events), np.int64)
        edges = np.zeros((len(events), 2 * MOST_BLOCKS), np.int64)
        some = np.flatnonzero(usual.form & ~usual.bare)
        known[some], count[some], edges[some] = _blocks(header_bytes[some], usual.begin[some], usual.end[some])
        return known, count, (edges,)

    @property
    def _usual(self) -> Column:
        return self._headers[0]

    @property
    def _blocks(self) -> tuple[Column, Column]:
        return self._headers[1], self._headers[2][0]

    @cached_property
    def _cut(self) -> Column:
        events = self.collector.events
        return np.asarray(events["header_len"] < events["ip_len"] - events["payload"]).astype(np.int64)

    @cached_property
    def siblings(self) -> tuple[SiblingColumns, SiblingColumns]:
        """What other flows of each pair of addresses tell, in either direction."""
        return SiblingColumns(self.collector, 0), SiblingColumns(self.collector, 1)

    def let_go(self) -> None:
        """Free the columns of siblings, 300 MB of a million flows: what was judged holds on to them in circles."""
        for each in self.__dict__.pop("siblings", ()):
            each.let_go()

    def conversation(self, rows: Column) -> tuple[Lockstep, Conversation]:
        """As `Collector.conversation`, of flows that are alike."""
        collector = self.collector
        together = Lockstep(len(rows))
        flows = collector.flows
        one = flows[rows[0]]
        ptbs: Any = self._ptbs.together(rows, together) if self._ptbs is not None and self._told[rows[0]] else ([],) * 4
        segments = self._segments(rows, together, named=any(ptbs))
        counts = [_Counts(collector.directions, 2 * rows + side, together) for side in (0, 1)]
        client = int(one["client"])
        there, back = handshake_trips(flows[rows])
        trips = {client: there, 1 - client: back}
        effort = Effort(len(segments) + len(ptbs[0]) + len(ptbs[1]) + 1)
        directions = [
            Direction(
                side=side,
                version=int(one["version"]),
                count=counts[side],
                peer=counts[1 - side],
                segments=segments,
                ptbs=ptbs[side],
                told=tuple(ptbs[2 + side]),
                siblings=_Siblings(self.siblings[side], collector.numbers, together) if segments else None,  # type: ignore[arg-type]
                row=Lane(rows.astype(np.int64), together),  # type: ignore[arg-type]
                backwards=bool(int(one["seen"]) & SAW_BACKWARDS),
                capture_end=collector.end_at(int(one["point"])),
                several_files=collector.several_files,
                fragmented=bool(int(one["seen"]) & SAW_FRAGMENT),
                handshake_rtt=Lane(trips[side], together),  # type: ignore[arg-type]
                effort=effort,
            )
            for side in (0, 1)
        ]
        lane = {name: Lane(flows[name][rows].astype(np.int64), together) for name in ("first_ts", "last_ts", "packets")}
        return together, Conversation(
            stream=0,
            client_side=client,
            directions=(directions[0], directions[1]),
            seen=int(one["seen"]),
            **lane,  # type: ignore[arg-type]
        )

    def _segments(self, rows: Column, together: Lockstep, *, named: bool) -> list[Segment]:
        """The packets of flows that are alike; `named`: PTBs may quote them, by identification too."""
        starts = self._starts[rows]
        length = int(self._starts[rows[0] + 1] - starts[0])
        places = [self._order[starts + i] for i in range(length)]
        events = self.collector.events
        sizes = {
            name: _lanes([events[name][at].astype(np.int64) for at in places], together)
            for name in ("ip_len", "window", "ip_id", "ttl")
        }
        if named:
            sizes["ip_id"] = [Key(events["ip_id"][at].astype(np.int64), together) for at in places]
        sizes["payload"] = _lanes([events["payload"][at].astype(np.int64) for at in places], together, Key)
        files = _lanes([events["file"][at].astype(np.int64) for at in places], together, Key)
        made = []
        for i, at in enumerate(places):
            first = at[0]
            seq, ack = events["seq"][at], events["ack"][at]
            syn, fin = int(events["flags"][first]) & 2 != 0, int(events["flags"][first]) & 1 != 0
            made.append(
                Segment(
                    FrameRef(files[i], FrameNumber(events["frame"][at], together, i)),  # type: ignore[arg-type]
                    Lane(events["ts"][at], together),  # type: ignore[arg-type]
                    int(events["side"][first]),
                    Key(seq, together),  # type: ignore[arg-type]
                    Key(seq + events["payload"][at] + (syn + fin), together),  # type: ignore[arg-type]
                    sizes["payload"][i],
                    sizes["ip_len"][i],
                    Key(ack, together),  # type: ignore[arg-type]
                    sizes["window"][i],
                    int(events["flags"][first]),
                    bool(int(events["marks"][first]) & MARK_DF),
                    sizes["ip_id"][i],
                    sizes["ttl"][i],
                    int(events["marks"][first]),
                    self._sack(at, ack, together),
                    bool(self._cut[first]),
                )
            )
        return made

    def _sack(self, at: Column, ack: Column, together: Lockstep) -> tuple[tuple[Any, Any], ...]:
        count, edges = self._blocks
        found = []
        for i in range(int(count[at[0]])):
            left, right = (ack + ((edges[at, 2 * i + k] - ack + WRAP // 2) % WRAP) - WRAP // 2 for k in (0, 1))
            found.append((Key(left, together), Key(right, together)))
        return tuple(found)


class _Counts(dict[str, Any]):
    """The counters of a direction of each of the flows, by name."""

    def __init__(self, directions: Any, rows: Column, together: Lockstep) -> None:
        super().__init__()
        self._directions = directions
        self._rows = rows
        self._together = together

    def __missing__(self, name: str) -> Any:
        made = self[name] = _lanes([self._directions[name][self._rows].astype(np.int64)], self._together)[0]
        return made


class _Siblings:
    """`Siblings` of each of the flows."""

    def __init__(self, columns: SiblingColumns, numbers: Any, together: Lockstep) -> None:
        self._columns = columns
        self._numbers = numbers
        self._together = together

    def _column(self, value: Any) -> Column:
        if isinstance(value, Lane):
            return value.values
        return np.full(len(self._together.left_at), value, np.int64)

    def _lane(self, values: Column) -> Lane:
        return Lane(values, self._together)

    def _event(self, told: Told) -> Event:
        frames = tuple(frame_of(self._lane(frame)) for frame in told.frames if self._lane(frame))  # type: ignore[arg-type]
        number = self._lane(told.row)  # where flows are judged in bulk, they are numbered as their rows
        return Event(self._lane(told.ts), self._lane(told.row), number, frames, self._lane(told.size))  # type: ignore[arg-type]

    def _answer(self, told: Told) -> Event | None:
        return self._event(told) if self._together.agree(told.found) else None

    def answered(self, but: Any, after: Any, until: Any) -> Event | None:
        return self._answer(self._columns.answered(*map(self._column, (but, after, until))))

    def opened(self, but: Any, after: Any, until: Any) -> Event | None:
        return self._answer(self._columns.opened(*map(self._column, (but, after, until))))

    def delivered(self, but: Any, size: Any, after: Any, until: Any) -> Event | None:
        return self._answer(self._columns.delivered(*map(self._column, (but, size, after, until))))

    def last_delivered(self, but: Any, size: Any) -> Lane:
        return self._lane(self._columns.last_delivered(self._column(but), self._column(size)))

    def losses(self, but: Any, size: Any) -> tuple[Lane, Lane, Lane]:
        sent, lost, segments = self._columns.losses(self._column(but), self._column(size))
        return self._lane(sent), self._lane(lost), self._lane(segments)

    def loss_rate(self, but: Any, size: Any) -> Lane:
        return self._lane(self._columns.loss_rate(self._column(but), self._column(size)))

    def hung(self, but: Any, since: Any, until: Any, least: Any = 0, most: Any = 1 << 30) -> Iterator[Event]:
        own, smallest, largest = self._column(but), self._column(least), self._column(most)
        at, stop = self._columns.hung_from(own, self._column(since), self._column(until))
        while True:
            at, told = self._columns.hung_next(own, at, stop, smallest, largest)
            event = self._answer(told)
            if event is None:
                return
            yield event
            at = at + 1


def _lanes(columns: list[Column], together: Lockstep, kind: type[Lane] = Lane) -> list[Any]:
    """Some numbers of each flow; plain ones, where all flows have the same, so that they take no time."""
    if all((column == column[0]).all() for column in columns):
        return [int(column[0]) for column in columns]
    return [kind(column, together) for column in columns]


def _blocks(header_bytes: Any, begin: Column, end: Column) -> tuple[Column, Column, Column]:
    """The SACK blocks among the TCP options of packets: whether all is as usual, how many there are, and their edges.

    As usual: every option is whole, and at most one of them has SACK blocks, whole ones.
    """
    count = len(header_bytes)
    known, blocks = np.ones(count, bool), np.zeros(count, np.int64)
    edges = np.zeros((count, 2 * MOST_BLOCKS), np.int64)
    at, every = begin.copy(), np.arange(count)
    open_ = at < end
    for _ in range(OPTION_BYTES):
        if not open_.any():
            break
        kind = header_bytes[every, np.where(open_, at, 0)]
        open_ &= kind != END_OF_OPTIONS
        one = kind == NO_OPERATION
        whole = at + 1 < end
        length = np.where(one, 1, header_bytes[every, np.where(open_ & whole, at + 1, 0)]).astype(np.int64)
        odd = open_ & ~one & (~whole | (length < 2) | (at + length > end))
        sacks = open_ & ~one & (kind == SACK_OPTION) & ~odd
        odd |= sacks & ((blocks > 0) | (length % 8 != 2) | (length < 10) | (length > 2 + 8 * MOST_BLOCKS))
        known &= ~odd
        open_ &= ~odd
        rows = np.flatnonzero(sacks & ~odd)
        blocks[rows] = length[rows] // 8
        for i in range(2 * MOST_BLOCKS):
            having = rows[length[rows] > 2 + 4 * i]
            edges[having, i] = number_at(header_bytes[having], at[having] + 2 + 4 * i, 4)
        at = np.where(open_, at + length, at)
        open_ &= at < end
    return known & ~open_, blocks, edges
