"""What became of each packet, for tables, figures and verdicts alike: delivered, lost, or sent needlessly.

A capture shows that bytes arrived, never which of several transmissions brought them. As the sender itself must, this
takes the last one that the ACK can answer, half a round trip or more before it, and calls those before it lost
(`is_lost`, which `deliveries` uses, too, packet by packet). Whole columns at a time (numpy), so that a flow of a
million packets takes a second. Emits `Outcomes`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from analyzer.decode.tcp import ACK_FLAG, FIN, RST, SYN
from analyzer.flows.fast_path import FARTHEST
from analyzer.flows.flow_tables import MARK_DUPLICATE, MARK_KEEPALIVE
from analyzer.settings import MEANINGFUL_RTT_NS

NONE = -1
DELIVERED = 0
LOST = 1
SPURIOUS = 2
UNANSWERED = 3
NAMES = ("delivered", "lost", "needless", "unanswered")

NEVER = np.iinfo(np.int64).max

Array = np.ndarray[Any, Any]


def guard_of(rtt: int) -> int:
    """How long before its ACK a packet must have been sent at least, ns; `rtt` is the round trip, 0 if unknown."""
    return rtt // 2 if rtt >= MEANINGFUL_RTT_NS else 0


def is_lost(again: Any, acked: Any, guard: int) -> Any:
    """Whether a packet was lost: some of its bytes were sent again, and that was not too late to be what was ACKed.

    Args:
        again: when they were sent again first, ns, NEVER where they were not; numbers or arrays of them.
        acked: when all its bytes were acknowledged, NEVER where they were not.
        guard: see `guard_of`.
    """
    return (again != NEVER) & (again <= acked - guard)


class Outcomes(NamedTuple):
    """One entry a packet; rows are counted from 0, and -1 stands for none."""

    outcome: Array  # index into NAMES, NONE for packets that carry nothing (bare ACKs) and the capture's copies
    acked_by: Array  # row of the packet that acknowledged a delivered one
    first_sent: Array  # row of the first transmission of its bytes, for retransmissions


Blocks = tuple[Array, Array, Array]
"""SACK blocks: the row of each, and its left and right edge, unwrapped as the rows' sequence numbers."""


def outcomes_of(rows: Array, edges: Array, round_trips: tuple[int, int] = (0, 0)) -> Outcomes:
    """What became of one flow's packets, dtype `passes.second.ROW`, in capture order, with their SACK blocks' edges.

    `round_trips` are those of the packets of side 0 and 1, ns, 0 where unknown.
    """
    having = np.flatnonzero(rows["blocks"] > 0)
    return outcomes_with(rows, sack_blocks(rows, edges, having), round_trips)


def outcomes_with(rows: Array, blocks: Blocks, round_trips: tuple[int, int] = (0, 0)) -> Outcomes:
    """As `outcomes_of`, of rows with the fields ts, seq, ack, payload, flags, marks and side."""
    out = Outcomes(*(np.full(len(rows), NONE, np.int64) for _ in range(3)))
    for side in (0, 1):
        _one_direction(rows, blocks, side, guard_of(round_trips[side]), out)
    return out


def _one_direction(rows: Array, all_blocks: Blocks, side: int, guard: int, out: Outcomes) -> None:
    flags = rows["flags"].astype(np.int64)
    mine = rows["side"] == side
    end = rows["seq"] + rows["payload"] + ((flags & SYN) != 0) + ((flags & FIN) != 0)
    own = (rows["marks"] & (MARK_DUPLICATE | MARK_KEEPALIVE)) == 0
    sent = np.flatnonzero(mine & own & (end > rows["seq"]) & ((flags & RST) == 0))
    if not len(sent):
        return
    first, last = rows["seq"][sent], end[sent]
    answers = np.flatnonzero(~mine & ((flags & ACK_FLAG) != 0) & ((flags & RST) == 0))
    answers = answers[_plausible(rows["ack"][answers], answers, sent, last)]
    of_answers = np.isin(all_blocks[0], answers)
    blocks, left, right = (part[of_answers] for part in all_blocks)

    # Between two neighbouring bounds all bytes share one fate: they are one cell.
    bounds = _distinct(np.concatenate([first, last, left, right]))
    low, high = np.searchsorted(bounds, first), np.searchsorted(bounds, last)
    arrived = _paint(len(bounds), np.searchsorted(bounds, left), np.searchsorted(bounds, right), blocks, np.minimum)
    arrived[:-1] = np.minimum(arrived[:-1], _first_reaching(rows["ack"][answers], answers, bounds[1:]))
    acked = _over(arrived, low, high, np.maximum)
    earliest = _over(_paint(len(bounds), low, high, sent, np.minimum), low, high, np.minimum)
    spurious = acked < sent
    tries = np.flatnonzero(~spurious)
    again = np.full(len(sent), NEVER)
    again[tries] = _sent_again(low[tries], high[tries], sent[tries])
    lost = ~spurious & (again < acked) & np.asarray(is_lost(_times(rows, again), _times(rows, acked), guard))
    # Sent again when the answer to what was sent before was on its way already.
    late = (acked != NEVER) & (_times(rows, acked) - guard < rows["ts"][sent]) & (guard > 0)
    spurious |= ~lost & late & (earliest < sent)
    delivered = ~spurious & ~lost & (acked != NEVER)

    out.outcome[sent] = np.select([spurious, lost, delivered], [SPURIOUS, LOST, DELIVERED], UNANSWERED)
    out.acked_by[sent] = np.where(delivered, acked, NONE)
    out.first_sent[sent] = np.where(earliest < sent, earliest, NONE)


def _times(rows: Array, places: Array) -> Array:
    """When the packets in these rows were captured, ns; NEVER for NEVER."""
    known = places != NEVER
    return np.where(known, rows["ts"][np.where(known, places, 0)].astype(np.int64), NEVER)


MOST_CELLS = 64
"""Cells of a packet in which its next transmission is looked for; packets overlap more others only if somebody made
them so."""


def _sent_again(low: Array, high: Array, sent: Array) -> Array:
    """The row of the next packet with some of the same bytes, for each of the rows `sent`; NEVER if there is none."""
    count = np.minimum(high - low, MOST_CELLS)
    packet = np.repeat(np.arange(len(sent)), count)
    cell = np.arange(len(packet)) - np.repeat(np.cumsum(count) - count, count) + low[packet]
    order = np.lexsort((sent[packet], cell))
    packet, cell = packet[order], cell[order]
    follows = np.flatnonzero(cell[1:] == cell[:-1])
    out = np.full(len(sent), NEVER)
    np.minimum.at(out, packet[follows], sent[packet[follows + 1]])
    return out


def _plausible(acks: Array, answers: Array, sent: Array, last: Array) -> Array:
    """False for acknowledgement numbers that no live byte can have: a stray or forged packet."""
    before = np.searchsorted(sent, answers) - 1
    reach = np.maximum.accumulate(last)
    return np.asarray((before < 0) | (np.abs(acks - reach[before]) < FARTHEST))


def _first_reaching(acks: Array, answers: Array, last: Array) -> Array:
    """Row of the first packet whose ACK number reaches each of `last`; NEVER where none does."""
    if not len(acks):
        return np.full(len(last), NEVER)
    place = np.searchsorted(np.maximum.accumulate(acks), last)
    return np.where(place < len(acks), answers[np.minimum(place, len(acks) - 1)], NEVER)


def sack_blocks(rows: Array, edges: Array, answers: Array) -> tuple[Array, Array, Array]:
    """All SACK blocks of the rows `answers`: the row of each, and its relative left and right edges."""
    found = []
    for i in range(edges.shape[1] // 2):
        having = answers[rows["blocks"][answers] > i]
        if len(having):
            ack, raw = rows["ack"][having], rows["raw_ack"][having].astype(np.int64)
            left, right = (
                ack + ((edges[having, 2 * i + k].astype(np.int64) - raw + 0x80000000) & 0xFFFFFFFF) - 0x80000000
                for k in (0, 1)
            )
            sane = right > left
            found.append((having[sane], left[sane], right[sane]))
    if not found:
        nothing = np.zeros(0, np.int64)
        return nothing, nothing, nothing
    blocks, left, right = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return blocks, left, right


def _distinct(numbers: Array) -> Array:
    """Sorted, each once; quicker than np.unique where most are in order already."""
    ordered = np.sort(numbers, kind="stable")
    return np.asarray(ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])])


def _paint(cells: int, low: Array, high: Array, values: Array, better: np.ufunc) -> Array:
    """For each cell the least (np.minimum) or greatest of the values painted on it; each covers [low, high).

    An interval is the union of two whose length is a power of two; those are handed down from the longest,
    each to its two halves. So a long interval costs no more than a short one.
    """
    table = np.full(cells, _worst(better))
    if not len(low):
        return table
    level = _log2(high - low)
    for k in range(int(level.max()), -1, -1):
        here = level == k
        better.at(table, low[here], values[here])
        better.at(table, high[here] - (1 << k), values[here])
        if k:
            half = 1 << (k - 1)
            halved = table.copy()
            better(halved[half:], table[:-half], out=halved[half:])
            table = halved
    return table


def _over(table: Array, low: Array, high: Array, better: np.ufunc) -> Array:
    """The least or greatest entry of table[low:high], for each pair."""
    out = np.empty(len(low), np.int64)
    level = _log2(high - low)
    for k in range(int(level.max(initial=0)) + 1):
        here = level == k
        out[here] = better(table[low[here]], table[high[here] - (1 << k)])
        half = 1 << k
        longer = table.copy()
        better(longer[:-half], table[half:], out=longer[:-half])
        table = longer
    return out


def _worst(better: np.ufunc) -> int:
    return NEVER if better is np.minimum else NONE


def _log2(lengths: Array) -> Array:
    """The exponent of the largest power of two that fits."""
    return np.asarray(np.frexp(lengths)[1] - 1)
