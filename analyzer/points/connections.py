"""Which rows of the flow table are one connection at several points, and which connections are worth a closer look.

Emits `Connection`. Those with a problem come first; of the others a few of each path tell what its legs carry.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from analyzer.flows.flow_tables import SAW_SYN, SAW_SYN_ACK
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

OPENED = SAW_SYN | SAW_SYN_ACK
ENDS = ("a0", "a1", "a2", "a3", "b0", "b1", "b2", "b3", "port_a", "port_b", "version", "point")


class Member(NamedTuple):
    """A connection at one point: the row of the flow table, and whether its sides are the other way round."""

    row: int
    point: int
    flipped: bool
    base: tuple[int, int] | None = None
    """Where numbers are rewritten on the way: the initial ones there, those of the first member's side 0 first."""


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
    ends = {row: tuple(flows[row][name].item() for name in ENDS[:-1]) for row in rows}
    flipped: dict[tuple[Any, ...], bool] = {ends[rows[0]]: False}
    opened = [row for row in rows if int(flows["seen"][row]) & OPENED == OPENED]
    for row in [*opened, *rows]:
        if ends[row] not in flipped:
            flipped[ends[row]] = _flipped(flows, directions, rows[0], row)
    members = [Member(row, int(flows["point"][row]), flipped[ends[row]]) for row in rows]
    bases = [_bases(directions, member) for member in members if member.row in opened]
    if len(set(bases)) < 2:
        return tuple(members)
    # A capture that began later has the numbers of one of the others.
    return tuple(
        member._replace(base=min(bases, key=partial(_apart, _bases(directions, member)))) for member in members
    )


def _flipped(flows: Any, directions: Any, first: int, row: int) -> bool:
    """True if side 0 of one row is side 1 of the other, where addresses were translated between them."""
    mine = [int(directions["base"][2 * first + side]) for side in (0, 1)]
    theirs = [int(directions["base"][2 * row + side]) for side in (0, 1)]
    if set(mine).isdisjoint(theirs):  # numbers were rewritten, too: both saw who opened the connection
        return int(flows["client"][first]) != int(flows["client"][row])
    return mine[0] != theirs[0] and (mine[0] == theirs[1] or mine[1] == theirs[0])


def _bases(directions: Any, member: Member) -> tuple[int, int]:
    """The initial numbers of a row, the first member's side 0 first."""
    both = [int(directions["base"][2 * member.row + side]) & WORD for side in (0, 1)]
    return (both[1], both[0]) if member.flipped else (both[0], both[1])


def _apart(one: tuple[int, int], two: tuple[int, int]) -> int:
    """How far the numbers of two rows are from each other."""
    return sum(min((a - b) & WORD, (b - a) & WORD) for a, b in zip(one, two, strict=True))


class Watched(NamedTuple):
    """What is to be listed, and to which connections and members its packets belong."""

    watches: list[Watch]
    members: list[list[tuple[int, Member]]]  # of each watch: (number of the connection, member), by their start


class Stall(NamedTuple):
    """Where a flow got stuck."""

    side: int  # by the first member's sides
    seq: int  # as on the wire at `point`
    point: int

    def at(self, connection: Connection, member: Member) -> Stall:
        """The same as on the wire at a member, whose numbers may be others."""
        own = next((each.base for each in connection.members if each.point == self.point), None)
        if own is None or member.base is None:
            return self
        return Stall(self.side, self.seq - own[self.side] + member.base[self.side], member.point)


def watches_of(flows: Any, directions: Any, connections: Sequence[Connection], stalls: Mapping[int, Stall]) -> Watched:
    """What to list of the connections.

    Args:
        flows: the flow table, with addresses as in the files.
        directions: the table of their directions.
        connections: see above.
        stalls: where some streams got stuck.
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
            connection, member = connections[those[0][0]], those[0][1]
            stall = stalls.get(connection.stream)
            low, span = _window(directions, member, stall.at(connection, member) if stall is not None else None)
        trouble = any(connections[number].problem for number, _ in those)
        watches.append(Watch(ends, low, span, MOST_PACKETS if trouble else MOST_PACKETS_OF_OTHERS))
        members.append(those)
    # Later fragments have no ports: one watch for each pair of addresses at a point.
    for pair in dict.fromkeys(ends._replace(low_port=0, high_port=0) for ends in keyed):
        watches.append(Watch(pair, (0, 0), (EVERYTHING, EVERYTHING), MOST_PACKETS))
        members.append([])
    return Watched(watches, members)


def _window(directions: Any, member: Member, stall: Stall | None) -> tuple[tuple[int, int], tuple[int, int]]:
    lows, spans = [0, 0], [EVERYTHING, EVERYTHING]
    for side in (0, 1):
        stuck = stall is not None and side == stall.side ^ member.flipped
        start = (
            stall.seq - WINDOW_BEFORE
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
