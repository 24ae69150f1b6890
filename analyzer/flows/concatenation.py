"""The tables of several captures as one, as a single pass over all of them would have filled them.

That pass takes one capture point after the other and keeps what they saw apart, so the tables of captures of different
points follow each other; what counts rows, files and points counts on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from analyzer.flows.flow_tables import (
    C_CONVERSATIONS,
    C_COUNT,
    C_FILE,
    C_FILES,
    C_FIRST_TS,
    C_FLOWS,
    C_LAST_LINK,
    C_LAST_TS,
    C_PACKETS,
    C_PAIRS,
    C_RECENT,
    C_SEED,
    C_SERIES,
    C_UDP_STREAMS,
    FILE_SHIFT,
    PROGRESS_SLOTS,
    State,
)

FRAMES_WITH_FILES = {
    "flows": ("syn_ack_frame", "ack_frame"),
    "odd_flows": ("odd_syn_frame",),
    "transfers": (
        "progress_frame",
        "last_data_frame",
        "max_sent_frame",
        "delivered_frame",
        "delivered_ack",
        "p0_frame",
    ),
    "odd_transfers": (
        "window_zero_now",
        "window_zero_frame",
        "delivered_nodf_frame",
        "super_frame",
        "p1_frame",
        "resent_frame",
        "hole_frame",
    ),
}
"""Fields that hold file << FILE_SHIFT | frame; 0: none."""

FILES = {"odd_flows": "file", "events": "file", "icmps": "file", "fragments": "file", "pairs": "whole_file"}
FILES |= {"conversations": "file", "datagrams": "file", "timed": "file", "udp_alone": "file"}
FILLED = {"pairs": "whole", "timed": "ts", "udp_alone": "ts"}
"""Of tables with rows that nothing was written to: a field that is 0 there."""

POINTS = ("flows", "pairs", "conversations")
ROWS = {"events": ("flow", C_FLOWS), "icmps": ("flow", C_FLOWS), "fragments": ("pair", C_PAIRS)}
ROWS |= {"datagrams": ("flow", C_CONVERSATIONS), "timed": ("flow", C_CONVERSATIONS)}
"""Fields that hold a row of another table, and the counter of that table's rows; negative: none."""

NOT_ADDED = (C_FIRST_TS, C_LAST_TS, C_SEED, C_FILE, C_LAST_LINK)
"""Counters that are no counts."""


class Behind(NamedTuple):
    """What is in the tables already that others are put behind."""

    counters: Any
    files: int
    points: int


def concatenated(states: Sequence[State], points: Sequence[int]) -> State:
    """The tables of captures at different points, in this order.

    Args:
        states: as `table_parts.in_use` leaves them, of each capture; they stay as they are.
        points: how many capture points each of them has.
    """
    counters = np.zeros(C_COUNT, np.int64)
    parts: dict[str, list[Any]] = {name: [] for name in State._fields[1:]}
    before = 0
    for state, count in zip(states, points, strict=True):
        behind = Behind(counters.copy(), int(counters[C_FILES]), before)
        for name, found in parts.items():
            found.append(_moved(name, getattr(state, name), behind))
        _count(counters, state.counters)
        before += count
    return State(counters, **{name: np.concatenate(found) for name, found in parts.items()})


def _moved(name: str, table: Any, behind: Behind) -> Any:
    """A table as it is behind others."""
    table = table.copy()
    if not len(table):
        return table
    frames = behind.files << FILE_SHIFT
    for field in FRAMES_WITH_FILES.get(name, ()):
        table[field] += np.where(table[field] > 0, frames, 0)
    if name == "progress":
        kept = table[:, PROGRESS_SLOTS:]
        kept += np.where(kept > 0, frames, 0)
    if name in FILES:
        there = table[FILLED[name]] > 0 if name in FILLED else True
        table[FILES[name]] += np.where(there, behind.files, 0).astype(np.int32)
    if name in POINTS:
        table["point"] += behind.points
    if name in ROWS:
        field, counter = ROWS[name]
        table[field] += np.where(table[field] >= 0, int(behind.counters[counter]), 0).astype(table[field].dtype)
    if name == "udp_alone":
        table["series"] += np.where(table["series"] > 0, int(behind.counters[C_SERIES]), 0).astype(np.int32)
    if name == "conversations":
        table["stream"] += np.where(table["stream"] > 0, int(behind.counters[C_UDP_STREAMS]), 0).astype(np.int32)
    return table


def _count(counters: Any, more: Any) -> None:
    """Add the counters of another capture."""
    if more[C_PACKETS]:
        first = [int(each[C_FIRST_TS]) for each in (counters, more) if each[C_PACKETS]]
        counters[C_FIRST_TS] = min(first)
        counters[C_LAST_TS] = max(int(counters[C_LAST_TS]), int(more[C_LAST_TS]))
    link = int(counters[C_LAST_LINK]) or int(more[C_LAST_LINK])
    kept = [int(counters[place]) for place in NOT_ADDED]
    counters[:C_RECENT] += more[:C_RECENT]
    counters[list(NOT_ADDED)] = kept
    counters[C_LAST_LINK] = link
