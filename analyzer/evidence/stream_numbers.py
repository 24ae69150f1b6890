"""Wireshark's stream numbers for the rows of the flow table.

They are the rows' own numbers, unless the capture was taken at several points: then a connection has a row
for each point that saw it, and all of them share the number of the first. Where its addresses were translated between
the points, it is known by the initial sequence numbers of both ends, which no two connections share.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from analyzer.flows.flow_tables import SAW_SYN, SAW_SYN_ACK

WRAP = 1 << 32
ENDS = ("a0", "a1", "a2", "a3", "b0", "b1", "b2", "b3", "port_a", "port_b", "version")
MIXED = 0x9E3779B97F4A7C15
"""An odd number to mix with: 2**64 divided by the golden ratio."""

Column = np.ndarray[Any, Any]


def stream_numbers(flows: Any, directions: Any) -> Sequence[int]:
    """The stream number of each row of the flow table, which is in order of first sight."""
    if not len(flows) or not flows["point"].any():
        return range(len(flows))
    first = _first_rows(flows, directions)
    _join_translated(flows, directions, first)
    found: list[int] = np.searchsorted(np.flatnonzero(first == np.arange(len(first))), first).tolist()
    return found


def _first_rows(flows: Any, directions: Any) -> Column:
    """Of each row the first row of the same connection, by its ends: the row itself, mostly."""
    first = np.arange(len(flows))
    key = np.zeros(len(flows), np.uint64)
    for name in ENDS:
        key = (key ^ flows[name].astype(np.uint64)) * np.uint64(MIXED)
        key ^= key >> np.uint64(29)
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], key[order][1:] != key[order][:-1]]))
    sizes = np.diff(np.append(starts, len(order)))
    head = np.repeat(order[starts], sizes)  # of each row in `order`, the first with its ends
    # Once at each point, and with numbers that meet: one connection. All else is looked at row by row.
    plain = _one_connection(directions, order, head)
    points = flows["point"][order]
    for name in ENDS:
        plain &= flows[name][order] == flows[name][head]
    plain &= np.repeat(_all_different(points, starts, sizes), sizes)
    plain = np.repeat(np.logical_and.reduceat(plain, starts), sizes)
    first[order[plain]] = head[plain]
    _one_by_one(flows, directions, np.sort(order[~plain]).tolist(), first)
    return first


def _all_different(points: Column, starts: Column, sizes: Column) -> Column:
    """True for groups of rows of which no two are of one point; bool. There are 64 points at most."""
    seen = np.bitwise_or.reduceat(np.uint64(1) << points.astype(np.uint64), starts)
    bits = np.unpackbits(seen.view(np.uint8).reshape(-1, 8), axis=1).sum(axis=1)
    return np.asarray(bits == sizes)


def _one_by_one(flows: Any, directions: Any, rows: Iterable[int], first: Column) -> None:
    known: dict[tuple[int, ...], list[tuple[int, set[int]]]] = defaultdict(list)
    for row in rows:
        same = known[tuple(int(flows[name][row]) for name in ENDS)]
        point = int(flows["point"][row])
        for other, points in reversed(same):
            if point not in points and _one_connection(directions, np.array([row]), np.array([other]))[0]:
                points.add(point)
                first[row] = other
                break
        else:
            same.append((row, {point}))


def _join_translated(flows: Any, directions: Any, first: Column) -> None:
    """Enter the first rows of connections whose ends were translated between two points."""
    opened = flows["seen"] & (SAW_SYN | SAW_SYN_ACK) != 0
    for side in (0, 1):
        opened = opened & (directions["base_set"][side::2] != 0)
    heads = np.flatnonzero(opened & (first == np.arange(len(first))))
    bases = [directions["base"][side::2][heads].astype(np.uint64) for side in (0, 1)]
    key = np.minimum(*bases) << np.uint64(32) | np.maximum(*bases)
    order = np.argsort(key, kind="stable")
    again = np.flatnonzero(key[order][1:] == key[order][:-1])
    if not len(again):
        return
    points: dict[int, set[int]] = defaultdict(set)
    for row in np.flatnonzero(np.isin(first, heads[order[np.union1d(again, again + 1)]])).tolist():
        points[int(first[row])].add(int(flows["point"][row]))
    for place in again.tolist():
        one, two = int(heads[order[place]]), int(heads[order[place + 1]])
        one = int(first[one])
        if not points[one] & points[two]:
            points[one] |= points[two]
            first[first == two] = one


def _one_connection(directions: Any, rows: Column, others: Column) -> Column:
    """True where the sequence numbers that two rows saw meet, in every direction that both saw; bool."""
    meet = np.ones(len(rows), bool)
    columns = {name: directions[name] for name in ("first_seq", "snd_max", "ref")}
    for side in (0, 1):
        one = {name: column[2 * rows + side] for name, column in columns.items()}
        two = {name: column[2 * others + side] for name, column in columns.items()}
        apart = (two["first_seq"] - one["first_seq"] + WRAP // 2) % WRAP - WRAP // 2
        beyond = (apart > one["snd_max"] - one["first_seq"]) | (-apart > two["snd_max"] - two["first_seq"])
        meet &= ~(beyond & (one["ref"] != 0) & (two["ref"] != 0))
    return meet
