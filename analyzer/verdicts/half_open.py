"""Flows that were never opened: a scan or a flood has millions, and all of them get the same answer.

What acquits them is in the flow table, so they are told from it, whole columns at a time, and become objects
without being judged. The answer is that of `judge_conversation`, as a test checks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analyzer.evidence.flow_index import Block, Collector
from analyzer.flows.flow_tables import SAW_BACKWARDS, SAW_SYN_ACK


def half_open(collector: Collector) -> Any:
    """Which rows of the flow table are flows without answer and without data, bool."""
    found = np.zeros(len(collector.flows), bool)
    for rows, block in collector.blocks():
        found[rows] = _half_open(block)
    found[[ptb.flow for ptb in collector.ptbs if ptb.flow >= 0]] = False
    return found


def _half_open(block: Block) -> Any:
    flows, directions = block.flows, block.directions
    plain = (flows["packets"] > 0) & (flows["seen"] & SAW_SYN_ACK == 0) & (flows["events"] == 0)
    plain &= flows["seen"] & SAW_BACKWARDS == 0
    for side in (0, 1):
        each = directions[side::2]
        quiet = (each["data_packets"] == 0) & (each["ptbs"] == 0) & (each["holes"] == 0) & (each["unseen"] == 0)
        quiet &= each["unseen_before"] == 0
        quiet &= (each["window_zero_ts"] == 0) & (each["window_zero_longest"] == 0) & (each["filled"] == 0)
        plain &= quiet & (each["max_sent"] == 0) & (each["delivered"] == 0) & (each["resent"] == 0)
    return np.asarray(plain)
