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
from analyzer.model.statement import FrameRef
from analyzer.settings import LEAST_RETRANSMISSIONS

MOST_LOOKED_AT = 256
"""Flows that one question walks over at most."""


class Event(NamedTuple):
    """Something that happened to a flow: when (ns), the flow's row, its stream number, and the frames that show it."""

    ts: int
    row: int
    stream: int
    frames: tuple[FrameRef, ...]
    size: int = 0  # bytes: IP length of what was delivered, payload of what hangs


class Siblings:
    """The flows in `rows` of the flow table, which lie between the same two addresses, in direction `side`."""

    def __init__(self, tables: Any, rows: Column, side: int) -> None:
        self._tables = tables  # the `Collector`: flows, directions, progress, numbers
        self._rows = rows
        self._side = side
        self._directions = tables.directions[2 * rows + side]

    def _event(self, ts: int, row: int, frame_ids: tuple[int, ...], size: int = 0) -> Event:
        frames = tuple(frame_of(frame_id) for frame_id in frame_ids if frame_id)
        return Event(ts, row, int(self._tables.numbers[row]), frames, size)

    @cached_property
    def _answers(self) -> tuple[Column, Column, Column]:
        """(ts, row, frame of the ACK) of the latest progress of each flow, in order of time."""
        log = self._tables.progress[2 * self._rows + self._side]
        ts, frame = log[:, :PROGRESS_SLOTS].ravel(), log[:, PROGRESS_SLOTS:].ravel()
        row = np.repeat(self._rows, PROGRESS_SLOTS)
        kept = np.flatnonzero(ts)
        kept = kept[np.argsort(ts[kept], kind="stable")]
        return ts[kept], row[kept], frame[kept]

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
        flows = self._tables.flows[self._rows]
        opener = flows["client"] == self._side
        asked = np.where(opener, flows["syn_ts"], flows["syn_ack_ts"])
        answered = np.where(opener, flows["syn_ack_ts"], flows["ack_ts"])
        asked_frame = np.where(opener, flows["syn_frame"], flows["syn_ack_frame"])
        answered_frame = np.where(opener, flows["syn_ack_frame"], flows["ack_frame"])
        both = SAW_SYN | SAW_SYN_ACK
        kept = np.flatnonzero((flows["seen"] & both == both) & (asked != 0) & (answered != 0))
        kept = kept[np.argsort(asked[kept], kind="stable")]
        return asked[kept], answered[kept], self._rows[kept], asked_frame[kept], answered_frame[kept]

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
                direction = self._directions[int(index[found])]
                frame_ids = (int(direction["delivered_frame"]), int(direction["delivered_ack"]))
                return self._event(int(ts[found]), int(self._rows[index[found]]), frame_ids, int(sizes[found]))
        return None

    def last_delivered(self, but: int, size: int) -> int:
        """When another flow had a packet of at least `size` bytes delivered last, ns; 0: never."""
        ts, index, sizes, _ = self._large
        return int(ts[(sizes >= size) & (self._rows[index] != but)].max(initial=0))

    def losses(self, but: int, size: int) -> tuple[int, int, int]:
        """Data packets of the other flows that got `size` bytes through: sent, and sent again; and segments of all."""
        directions = self._directions
        lost = np.maximum(0, directions["resent"] - directions["spurious"] - directions["dsacks"])
        others = self._rows != but
        chosen = others & (directions["delivered"] >= size)
        segments = np.maximum(directions["data_packets"] - directions["resent"], 0)[others]
        return int(directions["data_packets"][chosen].sum()), int(lost[chosen].sum()), int(segments.sum())

    def loss_rate(self, but: int, size: int) -> float:
        """Share of the bytes sent, each transmission counted, that the other flows did not get acknowledged.

        Of those that got a packet of `size` bytes through: a narrow path has no share in it.
        """
        directions = self._directions
        chosen = (directions["delivered"] >= size) & (self._rows != but)
        acked = np.maximum(directions["una"] - directions["first_seq"] - directions["unseen"], 0)[chosen].sum()
        return 1 - min(float(acked / max(int(directions["payload_bytes"][chosen].sum()), 1)), 1.0)

    @cached_property
    def _hung(self) -> tuple[Column, Column, Column]:
        """(since, index into the rows, payload) of the flows with a segment that is still unanswered, by time."""
        kept = np.flatnonzero(self._directions["run_count"] >= LEAST_RETRANSMISSIONS)
        since = self._directions["run_ts"][kept]
        order = np.argsort(since, kind="stable")
        return since[order], kept[order], self._directions["run_len"][kept[order]]

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
                frame = int(self._directions["resent_frame"][index[i]])
                yield self._event(int(ts[i]), row, (frame,), int(size[i]))
