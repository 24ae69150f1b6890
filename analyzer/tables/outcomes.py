"""What became of each packet of one flow: delivered, lost, or sent needlessly, as its ACKs tell.

Whole columns at a time (numpy), so that a flow of a million packets takes a second. Emits `Fates`.

A capture shows that bytes arrived, never which of several transmissions brought them. As the sender itself
must, this takes the last one before the ACK, and calls those before it lost.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from analyzer.decode.tcp import ACK_FLAG, FIN, RST, SYN
from analyzer.flows.fast_path import FARTHEST
from analyzer.flows.flow_tables import MARK_DUPLICATE, MARK_KEEPALIVE

NONE = -1
DELIVERED = 0
LOST = 1
NEEDLESS = 2
UNANSWERED = 3
NAMES = ("delivered", "lost", "needless", "unanswered")

NEVER = np.iinfo(np.int64).max

Array = np.ndarray[Any, Any]


class Fates(NamedTuple):
    """One entry a packet; rows are counted from 0, and -1 stands for none."""

    fate: Array  # index into NAMES, NONE for packets that carry nothing (bare ACKs) and the capture's copies
    acked_by: Array  # row of the packet that acknowledged a delivered one
    first_sent: Array  # row of the first transmission of its bytes, for retransmissions


def fates_of(rows: Array, edges: Array) -> Fates:
    """The fates of one flow's packets, dtype `passes.second.ROW`, in capture order, with their SACK blocks' edges."""
    out = Fates(*(np.full(len(rows), NONE, np.int64) for _ in range(3)))
    for side in (0, 1):
        _one_direction(rows, edges, side, out)
    return out


def _one_direction(rows: Array, edges: Array, side: int, out: Fates) -> None:
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
    blocks, left, right = sack_blocks(rows, edges, answers)

    # Between two neighbouring bounds all bytes share one fate: they are one cell.
    bounds = _distinct(np.concatenate([first, last, left, right]))
    low, high = np.searchsorted(bounds, first), np.searchsorted(bounds, last)
    arrived = _paint(len(bounds), np.searchsorted(bounds, left), np.searchsorted(bounds, right), blocks, np.minimum)
    arrived[:-1] = np.minimum(arrived[:-1], _first_reaching(rows["ack"][answers], answers, bounds[1:]))
    acked = _over(arrived, low, high, np.maximum)
    earliest = _over(_paint(len(bounds), low, high, sent, np.minimum), low, high, np.minimum)
    needless = acked < sent
    tries = ~needless
    newest = _paint(len(bounds), low[tries], high[tries], sent[tries], np.maximum)
    latest = _over(newest, low, high, np.maximum)
    lost = tries & (latest > sent) & (latest < acked)
    delivered = tries & ~lost & (acked != NEVER)

    out.fate[sent] = np.select([needless, lost, delivered], [NEEDLESS, LOST, DELIVERED], UNANSWERED)
    out.acked_by[sent] = np.where(delivered, acked, NONE)
    out.first_sent[sent] = np.where(earliest < sent, earliest, NONE)


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
