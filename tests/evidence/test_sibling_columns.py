"""What is asked of the siblings of many flows at once is what each flow would be told alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.evidence import sibling_columns
from analyzer.evidence import siblings as one_by_one
from analyzer.evidence.flow_index import Collector
from analyzer.evidence.segments import frame_of
from analyzer.evidence.sibling_columns import SiblingColumns, Told
from analyzer.evidence.siblings import Event, Siblings
from analyzer.flows.flow_tables import C_FLOWS, FLOW, PROGRESS_SLOTS, SAW_SYN, SAW_SYN_ACK
from analyzer.flows.table_pages import new_state
from analyzer.flows.table_parts import direction_table, flow_table
from tests.profiles import examples

TIMES = st.integers(-1, 9)
FEW = 4
"""Flows that a question may look at here, so that some lie beyond."""

FIELDS: dict[str, Any] = {
    "delivered_ts": st.integers(1, 9), "delivered": st.sampled_from((0, 0, 576, 1400, 1500)), "delivered_frame": TIMES,
    "delivered_ack": st.integers(0, 2), "run_ts": st.integers(0, 9), "run_count": st.integers(0, 4),
    "run_len": st.sampled_from((100, 1348, 1448)), "resent_frame": st.integers(0, 2),
    "data_packets": st.integers(0, 9), "resent": st.integers(0, 5), "spurious": st.integers(0, 2),
    "dsacks": st.integers(0, 2), "una": st.integers(0, 5000), "first_seq": st.integers(0, 2000),
    "unseen": st.integers(0, 99), "payload_bytes": st.integers(0, 9000),
}  # fmt: skip
FLOW_FIELDS: dict[str, Any] = {
    "packets": st.sampled_from((0, 3, 3, 3)), "a0": st.integers(1, 2), "version": st.sampled_from((4, 4, 6)),
    "client": st.integers(0, 1), "seen": st.sampled_from((0, SAW_SYN, SAW_SYN | SAW_SYN_ACK, SAW_SYN | SAW_SYN_ACK)),
    "odd_syn_ts": st.integers(0, 9), "syn_ack_ts": st.integers(0, 9), "ack_ts": st.integers(0, 9),
    "odd_syn_frame": st.integers(0, 2), "syn_ack_frame": st.integers(0, 2), "ack_frame": st.integers(0, 2),
}  # fmt: skip
ROW = st.tuples(
    st.fixed_dictionaries(FLOW_FIELDS),
    st.fixed_dictionaries(FIELDS),
    st.lists(st.integers(0, 9), min_size=PROGRESS_SLOTS, max_size=PROGRESS_SLOTS),
)


def told(answer: Told, at: int) -> Event | None:
    if not answer.found[at]:
        return None
    row = int(answer.row[at])
    frames = tuple(frame_of(int(frame[at])) for frame in answer.frames if frame[at])
    return Event(int(answer.ts[at]), row, row, frames, int(answer.size[at]))


@pytest.fixture(autouse=True)
def _look_at_few(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (sibling_columns, one_by_one):
        monkeypatch.setattr(module, "MOST_LOOKED_AT", FEW)


@examples(600)
@given(st.lists(ROW, min_size=1, max_size=12), TIMES, TIMES, st.sampled_from((0, 1, 577, 1400, 1500, 1501)))
def compare(rows: list[tuple[dict[str, int], dict[str, int], list[int]]], after: int, until: int, size: int) -> None:
    state = new_state(0, flows=len(rows), events=1, icmps=1)
    state.counters[C_FLOWS] = len(rows)
    for number, (flow, fields, progress) in enumerate(rows):
        for name, value in flow.items():
            flow_table(state)[name][number] = value
        state.progress[2 * number, :PROGRESS_SLOTS] = progress
        state.progress[2 * number, PROGRESS_SLOTS:] = number + 1
        for name, value in fields.items():
            direction_table(state)[name][2 * number] = value
    collector = Collector(state)
    many = SiblingColumns(collector, 0)
    but = np.flatnonzero(collector.flows["packets"] > 0)
    times = tuple(np.full(len(but), value) for value in (after, until))
    sizes = np.full(len(but), size)
    answered, opened = many.answered(but, *times), many.opened(but, *times)
    delivered, last = many.delivered(but, sizes, *times), many.last_delivered(but, sizes)
    losses, rate = many.losses(but, sizes), many.loss_rate(but, sizes)
    hung: list[list[Event | None]] = [[] for _ in but]
    for least, most in ((0, 1 << 30), (size, 1 << 30), (0, 1348)):
        at, stop = many.hung_from(but, *times)
        bounds = np.full(len(but), least), np.full(len(but), most)
        while True:
            at, found = many.hung_next(but, at, stop, *bounds)
            if not found.found.any():
                break
            for i in np.flatnonzero(found.found).tolist():
                hung[i].append(told(found, i))
            at = at + 1
    for i, row in enumerate(but.tolist()):
        members = np.flatnonzero((collector.pairs == collector.pairs[row]) & (collector.flows["packets"] > 0))
        one = Siblings(collector, members, 0)
        assert told(answered, i) == one.answered(row, after, until)
        assert told(opened, i) == one.opened(row, after, until)
        assert told(delivered, i) == one.delivered(row, size, after, until)
        assert last[i] == one.last_delivered(row, size)
        assert tuple(int(each[i]) for each in losses) == one.losses(row, size)
        assert rate[i] == one.loss_rate(row, size)
        asked = ((0, 1 << 30), (size, 1 << 30), (0, 1348))
        assert hung[i] == [event for bounds in asked for event in one.hung(row, after, until, *bounds)]


def test_they_say_the_same() -> None:
    compare()


@given(st.lists(ROW, min_size=1, max_size=9), st.integers(0, 9), st.sampled_from((0, 576, 1400, 1501)))
def test_sums_over_the_others(
    rows: list[tuple[dict[str, int], dict[str, int], list[int]]], but: int, size: int
) -> None:
    state = new_state(0, flows=len(rows), events=1, icmps=1)
    state.counters[C_FLOWS] = len(rows)
    for number, (_, fields, _) in enumerate(rows):
        for name, value in fields.items():
            direction_table(state)[name][2 * number] = value
    directions = Collector(state).directions
    one = Siblings(SimpleNamespace(directions=directions, flows=np.zeros(len(rows), FLOW)), np.arange(len(rows)), 0)
    others = [each for row, (_, each, _) in enumerate(rows) if row != but]
    large = [each for each in others if each["delivered"] >= size]
    lost = sum(max(0, each["resent"] - each["spurious"] - each["dsacks"]) for each in large)
    segments = sum(max(0, each["data_packets"] - each["resent"]) for each in others)
    assert one.losses(but, size) == (sum(each["data_packets"] for each in large), lost, segments)
    acked = sum(max(0, each["una"] - each["first_seq"] - each["unseen"]) for each in large)
    sent = sum(each["payload_bytes"] for each in large)
    assert one.loss_rate(but, size) == 1 - min(acked / max(sent, 1), 1.0)
