"""Bulk transfers over a path that loses 5 % of the segments, seen at the sender; repaired by SACK as in RFC 6675.

Sender, path and receiver are played out segment by segment for a few episodes of different chance, each of which ends
with everything delivered. The capture is made of these episodes, one behind the other in every flow, in another order
in each: sequence numbers go on, SACK blocks and acknowledgements with them. Times of the flows interleave.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from heapq import heappop, heappush

import numpy as np
import numpy.typing as npt

from benchmarks.layout import (
    ACK,
    MSS,
    TIMESTAMPS,
    Numbers,
    Shape,
    first_sequence,
    sack_options,
    set_checksum,
    set_ends,
    set_lengths,
    set_times,
)
from benchmarks.steady import REQUEST, Steady

RATE = 0.05
EPISODES = 8
_SEGMENTS = 4000  # of an episode
_WINDOW = 40  # segments in flight
_ROUND_TRIP = 10_000  # microseconds
_SPACING = 12  # microseconds between two segments on the wire
_TIMEOUT = 210_000
_MOST_BLOCKS = 3  # SACK blocks beside the timestamps

# One row a packet: time, 1 if the server sent it, first segment it holds or acknowledgement, SACK blocks, three edges
_COLUMNS = 4 + 2 * _MOST_BLOCKS


@dataclass(frozen=True)
class Episode:
    """What one flow does from the first segment to the ACK of the last.

    `rows`: (packets, 10) int64: microseconds, 1 for data (0: an ACK), segment or cumulative ACK (in segments), number
    of SACK blocks, then left and right edges (in segments). `retransmitted`: how many segments were sent again.
    """

    rows: Numbers
    micros: int
    retransmitted: int


class _Receiver:
    """What has arrived, and the ACK that each arrival causes: of every second segment, at once where any is missing."""

    def __init__(self) -> None:
        self.next = 0
        self.held: list[list[int]] = []  # blocks above `next`, the most recent first
        self._quiet = 0

    def takes(self, segment: int) -> list[int] | None:
        """The ACK: next segment expected, number of blocks, their edges; or None (delayed)."""
        filled = bool(self.held)
        if segment == self.next:
            self.next += 1
            while block := next((block for block in self.held if block[0] <= self.next), None):
                self.held.remove(block)
                self.next = max(self.next, block[1])
        elif segment > self.next:
            block = [segment, segment + 1]
            for other in [other for other in self.held if other[0] <= block[1] and block[0] <= other[1]]:
                block = [min(block[0], other[0]), max(block[1], other[1])]
                self.held.remove(other)
            self.held.insert(0, block)
        self._quiet += 1
        if self._quiet < 2 and not self.held and not filled and self.next < _SEGMENTS:
            return None
        self._quiet = 0
        shown = self.held[:_MOST_BLOCKS]
        edges = [edge for block in shown for edge in block]
        return [self.next, len(shown), *edges, *[0] * (2 * _MOST_BLOCKS - len(edges))]


@cache
def episode(seed: int) -> Episode:
    """Play one episode; the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - the losses of a made-up path
    receiver = _Receiver()
    rows: list[list[int]] = []
    arriving: list[tuple[int, int, list[int]]] = []  # ACKs on their way back: when, order, what
    sent_at: dict[int, int] = {}  # in flight and not SACKed: segment to the number of its latest transmission
    transmissions = sacked_latest = highest = acked = retransmitted = 0
    sacked: set[int] = set()
    lost: list[int] = []
    now = wire = 0
    while acked < _SEGMENTS:
        while len(sent_at) < _WINDOW and (lost or highest < _SEGMENTS):
            again = bool(lost)
            segment = heappop(lost) if lost else highest
            highest += not again
            retransmitted += again
            wire = max(now, wire + _SPACING)
            transmissions += 1
            sent_at[segment] = transmissions
            rows.append([wire, 1, segment, 0, *[0] * (2 * _MOST_BLOCKS)])
            # The last window always arrives at its first retransmission, so that the episode ends without a timeout
            if chance.random() < RATE and not (again and segment > _SEGMENTS - _WINDOW):
                continue
            answer = receiver.takes(segment)
            if answer is not None:
                heappush(arriving, (wire + _ROUND_TRIP + chance.randrange(_SPACING), transmissions, answer))
        if not arriving:  # nothing will come back: the retransmission timer sends the first one again
            now = max(now, wire) + _TIMEOUT
            lost = sorted({*lost, *sent_at})
            sent_at.clear()
            continue
        now, number, answer = heappop(arriving)
        rows.append([now, 0, *answer])
        sacked_latest = max(sacked_latest, number)
        edges = answer[2 : 2 + 2 * answer[1]]
        for left, right in zip(edges[::2], edges[1::2], strict=True):
            sacked.update(range(left, right))
        acked = max(acked, answer[0])
        for segment, transmission in list(sent_at.items()):
            if segment < acked or segment in sacked:
                del sent_at[segment]
            elif transmission + 3 <= sacked_latest:  # three that were sent later have arrived
                del sent_at[segment]
                heappush(lost, segment)
        lost = [segment for segment in lost if segment >= acked and segment not in sacked]
    while arriving:
        now, _, answer = heappop(arriving)
        rows.append([now, 0, *answer])
    made = np.array(rows, np.int64)
    return Episode(made[np.argsort(made[:, 0], kind="stable")], now + _SPACING, retransmitted)


@dataclass(frozen=True)
class Lossy:
    """A capture of about so many packets: whole episodes."""

    about: int
    flows: int = 20
    snap: int = 96

    @property
    def rounds(self) -> int:
        """In each round every flow has one episode."""
        return max(1, round(self.about / (self.flows * len(episode(0).rows))))

    @property
    def packets(self) -> int:
        """Packets of the whole capture."""
        opening = 4 * self.flows
        return opening + sum(len(self._episode(r, f).rows) for r in range(self.rounds) for f in range(self.flows))

    @property
    def retransmitted(self) -> int:
        """Segments of the whole capture that were sent again."""
        return sum(self._episode(r, f).retransmitted for r in range(self.rounds) for f in range(self.flows))

    def _episode(self, number: int, flow: int) -> Episode:
        return episode((number + 3 * flow) % EPISODES)

    def chunks(self) -> Iterator[memoryview]:
        """The records in order."""
        steady = Steady(4 * self.flows, self.flows, self.snap, round_trip=_ROUND_TRIP)
        yield from steady.chunks()
        lasts = max(episode(seed).micros for seed in range(EPISODES)) + 37 * self.flows
        for number in range(self.rounds):
            yield self._round(number, steady.opening_micros + number * lasts).data

    def _round(self, number: int, begins: int) -> npt.NDArray[np.uint8]:
        """The bytes of one round."""
        episodes = [self._episode(number, flow).rows for flow in range(self.flows)]
        rows = np.concatenate(episodes)
        flow = np.repeat(np.arange(self.flows, dtype=np.int64), [len(part) for part in episodes])
        micros = begins + rows[:, 0] + 37 * flow
        order = np.argsort(micros, kind="stable")
        rows, flow, micros = rows[order], flow[order], micros[order]
        by_server, blocks = rows[:, 1] == 1, rows[:, 3]
        theirs = first_sequence(flow, client=False) + 1 + number * _SEGMENTS * MSS
        mine = first_sequence(flow, client=True) + 1 + REQUEST
        kinds = [(by_server, Shape(TIMESTAMPS, MSS, self.snap))]
        kinds += [
            (~by_server & (blocks == count), Shape(sack_options(count), 0, self.snap))
            for count in range(_MOST_BLOCKS + 1)
        ]
        sizes = np.zeros(len(rows), np.int64)
        for chosen, shape in kinds:
            sizes[chosen] = shape.dtype.itemsize
        ends = np.cumsum(sizes)
        out = np.zeros(ends[-1], np.uint8)
        for chosen, shape in kinds:
            records = shape.empty(int(chosen.sum()))
            client = shape is not kinds[0][1]
            set_ends(records, flow[chosen], client=client)
            set_lengths(shape, records, 0 if client else MSS)
            set_times(records, micros[chosen])
            records["flags"] = ACK
            records["tsval"] = 1000 + micros[chosen] // 1000
            records["tsecr"] = 1000 + (micros[chosen] - _ROUND_TRIP) // 1000
            records["ip"]["id"] = np.flatnonzero(chosen) & 0xFFFF
            number_sent = theirs[chosen] + rows[chosen, 2] * MSS
            records["ack" if client else "seq"] = number_sent & 0xFFFF_FFFF
            records["seq" if client else "ack"] = mine[chosen] & 0xFFFF_FFFF
            if "edges" in (records.dtype.names or ()):
                count = records["edges"].shape[1]
                edges = theirs[chosen, None] + rows[chosen, 4 : 4 + 2 * count] * MSS
                records["edges"] = (edges & 0xFFFF_FFFF).reshape(-1, count, 2)
            set_checksum(records["ip"])
            size = shape.dtype.itemsize
            places = (ends - sizes)[chosen]
            out[places[:, None] + np.arange(size)] = records.view(np.uint8).reshape(-1, size)
        return out
