"""From judgements to flows: every flow of a capture judged, merged over capture points, with its fixes filled in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analyzer.evidence.direction import Conversation
from analyzer.evidence.flow_index import Collector
from analyzer.evidence.vantage import vantage
from analyzer.flows.flow_tables import State
from analyzer.knowledge.fixes import fixes_for
from analyzer.model.flow import Endpoint, Flow
from analyzer.model.flow_list import FlowList
from analyzer.model.path import Path
from analyzer.model.statement import FrameRef, Statement
from analyzer.model.verdicts import SIZE_PROBLEMS, VERDICTS, those
from analyzer.settings import Settings
from analyzer.verdicts.bulk_verdicts import CODES, bulk_verdicts
from analyzer.verdicts.capture_quality import CaptureQuality
from analyzer.verdicts.context import announced, captured, carried, encapsulation, tunnel_told
from analyzer.verdicts.half_open import half_open, half_open_flow
from analyzer.verdicts.judge import Judgement, judge
from analyzer.verdicts.merge_points import chosen_of, together
from analyzer.verdicts.path_findings import Pools, add_bulk, add_judgement, add_probes
from analyzer.verdicts.why_not import why_not

ADVISED = those(lambda verdict: verdict.advised)
"""Verdicts for which there is something to do."""


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes flows of rows of the flow table."""

    collector: Collector
    settings: Settings
    quality: CaptureQuality
    simple: Any  # bool: rows that `half_open` tells

    def __call__(self, row: int) -> Flow:
        return self.judged(row)[0]

    def judged(self, row: int) -> tuple[Flow, list[Judgement]]:
        """The flow, and what was found about its directions."""
        if self.simple[row]:
            return half_open_flow(self.collector, row), []
        conversation = self.collector.conversation(row)
        judged = judge(conversation, self.settings)
        return _flow(self.collector, conversation, judged.chosen, self.settings, self.quality), judged.directions


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


def judged_flows(
    state: State, settings: Settings, quality: CaptureQuality
) -> tuple[FlowList[Flow], tuple[Path, ...], tuple[tuple[int, int, int, FrameRef], ...], tuple[str, ...]]:
    """Judge every flow. Returns flows, paths, the PTBs as (time, stream or -1, mtu, frame), and notes.

    Flows that need no judge are judged in the tables, and made when somebody asks for them.
    """
    collector = Collector(state)
    pools = Pools()
    bulk = bulk_verdicts(collector, settings)
    maker = _Maker(collector, settings, quality, half_open(collector))
    seen = collector.flows["packets"] > 0  # others were only quoted in an ICMP error
    by_number: dict[int, list[tuple[Flow, list[Judgement]]]] = defaultdict(list)
    rows: dict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero(seen & ~bulk.rows).tolist():
        rows[collector.numbers[row]].append(row)
        by_number[collector.numbers[row]].append(maker.judged(row))
    merged = {number: _merged(by_number[number], pools) for number in sorted(by_number)}
    left_out = add_bulk(collector, bulk, ~maker.simple, seen, pools)
    add_probes(state, collector, pools)
    paths = pools.paths(settings)
    timeline = tuple((p.ts, collector.numbers[p.flow] if p.flow >= 0 else -1, p.mtu, p.ref) for p in collector.ptbs)
    # Where a row is quiet there is one capture point, and rows are numbered as their streams.
    codes = bulk.verdicts.copy()
    numbers = np.flatnonzero(bulk.rows)
    if merged:
        # not numpy.union1d: it loads masked arrays, 10 ms
        numbers = np.sort(np.concatenate([numbers, np.array(list(merged), np.int64)]))
        codes[list(merged)] = [CODES[flow.verdict] for flow in merged.values()]
    flows = FlowList(numbers, codes[numbers], VERDICTS, merged, maker, _Reasons(maker, dict(rows)))
    return flows, paths, timeline, _notes(collector, state, left_out)


def _flow(
    collector: Collector,
    conversation: Conversation,
    chosen: Judgement,
    settings: Settings,
    quality: CaptureQuality,
) -> Flow:
    stream = conversation.stream
    ends = collector.endpoints(stream)
    client = conversation.client_side
    row = collector.flows[stream]
    named = chosen.verdict not in ("not_exercised",)
    inside = encapsulation(row)
    where = vantage(conversation)
    first = collector.first(stream)
    directions = conversation.directions
    return Flow(
        stream=collector.numbers[stream],
        client=Endpoint(*ends[client]),
        server=Endpoint(*ends[1 - client]),
        verdict=chosen.verdict,
        rule=chosen.rule,
        rests_on=chosen.rests_on,
        named=chosen.named,
        confidence=quality.confidence(chosen.verdict, chosen.confidence, settings),
        direction=("client_to_server" if chosen.side == client else "server_to_client") if named else None,
        path_mtu=chosen.path_mtu,
        stalled=chosen.stalled,
        ptb=chosen.ptb,
        ruled_out=chosen.ruled_out,
        explanation=chosen.explanation,
        evidence=(
            *chosen.evidence,
            *(captured(where, first) if chosen.verdict in ADVISED else ()),
            *(announced(conversation, row) if chosen.verdict in SIZE_PROBLEMS else ()),
            *carried(inside, chosen.path_mtu, first),
            *tunnel_told(collector.told_tunnel.get((stream, chosen.side), [])),
        ),
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
            ptb_reasons=tuple(p.reason for p in chosen.ptb if p.reason),
            platforms=settings.platforms,
        )
        if chosen.verdict in ADVISED
        else (),
        arrived=chosen.arrived,
        encapsulation=inside,
        vantage=where,
        timeline=collector.timeline(stream).copy() if directions[0].segments else None,
        heads=collector.heads(stream) if directions[0].segments else None,
        client_side=client,
        round_trips=(directions[0].rtt, directions[1].rtt),
        window_scales=(max(directions[0].count["wscale"], 0), max(directions[1].count["wscale"], 0)),
    )


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
    return together([flow for flow, _ in seen], chosen) if len(seen) > 1 else seen[0][0]


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
