"""What the other flows between the same two addresses tell about one direction of theirs.

Another flow is not this flow: its packets may take another of several parallel paths. So all that is asked here is
when something happened to it. Emits `Siblings`: columns sorted by time, made once for each pair of addresses and
direction, so that a question costs a search in them, however many flows the pair has.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from analyzer.evidence.range_maximum import Column, RangeMaximum
from analyzer.evidence.segments import frame_of
from analyzer.flows.flow_tables import PROGRESS_SLOTS, SAW_SYN, SAW_SYN_ACK
from analyzer.flows.progress_log import progress_of
from analyzer.model.statement import FrameRef
from analyzer.settings import LEAST_RETRANSMISSIONS

MOST_LOOKED_AT = 256
"""Flows that one question walks over at most."""


SIBLINGS_AT_ONCE = 65_536
"""Flows whose slots are looked into at a time."""


class Event(NamedTuple):
    """Something that happened to a flow: when (ns), the flow's row, its stream number, and the frames that show it."""

    ts: int
    row: int
    stream: int
    frames: tuple[FrameRef, ...]
    size: int = 0  # bytes: IP length of what was delivered, payload of what hangs


class Columns:
    """Rows of a table, of which each column is taken when it is asked for."""

    def __init__(self, table: Any, rows: Column) -> None:
        self._table = table
        self._rows = rows

    def __getitem__(self, name: str) -> Column:
        return np.asarray(self._table[name][self._rows])

    def at(self, name: str, place: int) -> int:
        """One value of a column."""
        return int(self._table[name][self._rows[place]])


class Siblings:
    """The flows in `rows` of the flow table, which lie between the same two addresses, in direction `side`."""

    def __init__(self, tables: Any, rows: Column, side: int) -> None:
        self._tables = tables  # the `Collector`: flows, directions, progress, numbers
        self._rows = rows
        self._side = side
        self._directions = Columns(tables.directions, 2 * rows + side)

    def _event(self, ts: int, row: int, frame_ids: tuple[int, ...], size: int = 0) -> Event:
        frames = tuple(frame_of(frame_id) for frame_id in frame_ids if frame_id)
        return Event(ts, row, int(self._tables.numbers[row]), frames, size)

    @cached_property
    def _answers(self) -> tuple[Column, Column, Column]:
        """(ts, row, frame of the ACK) of the latest progress of each flow, in order of time."""
        ts, row, frame = answers_of(self._tables, self._rows, self._side)
        order = np.argsort(ts, kind="stable")
        return ts[order], row[order], frame[order]

    def answered(self, but: int, after: int, until: int) -> Event | None:
        """The first acknowledgement of data of another flow than row `but` in (after, until], or None."""
        ts, row, frame = self._answers
        for i in range(int(np.searchsorted(ts, after, side="right")), len(ts)):
            if ts[i] > until:
                break
            if row[i] != but:
                return self._event(int(ts[i]), int(row[i]), (int(frame[i]),))
        return None

    @cached_property
    def _openings(self) -> tuple[Column, Column, Column, Column, Column]:
        """(asked, answered, row, frame asked, frame answered) of handshake packets, in order of the first."""
        columns = openings_of(Columns(self._tables.flows, self._rows), self._rows, self._side)
        order = np.argsort(columns[0], kind="stable")
        asked, answered, row, asked_frame, answered_frame = (column[order] for column in columns)
        return asked, answered, row, asked_frame, answered_frame

    def opened(self, but: int, after: int, until: int) -> Event | None:
        """A SYN or SYN/ACK of another flow sent after `after` and answered by `until`, or None."""
        asked, answered, row, asked_frame, answered_frame = self._openings
        start = int(np.searchsorted(asked, after, side="right"))
        for i in range(start, min(len(asked), start + MOST_LOOKED_AT)):
            if asked[i] > until:
                break
            if row[i] != but and answered[i] <= until:
                return self._event(int(answered[i]), int(row[i]), (int(asked_frame[i]), int(answered_frame[i])))
        return None

    @cached_property
    def _large(self) -> tuple[Column, Column, Column, RangeMaximum]:
        """(ts, index into the rows, size) of each flow's largest delivery, in order, and maxima of the sizes."""
        ts, size = self._directions["delivered_ts"], self._directions["delivered"]
        kept = np.flatnonzero(size > 0)
        kept = kept[np.argsort(ts[kept], kind="stable")]
        return ts[kept], kept, size[kept], RangeMaximum(size[kept])

    def delivered(self, but: int, size: int, after: int, until: int) -> Event | None:
        """A packet with DF of at least `size` bytes that another flow had delivered in (after, until], or None."""
        ts, index, sizes, maxima = self._large
        first, last = int(np.searchsorted(ts, after, side="right")), int(np.searchsorted(ts, until, side="right"))
        own = np.flatnonzero(self._rows[index[first:last]] == but)
        edges = [first, *(first + own).tolist(), last]
        starts = [edges[0], *(edge + 1 for edge in edges[1:-1])]
        for begin, end in zip(starts, edges[1:], strict=True):
            if (found := maxima.first_reaching(begin, end, size)) >= 0:
                place = int(index[found])
                frame_ids = (self._directions.at("delivered_frame", place), self._directions.at("delivered_ack", place))
                return self._event(int(ts[found]), int(self._rows[index[found]]), frame_ids, int(sizes[found]))
        return None

    def last_delivered(self, but: int, size: int) -> int:
        """When another flow had a packet of at least `size` bytes delivered last, ns; 0: never."""
        by_size = self._by_size
        return by_size.latest_but(but, by_size.up_to(max(size, 1)))

    @cached_property
    def _by_size(self) -> _BySize:
        """The flows in order of their largest delivery, so that a question about a size costs a search."""
        return _BySize(self._rows, self._directions)

    def losses(self, but: int, size: int) -> tuple[int, int, int]:
        """Data packets of the other flows that got `size` bytes through: sent, and sent again; and segments of all."""
        by_size = self._by_size
        sent, lost, _, _ = by_size.sums_but(but, size)
        return sent, lost, by_size.segments - by_size.segments_of(but)

    def loss_rate(self, but: int, size: int) -> float:
        """Share of the bytes sent, each transmission counted, that the other flows did not get acknowledged.

        Of those that got a packet of `size` bytes through: a narrow path has no share in it.
        """
        _, _, acked, sent = self._by_size.sums_but(but, size)
        return 1 - min(acked / max(sent, 1), 1.0)

    @cached_property
    def _hung(self) -> tuple[Column, Column, Column]:
        """(since, index into the rows, payload) of the flows with a segment that is still unanswered, by time."""
        since, kept, size = hung_of(self._directions)
        order = np.argsort(since, kind="stable")
        return since[order], kept[order], size[order]

    def hung(self, but: int, since: int, until: int, least: int = 0, most: int = 1 << 30) -> Iterator[Event]:
        """Other flows of which a segment of `least` to `most` bytes of payload is unanswered since [since, until].

        MOST_LOOKED_AT flows are looked at, the earliest.
        """
        ts, index, size = self._hung
        start, end = int(np.searchsorted(ts, since, side="left")), int(np.searchsorted(ts, until, side="right"))
        sizes = size[start : min(end, start + MOST_LOOKED_AT)]
        for i in (start + np.flatnonzero((sizes >= least) & (sizes <= most))).tolist():
            row = int(self._rows[index[i]])
            if row != but:
                frame = self._directions.at("resent_frame", int(index[i]))
                yield self._event(int(ts[i]), row, (frame,), int(size[i]))


class _BySize:
    """Flows in order of their largest delivery, the largest first, and what those up to each are together.

    `rows` of the flow table, which rise, with their rows of the direction table.
    """

    def __init__(self, rows: Column, directions: Columns) -> None:
        size = directions["delivered"].astype(np.int64)
        order = np.argsort(-size, kind="stable")
        self._rows = rows
        self._sizes = -size[order]  # so that they rise
        self._place = np.empty(len(rows), np.int64)  # of each row
        self._place[order] = np.arange(len(rows))
        self._each = np.maximum(directions["data_packets"] - directions["resent"], 0)  # segments of each row
        self.segments = int(self._each.sum())  # and of all
        self._latest = RangeMaximum(np.where(size > 0, directions["delivered_ts"], 0)[order])
        amounts = amounts_of(directions)[order]
        self._sums = np.concatenate([np.zeros((1, amounts.shape[1]), np.int64), np.cumsum(amounts, axis=0)])

    def _index(self, row: int) -> int:
        """Where a row is among the rows, -1: nowhere."""
        index = int(np.searchsorted(self._rows, row))
        return index if index < len(self._rows) and self._rows[index] == row else -1

    def up_to(self, size: int) -> int:
        """How many flows got a packet of `size` bytes through."""
        return int(np.searchsorted(self._sizes, -size, side="right"))

    def segments_of(self, row: int) -> int:
        """Segments of one flow."""
        index = self._index(row)
        return int(self._each[index]) if index >= 0 else 0

    def latest_but(self, but: int, end: int) -> int:
        """When the first `end` flows, without the one in row `but`, had their largest delivered last, ns; 0: never."""
        index = self._index(but)
        own = min(int(self._place[index]), end) if index >= 0 else end
        return max(self._latest.largest(0, own), self._latest.largest(own + 1, end), 0)

    def sums_but(self, but: int, size: int) -> tuple[int, int, int, int]:
        """The four sums of the flows that got a packet of `size` bytes through, without the one in row `but`."""
        end, index = self.up_to(size), self._index(but)
        sums = self._sums[end]
        if index >= 0 and (own := int(self._place[index])) < end:
            sums = sums - (self._sums[own + 1] - self._sums[own])
        one, two, three, four = sums.tolist()
        return one, two, three, four


def amounts_of(directions: Any) -> Column:
    """Of each row: data packets, those sent again, bytes acknowledged, bytes sent, each transmission counted."""
    lost = np.maximum(0, directions["resent"] - directions["spurious"] - directions["dsacks"])
    acked = np.maximum(directions["una"] - directions["first_seq"] - directions["unseen"], 0)
    return np.stack([directions["data_packets"], lost, acked, directions["payload_bytes"]], axis=1).astype(np.int64)


def answers_of(tables: Any, rows: Column, side: int) -> tuple[Column, Column, Column]:
    """(ts, row, frame of the ACK) of the latest progress of the flows in `rows` in direction `side`."""
    parts = []  # most slots are empty: of all at once they are 200 bytes a flow
    for at in range(0, max(len(rows), 1), SIBLINGS_AT_ONCE):
        some = rows[at : at + SIBLINGS_AT_ONCE]
        times, frames = progress_of(tables.progress, tables.directions, 2 * some + side)
        ts, frame = times.ravel(), frames.ravel()
        kept = np.flatnonzero(ts)
        parts.append((ts[kept], np.repeat(some, PROGRESS_SLOTS)[kept], frame[kept]))
    ts, row, frame = (np.concatenate(column) for column in zip(*parts, strict=True))
    return ts, row, frame


def openings_of(flows: Any, rows: Column, side: int) -> tuple[Column, Column, Column, Column, Column]:
    """(asked, answered, row, frame asked, frame answered) of the handshake packets of flows in direction `side`."""
    opener = flows["client"] == side
    asked = np.where(opener, flows["syn_ts"], flows["syn_ack_ts"])
    answered = np.where(opener, flows["syn_ack_ts"], flows["ack_ts"])
    asked_frame = np.where(opener, flows["syn_frame"], flows["syn_ack_frame"])
    answered_frame = np.where(opener, flows["syn_ack_frame"], flows["ack_frame"])
    both = SAW_SYN | SAW_SYN_ACK
    kept = np.flatnonzero((flows["seen"] & both == both) & (asked != 0) & (answered != 0))
    return asked[kept], answered[kept], rows[kept], asked_frame[kept], answered_frame[kept]


def hung_of(directions: Any) -> tuple[Column, Column, Column]:
    """(since, index into the rows, payload) of the flows with a segment that is still unanswered."""
    kept = np.flatnonzero(directions["run_count"] >= LEAST_RETRANSMISSIONS)
    return directions["run_ts"][kept], kept, directions["run_len"][kept]
