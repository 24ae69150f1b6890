"""When a direction's data were acknowledged last, in each of the latest periods of 2**PROGRESS_SHIFT ns.

The latest of all is in the direction's own row; where a new period begins, it is put into the log. So the log of a
connection that ends within a period is never touched, and pages that nobody touches take no memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analyzer.decode.integers import at
from analyzer.flows.flow_tables import PROGRESS_SHIFT, PROGRESS_SLOTS, State
from analyzer.kernels.marks import kernel

Column = np.ndarray[Any, Any]


@kernel
def put_progress(state: State, out: Any, row: int) -> None:
    """Put a direction's latest progress into its row of the log."""
    ts = out["progress_ts"]
    if ts != 0:
        slot = (ts >> PROGRESS_SHIFT) & (PROGRESS_SLOTS - 1)
        state.progress[at(row), at(slot)] = ts
        state.progress[at(row), at(PROGRESS_SLOTS + slot)] = out["progress_frame"]


def progress_of(log: Column, directions: Any, rows: Column) -> tuple[Column, Column]:
    """(times, ns, 0: none; frames) of the latest progress of some directions, PROGRESS_SLOTS each.

    Args:
        log: `State.progress`.
        directions: the table of directions.
        rows: of both.
    """
    entries = log[rows]
    latest, frame = directions["progress_ts"][rows], directions["progress_frame"][rows]
    some = np.flatnonzero(latest)
    slot = (latest[some] >> PROGRESS_SHIFT) & (PROGRESS_SLOTS - 1)
    entries[some, slot], entries[some, PROGRESS_SLOTS + slot] = latest[some], frame[some]
    return entries[:, :PROGRESS_SLOTS], entries[:, PROGRESS_SLOTS:]
