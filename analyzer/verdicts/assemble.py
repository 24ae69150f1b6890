"""From judgements to `Flow` and `Path` objects: fixes filled in, brackets pooled per pair of addresses."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from analyzer.decode.icmp import KIND_ECHO_REPLY, KIND_ECHO_REQUEST
from analyzer.evidence.direction import Conversation
from analyzer.evidence.flow_index import Collector, row_address
from analyzer.evidence.ptb import LEAST_V4_MTU, LEAST_V6_MTU
from analyzer.evidence.segments import FrameRef
from analyzer.evidence.vantage import vantage
from analyzer.findings import (
    SIZE_PROBLEMS,
    VERDICTS,
    Endpoint,
    Flow,
    Path,
    Probe,
    worst,
)
from analyzer.flow_list import FlowList
from analyzer.flows.flow_tables import C_ICMPS, State
from analyzer.knowledge.fixes import fixes_for
from analyzer.knowledge.overheads import consistent_with
from analyzer.settings import Settings
from analyzer.verdicts.bulk_verdicts import CODES, Quiet, hosts_in_common, quiet_flows
from analyzer.verdicts.capture_quality import Conditions
from analyzer.verdicts.context import announced, captured, carried, encapsulation, tunnel_told
from analyzer.verdicts.half_open import unopened, unopened_flow
from analyzer.verdicts.judge import Judgement, judge_conversation, judge_way
from analyzer.verdicts.merge_points import chosen_of, together

MAX_HEALTHY_PAIRS = 50_000
"""Pairs of addresses listed as paths although no flow of theirs had to be judged packet by packet."""

ADVISED = frozenset(VERDICTS[: VERDICTS.index("loss") + 1])
"""Verdicts for which there is something to do."""


@dataclass
class _Pool:
    """What the flows of one direction between two addresses say together."""

    at_least: list[int] = field(default_factory=list)
    at_most: list[int] = field(default_factory=list)
    exact: list[int] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)
    streams: list[int] = field(default_factory=list)
    probes: list[Probe] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes flows of rows of the flow table."""

    collector: Collector
    settings: Settings
    conditions: Conditions
    simple: Any  # bool: rows that `unopened` tells

    def __call__(self, row: int) -> Flow:
        return self.judged(row)[0]

    def judged(self, row: int) -> tuple[Flow, list[Judgement]]:
        """The flow, and what was found about its directions."""
        if self.simple[row]:
            return unopened_flow(self.collector, row), []
        conversation = self.collector.conversation(row)
        judged = [judge_way(way, conversation, self.settings) for way in conversation.ways]
        return _flow(self.collector, conversation, judged, self.settings, self.conditions), judged


def assemble(
    state: State, settings: Settings, conditions: Conditions
) -> tuple[FlowList, tuple[Path, ...], tuple[tuple[int, int, int, FrameRef], ...], tuple[str, ...]]:
    """Judge every flow. Returns flows, paths, the PTBs as (time, stream or -1, mtu, frame), and notes.

    Flows that need no judge are judged in the tables, and made when somebody asks for them.
    """
    collector = Collector(state)
    pools: dict[tuple[str, str], _Pool] = defaultdict(_Pool)
    quiet = quiet_flows(collector, settings)
    maker = _Maker(collector, settings, conditions, unopened(collector))
    seen = collector.flows["packets"] > 0  # others were only quoted in an ICMP error
    by_number: dict[int, list[tuple[Flow, list[Judgement]]]] = defaultdict(list)
    for row in np.flatnonzero(seen & ~quiet.rows).tolist():
        by_number[collector.numbers[row]].append(maker.judged(row))
    merged = {number: _merged(by_number[number], pools) for number in sorted(by_number)}
    left_out = _pool_quiet(collector, quiet, ~maker.simple, seen, pools)
    _add_probes(state, collector, pools)
    paths = tuple(_path(src, dst, pool) for (src, dst), pool in sorted(pools.items()))
    timeline = tuple((p.ts, collector.numbers[p.flow] if p.flow >= 0 else -1, p.mtu, p.ref) for p in collector.ptbs)
    # Where a row is quiet there is one capture point, and rows are numbered as their streams.
    codes = quiet.verdicts.copy()
    numbers = np.flatnonzero(quiet.rows)
    if merged:
        # not numpy.union1d: it loads masked arrays, 10 ms
        numbers = np.sort(np.concatenate([numbers, np.array(list(merged), np.int64)]))
        codes[list(merged)] = [CODES[flow.verdict] for flow in merged.values()]
    flows = FlowList(numbers, codes[numbers], VERDICTS, merged, maker)
    return flows, paths, timeline, _notes(collector, state, left_out)


def _pool_quiet(collector: Collector, quiet: Quiet, opened: Any, seen: Any, pools: dict[tuple[str, str], _Pool]) -> int:
    """Add what the quiet flows that were opened say of their paths, one pair of hosts at a time.

    Returns how many pairs of hosts are left out, beyond MAX_HEALTHY_PAIRS.
    """
    groups, left_out = hosts_in_common(collector.flows, quiet.rows & opened, seen & ~quiet.rows, MAX_HEALTHY_PAIRS)
    for members in groups:
        ends = [ip for ip, _ in collector.endpoints(int(members[0]))]
        for side in (0, 1):
            pool = pools[ends[side], ends[1 - side]]
            pool.streams += members.tolist()
            pool.verdicts.append(VERDICTS[int(quiet.by_side[side][members].min())])
            delivered = int(quiet.delivered[side][members].max())
            if delivered:
                pool.at_least.append(delivered)
    return left_out


def _flow(
    collector: Collector,
    conversation: Conversation,
    judged: list[Judgement],
    settings: Settings,
    conditions: Conditions,
) -> Flow:
    stream = conversation.stream
    ends = collector.endpoints(stream)
    chosen = judge_conversation(conversation, judged)
    client = conversation.client_side
    row = collector.flows[stream]
    named = chosen.verdict not in ("not_exercised",)
    inside = encapsulation(row)
    where = vantage(conversation)
    first = collector.first(stream)
    ways = conversation.ways
    return Flow(
        stream=collector.numbers[stream],
        client=Endpoint(*ends[client]),
        server=Endpoint(*ends[1 - client]),
        verdict=chosen.verdict,
        confidence=conditions.confidence(chosen.verdict, chosen.confidence, settings),
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
        timeline=collector.timeline(stream).copy() if ways[0].segments else None,
        heads=collector.heads(stream) if ways[0].segments else None,
        client_side=client,
        window_scales=(max(ways[0].count["wscale"], 0), max(ways[1].count["wscale"], 0)),
    )


def _merged(seen: list[tuple[Flow, list[Judgement]]], pools: dict[tuple[str, str], _Pool]) -> Flow:
    """One flow of what each capture point saw of it, with its judgements pooled by path."""
    chosen = chosen_of([flow for flow, _ in seen]) if len(seen) > 1 else 0
    for index, (flow, judged) in enumerate(seen):
        ends = (flow.client.ip, flow.server.ip)
        for judgement in judged:
            from_client = judgement.side == flow.client_side
            pool = pools[ends if from_client else ends[::-1]]
            if index == chosen:
                _pool(pool, flow.stream, judgement)
            elif judgement.path_mtu.at_least is not None:
                pool.at_least.append(judgement.path_mtu.at_least)  # what arrived, arrived
    return together([flow for flow, _ in seen], chosen) if len(seen) > 1 else seen[0][0]


def _pool(pool: _Pool, stream: int, judgement: Judgement) -> None:
    pool.streams.append(stream)
    pool.verdicts.append(judgement.verdict)
    bracket = judgement.path_mtu
    if bracket.at_least is not None:
        pool.at_least.append(bracket.at_least)
    if bracket.at_most is not None:
        pool.at_most.append(bracket.at_most)
    if bracket.exact is not None:
        pool.exact.append(bracket.exact)


def _path(src: str, dst: str, pool: _Pool) -> Path:
    answered = [p.ip_len for p in pool.probes if p.reply is not None]
    at_least = max([*pool.at_least, *answered], default=None)
    unanswered = [
        p.ip_len for p in pool.probes if p.reply is None and answered and p.ip_len > max(answered) and p.ptb_mtu is None
    ]
    # One lost ping is loss; two of a size above all that were answered are not.
    lost = [size - 1 for size in set(unanswered) if unanswered.count(size) >= 2]
    told = [p.ptb_mtu for p in pool.probes if p.ptb_mtu]
    exact = min([*pool.exact, *told], default=None)
    at_most = min([*pool.at_most, *lost, *told], default=None)
    if at_least is not None and at_most is not None and at_least > at_most:
        at_least = None  # flows contradict each other (several paths, or a change): only the limit is safe
    verdict = worst(pool.verdicts) if pool.verdicts else "inconclusive" if lost else "not_exercised"
    if not pool.verdicts and not lost and at_least is not None and at_least >= Settings().exercised_bytes:
        verdict = "pmtud_ok" if told else "ok"
    limited = verdict in SIZE_PROBLEMS or at_most is not None
    least = at_least
    if ":" in src and at_most is not None and at_most >= LEAST_V6_MTU:
        least = max(at_least or 0, LEAST_V6_MTU)  # no IPv6 link is narrower
    return Path(
        src=src,
        dst=dst,
        at_least=at_least,
        at_most=at_most,
        exact=exact,
        verdict=verdict,
        consistent_with=consistent_with(least, at_most, exact) if limited else (),
        streams=tuple(sorted(pool.streams)),
        probes=tuple(pool.probes),
    )


def _add_probes(state: State, collector: Collector, pools: dict[tuple[str, str], _Pool]) -> None:
    """Pings with DF, their replies, and what routers said; all have the same identifier and sequence number."""
    told = {
        (ptb.quoted_src, ptb.quoted_dst, *ptb.quoted_echo): ptb.mtu
        for ptb in reversed(collector.ptbs)
        if ptb.quoted_echo is not None and not ptb.checksum_wrong and LEAST_V4_MTU <= ptb.mtu < ptb.quoted_len
    }
    icmps = state.icmps[: state.counters[C_ICMPS]]
    replies: dict[tuple[str, str, int, int], FrameRef] = {}
    for index in np.flatnonzero(icmps["kind"] == KIND_ECHO_REPLY):
        row = icmps[index]
        version = int(row["version"])
        key = (
            row_address(row, "d", version),
            row_address(row, "s", version),
            int(row["echo_id"]),
            int(row["echo_seq"]),
        )
        replies.setdefault(key, FrameRef(int(row["file"]), int(row["frame"])))
    for index in np.flatnonzero(icmps["kind"] == KIND_ECHO_REQUEST):
        row = icmps[index]
        if not row["df"]:
            continue
        version = int(row["version"])
        src, dst = row_address(row, "s", version), row_address(row, "d", version)
        key = (src, dst, int(row["echo_id"]), int(row["echo_seq"]))
        frame = FrameRef(int(row["file"]), int(row["frame"]))
        pools[src, dst].probes.append(Probe(frame, int(row["ip_len"]), replies.get(key), told.get(key)))


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
