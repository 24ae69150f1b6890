"""From the tables of a capture to its flows: most are judged there and made when somebody asks, the others at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, ItemsView, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from analyzer.evidence.effort import Allowance
from analyzer.evidence.flow_index import Collector
from analyzer.evidence.icmp_errors import IcmpErrors
from analyzer.evidence.icmp_rows import in_reassembly
from analyzer.evidence.stream_numbers import PointOpening
from analyzer.flows.flow_tables import C_CONVERSATIONS, C_FRAGMENTS, C_FRAGMENTS_LOST, C_ICMPS, C_UDP_LOST, State
from analyzer.model.brief import Brief
from analyzer.model.flow import Flow
from analyzer.model.flow_list import FlowList
from analyzer.model.path import Path
from analyzer.model.statement import FrameRef, Statement
from analyzer.model.verdicts import VERDICTS
from analyzer.settings import Settings
from analyzer.verdicts.bulk_verdicts import CODES, BulkVerdicts, bulk_verdicts
from analyzer.verdicts.capture_quality import CaptureQuality
from analyzer.verdicts.half_open import half_open
from analyzer.verdicts.path_findings import Pools, add_answered_datagrams, add_bulk, add_lone_ptbs, add_probes
from analyzer.verdicts.traits import traits_of

if TYPE_CHECKING:
    from analyzer.model.fragment_count import FragmentCount
    from analyzer.model.seen_ptb import SeenPtb
    from analyzer.model.trouble import Trouble
    from analyzer.verdicts.conversation_findings import JudgedConversations
    from analyzer.verdicts.flow_making import Maker

MADE_AT_ONCE = 1_000
"""Flows that are made when they are judged, if there are no more to judge. Of more, most are never shown: they are
judged in bulk, and once more where they are shown."""

_AT_ONCE = 4096

QUIET_ONES = 64
"""Connections without trouble that several points saw, of which more is told: the largest."""


@dataclass(frozen=True, slots=True)
class _Making:
    """What flows are made of, by code that is loaded when somebody asks for one."""

    collector: Collector
    settings: Settings
    quality: CaptureQuality
    simple: Any  # bool: rows that `half_open` tells
    allowance: Allowance

    def maker(self) -> Maker:
        from analyzer.verdicts.flow_making import Maker

        return Maker(self.collector, self.settings, self.quality, self.simple, self.allowance)


@dataclass(frozen=True, slots=True)
class _ByNumber:
    """Makes flows by their stream numbers."""

    making: _Making
    rows: Mapping[int, int]  # where they differ, of the flow table

    def __call__(self, stream: int) -> Flow:
        return self.making.maker()(self.rows.get(stream, stream))


@dataclass(frozen=True, slots=True)
class _Briefs:
    """Gives the briefs of flows of which the tables told the verdict."""

    making: _Making
    rows: Mapping[int, int]  # where they differ, of the flow table

    def __call__(self, streams: Sequence[int]) -> dict[int, Brief]:
        from analyzer.verdicts.flow_making import judged_in_bulk

        rows = [self.rows.get(stream, stream) for stream in streams]
        return judged_in_bulk(self.making.maker(), np.array(rows, np.int64), Pools(), bounded=False)


@dataclass(frozen=True, slots=True)
class _Reasons:
    """Says why flows have not other verdicts."""

    making: _Making
    rows: Mapping[int, Sequence[int]]  # rows of the flow table by stream number, where these differ

    def __call__(self, stream: int, verdict: str) -> Statement:
        return self.making.maker().why_not(self.rows.get(stream, (stream,)), verdict)


class JudgedFlows(NamedTuple):
    """What was found about the flows of a capture, and what else it holds."""

    flows: FlowList[Flow]
    paths: tuple[Path, ...]
    ptb_timeline: tuple[tuple[int, int, int, FrameRef], ...]  # time, stream or -1, mtu, frame
    ptbs: tuple[SeenPtb, ...]
    fragments: tuple[FragmentCount, ...]
    troubles: tuple[Trouble, ...]  # what packets of no TCP flow show to be wrong
    udp_flows: FlowList[Flow]
    notes: tuple[str, ...]
    rows: Mapping[int, Sequence[int]]
    """Rows of the flow table by stream number: of flows judged one by one, and of some that several points saw."""
    judged_alone: Callable[[int], Flow]  # a row of the flow table, as it is judged by itself


def judged_flows(
    state: State,
    settings: Settings,
    quality: CaptureQuality,
    paid: int,
    renumbered: Sequence[tuple[PointOpening, PointOpening]] = (),
) -> JudgedFlows:
    """Judge every flow, and what else the capture holds; `paid`: see `Allowance`.

    `renumbered`: connections that two points saw with other initial sequence numbers.
    Flows that need no judge are judged in the tables, and made when somebody asks for them.
    """
    collector = Collector(state, renumbered)
    pools = Pools()
    bulk = bulk_verdicts(collector, settings)
    simple = half_open(collector)
    allowance = Allowance(paid, len(collector.ptbs))
    making = _Making(collector, settings, quality, simple, allowance)
    seen = collector.flows["packets"] > 0  # others were only quoted in an ICMP error
    rows = _by_number(collector, np.flatnonzero(seen & ~bulk.rows))
    made: dict[int, Flow] = {}
    briefs: dict[int, Brief] = {}
    if rows:
        from analyzer.verdicts.flow_making import judged_in_bulk, merged  # where nothing is wrong, nothing is judged

        maker = making.maker()
        few = len(rows) <= MADE_AT_ONCE
        for number, found in rows.items():
            if few or len(found) > 1 or simple[found[0]]:
                made[number] = merged([maker.flow_if_allowed(row) for row in found], pools)
        rest = np.array([found[0] for number, found in rows.items() if number not in made], np.int64)
        if len(rest):
            briefs = judged_in_bulk(maker, rest, pools)
    left_out = add_bulk(collector, bulk, ~simple, seen, pools)
    errors = IcmpErrors(state)
    troubles = add_probes(state, collector, errors, pools, settings)
    troubles += add_answered_datagrams(state, collector, errors, pools, settings)
    ptbs, ignored = _lone_ptbs(collector, errors, pools, settings, made)
    troubles += ignored
    fragments, lost = _fragments(state, quality)
    troubles += lost
    udp = _conversations(state, collector, errors, pools, settings, allowance)
    troubles += _not_told(udp, troubles)
    for trouble in (*lost, *_of_udp(troubles)):
        pools[trouble.sender, trouble.receiver].alone.append(trouble.verdict)
    paths = pools.paths(settings)
    pools.clear()  # of a million flows, as large as the paths
    timeline = tuple((p.ts, collector.numbers[p.flow] if p.flow >= 0 else -1, p.mtu, p.ref) for p in collector.ptbs)
    shown = np.flatnonzero(bulk.shown)
    numbers = _numbers_of(collector, shown)
    elsewhere = dict(zip(numbers.tolist(), shown.tolist(), strict=True)) if numbers is not shown else {}
    codes = np.zeros(len(collector.flows), np.uint8)
    codes[numbers] = bulk.verdicts[shown]
    if rows:
        # not numpy.union1d: it loads masked arrays, 10 ms
        numbers = np.sort(np.concatenate([numbers, np.array(list(rows), np.int64)]))
        codes[list(made)] = [CODES[flow.verdict] for flow in made.values()]
        codes[list(briefs)] = [CODES[brief.verdict] for brief in briefs.values()]
    elif numbers is not shown:
        numbers = np.sort(numbers)
    moved = {number: found for number, found in rows.items() if len(found) > 1 or found[0] != number}
    reasons = _Reasons(making, moved | {number: (row,) for number, row in elsewhere.items()})
    make = _ByNumber(making, elsewhere | {number: found[0] for number, found in moved.items() if found[0] != number})
    traits = traits_of(collector, numbers, _rows_of(numbers, elsewhere), moved)
    briefs_of = _Briefs(making, elsewhere)
    return JudgedFlows(
        FlowList(numbers, codes[numbers], VERDICTS, made, make, reasons, briefs, briefs_of, traits),
        paths,
        timeline,
        ptbs,
        fragments,
        tuple(troubles),
        udp.flows if udp is not None else NO_FLOWS,
        _notes(collector, state, left_out, len(allowance.beyond), udp.unjudged if udp is not None else 0),
        _several(collector, rows, bulk),
        _ByNumber(making, {}),
    )


NO_FLOWS: FlowList[Flow] = FlowList.of(())


def _of_udp(troubles: Sequence[Trouble]) -> list[Trouble]:
    return [trouble for trouble in troubles if trouble.kind == "udp"]


def _conversations(
    state: State, collector: Collector, errors: IcmpErrors, pools: Pools, settings: Settings, allowance: Allowance
) -> JudgedConversations | None:
    """What became of UDP conversations; None where there are none."""
    if not state.counters[C_CONVERSATIONS]:
        return None
    from analyzer.verdicts.conversation_findings import judged_conversations  # a plain capture of TCP does without

    return judged_conversations(state, collector.ptbs, errors, pools, settings, allowance)


def _not_told(udp: JudgedConversations | None, troubles: Sequence[Trouble]) -> list[Trouble]:
    """What UDP conversations show, but where fragments or PTBs show as much of the same hosts."""
    if udp is None:
        return []
    told = {(t.sender, t.receiver, t.verdict) for t in troubles if t.protocol == "udp" and t.kind != "probes"}
    return [trouble for trouble in udp.troubles if (trouble.sender, trouble.receiver, trouble.verdict) not in told]


class _OwnRows(Mapping[int, Sequence[int]]):
    """Rows of the flow table by stream number where both are the same: a million lists of one row take 250 MB."""

    def __init__(self, rows: Any) -> None:
        self._rows = rows  # they rise

    def __getitem__(self, number: int) -> tuple[int]:
        place = int(np.searchsorted(self._rows, number))
        if place == len(self._rows) or self._rows[place] != number:
            raise KeyError(number)
        return (number,)

    def __iter__(self) -> Iterator[int]:
        for place in range(0, len(self._rows), _AT_ONCE):
            yield from self._rows[place : place + _AT_ONCE].tolist()

    def __len__(self) -> int:
        return len(self._rows)

    def items(self) -> ItemsView[int, Sequence[int]]:
        """Numbers and rows, without a look at each."""
        return _OwnItems(self)


class _OwnItems(ItemsView[int, Sequence[int]]):
    def __init__(self, rows: _OwnRows) -> None:
        super().__init__(rows)
        self._rows = rows

    def __iter__(self) -> Iterator[tuple[int, Sequence[int]]]:
        return ((number, (number,)) for number in self._rows)


def _by_number(collector: Collector, rows: Any) -> Mapping[int, Sequence[int]]:
    """These rows of the flow table, which rise, by their stream numbers, in order."""
    if isinstance(collector.numbers, range):
        return _OwnRows(rows)
    found: dict[int, list[int]] = defaultdict(list)
    for row in rows.tolist():
        found[collector.numbers[row]].append(row)
    return dict(sorted(found.items()))


def _rows_of(numbers: Any, elsewhere: Mapping[int, int]) -> Any:
    """Of each stream number a row of the flow table, where that is not numbered alike."""
    rows = numbers.copy()
    if elsewhere:
        rows[np.searchsorted(numbers, list(elsewhere))] = list(elsewhere.values())
    return rows


def _numbers_of(collector: Collector, rows: Any) -> Any:
    """Stream numbers of rows of the flow table: the rows themselves, of one capture point."""
    return rows if isinstance(collector.numbers, range) else np.asarray(collector.numbers)[rows]


def _several(
    collector: Collector, rows: Mapping[int, Sequence[int]], bulk: BulkVerdicts
) -> Mapping[int, Sequence[int]]:
    """Connections that several points saw: all that were judged one by one, and the largest of the others."""
    if isinstance(collector.numbers, range):
        return rows
    found = {number: list(of_it) for number, of_it in rows.items()}
    numbers = np.asarray(collector.numbers)
    quiet = np.flatnonzero(bulk.rows)
    times = np.bincount(numbers[quiet], minlength=1)
    several = np.flatnonzero(bulk.shown & (times[np.minimum(numbers, len(times) - 1)] > 1))
    largest = several[np.argsort(-collector.flows["bytes"][several], kind="stable")[:QUIET_ONES]]
    wanted = np.isin(numbers, numbers[largest]) & bulk.rows
    for row in np.flatnonzero(wanted).tolist():
        found.setdefault(int(numbers[row]), []).append(row)
    return found


def _lone_ptbs(
    collector: Collector, errors: IcmpErrors, pools: Pools, settings: Settings, made: Mapping[int, Flow]
) -> tuple[tuple[SeenPtb, ...], list[Trouble]]:
    """All PTBs, and what those of no flow show to be wrong."""
    if not collector.ptbs:
        return (), []
    from analyzer.verdicts.lone_ptbs import judged  # most captures have none

    told = {ptb.frame for flow in made.values() for ptb in flow.ptb}
    seen, troubles = judged(collector.ptbs, collector.flows, collector.numbers, settings, told, errors)
    add_lone_ptbs((ptb for ptb in collector.ptbs if ptb.ref not in told), troubles, pools)
    return seen, troubles


def _fragments(state: State, quality: CaptureQuality) -> tuple[tuple[FragmentCount, ...], list[Trouble]]:
    """Fragmented datagrams, counted, and what they show to be wrong."""
    icmps = state.icmps[: state.counters[C_ICMPS]]
    if not state.counters[C_FRAGMENTS] and not in_reassembly(icmps).any():
        return (), []
    from analyzer.verdicts.fragment_findings import judged  # most captures have none

    return judged(state, quality)


def _notes(collector: Collector, state: State, left_out: int, unjudged: int, talks: int) -> tuple[str, ...]:
    notes = []
    if unjudged:
        notes.append(
            f"{unjudged:,} flows were not judged: each has another trouble, and they are more than are judged of a "
            "compressed capture of this size. Decompress it, and all are judged."
        )
    if talks:
        notes.append(
            f"{talks:,} UDP conversations with something to judge were not judged: they are more than are judged of a "
            "compressed capture of this size. Decompress it, and all are judged."
        )
    if left_out:
        notes.append(f"{left_out} more pairs of addresses are not listed as paths: nothing limits their packets' size.")
    if any(ptb.flow < 0 and ptb.quoted_echo is None for ptb in collector.ptbs):
        from analyzer.verdicts.lone_ptbs import notes_of  # most captures have none

        notes += notes_of(collector.ptbs, several=collector.several_files)
    if left := int(state.counters[C_UDP_LOST]):
        notes.append(
            f"{left} UDP datagrams are of conversations beyond the bound: they were counted, but not followed."
        )
    lost = int(collector.flows["lost_events"].sum())
    if lost:
        notes.append(f"{lost} packets of troubled flows were counted but not recorded: the bound is reached.")
    if left := int(state.counters[C_FRAGMENTS_LOST]):
        notes.append(f"{left} fragments were counted but not looked at: the bound is reached, or they are malformed.")
    return tuple(notes)
