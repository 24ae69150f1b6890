"""Wireshark's stream numbers for the rows of the flow table.

They are the rows' own numbers, unless the capture was taken at several points: then a connection has a row
for each point that saw it, and all of them share the number of the first. Where its addresses were translated between
the points, it is known by the initial sequence numbers of both ends, which no two connections share.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analyzer.flows.flow_tables import SAW_SYN, SAW_SYN_ACK

WRAP = 1 << 32
ENDS = ("a0", "a1", "a2", "a3", "b0", "b1", "b2", "b3", "port_a", "port_b", "version")


def stream_numbers(flows: Any, directions: Any) -> Sequence[int]:
    """The stream number of each row of the flow table, which is in order of first sight."""
    if not len(flows) or not flows["point"].any():
        return range(len(flows))
    numbers: list[int] = []
    known: dict[tuple[int, ...], list[tuple[int, set[int], int]]] = {}
    opened: dict[tuple[int, ...], tuple[int, set[int]]] = {}
    bases = [directions["base"][side::2].tolist() for side in (0, 1)]
    complete = ((flows["seen"] & SAW_SYN != 0) | (flows["seen"] & SAW_SYN_ACK != 0)).tolist()
    both = ((directions["base_set"][0::2] != 0) & (directions["base_set"][1::2] != 0)).tolist()
    count = 0
    for row, key in enumerate(zip(*(flows[name].tolist() for name in ENDS), strict=True)):
        point = int(flows["point"][row])
        same = known.setdefault(key, [])
        for number, points, other in reversed(same):
            if point not in points and _one_connection(directions, row, other):
                points.add(point)
                numbers.append(number)
                break
        else:
            begin = tuple(sorted((bases[0][row], bases[1][row])))
            beyond = opened.get(begin) if complete[row] and both[row] else None
            if beyond is not None and point not in beyond[1]:
                number, points = beyond
                points.add(point)
                numbers.append(number)
            else:
                number, points = count, {point}
                numbers.append(number)
                count += 1
            same.append((number, points, row))
            if complete[row] and both[row]:
                opened.setdefault(begin, (number, points))
    return numbers


def _one_connection(directions: Any, row: int, other: int) -> bool:
    """True if the sequence numbers that two rows saw meet, in every direction that both saw."""
    for side in (0, 1):
        one, two = directions[2 * row + side], directions[2 * other + side]
        if not one["ref"] or not two["ref"]:
            continue
        apart = (int(two["first_seq"]) - int(one["first_seq"]) + WRAP // 2) % WRAP - WRAP // 2
        if apart > int(one["snd_max"] - one["first_seq"]) or -apart > int(two["snd_max"] - two["first_seq"]):
            return False
    return True
