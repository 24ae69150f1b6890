"""One group to what is kept of it: its JSON, a row for each flow, and what the fleet's answer needs. Emits `Judged`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from analyzer.api.pipeline import Tables, found_in
from analyzer.errors import PmtuAnalyzeError
from analyzer.fleet.cutting import COMPRESSION, Part, readable
from analyzer.fleet.datagram_hosts import hosts_of
from analyzer.fleet.day_tables import concatenated, day_of, flow_table
from analyzer.fleet.fleet_sources import problem_of
from analyzer.fleet.kept_tables import openings_of, packed
from analyzer.fleet.plan import Group
from analyzer.model.analysis import Analysis
from analyzer.model.brief import Brief
from analyzer.model.finding import prefix_of
from analyzer.model.flow import Flow, PathMtu
from analyzer.report.formats.json_report import json_pieces
from analyzer.report.one_line import damage
from analyzer.report.verdict_text import headline
from analyzer.tables.columns import FLOWS
from analyzer.tables.flow_table import finding_rows, row_maker

CHUNK_ROWS = 10_000
"""Flows that become rows at a time."""

MOST_PROBLEMS = 5_000
"""Flows with a problem that are kept one by one of a group; of more, the gravest."""

MOST_WAYS = 5_000
"""Pairs of prefixes that are counted apart in a group, a day; the others are counted together."""

MOST_FINDINGS = 500
MOST_LINES = 20
"""Notes and damaged files of a group that are told."""

Way = tuple[str, str, str]
"""Day, prefix of the senders, prefix of the receivers."""


@dataclass(frozen=True)
class Judged:
    """A group as it is kept."""

    name: str
    fingerprint: str
    summary: dict[str, Any]
    """Plain values, for JSON: see `summary_of`; of what could not be read, only `error` and what the plan knew."""
    json: bytes = b""
    """The JSON of the group, compressed by Zstandard."""
    flows: Any = None
    """A table of Apache Arrow, a row a flow: see `day_tables.flow_table`. None where nothing was read."""
    tables: bytes = b""
    """What joining with others needs of it, as `kept_tables` packs it."""


def judge(group: Group, parts: Sequence[Part] | None = None) -> Judged:
    """Analyse a group: its files, or `parts`, which stand for them. What cannot be read is told, not raised."""
    found: list[Tables] = []
    try:
        analysis = _analysis(group, parts, found.append)
        return kept_of(group, analysis, found[-1])
    except PmtuAnalyzeError as error:
        return failed(group, str(error))
    except MemoryError:
        return failed(group, "out of memory")
    except Exception as error:
        return failed(group, f"{group.name}: {problem_of(error)}")


def failed(group: Group, why: str) -> Judged:
    """What is kept of a group that could not be read."""
    return Judged(group.name, group.fingerprint, _basics(group) | {"error": why})


def _basics(group: Group) -> dict[str, Any]:
    return {
        "name": group.name,
        "fingerprint": group.fingerprint,
        "files": len(group.members),
        "file": group.members[0].name,
        "size": group.size,
        "command": group.command,
        "error": None,
    }


def _analysis(group: Group, parts: Sequence[Part] | None, keep: Callable[[Tables], object]) -> Analysis:
    if parts is not None and not any(part.problem for part in parts):
        try:
            with readable(group, parts) as ready:
                return _without_scratch(found_in(ready.sources, settings=ready.settings, keep=keep, alone=True))
        except PmtuAnalyzeError:
            pass  # as it is, it is told what is wrong with it
    with readable(group) as ready:
        found = found_in(ready.sources, settings=ready.settings, keep=keep, alone=True)
        return _without_scratch(found) if ready.scratch else found


def _without_scratch(analysis: Analysis) -> Analysis:
    """Nothing of it can be read again: what it was read from is gone."""
    return replace(analysis, sources=(None,) * len(analysis.files), inputs=())


def kept_of(group: Group, analysis: Analysis, tables: Tables | None = None) -> Judged:
    """What is kept of a group that was read; `tables`: what it was judged by, if it may be joined with others."""
    import zstandard

    rows = _Rows(group, analysis, openings_of(tables) if tables is not None else np.zeros(0, np.uint64))
    compressor = zstandard.ZstdCompressor(level=COMPRESSION).compressobj()
    pieces = [compressor.compress(piece.encode()) for piece in json_pieces(analysis, rows.add)]
    flows = rows.table()
    return Judged(
        group.name,
        group.fingerprint,
        summary_of(group, analysis, rows.ways, tables),
        b"".join([*pieces, compressor.flush()]),
        flows,
        packed(tables) if tables is not None else b"",
    )


class _Rows:
    """Flows as rows of a table, and counted; they come one by one, as they are written elsewhere, too."""

    def __init__(self, group: Group, analysis: Analysis, openings: Any) -> None:
        self.ways = _Ways()
        self._group = group
        self._row = row_maker(analysis)
        self._openings = openings
        self._waiting: list[list[Any]] = []
        self._tables: list[Any] = []

    def add(self, flow: Flow) -> None:
        """Take one more."""
        self._waiting.append(self._row(flow))
        if len(self._waiting) >= CHUNK_ROWS:
            self._end_chunk()

    def table(self) -> Any:
        """All of them; None of none."""
        if self._waiting:
            self._end_chunk()
        return concatenated(self._tables)

    def _end_chunk(self) -> None:
        self.ways.count(self._waiting)
        self._tables.append(flow_table(self._group.name, self._waiting, self._openings))
        self._waiting = []


def summary_of(group: Group, analysis: Analysis, ways: _Ways, tables: Tables | None = None) -> dict[str, Any]:
    """What the fleet needs of a group, as plain values for JSON.

    `problems` are flows with a problem, each [stream, routers of its PTBs, *brief]. `troubles` are briefs of what
    packets of no flow show. `ways` is [day, sender's prefix, receiver's prefix, {verdict: flows}, largest that got
    through], one for each day and pair. `hosts` is `datagram_hosts.hosts_of`, nothing without tables. `points` has the
    files of each capture point; `legs` is [source, destination, point, point, largest that crossed, one less than the
    smallest that did not, how many did not, protocol, whether they are fragmented datagrams], of legs on which size
    decides. Times are ns, sizes bytes of IP total length.
    """
    totals = analysis.totals
    times = totals.packets > 0
    problems = analysis.problems
    members = [file.path for file in analysis.files]
    return _basics(group) | {
        "bytes": sum(file.bytes for file in analysis.files),
        "packets": totals.packets,
        "flows": totals.flows,
        "verdicts": dict(totals.verdicts),
        "headline": headline(analysis),
        "first_time": analysis.first_time if times else None,
        "last_time": analysis.last_time if times else None,
        "notes": list(analysis.notes[:MOST_LINES]),
        "damaged": list(damage(analysis)),
        "problems": [
            [stream, _routers(analysis, stream, brief), *_plain(brief)] for stream, brief in problems[:MOST_PROBLEMS]
        ],
        "problems_in_all": len(problems),
        "troubles": [_plain(_brief_of(each)) for each in analysis.all_troubles[:MOST_PROBLEMS]],
        "ways": ways.rows,
        "points": [[members[i] for i in point.files if i < len(members)] for point in analysis.all_points],
        "legs": [*_legs(analysis)][:MOST_FINDINGS],
        "hosts": hosts_of(tables, analysis.all_troubles) if tables is not None else [],
        "findings": finding_rows(analysis)[:MOST_FINDINGS],
    }


def _legs(analysis: Analysis) -> Iterator[list[Any]]:
    """Of TCP, then of datagrams: what several conversations or fragments of two hosts tell alike is one."""
    for path in analysis.all_paths:
        for leg in path.legs:
            if leg.ends == "size":
                yield [path.src, path.dst, leg.start, leg.end, leg.at_least, leg.at_most, leg.lost, "tcp", False]
    told = set()
    for each in analysis.all_troubles:
        at = each.located
        if at is None or None in at.between or at.lost is None:
            continue
        about = each.sender, each.receiver, *at.between, at.crossed, at.lost - 1, at.datagrams, each.protocol
        if about not in told:
            told.add(about)
            yield [*about, each.verdict == "fragment_loss"]


def _plain(brief: Brief) -> list[Any]:
    return [list(value) if isinstance(value, tuple) else value for value in brief]


def brief_from(values: Sequence[Any]) -> Brief:
    """The brief that `summary_of` made plain."""
    verdict, confidence, sender, receiver, reasons, path_mtu, *rest = values
    return Brief(verdict, confidence, sender, receiver, tuple(reasons), PathMtu(*path_mtu), *rest)


def _brief_of(trouble: Any) -> Brief:
    return Brief(
        trouble.verdict, trouble.confidence, trouble.sender, trouble.receiver, (), trouble.path_mtu, trouble.lost,
        trouble.first_time, trouble.last_time,
    )  # fmt: skip


def _routers(analysis: Analysis, stream: int, brief: Brief) -> list[str]:
    """Who sent the PTBs about a flow; of flows without, nothing is looked up."""
    if not brief.reasons and brief.path_mtu.exact is None:
        return []
    return list(dict.fromkeys(ptb.router for ptb in analysis.flow(stream).ptb))


_PLACES = {column.name: number for number, column in enumerate(FLOWS)}
_CELLS = tuple(
    _PLACES[name] for name in ("first_time", "verdict", "direction", "client.ip", "server.ip", "path_mtu.at_least")
)


class _Ways:
    """Flows counted by day and pair of prefixes, in the direction of the packets that their verdicts are about."""

    def __init__(self) -> None:
        self._found: dict[Way, tuple[dict[str, int], list[int]]] = {}

    def count(self, rows: Sequence[Sequence[Any]]) -> None:
        """Count flows, which are rows of `FLOWS`. Without a direction it is the server's, which sends most."""
        for row in rows:
            time, verdict, direction, client, server, at_least = (row[place] for place in _CELLS)
            ends = (client, server) if direction == "client_to_server" else (server, client)
            key = (day_of(time), prefix_of(ends[0]), prefix_of(ends[1]))
            if key not in self._found and len(self._found) >= MOST_WAYS:
                key = (key[0], "", "")
            verdicts, largest = self._found.setdefault(key, (defaultdict(int), [0]))
            verdicts[verdict] += 1
            largest[0] = max(largest[0], at_least or 0)

    @property
    def rows(self) -> list[list[Any]]:
        """As `summary_of` says."""
        return [[*key, dict(verdicts), largest[0]] for key, (verdicts, largest) in self._found.items()]
