"""From judgements to flows: every flow of a capture judged, merged over capture points, with its fixes filled in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from analyzer.evidence.direction import Conversation
from analyzer.evidence.flow_index import Collector
from analyzer.evidence.vantage import vantage
from analyzer.flows.flow_tables import State
from analyzer.knowledge.fixes import Tunnel, fixes_for
from analyzer.model.brief import Brief, ignored_for, stuck_size
from analyzer.model.flow import Encapsulation, Endpoint, Flow
from analyzer.model.flow_list import FlowList
from analyzer.model.path import Path
from analyzer.model.statement import FrameRef, Statement
from analyzer.model.verdicts import SIZE_PROBLEMS, VERDICTS, those
from analyzer.settings import Settings
from analyzer.verdicts.bulk_verdicts import CODES, BulkVerdicts, bulk_verdicts
from analyzer.verdicts.capture_quality import CaptureQuality
from analyzer.verdicts.context import announced, announced_parts, captured, carried, encapsulation, tunnel_told
from analyzer.verdicts.half_open import announced_mss, half_open, half_open_flow
from analyzer.verdicts.judge import Judgement, judge
from analyzer.verdicts.merge_points import chosen_of
from analyzer.verdicts.path_findings import Pools, add_bulk, add_judgement, add_probes
from analyzer.verdicts.traits import traits_of
from analyzer.verdicts.why_not import why_not

ADVISED = those(lambda verdict: verdict.advised)
"""Verdicts for which there is something to do."""


MADE_AT_ONCE = 1_000
"""Flows that are made when they are judged; of more, most are never shown, and are judged once more where they are."""

QUIET_ONES = 64
"""Connections without trouble that several points saw, of which more is told: the largest."""

UNDIRECTED = frozenset({"not_exercised"})
"""Verdicts about no direction."""


NO_TUNNEL = frozenset({"MPLS"})
"""Layers without ends that somebody could give an MTU."""


class _Found(NamedTuple):
    """A flow and what was found about it."""

    conversation: Conversation
    directions: list[Judgement]
    chosen: Judgement


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes flows of rows of the flow table."""

    collector: Collector
    settings: Settings
    quality: CaptureQuality
    simple: Any  # bool: rows that `half_open` tells

    def __call__(self, row: int) -> Flow:
        return self.flow_and_found(row)[0]

    def flow_and_found(self, row: int) -> tuple[Flow, list[Judgement]]:
        """The flow with all that is to be told of it, and what was found about its directions."""
        if self.simple[row]:
            return half_open_flow(self.collector, row), []
        found = self.judged(row)
        flow = _flow(self.collector, found, self.settings, self.quality)
        return flow, found.directions

    def judged(self, row: int) -> _Found:
        """What is found about the flow."""
        conversation = self.collector.conversation(row)
        return _Found(conversation, *judge(conversation, self.settings))

    def brief(self, found: _Found) -> Brief:
        """As `brief_of` that flow."""
        chosen, series = found.chosen, found.chosen.series
        side = chosen.side if chosen.verdict not in UNDIRECTED else 1 - found.conversation.client_side
        ends = self.collector.endpoints(found.conversation.stream)
        ptbs = chosen.tell().ptb if any(direction.ptbs for direction in found.conversation.directions) else ()
        return Brief(
            verdict=chosen.verdict,
            confidence=self.quality.confidence(chosen.verdict, chosen.confidence, self.settings),
            sender=ends[side][0],
            receiver=ends[1 - side][0],
            reasons=ignored_for(ptbs),
            path_mtu=chosen.path_mtu,
            stuck=stuck_size(chosen.verdict, chosen.path_mtu, series.stuck_segment.ip_len if series else None),
            first_time=series.first.ts if series else found.conversation.first_ts,
            last_time=series.tries[-1].ts if series else found.conversation.last_ts,
        )


@dataclass(frozen=True, slots=True)
class _ByNumber:
    """Makes flows by their stream numbers."""

    maker: _Maker
    rows: Mapping[int, int]  # where they differ, of the flow table

    def __call__(self, stream: int) -> Flow:
        return self.maker(self.rows.get(stream, stream))


@dataclass(frozen=True, slots=True)
class _Reasons:
    """Says why flows have not other verdicts, by judging them once more."""

    maker: _Maker
    rows: Mapping[int, Sequence[int]]  # rows of the flow table by stream number, where these differ

    def __call__(self, stream: int, verdict: str) -> Statement:
        rows = self.rows.get(stream, (stream,))
        row = rows[chosen_of([self.maker(row) for row in rows]) if len(rows) > 1 else 0]
        conversation = self.maker.collector.conversation(row)
        settings = self.maker.settings
        return why_not(verdict, conversation, judge(conversation, settings).chosen, settings)


class JudgedFlows(NamedTuple):
    """What was found about the flows of a capture."""

    flows: FlowList[Flow]
    paths: tuple[Path, ...]
    ptb_timeline: tuple[tuple[int, int, int, FrameRef], ...]  # time, stream or -1, mtu, frame
    notes: tuple[str, ...]
    rows: Mapping[int, Sequence[int]]
    """Rows of the flow table by stream number: of flows judged one by one, and of some that several points saw."""
    judged_alone: Callable[[int], Flow]  # a row of the flow table, as it is judged by itself


def judged_flows(state: State, settings: Settings, quality: CaptureQuality) -> JudgedFlows:
    """Judge every flow.

    Flows that need no judge are judged in the tables, and made when somebody asks for them.
    """
    collector = Collector(state)
    pools = Pools()
    bulk = bulk_verdicts(collector, settings)
    maker = _Maker(collector, settings, quality, half_open(collector))
    seen = collector.flows["packets"] > 0  # others were only quoted in an ICMP error
    rows: dict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero(seen & ~bulk.rows).tolist():
        rows[collector.numbers[row]].append(row)
    made: dict[int, Flow] = {}
    briefs: dict[int, Brief] = {}
    for number in sorted(rows):
        if len(rows[number]) > 1:
            made[number] = _merged([maker.flow_and_found(row) for row in rows[number]], pools)
        elif len(made) < MADE_AT_ONCE or maker.simple[rows[number][0]]:
            made[number] = _merged([maker.flow_and_found(rows[number][0])], pools)
        else:
            found = maker.judged(rows[number][0])
            ends = [ip for ip, _ in collector.endpoints(found.conversation.stream)]
            for judgement in found.directions:
                add_judgement(pools[ends[judgement.side], ends[1 - judgement.side]], number, judgement)
            briefs[number] = maker.brief(found)
    left_out = add_bulk(collector, bulk, ~maker.simple, seen, pools)
    add_probes(state, collector, pools)
    paths = pools.paths(settings)
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
    make = _ByNumber(maker, elsewhere | {number: found[0] for number, found in rows.items() if found[0] != number})
    flows = FlowList(
        numbers,
        codes[numbers],
        VERDICTS,
        made,
        make,
        _Reasons(maker, dict(rows) | {number: [row] for number, row in elsewhere.items()}),
        briefs,
        traits_of(collector, numbers, _rows_of(numbers, elsewhere), rows),
    )
    return JudgedFlows(
        flows, paths, timeline, _notes(collector, state, left_out), _several(collector, rows, bulk), maker
    )


def _rows_of(numbers: Any, elsewhere: Mapping[int, int]) -> Any:
    """Of each stream number a row of the flow table, where that is not numbered alike."""
    rows = numbers.copy()
    if elsewhere:
        rows[np.searchsorted(numbers, list(elsewhere))] = list(elsewhere.values())
    return rows


def _numbers_of(collector: Collector, rows: Any) -> Any:
    """Stream numbers of rows of the flow table: the rows themselves, of one capture point."""
    return rows if isinstance(collector.numbers, range) else np.asarray(collector.numbers)[rows]


def _several(collector: Collector, rows: Mapping[int, list[int]], bulk: BulkVerdicts) -> dict[int, list[int]]:
    """Connections that several points saw: all that were judged one by one, and the largest of the others."""
    if isinstance(collector.numbers, range):
        return dict(rows)
    found = dict(rows)
    numbers = np.asarray(collector.numbers)
    quiet = np.flatnonzero(bulk.rows)
    times = np.bincount(numbers[quiet], minlength=1)
    several = np.flatnonzero(bulk.shown & (times[np.minimum(numbers, len(times) - 1)] > 1))
    largest = several[np.argsort(-collector.flows["bytes"][several], kind="stable")[:QUIET_ONES]]
    wanted = np.isin(numbers, numbers[largest]) & bulk.rows
    for row in np.flatnonzero(wanted).tolist():
        found.setdefault(int(numbers[row]), []).append(row)
    return found


def _flow(
    collector: Collector,
    found: _Found,
    settings: Settings,
    quality: CaptureQuality,
) -> Flow:
    conversation, chosen = found.conversation, found.chosen
    stream = conversation.stream
    ends = collector.endpoints(stream)
    client = conversation.client_side
    row = collector.flows[stream]
    named = chosen.verdict not in UNDIRECTED
    told = chosen.tell()
    inside = encapsulation(row)
    where = vantage(conversation)
    first = collector.first(stream)
    directions = conversation.directions
    sized = chosen.verdict in SIZE_PROBLEMS
    place = captured(where, first) if chosen.verdict in ADVISED else []
    told_tunnel = tunnel_told(collector.told_tunnel.get((stream, chosen.side), []))
    around = (*carried(inside, chosen.path_mtu, first), *told_tunnel)
    return Flow(
        stream=collector.numbers[stream],
        client=Endpoint(*ends[client]),
        server=Endpoint(*ends[1 - client]),
        verdict=chosen.verdict,
        rule=chosen.rule,
        rests_on=told.rests_on,
        named=told.named,
        confidence=quality.confidence(chosen.verdict, chosen.confidence, settings),
        direction=("client_to_server" if chosen.side == client else "server_to_client") if named else None,
        path_mtu=chosen.path_mtu,
        stalled=told.stalled,
        ptb=told.ptb,
        ruled_out=told.ruled_out,
        explanation=told.explanation,
        evidence=(*told.evidence, *place, *(announced(conversation, row) if sized else ()), *around),
        parts=(*told.parts, *(announced_parts(conversation, row) if sized else ()), *place, *around),
        packet_count=int(row["packets"]),
        bytes=int(row["bytes"]),
        first_time=conversation.first_ts,
        last_time=conversation.last_ts,
        file=first.file,
        first_frame=first.frame,
        fixes=fixes_for(
            chosen.verdict,
            sender_ip=ends[chosen.side][0],
            receiver_ip=ends[1 - chosen.side][0],
            path_mtu=chosen.path_mtu,
            version=int(row["version"]),
            ptb_reasons=tuple(p.reason for p in told.ptb if p.reason),
            platforms=settings.platforms,
            tunnel=_tunnel_of(inside, chosen.side, collector, stream),
        )
        if chosen.verdict in ADVISED
        else (),
        arrived=told.arrived,
        encapsulation=inside,
        vantage=where,
        timeline=collector.timeline(stream).copy() if directions[0].segments else None,
        heads=collector.heads(stream) if directions[0].segments else None,
        client_side=client,
        retransmissions=sum(direction.count["resent"] for direction in directions),
        longest_stall=max(judged.longest_wait_ns for judged in found.directions) / 1e9 or None,
        mss=announced_mss(directions[client].count["mss"], directions[1 - client].count["mss"]),
        round_trips=(directions[0].rtt, directions[1].rtt),
        window_scales=(max(directions[0].count["wscale"], 0), max(directions[1].count["wscale"], 0)),
    )


def _tunnel_of(inside: Encapsulation | None, side: int, collector: Collector, stream: int) -> Tunnel | None:
    """What carries a flow, with what a router told its end about the packets of one side."""
    layers = [layer for layer in inside.layers if layer not in NO_TUNNEL] if inside is not None else []
    if inside is None or not layers:
        return None
    told = [ptb.mtu - ptb.overhead for ptb in collector.told_tunnel.get((stream, side), ()) if ptb.mtu > ptb.overhead]
    return Tunnel(" in ".join(reversed(layers)), inside.overhead, min(told, default=None))


def _merged(seen: list[tuple[Flow, list[Judgement]]], pools: Pools) -> Flow:
    """One flow of what each capture point saw of it, with its judgements pooled by path."""
    chosen = chosen_of([flow for flow, _ in seen]) if len(seen) > 1 else 0
    for index, (flow, judged) in enumerate(seen):
        ends = (flow.client.ip, flow.server.ip)
        for judgement in judged:
            from_client = judgement.side == flow.client_side
            pool = pools[ends if from_client else ends[::-1]]
            if index == chosen:
                add_judgement(pool, flow.stream, judgement)
            elif judgement.path_mtu.at_least is not None:
                pool.at_least.append(judgement.path_mtu.at_least)  # what arrived, arrived
    return seen[chosen][0]


def _notes(collector: Collector, state: State, left_out: int) -> tuple[str, ...]:
    notes = []
    if left_out:
        notes.append(f"{left_out} more pairs of addresses are not listed as paths: nothing limits their packets' size.")
    strangers = [p for p in collector.ptbs if p.flow < 0 and p.quoted_echo is None]
    if strangers:
        names = ", ".join(p.ref.name(several=collector.several_files) for p in strangers[:5])
        more = " and others" if len(strangers) > 5 else ""
        notes.append(f"{len(strangers)} PTB(s) quote packets of no TCP flow in this capture ({names}{more}).")
    lost = int(collector.flows["lost_events"].sum())
    if lost:
        notes.append(f"{lost} packets of troubled flows were counted but not recorded: the bound is reached.")
    return tuple(notes)
