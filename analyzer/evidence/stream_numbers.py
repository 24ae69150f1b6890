"""Wireshark's stream numbers for the rows of the flow table.

They are the rows' own numbers, unless the capture was taken at several points: then a connection has a row
for each point that saw it, and all of them share the number of the first. Where its addresses were translated between
the points, it is known by the initial sequence numbers of both ends, which no two connections share; where a firewall
puts in its own numbers, by packets that two points saw of it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from analyzer.flows.flow_tables import SAW_SYN, SAW_SYN_ACK
from analyzer.settings import LEAST_APART_NS

WRAP = 1 << 32
ENDS = ("a0", "a1", "a2", "a3", "b0", "b1", "b2", "b3", "port_a", "port_b", "version")
MIXED = 0x9E3779B97F4A7C15
"""An odd number to mix with: 2**64 divided by the golden ratio."""

Column = np.ndarray[Any, Any]


PointOpening = tuple[int, int, int]
"""Capture point, and the initial sequence numbers that a connection has there: the client's and the server's."""


def stream_numbers(
    flows: Any, directions: Any, renumbered: Sequence[tuple[PointOpening, PointOpening]] = ()
) -> Sequence[int]:
    """The stream number of each row of the flow table, which is in order of first sight.

    `renumbered`: connections that two points saw with other initial numbers.
    """
    if not len(flows) or not flows["point"].any():
        return range(len(flows))
    first = _first_rows(flows, directions)
    _join_translated(flows, directions, first)
    if renumbered:
        _join_renumbered(flows, directions, first, renumbered)
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
    firsts = np.flatnonzero(opened & (first == np.arange(len(first))))
    bases = [directions["base"][side::2][firsts].astype(np.uint64) for side in (0, 1)]
    key = np.minimum(*bases) << np.uint64(32) | np.maximum(*bases)
    order = np.argsort(key, kind="stable")
    again = np.flatnonzero(key[order][1:] == key[order][:-1])
    if not len(again):
        return
    points: dict[int, set[int]] = defaultdict(set)
    for row in np.flatnonzero(np.isin(first, firsts[order[np.union1d(again, again + 1)]])).tolist():
        points[int(first[row])].add(int(flows["point"][row]))
    for place in again.tolist():
        one, two = int(firsts[order[place]]), int(firsts[order[place + 1]])
        one = int(first[one])
        if not points[one] & points[two]:
            points[one] |= points[two]
            first[first == two] = one


def _join_renumbered(
    flows: Any, directions: Any, first: Column, renumbered: Sequence[tuple[PointOpening, PointOpening]]
) -> None:
    """Enter the first rows of connections whose numbers were rewritten between two points.

    Those of which packets were compared are known; they tell how far the clocks are apart, and so which of the others
    between these points were opened at the same time, by the same two ends with the same options.
    """
    opened = np.flatnonzero(flows["seen"] & (SAW_SYN | SAW_SYN_ACK) == SAW_SYN | SAW_SYN_ACK).tolist()
    by_opening: dict[PointOpening, int] = {}
    for row in opened:
        client = int(flows["client"][row])
        bases = [int(directions["base"][2 * row + side]) & (WRAP - 1) for side in (client, 1 - client)]
        by_opening[int(flows["point"][row]), bases[0], bases[1]] = row
    apart: dict[tuple[int, int], list[int]] = defaultdict(list)
    points: dict[int, set[int]] = defaultdict(set)
    for row, head in enumerate(first.tolist()):
        points[head].add(int(flows["point"][row]))

    def enter(row: int, other: int) -> None:
        one, two = sorted((int(first[row]), int(first[other])))
        if one != two and not points[one] & points[two]:
            points[one] |= points[two]
            first[first == two] = one

    for one, two in renumbered:
        if one in by_opening and two in by_opening:
            a, b = by_opening[one], by_opening[two]
            enter(a, b)
            apart[one[0], two[0]].append(int(flows["syn_ack_ts"][b]) - int(flows["syn_ack_ts"][a]))
    by_ends: dict[tuple[int, ...], dict[int, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
    for row in opened:
        ends = tuple(int(flows[name][row]) for name in ENDS)
        by_ends[ends][int(flows["point"][row])].append((int(flows["syn_ack_ts"][row]), row))
    for same in by_ends.values():
        for (one_point, two_point), times in apart.items():
            there = sorted(same.get(two_point, ()))
            for time, row in same.get(one_point, ()):
                low, high = time + min(times) - LEAST_APART_NS, time + max(times) + LEAST_APART_NS
                for _, other in there[bisect_left(there, (low, -1)) : bisect_right(there, (high, WRAP))]:
                    if _same_options(directions, row, other):
                        enter(row, other)


def _same_options(directions: Any, one: int, two: int) -> bool:
    """True if both ends of two rows announced the same; the MSS may be clamped."""
    names = ("wscale", "sack_ok", "has_ts")
    return all(
        directions[name][2 * one + side] == directions[name][2 * two + side] for name in names for side in (0, 1)
    )


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
