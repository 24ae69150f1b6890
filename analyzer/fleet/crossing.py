"""Flows with trouble that several groups saw: a shuffle on the key of a flow, of what was found. Emits `Joint`.

The key are the ends of a flow, and, since those may be translated on the way, the initial sequence numbers of both
ends; of datagrams the addresses of both hosts. No packet moves for it. Groups that saw the same are then one capture of
several points (`joining`), where packets have to prove that it is the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from analyzer.fleet.day_tables import OPENING
from analyzer.fleet.plan import Group, file_names
from analyzer.model.verdicts import SIZE_PROBLEMS

MOST_CROSSINGS = 20
"""Sets of groups that are joined: those that share most flows with trouble."""

MOST_GROUPS = 8
"""Of a set; what more of them saw is not joined."""

CLOCKS_NS = 3_600_000_000_000
"""How far clocks of groups may be apart: what is taken for one flow and is none costs time, and is not joined."""

ENDS = ("client.ip", "client.port", "server.ip", "server.port")

Key = tuple[tuple[str, int], tuple[str, int]]
"""The ends of a flow: who opened it may not be in all captures."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Crossing:
    """Names of groups that saw the same flows with trouble, or pairs of hosts, and how many."""

    groups: tuple[str, ...]
    flows: int


@dataclass(frozen=True)
class Joint:
    """Groups that are joined."""

    group: Group
    """All their files, as one group."""
    of: tuple[Group, ...]


def crossings(folder: Path) -> list[Crossing]:
    """Which groups saw the same flows limited by size, by the Parquet files of flows; those that share most first."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import dataset

    files = [str(path) for path in sorted(folder.glob("day=*/*.parquet"))]
    if not files:
        return []
    flows = dataset.dataset(files, format="parquet")
    bad = pc.field("verdict").cast("string").isin(sorted(SIZE_PROBLEMS))
    columns = {name: pc.field(name) for name in ("group", *ENDS, OPENING)}
    columns |= {name: pc.field(name).cast("int64") for name in ("first_time", "last_time")}
    columns["verdict"] = pc.field("verdict").cast("string")

    def found(wanted: Any) -> list[Row]:
        return list(_rows(flows.to_batches(columns=columns, filter=wanted)))

    troubled = found(bad)
    if not troubled:
        return []
    openings = {row[OPENING] for row in troubled} - {None}
    translated = found(pc.field(OPENING).isin(pa.array(sorted(openings), pa.uint64()))) if openings else []
    keys = {_key(row) for row in (*troubled, *translated)}
    addresses = sorted({address for key in keys for address, _ in key})
    near = found(pc.field("client.ip").isin(addresses) & pc.field("server.ip").isin(addresses))
    shared: dict[tuple[str, ...], int] = defaultdict(int)
    for rows in _connections(
        [*translated, *(row for row in near if _key(row) in keys and row[OPENING] not in openings)]
    ):
        for groups in _together(rows):
            shared[groups] += 1
    return _crossings(shared)


def datagram_crossings(summaries: Iterable[Mapping[str, Any]]) -> list[Crossing]:
    """Which groups saw datagrams of the same hosts, where those of one got lost for their size.

    By `judging.summary_of` of each group; in the order of `crossings`.
    """
    read = [each for each in summaries if each["error"] is None]
    stuck = {(one, two) for each in read for one, two, _, _, verdict in each["hosts"] if verdict is not None}
    seen: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for each in read if stuck else ():
        for one, two, *when, verdict in each["hosts"]:
            if (one, two) in stuck:
                first, last = when
                row = {"group": each["name"], "first_time": first, "last_time": last, "verdict": verdict}
                seen[one, two].append(row)
    shared: dict[tuple[str, ...], int] = defaultdict(int)
    for rows in seen.values():
        for groups in _together(rows):
            shared[groups] += 1
    return _crossings(shared)


def merged(*found: Iterable[Crossing]) -> list[Crossing]:
    """Crossings of several kinds, each set of groups once."""
    shared: dict[tuple[str, ...], int] = defaultdict(int)
    for each in chain(*found):
        shared[each.groups] += each.flows
    return _crossings(shared)


def _crossings(shared: Mapping[tuple[str, ...], int]) -> list[Crossing]:
    """Those of not too many groups, the ones that share most first."""
    sets = [Crossing(groups, count) for groups, count in shared.items() if len(groups) <= MOST_GROUPS]
    return sorted(sets, key=lambda each: (-each.flows, each.groups))


def _connections(rows: Iterable[Row]) -> Iterable[list[Row]]:
    """Rows that have their ends, or the initial numbers of both, in common."""
    home: dict[Any, list[Row]] = {}
    for row in rows:
        parts = {id(home[name]): home[name] for name in _names(row) if name in home}
        mine = max(parts.values(), key=len, default=[])
        moving = [row, *(each for part in parts.values() if part is not mine for each in part)]
        mine += moving
        for each in moving:
            for name in _names(each):
                home[name] = mine
    return {id(part): part for part in home.values()}.values()


def _names(row: Row) -> list[Key | int]:
    return [_key(row), row[OPENING]] if row[OPENING] is not None else [_key(row)]


def _rows(batches: Iterable[Any]) -> Iterable[Row]:
    for batch in batches:
        yield from batch.to_pylist()


def _key(row: Row) -> Key:
    one, two = (row["client.ip"], row["client.port"]), (row["server.ip"], row["server.port"])
    return (one, two) if one <= two else (two, one)


def _together(rows: Sequence[Row]) -> Iterable[tuple[str, ...]]:
    """The groups that saw a flow at one time, where one of them saw it in trouble; ports are used again later."""
    times = sorted(rows, key=lambda row: row["first_time"])
    cluster: list[Row] = []
    last = 0
    for row in [*times, None]:
        if cluster and (row is None or row["first_time"] > last + CLOCKS_NS):
            groups = tuple(sorted({each["group"] for each in cluster}))
            if len(groups) > 1 and any(each["verdict"] in SIZE_PROBLEMS for each in cluster):
                yield groups
            cluster = []
        if row is not None:
            cluster.append(row)
            last = max(last, row["last_time"])


def joints(found: Sequence[Crossing], plan: Sequence[Group]) -> list[Joint]:
    """The groups that are to be analysed together."""
    by_name = {group.name: group for group in plan}
    sets = [
        tuple(by_name[name] for name in each.groups)
        for each in found[:MOST_CROSSINGS]
        if all(name in by_name for name in each.groups)
    ]
    names = file_names(["+".join(group.name for group in groups) for groups in sets])
    return [
        Joint(Group(name, tuple(member for group in groups for member in group.members), groups[0].settings), groups)
        for name, groups in zip(names, sets, strict=True)
    ]
