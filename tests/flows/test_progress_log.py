"""The log of progress holds, of each of the latest periods, the progress that was last, whatever came in between."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analyzer.flows.flow_tables import C_FLOWS, PROGRESS_SHIFT, PROGRESS_SLOTS
from analyzer.flows.progress_log import progress_of, put_progress
from analyzer.flows.table_pages import new_state
from analyzer.flows.table_parts import direction_table


@given(st.lists(st.integers(1, 40 << PROGRESS_SHIFT), max_size=30))
def test_it_holds_the_last_of_each_period(times: list[int]) -> None:
    state = new_state(0, flows=1, events=1, icmps=1)
    state.counters[C_FLOWS] = 1
    out = state.transfers[1]
    known: dict[int, tuple[int, int]] = {}
    for frame, ts in enumerate(times, 1):
        if (int(out["progress_ts"]) ^ ts) >> PROGRESS_SHIFT:
            put_progress(state, out, 1)
        out["progress_ts"], out["progress_frame"] = ts, frame
        known[(ts >> PROGRESS_SHIFT) % PROGRESS_SLOTS] = ts, frame
    times_of, frames = progress_of(state.progress, direction_table(state), np.array([0, 1]))
    assert not times_of[0].any()
    assert {slot: (times_of[1, slot], frames[1, slot]) for slot in np.flatnonzero(times_of[1]).tolist()} == known


def test_within_a_period_it_is_not_touched() -> None:
    state = new_state(0, flows=1, events=1, icmps=1)
    put_progress(state, state.transfers[0], 0)
    assert not state.progress.any()
