"""At which places the PTBs about each side of a connection were seen.

Emits `PtbWay`, by stream number and side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analyzer.decode.icmp import KIND_PTB
from analyzer.evidence.ptb import CHECKSUM_WRONG
from analyzer.flows.flow_tables import C_ICMPS, State
from analyzer.flows.icmp_quotes import QUOTED_SEQ
from analyzer.model.analysis import CaptureFile
from analyzer.model.statement import FrameRef
from analyzer.model.text import ip_text
from analyzer.points.clocks import Clocks
from analyzer.points.connections import Connection
from analyzer.points.joined import PtbWay
from analyzer.points.sightings import Place


def ptb_ways(
    state: State,
    connections: Sequence[Connection],
    clocks: Clocks,
    places: Sequence[Place],
    files: Sequence[CaptureFile],
    seen_on: Mapping[FrameRef, int],
) -> dict[tuple[int, int], list[PtbWay]]:
    """The PTBs about each side of each connection.

    Args:
        state: the tables of the first pass.
        connections: what is joined.
        clocks: of the places.
        places: all of them.
        files: those of the analysis.
        seen_on: of PTBs in files whose interfaces are places of their own, the interface. One that is not told counts
            for all interfaces of its file.
    """
    rows = {member.row: (connection.stream, member) for connection in connections for member in connection.members}
    icmps = state.icmps[: int(state.counters[C_ICMPS])]
    strangers: dict[int, set[Place]] = defaultdict(set)  # of those that quote what no translation made fit, by MTU
    groups: dict[tuple[int, int, str, int], list[tuple[set[Place], int, FrameRef]]] = defaultdict(list)
    wrong: set[tuple[int, int, str, int]] = set()
    for index in np.flatnonzero(icmps["kind"] == KIND_PTB):
        row = icmps[index]
        ref = FrameRef(int(row["file"]), int(row["frame"]))
        point = files[ref.file].point
        own = (point, seen_on[ref]) if ref in seen_on else None
        at = {place for place in places if (place == own if own is not None else place[0] == point)}
        if int(row["flow"]) not in rows:
            strangers[int(row["mtu"])] |= at
            continue
        stream, member = rows[int(row["flow"])]
        known = next((place for place in places if place[0] == point), (point, -1))
        side = int(row["side"]) ^ member.flipped
        key = (stream, side, _router(row), int(row["mtu"]))
        stray = int(row["quoted"]) == QUOTED_SEQ and not int(row["una"]) <= int(row["seq"]) <= int(row["snd_max"])
        if int(row["sum"]) == CHECKSUM_WRONG or stray:
            wrong.add(key)
        groups[key].append((at, clocks.time(known, int(row["ts"])), ref))
    out: dict[tuple[int, int], list[PtbWay]] = defaultdict(list)
    for key, those in groups.items():
        stream, side, router, mtu = key
        seen_at = frozenset(strangers[mtu]).union(*(at for at, _, _ in those))
        last = max(time for _, time, _ in those)
        out[stream, side].append(
            PtbWay(router, mtu, seen_at, last, key not in wrong, tuple(ref for _, _, ref in those))
        )
    return out


def _router(row: Any) -> str:
    version = int(row["version"])
    if version == 4:
        return ip_text(int(row["s0"]), 4)
    return ip_text(sum(int(row[f"s{i}"]) << (96 - 32 * i) for i in range(4)), 6)
