"""Flows made of what was found about them: judged, merged over capture points, with all that is told of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from analyzer.evidence.direction import Conversation
from analyzer.evidence.effort import Allowance
from analyzer.evidence.flow_index import Collector
from analyzer.evidence.vantage import NOT_ESTABLISHED, vantage
from analyzer.knowledge.fixes import fixes_for
from analyzer.knowledge.overheads import tunnel_of
from analyzer.model.brief import Brief, ignored_for, stuck_size
from analyzer.model.flow import Endpoint, Flow, PathMtu
from analyzer.model.statement import Statement
from analyzer.model.verdicts import SIZE_PROBLEMS, those
from analyzer.settings import Settings
from analyzer.verdicts.capture_quality import CaptureQuality
from analyzer.verdicts.context import announced, announced_parts, captured, carried, encapsulation, tunnel_told
from analyzer.verdicts.judge import Judgement, judge, passed_over
from analyzer.verdicts.merge_points import chosen_of
from analyzer.verdicts.path_findings import Pools, add_judgement, add_together
from analyzer.verdicts.unstalled_explanations import NOT_OPENED
from analyzer.verdicts.unstalled_rules import UNSTALLED

if TYPE_CHECKING:
    from analyzer.verdicts.judge_many import JudgedTogether

ADVISED = those(lambda verdict: verdict.advised)
"""Verdicts for which there is something to do."""

UNDIRECTED = those(lambda verdict: not verdict.directed)
"""Verdicts about no direction."""


class _Found(NamedTuple):
    """A flow and what was found about it."""

    conversation: Conversation
    directions: list[Judgement]
    chosen: Judgement


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes flows of rows of the flow table."""

    collector: Collector
    settings: Settings
    quality: CaptureQuality
    simple: Any  # bool: rows that `half_open` tells
    allowance: Allowance

    def __call__(self, row: int) -> Flow:
        """The flow of a row."""
        return self.flow_and_found(row)[0]

    def flow_and_found(self, row: int) -> tuple[Flow, list[Judgement]]:
        """The flow with all that is to be told of it, and what was found about its directions."""
        if self.simple[row]:
            return half_open_flow(self.collector, row), []
        found = self.judged(row)
        flow = _flow(self.collector, found, self.settings, self.quality)
        return flow, found.directions

    def flow_if_allowed(self, row: int) -> tuple[Flow, list[Judgement]]:
        """As `flow_and_found`, unless there are too many before this one."""
        if not self.simple[row]:
            self.allows(row)
        return self.flow_and_found(row)

    def judged(self, row: int) -> _Found:
        """What is found about the flow."""
        conversation = self.collector.conversation(row)
        if row in self.allowance.beyond:
            return _Found(conversation, *passed_over(conversation))
        return _Found(conversation, *judge(conversation, self.settings))

    def allows(self, row: int) -> bool:
        """Whether there are few enough flows to be judged one by one before this one."""
        starts = self.collector.event_starts
        return self.allowance.allows(row, int(starts[row + 1] - starts[row]))

    def brief(self, found: _Found) -> Brief:
        """As `brief_of` that flow."""
        ends = self.collector.endpoints(found.conversation.stream)
        return self._brief(found, ignored_for(found.chosen.ptbs()), ends[0][0], ends[1][0])

    def _brief(self, found: _Found, reasons: tuple[str, ...], *hosts: str) -> Brief:
        chosen, series = found.chosen, found.chosen.series
        side = chosen.side if chosen.verdict not in UNDIRECTED else 1 - found.conversation.client_side
        return Brief(
            verdict=chosen.verdict,
            confidence=self.quality.confidence(chosen.verdict, chosen.confidence, self.settings),
            sender=hosts[side],
            receiver=hosts[1 - side],
            reasons=reasons,
            path_mtu=chosen.path_mtu,
            stuck=stuck_size(chosen.verdict, chosen.path_mtu, series.stuck_segment.ip_len if series else None),
            first_time=series.first.ts if series else found.conversation.first_ts,
            last_time=series.tries[-1].ts if series else found.conversation.last_ts,
        )

    def brief_unjudged(self, row: int) -> Brief:
        """As `brief` of a flow that is not judged."""
        flows, ends = self.collector.flows, self.collector.endpoints(row)
        client = int(flows["client"][row])
        return Brief(
            verdict="inconclusive",
            confidence="low",
            sender=ends[client][0],
            receiver=ends[1 - client][0],
            reasons=(),
            path_mtu=PathMtu(),
            stuck=None,
            first_time=int(flows["first_ts"][row]),
            last_time=int(flows["last_ts"][row]),
        )

    def briefs(self, together: JudgedTogether, hosts: dict[int, tuple[str, str]]) -> Iterator[tuple[int, Brief]]:
        """As `brief` of each of some flows, with its row; `hosts` gets the addresses of their pairs."""
        found = _Found(together.conversation, *together.judged)
        pairs = self.collector.pairs[together.rows].tolist()
        for pair, row in zip(pairs, together.rows.tolist(), strict=True):
            if pair not in hosts:
                (one, _), (other, _) = self.collector.endpoints(row)
                hosts[pair] = one, other
        senders, receivers = zip(*(hosts[pair] for pair in pairs), strict=True)
        alike = self._brief(found, together.reasons, "0", "1")
        if alike.sender == "1":
            senders, receivers = receivers, senders
        sizes: dict[PathMtu, PathMtu] = {}
        brackets = map(PathMtu, *map(together.column, alike.path_mtu))
        columns = (
            senders,
            receivers,
            (sizes.setdefault(size, size) for size in brackets),
            *map(together.column, (alike.stuck, alike.first_time, alike.last_time)),
        )
        for row, sender, receiver, size, *numbers in zip(together.rows.tolist(), *columns, strict=True):
            yield row, Brief(alike.verdict, alike.confidence, sender, receiver, alike.reasons, size, *numbers)

    def why_not(self, rows: Sequence[int], verdict: str) -> Statement:
        """Why the flow of these rows, one for each capture point, has not another verdict, by judging it once more."""
        from analyzer.verdicts.why_not import why_not  # only where somebody asks

        row = rows[chosen_of([self(row) for row in rows]) if len(rows) > 1 else 0]
        found = self.judged(row)
        return why_not(verdict, found.conversation, found.chosen, self.settings)


def judged_in_bulk(maker: Maker, rows: Any, pools: Pools, *, bounded: bool = True) -> dict[int, Brief]:
    """What there is to know of the flows of these rows, by their stream numbers; `pools` get it, too.

    If `bounded`, those that are beyond the maker's allowance are not judged.
    """
    from analyzer.verdicts.judge_many import ManyFlows  # only where there are many

    collector = maker.collector
    briefs: dict[int, Brief] = {}
    hosts: dict[int, tuple[str, str]] = {}
    many = ManyFlows(collector, maker.settings)
    for some in many.together(rows):
        briefs.update((collector.numbers[row], brief) for row, brief in maker.briefs(some, hosts))
        add_together(pools, some, collector, hosts)
    for row in np.sort(np.concatenate(many.left)).tolist():
        if bounded and not maker.allows(row):
            briefs[collector.numbers[row]] = maker.brief_unjudged(row)
            continue
        found = maker.judged(row)
        ends = [ip for ip, _ in collector.endpoints(row)]
        number = collector.numbers[row]
        for judgement in found.directions:
            add_judgement(pools[ends[judgement.side], ends[1 - judgement.side]], number, judgement)
        briefs[number] = maker.brief(found)
    return briefs


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
    ptbs = collector.ptb_index
    told_tunnel = ptbs.told_tunnel(stream, chosen.side) if ptbs is not None else []
    around = (*carried(inside, chosen.path_mtu, first), *tunnel_told(told_tunnel))
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
            tunnel=tunnel_of(inside, [ptb.mtu - ptb.overhead for ptb in told_tunnel if ptb.mtu > ptb.overhead]),
        )
        if chosen.verdict in ADVISED
        else (),
        arrived=told.arrived,
        encapsulation=inside,
        vantage=where,
        timeline=collector.timeline(stream).copy() if directions[0].segments else None,
        header_bytes=collector.header_bytes(stream) if directions[0].segments else None,
        client_side=client,
        retransmissions=sum(direction.count["resent"] for direction in directions),
        longest_stall=max(judged.longest_wait_ns for judged in found.directions) / 1e9 or None,
        mss=announced_mss(directions[client].count["mss"], directions[1 - client].count["mss"]),
        round_trips=(directions[0].rtt, directions[1].rtt),
        window_scales=(max(directions[0].count["wscale"], 0), max(directions[1].count["wscale"], 0)),
    )


def merged(seen: list[tuple[Flow, list[Judgement]]], pools: Pools) -> Flow:
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


def half_open_flow(collector: Collector, row: int) -> Flow:
    """The flow of such a row."""
    ends = collector.endpoints(row)
    flow = collector.flows[row]
    client = int(flow["client"])
    inside = encapsulation(flow)
    mss = collector.directions[2 * row : 2 * row + 2]["mss"]
    return Flow(
        stream=collector.numbers[row],
        client=Endpoint(*ends[client]),
        server=Endpoint(*ends[1 - client]),
        verdict=UNSTALLED[-1].verdict,
        rule=UNSTALLED[-1].id,
        confidence="high",
        direction=None,
        path_mtu=PathMtu(),
        stalled=None,
        ptb=(),
        ruled_out=(),
        explanation=NOT_OPENED,
        evidence=(*carried(inside, PathMtu(), collector.first(row)),) if inside else (),
        packet_count=int(flow["packets"]),
        bytes=int(flow["bytes"]),
        first_time=int(flow["first_ts"]),
        last_time=int(flow["last_ts"]),
        file=int(flow["file"]),
        first_frame=int(flow["first_frame"]),
        encapsulation=inside,
        vantage=NOT_ESTABLISHED,
        client_side=client,
        mss=announced_mss(mss[client], mss[1 - client]),
    )


def announced_mss(client: int, server: int) -> tuple[int | None, int | None]:
    """The MSS of both ends as `Flow` has them, of what the table of directions has: not positive where unknown."""
    return int(client) if client > 0 else None, int(server) if server > 0 else None
