"""The ring of recent packets, and the event table of those that matter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from analyzer.flows.flow_tables import C_EVENTS, C_FLOWS, C_ROWS, State
from analyzer.flows.recording import bring_back
from analyzer.flows.table_pages import new_state
from analyzer.settings import AFTERMATH_ROWS, HISTORY_ROWS
from tests.builders import Packet
from tests.flows.skimmed_packets import run
from tests.talk import Talk
from tests.traffic import generated, skimmed

talk = Talk()
OPEN = talk.handshake()


def events(state: State, flow: int = 0) -> Any:
    table = state.events[: state.counters[C_EVENTS]]
    return table[table["flow"] == flow]


def calm(count: int, ms: float = 30, at: int = 0, own: Talk = talk) -> list[Packet]:
    """Data and its ACK, `count` times, 1 ms apart."""
    out = []
    for i in range(count):
        out += [own.data(ms + i, at + 1000 * i, 1000), own.ack(ms + i + 0.5, at + 1000 * (i + 1))]
    return out


def ladder(steps: int, ms: float, at: int, own: Talk = talk) -> list[Packet]:
    """The first transmission and `steps` retransmissions with doubling gaps."""
    return [own.data(ms + (200 * (2**i - 1)), at, 1000) for i in range(steps + 1)]


def test_a_calm_flow_leaves_no_events() -> None:
    assert run(OPEN, calm(50)).state.counters[C_EVENTS] == 0


def test_trouble_brings_back_the_packets_before_it() -> None:
    skimmed = run(OPEN, calm(10), ladder(3, 100, 10_000))
    assert events(skimmed.state)["frame"].tolist() == list(range(1, 28))


def test_events_are_the_packets_rows_and_heads() -> None:
    skimmed = run(OPEN, calm(10), ladder(3, 100, 10_000))
    state = skimmed.state
    count = int(state.counters[C_EVENTS])
    rows = skimmed.rows()
    order = np.searchsorted(rows["frame"], state.events["frame"][:count])
    for field in set(rows.dtype.names) - {"prev"}:
        np.testing.assert_array_equal(state.events[field][:count], rows[field][order], err_msg=field)
    np.testing.assert_array_equal(state.event_header_bytes[:count], skimmed.heads()[order])


def test_no_more_than_a_flight_is_brought_back() -> None:
    packets = calm(HISTORY_ROWS) + ladder(3, 5_000, 1000 * HISTORY_ROWS)
    skimmed = run(OPEN, packets)
    got = events(skimmed.state)["frame"]
    assert len(got) == HISTORY_ROWS + 1  # and the packet that told the trouble
    assert got[-1] == len(OPEN) + len(packets)


def test_recording_goes_on_for_a_while_after_the_trouble() -> None:
    trouble = ladder(3, 100, 0)
    skimmed = run(OPEN, trouble, talk.ack(2_000, 1_000), calm(100, 2_010, 1_000))
    recorded = events(skimmed.state)["frame"].tolist()
    assert recorded == list(range(1, len(OPEN) + len(trouble) + AFTERMATH_ROWS + 1))


def test_every_packet_is_recorded_at_most_once_and_in_order() -> None:
    for name in generated():
        state = skimmed(name).state
        for flow in np.unique(state.events["flow"][: state.counters[C_EVENTS]]):
            frames = events(state, int(flow))["frame"]
            assert (np.diff(frames) > 0).all()


def test_flows_do_not_mix() -> None:
    other = Talk(ports=(50_000, 80))
    packets = sorted([*calm(20), *ladder(3, 31, 20_000), *calm(500, 30, own=other)])
    skimmed = run(OPEN, other.handshake(), packets)
    assert set(skimmed.state.events["flow"][: skimmed.state.counters[C_EVENTS]].tolist()) == {0}
    rows = skimmed.rows()
    assert len(events(skimmed.state)) == (rows["flow"] == 0).sum()


def chain_is_whole(state: State) -> None:
    """Each ring row leads to the packet of its flow that came before it."""
    last: dict[int, int] = {}
    for counter in range(int(state.counters[C_ROWS])):
        row = state.ring[counter]
        assert row["prev"] == last.get(int(row["flow"]), -1)
        last[int(row["flow"])] = counter
    for flow, counter in last.items():
        assert state.flows["last_row"][flow] == counter


def test_bringing_back_leaves_the_links_as_they_were() -> None:
    for name in generated():
        chain_is_whole(skimmed(name).state)
    chain_is_whole(run(OPEN, calm(10), ladder(6, 100, 10_000), calm(9, 90_000, 11_000)).state)


def test_bringing_back_twice_records_nothing_twice() -> None:
    state = run(OPEN, calm(10), ladder(3, 100, 10_000)).state
    before = int(state.counters[C_EVENTS])
    bring_back(state, 0, HISTORY_ROWS)
    assert state.counters[C_EVENTS] == before
    chain_is_whole(state)


def test_the_flow_counts_what_it_recorded() -> None:
    for name in generated():
        state = skimmed(name).state
        for flow in range(int(state.counters[C_FLOWS])):
            assert state.odd_flows["events"][flow] == len(events(state, flow))


def test_the_bound_on_a_flow_is_kept_and_the_rest_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.flows.recording.MAX_EVENTS_PER_FLOW", 10)
    state = run(OPEN, calm(10), ladder(3, 100, 10_000)).state
    assert events(state)["frame"].tolist() == list(range(1, 11))
    assert (state.odd_flows["events"][0], state.odd_flows["lost_events"][0]) == (10, 17)


def test_the_bound_on_all_events_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.passes.first.new_state", lambda seed, **_: new_state(seed, events=30))
    other = Talk(ports=(50_000, 80))
    packets = [
        *ladder(3, 0, 0),
        *calm(20, 5_000, 1_000),
        *ladder(3, 6_000, 0, own=other),
        *calm(20, 9_000, 1_000, other),
    ]
    state = run(packets).state
    assert state.counters[C_EVENTS] == 30
    assert state.odd_flows["events"][:2].sum() == 30
    assert state.odd_flows["lost_events"][:2].sum() > 0
    chain_is_whole(state)


@pytest.mark.parametrize("ring", [8, 16, 64])
def test_rows_that_were_overwritten_stay_away(monkeypatch: pytest.MonkeyPatch, ring: int) -> None:
    monkeypatch.setattr("analyzer.flows.recording.RING_ROWS", ring)
    for module in ("recording", "tcp_state"):
        monkeypatch.setattr(f"analyzer.flows.{module}.RING_MASK", ring - 1)
    monkeypatch.setattr("analyzer.flows.table_pages.RING_SLOTS", ring)
    other = Talk(ports=(50_000, 80))
    early, steps = calm(20), ladder(5, 100, 20_000)
    between = calm(200, 105, own=other)  # fill the ring again and again between the steps
    packets = sorted([*early, *steps, *between])
    state = run(packets).state
    mine = events(state)
    assert len(mine) < len(early) + len(steps)
    assert (np.diff(mine["frame"]) > 0).all()
    assert mine["frame"][-1] == packets.index(steps[-1]) + 1
    for row in mine:
        packet = packets[int(row["frame"]) - 1]
        assert (row["ts"], row["ip_len"]) == (packet.ts, len(packet.data))


def test_long_headers_are_cut_to_the_room_there_is() -> None:
    packet = talk.data(30, 0, 100, ip={"options": b"\x01" * 40}, options=b"\x01" * 40)
    skimmed = run(packet)
    row = skimmed.rows()[0]
    assert row["header_len"] == 104
    assert skimmed.state.ring_header_bytes[0].tobytes() == packet.data[:104]


def test_a_reused_row_keeps_nothing_of_its_last_head(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("recording", "tcp_state"):
        monkeypatch.setattr(f"analyzer.flows.{module}.RING_MASK", 0)
    long, short = talk.data(30, 0, 9, options=b"\x01" * 40), talk.data(31, 9, 9)
    state = run(long, short).state
    row = state.ring[0]
    assert state.ring_header_bytes[0, : row["header_len"]].tobytes() == short.data[:40]
