"""Flows that were never opened: a scan or a flood has millions, and all of them get the same answer.

What acquits them is in the flow table, so they are told from it, whole columns at a time, and become objects
without being judged. The answer is that of `judge_conversation`, as a test checks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analyzer.evidence.flow_index import Collector
from analyzer.evidence.vantage import NOT_ESTABLISHED
from analyzer.flows.flow_tables import SAW_BACKWARDS, SAW_SYN_ACK
from analyzer.model.flow import Endpoint, Flow, PathMtu
from analyzer.verdicts.context import carried, encapsulation
from analyzer.verdicts.unstalled_explanations import NOT_OPENED
from analyzer.verdicts.unstalled_rules import UNSTALLED


def half_open(collector: Collector) -> Any:
    """Which rows of the flow table are flows without answer and without data, bool."""
    flows, directions = collector.flows, collector.directions
    plain = (flows["packets"] > 0) & (flows["seen"] & SAW_SYN_ACK == 0) & (flows["events"] == 0)
    plain &= flows["seen"] & SAW_BACKWARDS == 0
    for side in (0, 1):
        each = directions[side::2]
        quiet = (each["data_packets"] == 0) & (each["ptbs"] == 0) & (each["holes"] == 0) & (each["unseen"] == 0)
        quiet &= each["unseen_before"] == 0
        quiet &= (each["window_zero_ts"] == 0) & (each["window_zero_longest"] == 0) & (each["filled"] == 0)
        plain &= quiet & (each["max_sent"] == 0) & (each["delivered"] == 0) & (each["resent"] == 0)
    plain[[ptb.flow for ptb in collector.ptbs if ptb.flow >= 0]] = False
    return np.asarray(plain)


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
