"""Which rows of the flow table are one connection at several points, and which connections are worth a closer look.

Emits `Connection`. Those with a problem come first; of the others a few of each path tell what its legs carry.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from analyzer.flows.lookup import Endpoints
from analyzer.model.flow import Flow
from analyzer.model.verdicts import PROBLEMS, rank
from analyzer.passes.watched import EVERYTHING, WORD, Watch

MOST_PROBLEMS = 200
"""Connections with a problem that are joined; more have the same trouble on the same way, as a rule."""

MOST_OTHERS = 24
OTHERS_A_PATH = 4
"""Connections without a problem that are joined, in all and of one pair of addresses."""

MOST_PACKETS = 4_096
MOST_PACKETS_OF_OTHERS = 512
"""Packets of a connection that are listed at one point at most: with a problem, and without."""

WINDOW_BEFORE = 300_000
WINDOW_BEHIND = 1_500_000
"""Bytes around the stalled segment of a flow of very many packets of which packets are listed."""

ENDS = ("a0", "a1", "a2", "a3", "b0", "b1", "b2", "b3", "port_a", "port_b", "version", "point")


class Member(NamedTuple):
    """A connection at one point: the row of the flow table, and whether its sides are the other way round."""

    row: int
    point: int
    flipped: bool


class Connection(NamedTuple):
    """One connection, as several points saw it. `members[0]` says which side is 0."""

    stream: int
    members: tuple[Member, ...]
    problem: bool


def connections_of(
    flows: Any, directions: Any, rows: Mapping[int, Sequence[int]], found: Iterable[Flow]
) -> list[Connection]:
    """The connections to be joined, of flows at several points, or with a problem at one that may be several."""
    chosen: list[tuple[tuple[bool, int, int], Flow]] = []
    for flow in found:
        members = rows.get(flow.stream, ())
        if len(members) > 1 or flow.verdict in PROBLEMS:
            chosen.append(((flow.verdict not in PROBLEMS, rank(flow.verdict), flow.stream), flow))
    chosen.sort(key=lambda each: each[0])
    problems, others = 0, 0
    of_path: Counter[tuple[str, str]] = Counter()
    out = []
    for (healthy, _, stream), flow in chosen:
        path = (flow.client.ip, flow.server.ip)
        if healthy:
            of_path[path] += 1
            others += 1
            if others > MOST_OTHERS or of_path[path] > OTHERS_A_PATH:
                continue
        else:
            problems += 1
            if problems > MOST_PROBLEMS:
                continue
        out.append(Connection(stream, _members(flows, directions, rows[stream]), not healthy))
    return out


def _members(flows: Any, directions: Any, rows: Sequence[int]) -> tuple[Member, ...]:
    first = rows[0]
    ends = [flows[first][name].item() for name in ENDS[:-1]]
    out = []
    for row in rows:
        same = [flows[row][name].item() for name in ENDS[:-1]] == ends
        flipped = not same and _flipped(directions, first, row)
        out.append(Member(row, int(flows["point"][row]), flipped))
    return tuple(out)


def _flipped(directions: Any, first: int, row: int) -> bool:
    """True if side 0 of one row is side 1 of the other, where addresses were translated between them."""
    mine = [int(directions["base"][2 * first + side]) for side in (0, 1)]
    theirs = [int(directions["base"][2 * row + side]) for side in (0, 1)]
    return mine != theirs and mine == theirs[::-1]


class Watched(NamedTuple):
    """What is to be listed, and to which connections and members its packets belong."""

    watches: list[Watch]
    members: list[list[tuple[int, Member]]]  # of each watch: (number of the connection, member), by their start


def watches_of(
    flows: Any, directions: Any, connections: Sequence[Connection], stalls: dict[int, tuple[int, int]]
) -> Watched:
    """What to list of the connections.

    Args:
        flows: the flow table, with addresses as in the files.
        directions: the table of their directions.
        connections: see above.
        stalls: of some streams the side whose packets got stuck, by the first member's sides, and their raw number.
    """
    keyed: dict[Endpoints, list[tuple[int, Member]]] = defaultdict(list)
    for number, connection in enumerate(connections):
        for member in connection.members:
            keyed[_endpoints(flows[member.row])].append((number, member))
    watches, members = [], []
    for ends, those in keyed.items():
        those.sort(key=lambda each: int(flows["first_ts"][each[1].row]))
        low, span = (0, 0), (EVERYTHING, EVERYTHING)
        if len(those) == 1 and int(flows["packets"][those[0][1].row]) > MOST_PACKETS:
            low, span = _window(directions, those[0][1], stalls.get(connections[those[0][0]].stream))
        trouble = any(connections[number].problem for number, _ in those)
        watches.append(Watch(ends, low, span, MOST_PACKETS if trouble else MOST_PACKETS_OF_OTHERS))
        members.append(those)
    # Later fragments have no ports: one watch for each pair of addresses at a point.
    for pair in dict.fromkeys(ends._replace(low_port=0, high_port=0) for ends in keyed):
        watches.append(Watch(pair, (0, 0), (EVERYTHING, EVERYTHING), MOST_PACKETS))
        members.append([])
    return Watched(watches, members)


def _window(directions: Any, member: Member, stall: tuple[int, int] | None) -> tuple[tuple[int, int], tuple[int, int]]:
    lows, spans = [0, 0], [EVERYTHING, EVERYTHING]
    for side in (0, 1):
        stuck = stall is not None and side == stall[0] ^ member.flipped
        start = (
            stall[1] - WINDOW_BEFORE
            if stall is not None and stuck
            else int(directions["first_seq"][2 * member.row + side])
        )
        if stuck or int(directions["packets"][2 * member.row + side]) > MOST_PACKETS // 2:
            lows[side], spans[side] = start & WORD, WINDOW_BEFORE + WINDOW_BEHIND
    return (lows[0], lows[1]), (spans[0], spans[1])


def _endpoints(row: Any) -> Endpoints:
    return Endpoints(
        int(row["version"]),
        int(row["point"]),
        (int(row["a0"]), int(row["a1"]), int(row["a2"]), int(row["a3"])),
        (int(row["b0"]), int(row["b1"]), int(row["b2"]), int(row["b3"])),
        int(row["port_a"]),
        int(row["port_b"]),
    )
