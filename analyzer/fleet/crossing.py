"""Flows with trouble that several groups saw: a shuffle on the key of a flow, of what was found. Emits `Crossing`.

No packet moves for it. Groups that saw the same flows are then one capture of several points (`points`), which is
joined as `pmtu-analyze` joins files that are given together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Crossing:
    """Groups that saw the same flows with trouble."""

    groups: tuple[str, ...]
    flows: int


def crossings(folder: Path) -> list[Crossing]:
    """Which groups saw the same flows limited by size, by the Parquet files of flows; those that share most first."""
    import pyarrow.compute as pc
    from pyarrow import dataset

    files = [str(path) for path in sorted(folder.glob("day=*/*.parquet"))]
    if not files:
        return []
    flows = dataset.dataset(files, format="parquet")
    bad = pc.field("verdict").cast("string").isin(sorted(SIZE_PROBLEMS))
    columns = {name: pc.field(name) for name in ("group", *ENDS)}
    columns |= {name: pc.field(name).cast("int64") for name in ("first_time", "last_time")}
    columns["verdict"] = pc.field("verdict").cast("string")
    troubled = {_key(row) for row in _rows(flows.to_batches(columns=columns, filter=bad))}
    if not troubled:
        return []
    addresses = sorted({address for key in troubled for address, _ in key})
    near = pc.field("client.ip").isin(addresses) & pc.field("server.ip").isin(addresses)
    seen: dict[Key, list[Mapping[str, Any]]] = defaultdict(list)
    for row in _rows(flows.to_batches(columns=columns, filter=near)):
        if _key(row) in troubled:
            seen[_key(row)].append(row)
    shared: dict[tuple[str, ...], int] = defaultdict(int)
    for rows in seen.values():
        for groups in _together(rows):
            shared[groups] += 1
    found = [Crossing(groups, count) for groups, count in shared.items() if len(groups) <= MOST_GROUPS]
    return sorted(found, key=lambda each: (-each.flows, each.groups))


def _rows(batches: Iterable[Any]) -> Iterable[Mapping[str, Any]]:
    for batch in batches:
        yield from batch.to_pylist()


def _key(row: Mapping[str, Any]) -> Key:
    one, two = (row["client.ip"], row["client.port"]), (row["server.ip"], row["server.port"])
    return (one, two) if one <= two else (two, one)


def _together(rows: Sequence[Mapping[str, Any]]) -> Iterable[tuple[str, ...]]:
    """The groups that saw a flow at one time, where one of them saw it in trouble; ports are used again later."""
    times = sorted(rows, key=lambda row: row["first_time"])
    cluster: list[Mapping[str, Any]] = []
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


def joined(found: Sequence[Crossing], plan: Sequence[Group]) -> list[Group]:
    """The groups that are to be analysed together, each set as a group of its own."""
    by_name = {group.name: group for group in plan}
    sets = [each.groups for each in found[:MOST_CROSSINGS] if all(name in by_name for name in each.groups)]
    names = file_names(["+".join(groups) for groups in sets])
    return [
        Group(name, tuple(member for each in groups for member in by_name[each].members), by_name[groups[0]].settings)
        for name, groups in zip(names, sets, strict=True)
    ]
