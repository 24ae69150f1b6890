"""Questions to the columns of a pair of addresses, held against walking over all of its flows."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analyzer.evidence.siblings import Siblings
from analyzer.flows.flow_tables import DIRECTION, ODD_TRANSFER, TRANSFER
from analyzer.flows.table_parts import Joined
from analyzer.settings import LEAST_RETRANSMISSIONS

FLOWS = st.lists(
    st.tuples(
        st.integers(0, 9),  # when its largest packet was delivered
        st.sampled_from((0, 576, 1400, 1500)),  # and its size
        st.integers(0, 9),  # since when a segment hangs
        st.integers(0, 4),  # how often that was sent again
        st.sampled_from((100, 1348, 1448)),  # its payload
    ),
    max_size=9,
)
TIMES = st.integers(-1, 10)
SIZES = st.sampled_from((1, 577, 1400, 1500, 1501))


def siblings(flows: list[tuple[int, int, int, int, int]]) -> Siblings:
    """The flows of a pair in rows 0, 1, ...; each has its direction 0 filled."""
    directions = Joined(*(np.zeros(2 * len(flows), kind) for kind in (DIRECTION, TRANSFER, ODD_TRANSFER)))
    for row, (ts, size, since, again, payload) in enumerate(flows):
        direction = directions[2 * row : 2 * row + 1]
        direction["delivered_ts"], direction["delivered"], direction["delivered_frame"], direction["delivered_ack"] = (
            ts,
            size,
            1,
            2,
        )
        direction["run_ts"], direction["run_count"], direction["run_len"], direction["resent_frame"] = (
            since,
            again,
            payload,
            3,
        )
    tables = SimpleNamespace(directions=directions, numbers=np.arange(len(flows)) + 100)
    return Siblings(tables, np.arange(len(flows)), 0)


@given(FLOWS, st.integers(0, 9), SIZES, TIMES, TIMES)
def test_the_first_as_large_delivered_in_a_time(
    flows: list[tuple[int, int, int, int, int]], but: int, size: int, after: int, until: int
) -> None:
    found = siblings(flows).delivered(but, size, after, until)
    fit = [each[0] for row, each in enumerate(flows) if row != but and each[1] >= size and after < each[0] <= until]
    assert (found.ts if found else None) == min(fit, default=None)
    if found is not None:
        assert found.row != but
        assert flows[found.row][0] == found.ts
        assert flows[found.row][1] == found.size >= size
        assert found.stream == 100 + found.row


@given(FLOWS, st.integers(0, 9), SIZES)
def test_the_last_as_large_delivered(flows: list[tuple[int, int, int, int, int]], but: int, size: int) -> None:
    fit = [each[0] for row, each in enumerate(flows) if row != but and each[1] >= size]
    assert siblings(flows).last_delivered(but, size) == max(fit, default=0)


@given(FLOWS, st.integers(0, 9), TIMES, TIMES, st.sampled_from((0, 101, 1348)), st.sampled_from((100, 1348, 1 << 30)))
def test_those_that_hang_since_a_time(
    flows: list[tuple[int, int, int, int, int]], but: int, since: int, until: int, least: int, most: int
) -> None:
    found = list(siblings(flows).hung(but, since, until, least, most))
    fit = {
        row
        for row, (_, _, begun, again, payload) in enumerate(flows)
        if row != but and again >= LEAST_RETRANSMISSIONS and since <= begun <= until and least <= payload <= most
    }
    assert {event.row for event in found} == fit
    assert [event.ts for event in found] == sorted(event.ts for event in found)
