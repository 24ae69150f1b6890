"""What the tables tell of each flow beside its verdict. Makes the columns that `model.seen` counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analyzer.evidence.flow_index import Block, Collector
from analyzer.flows.flow_tables import (
    MARK_DUPLICATE,
    MARK_KEEPALIVE,
    MARK_STRAY,
    SAW_RST,
    SAW_RST_0,
    SAW_SYN,
    SAW_SYN_ACK,
)
from analyzer.model.seen import ENDS_WAITING, REFUSED, RESET_BY_CLIENT, RESET_BY_SERVER, TRAITS, UNANSWERED
from analyzer.settings import TOLD_WAIT_NS

Column = np.ndarray[Any, Any]

OF_ALL_POINTS = REFUSED | UNANSWERED | ENDS_WAITING
"""Marks that tell of something missing: where several capture points saw a flow, each of them has to lack it."""

NO_TRANSMISSION = MARK_DUPLICATE | MARK_STRAY | MARK_KEEPALIVE
"""Marks of packets with data that are no transmission of it."""


def traits_of(collector: Collector, streams: Column, shown: Column, rows: Mapping[int, Sequence[int]]) -> Column:
    """The traits of flows, dtype TRAITS.

    Args:
        collector: the tables.
        streams: stream numbers, ascending.
        shown: a row of the flow table of each.
        rows: all rows of those that were judged one by one, by stream number.
    """
    table = _of_rows(collector)
    if not rows and len(streams) == len(table) and isinstance(collector.numbers, range):
        return table
    first = shown.copy()
    for stream, of_stream in rows.items():
        first[np.searchsorted(streams, stream)] = of_stream[0]
    out: Column = table[first]
    for stream, of_stream in rows.items():
        if len(of_stream) > 1:
            out[np.searchsorted(streams, stream)] = _together(table[list(of_stream)])
    return out


def _waited(collector: Collector) -> Column:
    """How long data of each row of the flow table waited that was sent again, seconds.

    From its first transmission until its last one, as far as they were recorded.
    """
    flows, directions = collector.flows, collector.directions
    wanted = (flows["events"] > 0) & (flows["last_ts"] - flows["first_ts"] >= TOLD_WAIT_NS)
    wanted &= (directions["resent"][0::2] > 0) | (directions["resent"][1::2] > 0)
    longest = np.zeros(len(flows), np.int64)
    flow, marks = collector.column("flow"), collector.column("marks")
    kept = np.flatnonzero(wanted[flow] & (collector.column("payload") > 0) & (marks & NO_TRANSMISSION == 0))
    if len(kept):
        flow, seq, ts = flow[kept], collector.column("seq")[kept], collector.column("ts")[kept]
        side = collector.column("side")[kept]
        order = np.lexsort((ts, seq, side, flow))
        flow, side, seq, ts = flow[order], side[order], seq[order], ts[order]
        new = np.ones(len(order), bool)
        new[1:] = (flow[1:] != flow[:-1]) | (side[1:] != side[:-1]) | (seq[1:] != seq[:-1])
        sent_first = ts[np.flatnonzero(new)][np.cumsum(new) - 1]
        np.maximum.at(longest, flow, ts - sent_first)
    return np.asarray(longest / 1e9)


def _together(seen: Column) -> Any:
    """One flow as several capture points saw it."""
    out = seen[int(seen["data_packets"].argmax())].copy()
    out["resent"], out["waited"] = seen["resent"].max(), seen["waited"].max()
    out["marks"] = np.bitwise_or.reduce(seen["marks"] & ~np.uint8(OF_ALL_POINTS)) | (
        np.bitwise_and.reduce(seen["marks"]) & OF_ALL_POINTS
    )
    return out


def _of_rows(collector: Collector) -> Column:
    out = np.zeros(len(collector.flows), TRAITS)
    for rows, block in collector.blocks():
        out[rows] = _of_block(block)
    if len(collector.events):
        out["waited"] = _waited(collector)
    return out


def _of_block(block: Block) -> Column:
    flows, directions = block.flows, block.directions
    out = np.zeros(len(flows), TRAITS)
    reset, opened = flows["seen"] & SAW_RST != 0, flows["seen"] & SAW_SYN_ACK != 0
    asked = flows["seen"] & SAW_SYN != 0
    closed = np.zeros(len(flows), bool)
    for side in (0, 1):
        me, peer = directions[side::2], directions[1 - side :: 2]
        out["data_packets"] += me["data_packets"].astype(np.uint32)
        out["resent"] += me["resent"].astype(np.uint32)
        closed |= me["fin_ts"] != 0
        waiting = (me["run_count"] > 0) & (me["una"] < me["snd_max"]) & (peer["packets"] > 0) & ~reset
        out["marks"][waiting] |= ENDS_WAITING
        silent = asked & ~opened & ~reset & (flows["client"] == side) & (peer["packets"] == 0)
        out["marks"][silent] |= UNANSWERED
    for side in (0, 1):
        by_side = flows["seen"] & (SAW_RST_0 << side) != 0
        by_client = flows["client"] == side
        refused = by_side & asked & ~opened & ~by_client
        out["marks"][refused] |= REFUSED
        aborted = by_side & ~closed & ~refused
        out["marks"][aborted & by_client] |= RESET_BY_CLIENT
        out["marks"][aborted & ~by_client] |= RESET_BY_SERVER
    return out
