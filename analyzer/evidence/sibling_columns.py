"""As `siblings`, for many flows at once, of any pairs of addresses: questions and answers are whole columns.

What happened to the flows of all pairs lies in columns sorted by pair, then by time. The answers are those of
`Siblings`, as a test checks. Emits `SiblingColumns`.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from analyzer.evidence.range_maximum import Column, RangeMaximum
from analyzer.evidence.siblings import MOST_LOOKED_AT, Columns, amounts_of, answers_of, hung_of, openings_of
from analyzer.flows.flow_tables import PROGRESS_SLOTS


class Told(NamedTuple):
    """An answer for each flow: whether there is one, and what `siblings.Event` says of it; else nothing of sense."""

    found: Column  # bool
    ts: Column
    row: Column
    frames: tuple[Column, ...]  # as tables name them, 0: none
    size: Column


class _InOrder(NamedTuple):
    """Things that happened, sorted by pair of addresses, then by time or what else tells their order."""

    order: Column  # their places in what was sorted
    starts: Column  # of each pair, and behind the last

    @classmethod
    def of(cls, pair: Column, by: Column, pairs: int) -> _InOrder:
        order = np.lexsort((by, pair)) if pairs > 1 else np.argsort(by, kind="stable")
        return cls(order, np.searchsorted(pair[order], np.arange(pairs + 1)))


class SiblingColumns:
    """All flows of the flow table in direction `side`. `tables` is the `Collector`."""

    def __init__(self, tables: Any, side: int) -> None:
        self._side = side
        self._pair = tables.pairs
        self._rows = np.flatnonzero(tables.flows["packets"] > 0)
        self._pairs = int(self._pair.max(initial=-1)) + 1
        self._tables = tables
        self._directions = Columns(tables.directions, 2 * self._rows + side)

    def let_go(self) -> None:
        """Free what was made for answers: nothing more will be asked."""
        self.__dict__.clear()

    def _sorted(self, rows: Column, by: Column) -> _InOrder:
        return _InOrder.of(self._pair[rows], by, self._pairs)

    def _bounds(self, starts: Column, but: Column) -> tuple[Column, Column]:
        pair = self._pair[but]
        return starts[pair], starts[pair + 1]

    @cached_property
    def _answers(self) -> tuple[Column, Column, Column, Column]:
        ts, row, frame = answers_of(self._tables, self._rows, self._side)
        order, starts = self._sorted(row, ts)
        return ts[order], row[order], frame[order], starts

    def answered(self, but: Column, after: Column, until: Column) -> Told:
        """The first acknowledgement of data of another flow of the pair in (after, until]."""
        ts, row, frame, starts = self._answers
        low, high = self._bounds(starts, but)
        at = _search(ts, low, high, after, right=True)
        for _ in range(PROGRESS_SLOTS):
            own = _taken(row, at) == but
            if not own.any():
                break
            at = at + (own & (at < high))
        found = (at < high) & (_taken(ts, at) <= until)
        return Told(found, _taken(ts, at), _taken(row, at), (_taken(frame, at),), np.zeros(len(at), np.int64))

    @cached_property
    def _openings(self) -> tuple[Column, ...]:
        columns = openings_of(Columns(self._tables.flows, self._rows), self._rows, self._side)
        order, starts = self._sorted(columns[2], columns[0])
        return (*(column[order] for column in columns), starts)

    def opened(self, but: Column, after: Column, until: Column) -> Told:
        """A SYN or SYN/ACK of another flow of the pair sent after `after` and answered by `until`."""
        asked, answered, row, asked_frame, answered_frame, starts = self._openings
        low, high = self._bounds(starts, but)
        at = _search(asked, low, high, after, right=True)
        stop = np.minimum(high, at + MOST_LOOKED_AT)
        found = np.zeros(len(at), bool)
        left = np.flatnonzero((at < stop) & (_taken(asked, at) <= until))
        while len(left):
            here = at[left]
            right = (row[here] != but[left]) & (answered[here] <= until[left])
            found[left[right]] = True
            left = left[~right]
            at[left] += 1
            left = left[(at[left] < stop[left]) & (_taken(asked, at[left]) <= until[left])]
        frames = (_taken(asked_frame, at), _taken(answered_frame, at))
        return Told(found, _taken(answered, at), _taken(row, at), frames, np.zeros(len(at), np.int64))

    @cached_property
    def _large(self) -> tuple[Column, Column, Column, Column, RangeMaximum, Column]:
        ts, size = self._directions["delivered_ts"], self._directions["delivered"]
        kept = np.flatnonzero(size > 0)
        order, starts = self._sorted(self._rows[kept], ts[kept])
        kept = kept[order]
        place = np.full(len(self._pair), -1, np.int64)
        place[self._rows[kept]] = np.arange(len(kept))
        return ts[kept], kept, size[kept].astype(np.int64), starts, RangeMaximum(size[kept]), place

    def delivered(self, but: Column, size: Column, after: Column, until: Column) -> Told:
        """A packet with DF of at least `size` bytes that another flow of the pair had delivered in (after, until]."""
        ts, index, sizes, starts, maxima, place = self._large
        low, high = self._bounds(starts, but)
        first = _search(ts, low, high, after, right=True)
        last = np.maximum(_search(ts, low, high, until, right=True), first)
        own = np.clip(place[but], first, last)  # where its own is not between, one of the two parts is empty
        at = maxima.first_reaching_each(first, own, size)
        behind = np.where((own < last) & (own == place[but]), own + 1, own)
        at = np.where(at < 0, maxima.first_reaching_each(behind, last, size), at)
        found = at >= 0
        chosen = _taken(index, at)
        frames = (
            _taken(self._directions["delivered_frame"], chosen),
            _taken(self._directions["delivered_ack"], chosen),
        )
        return Told(found, _taken(ts, at), _taken(self._rows, chosen), frames, _taken(sizes, at))

    @cached_property
    def _by_size(self) -> tuple[Column, Column, Column, Column, RangeMaximum, Column]:
        """(sizes, as negative numbers; place of each row; starts; when; maxima of that; sums up to each place)."""
        size = self._directions["delivered"].astype(np.int64)
        order, starts = self._sorted(self._rows, -size)
        place = np.full(len(self._pair), -1, np.int64)
        place[self._rows[order]] = np.arange(len(order))
        ts = np.where(size > 0, self._directions["delivered_ts"], 0)[order]
        sums = np.concatenate([np.zeros((1, 4), np.int64), np.cumsum(amounts_of(self._directions)[order], axis=0)])
        return -size[order], place, starts, ts, RangeMaximum(ts), sums

    @cached_property
    def _segments(self) -> tuple[Column, Column]:
        """Segments of each row of the flow table, and of all flows of its pair."""
        directions = self._directions
        each = np.zeros(len(self._pair), np.int64)
        each[self._rows] = np.maximum(directions["data_packets"] - directions["resent"], 0)
        sums = np.zeros(self._pairs, np.int64)
        np.add.at(sums, self._pair[self._rows], each[self._rows])
        return each, sums

    def _as_large(self, but: Column, size: Column) -> tuple[Column, Column, Column, Column]:
        """Of those of the pair with a delivery as large: first and last place, the flow's own, and if it is one."""
        sizes, place, starts, *_ = self._by_size
        low, high = self._bounds(starts, but)
        last = _search(sizes, low, high, -size, right=True)
        return low, last, place[but], place[but] < last

    def last_delivered(self, but: Column, size: Column) -> Column:
        """When another flow of the pair had a packet of at least `size` bytes delivered last, ns; 0: never."""
        maxima = self._by_size[4]
        low, last, own, among = self._as_large(but, np.maximum(size, 1))
        before = maxima.largest_each(low, np.where(among, own, last))
        return np.maximum(np.maximum(before, maxima.largest_each(np.where(among, own + 1, last), last)), 0)

    def _sums(self, but: Column, size: Column) -> Column:
        sums = self._by_size[5]
        low, last, own, among = self._as_large(but, size)
        own = np.where(among, own, 0)
        return np.asarray(sums[last] - sums[low] - np.where(among[:, None], sums[own + 1] - sums[own], 0))

    def losses(self, but: Column, size: Column) -> tuple[Column, Column, Column]:
        """As `Siblings.losses`."""
        sums = self._sums(but, size)
        each, of_pair = self._segments
        return sums[:, 0], sums[:, 1], of_pair[self._pair[but]] - each[but]

    def loss_rate(self, but: Column, size: Column) -> Column:
        """As `Siblings.loss_rate`."""
        sums = self._sums(but, size)
        return 1 - np.minimum(sums[:, 2] / np.maximum(sums[:, 3], 1), 1.0)

    @cached_property
    def _hung(self) -> tuple[Column, Column, Column, Column, Column, Column]:
        since, kept, size = hung_of(self._directions)
        order, starts = self._sorted(self._rows[kept], since)
        kept, size = kept[order], size[order].astype(np.int64)
        most, least = _over_next(size, MOST_LOOKED_AT, np.maximum), _over_next(size, MOST_LOOKED_AT, np.minimum)
        return since[order], kept, size, starts, most, least

    def hung_from(self, but: Column, since: Column, until: Column) -> tuple[Column, Column]:
        """The places [first, behind the last) of hung flows of the pair that `hung_next` may look at."""
        ts, _, _, starts, *_ = self._hung
        low, high = self._bounds(starts, but)
        first, last = _search(ts, low, high, since, right=False), _search(ts, low, high, until, right=True)
        return first, np.minimum(last, first + MOST_LOOKED_AT)

    def hung_next(self, but: Column, at: Column, stop: Column, least: Column, most: Column) -> tuple[Column, Told]:
        """The next place from `at` on whose flow is another one, and whose payload lies in [least, most]."""
        ts, index, size, _, greatest, smallest = self._hung
        at = at.copy()
        none = (_taken(greatest, at) < least) | (_taken(smallest, at) > most)
        at[none] = np.maximum(at, stop)[none]
        left = np.flatnonzero(at < stop)
        while len(left):
            here = at[left]
            fits = (size[here] >= least[left]) & (size[here] <= most[left]) & (self._rows[index[here]] != but[left])
            left = left[~fits]
            at[left] += 1
            left = left[at[left] < stop[left]]
        chosen = _taken(index, at)
        frames = (_taken(self._directions["resent_frame"], chosen),)
        return at, Told(at < stop, _taken(ts, at), _taken(self._rows, chosen), frames, _taken(size, at))


def _taken(column: Column, at: Column) -> Column:
    """The values at these places; of places outside, whatever."""
    if not len(column):
        return np.zeros(len(at), np.int64)
    return np.asarray(column[np.clip(at, 0, len(column) - 1)])


def _over_next(values: Column, count: int, better: np.ufunc) -> Column:
    """For each place the greatest (or least) of the `count` values from there on; `count` is a power of two."""
    out, step = values.copy(), 1
    while step < count:
        out[:-step] = better(out[:-step], out[step:])
        step *= 2
    return out


def _search(column: Column, low: Column, high: Column, values: Column, *, right: bool) -> Column:
    """`numpy.searchsorted` in the part [low, high) of a column, which is sorted there, for each of some values."""
    if len(low) and (low == low[0]).all() and (high == high[0]).all():
        part = column[low[0] : high[0]]
        return np.asarray(low + np.searchsorted(part, values, side="right" if right else "left"))
    low, high = low.copy(), high.copy()
    left = np.flatnonzero(low < high)
    while len(left):
        middle = (low[left] + high[left]) >> 1
        there = column[middle]
        behind = there <= values[left] if right else there < values[left]
        low[left[behind]] = middle[behind] + 1
        high[left[~behind]] = middle[~behind]
        left = left[low[left] < high[left]]
    return low
