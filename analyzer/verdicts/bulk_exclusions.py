"""Recorded flows that come to nothing: recognised in the event table, whole columns at a time.

Under plain loss a flow is recorded whenever one segment is lost several times in a row, thousands of packets of it,
and what is recorded then shows no stall. To find that out the judge makes an object of every packet. Here the same
is proven by bounds, from the rows themselves: a flow is left to the judge unless it is certain that

- no run of retransmissions is an episode, is unanswered, or changes the segment's shape;
- no recorded packet can raise the sizes that the counters say were delivered;
- no hole decides anything: none is open for long or to the end, none was filled late or by smaller pieces;
- no PTB about other endpoints or cut before the ports may be meant for it.

Then only the counters decide, as for a flow of which nothing is recorded. Each bound holds for any part of the rows
as well, since the judge leaves out packets that the full decoder reads differently.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from analyzer.decode.tcp import RST
from analyzer.evidence.flow_index import Collector
from analyzer.flows.flow_tables import (
    MARK_DF,
    MARK_DUPLICATE,
    MARK_FILLS,
    MARK_KEEPALIVE,
    MARK_NO_LENGTH,
    MARK_RESENT,
    MARK_SPURIOUS,
    MARK_STRAY,
    MARK_SUPER,
)
from analyzer.settings import Settings

Column = np.ndarray[Any, Any]

GROWING = 3
"""Copies without which no gap between them can grow."""


class _Rows(NamedTuple):
    """Recorded packets, the capture's own copies left out, in order of their directions, then as captured."""

    direction: Column  # row of the direction table
    ts: Column
    seq: Column
    lifted: Column  # `seq`, moved so that the numbers of each direction lie above those of the ones before
    payload: Column
    ip_len: Column
    marks: Column
    data: Column  # bool: payload that is no keep-alive's byte
    placed: Column  # bool: its sequence number says that all bytes before it were sent

    @property
    def copies(self) -> Column:
        """Retransmissions of which a run may consist, bool."""
        kind = self.marks & (MARK_RESENT | MARK_FILLS | MARK_SPURIOUS)
        return np.asarray(self.data & (kind == MARK_RESENT))

    def only(self, chosen: Column) -> _Rows:
        """The chosen rows (bool, or indices)."""
        return _Rows(*(column[chosen] for column in self))


def bulk_judged(collector: Collector, settings: Settings) -> Column:
    """Rows of the flow table of which the counters alone decide, whatever is recorded of them; bool."""
    suspect = np.zeros(len(collector.directions), bool)
    if len(collector.column("flow")):
        rows, backwards = _rows(collector)
        suspect[backwards] = True
        suspect[_larger_than_delivered(rows, collector)] = True
        suspect[_quoted(rows, collector)] = True
        suspect[_holes(rows, collector, settings)] = True
        suspect[_runs(rows, collector, settings, suspect)] = True
    return ~(suspect[0::2] | suspect[1::2])


def _rows(collector: Collector) -> tuple[_Rows, Column]:
    """The recorded rows, and directions of flows whose packets are not in order of time."""
    flow, ts = collector.column("flow"), collector.column("ts")
    backwards = 2 * flow[1:][(flow[1:] == flow[:-1]) & (ts[1:] < ts[:-1])]
    marks = collector.column("marks")
    direction = 2 * flow + collector.column("side")
    order = np.argsort(direction, kind="stable")
    order = order[marks[order] & (MARK_DUPLICATE | MARK_STRAY) == 0]
    direction, marks, seq = direction[order], marks[order], collector.column("seq")[order]
    payload = collector.column("payload")[order]
    own = marks & MARK_KEEPALIVE == 0
    return _Rows(
        direction=direction,
        ts=ts[order],
        seq=seq,
        lifted=seq + _lift(direction, seq),
        payload=payload,
        ip_len=collector.column("ip_len")[order],
        marks=marks,
        data=own & (payload > 0),
        placed=own & (collector.column("flags")[order] & RST == 0),
    ), backwards


def _lift(direction: Column, seq: Column) -> Column:
    """What to add to each sequence number to get `_Rows.lifted`."""
    if not len(direction):
        return seq
    starts = np.flatnonzero(np.concatenate([[True], direction[1:] != direction[:-1]]))
    low, high = np.minimum.reduceat(seq, starts), np.maximum.reduceat(seq, starts)
    above = np.concatenate([[0], np.cumsum(high - low + 1)[:-1]]) - low
    return np.asarray(np.repeat(above, np.diff(np.concatenate([starts, [len(direction)]]))))


def _larger_than_delivered(rows: _Rows, collector: Collector) -> Column:
    """Directions with a packet that, if it was delivered, is larger than what the counters say was."""
    directions = collector.directions
    known = np.where(
        rows.marks & MARK_DF, directions["delivered"][rows.direction], directions["delivered_nodf"][rows.direction]
    )
    on_wire = rows.marks & (MARK_SUPER | MARK_NO_LENGTH) == 0
    return np.asarray(rows.direction[rows.data & on_wire & (rows.ip_len > known)])


def _quoted(rows: _Rows, collector: Collector) -> Column:
    """Directions that a PTB of no known flow may be about: by its sequence number, or by the size alone."""
    strangers = [ptb for ptb in collector.ptbs if ptb.flow < 0]
    if not strangers:
        return rows.direction[:0]
    numbers = [ptb.quoted_seq for ptb in strangers if ptb.quoted_seq is not None]
    sizes = [ptb.quoted_len for ptb in strangers if ptb.quoted_ports is None]
    meant = np.isin(rows.seq & 0xFFFFFFFF, numbers) | np.isin(rows.ip_len, sizes)
    return np.asarray(rows.direction[rows.data & meant])


def _of_peers(column: Column) -> Column:
    """A column of the direction table with the two directions of each flow exchanged."""
    return np.asarray(column.reshape(-1, 2)[:, ::-1].reshape(-1))


def _sizes(collector: Collector, settings: Settings) -> tuple[Column, Column, Column]:
    """Of each direction: nothing sent was as large as it might be; segments may have been cut; all resent was late."""
    small, cut, only_late = np.zeros((3, len(collector.directions)), bool)
    for rows, block in collector.blocks():
        at = slice(2 * rows.start, 2 * rows.stop)
        directions = block.directions
        peers_mss = _of_peers(directions["mss"])
        header = np.repeat(np.where(block.flows["version"] == 4, 40, 60), 2)
        full = np.where(peers_mss > 0, peers_mss + header, 0)
        largest = np.maximum(directions["max_sent"], directions["delivered"])
        small[at] = largest < np.where(full > 0, full, settings.exercised_bytes)
        small[at] &= directions["super_packets"] == 0
        cut[at] = (full > 0) & (largest < full)
        needless = directions["spurious"] + directions["dsacks"]
        only_late[at] = (directions["resent"] <= needless) & (directions["filled"] > 0)
    return small, cut, only_late


def _holes(rows: _Rows, collector: Collector, settings: Settings) -> Column:
    """Directions of which a hole may decide something, by the conditions of `UnstalledFacts`.

    Whatever hole there is was opened by a packet beyond it, so one that is never filled nor acknowledged ends at a
    number that the peer did not acknowledge; and one that is filled is filled by packets that follow one beyond them.
    """
    small, cut, only_late = _sizes(collector, settings)
    una, last_data = (collector.directions[name] for name in ("una", "last_data_ts"))
    open_still = rows.placed & (rows.seq > una[rows.direction])
    open_still &= small[rows.direction] | (rows.ts <= collector.ends[rows.direction // 2] - settings.hole_ns)
    placed = rows.only(rows.placed)
    highest = np.maximum.accumulate(placed.lifted)
    late = placed.data & (placed.lifted < highest)
    filling = placed.only(late)
    opened = placed.ts[np.searchsorted(highest, filling.lifted, side="right")]  # or earlier than the hole was
    slow = small[filling.direction] & (filling.ts - opened >= settings.hole_ns)
    asked = last_data[filling.direction ^ 1]
    pieces = cut[filling.direction] & (
        only_late[filling.direction] | ((asked > 0) & (filling.ts - asked >= settings.hole_ns))
    )
    return np.concatenate([rows.direction[open_still], filling.direction[slow | pieces]])


def _runs(rows: _Rows, collector: Collector, settings: Settings, suspect: Column) -> Column:
    """Directions in which a run of retransmissions may come to a verdict of its own.

    All copies of a run have its first byte in common. Where copies either are of the same bytes, in the same shape, or
    have no byte in common, those of one run are alike; so nobody gave up a size, and what the same bytes have in copies
    and time bounds what a run may have.
    """
    again = rows.only(rows.copies & ~suspect[rows.direction])
    again = again.only(np.lexsort((again.seq, again.direction)))
    if not len(again.direction):
        return again.direction
    end = again.seq + again.payload
    pending = again.direction[end > collector.directions["una"][again.direction]]
    together = again.direction[1:] == again.direction[:-1]
    same = together & (again.seq[1:] == again.seq[:-1])
    alike = (again.payload[1:] == again.payload[:-1]) & ((again.marks[1:] ^ again.marks[:-1]) & MARK_DF == 0)
    reshaped = again.direction[1:][np.where(same, ~alike, together & (again.seq[1:] < end[:-1]))]
    starts = np.flatnonzero(np.concatenate([[True], ~same]))
    counts = np.diff(np.concatenate([starts, [len(again.direction)]]))
    many = counts >= max(GROWING, settings.episode_retransmissions)
    first, last = starts[many], starts[many] + counts[many] - 1
    began = _first_sent(rows, again.only(first))
    lasting = again.direction[first][again.ts[last] - began >= settings.episode_span_ns]
    return np.concatenate([pending, reshaped, lasting])


def _first_sent(rows: _Rows, stuck: _Rows) -> Column:
    """When each of the segments was first sent, ns, or earlier: the first packet near enough to hold a byte of it."""
    asked = np.zeros(int(rows.direction[-1]) + 1, bool)
    asked[stuck.direction] = True
    sent = rows.only(rows.data & asked[rows.direction])
    sent = sent.only(np.argsort(sent.lifted))
    longest = int(sent.payload.max(initial=0))
    begin = np.searchsorted(sent.lifted, stuck.lifted - longest, side="right").tolist()
    end = np.searchsorted(sent.lifted, stuck.lifted + stuck.payload, side="left").tolist()
    return np.array([sent.ts[a:b].min() for a, b in zip(begin, end, strict=True)], np.int64)
