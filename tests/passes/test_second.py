"""The second pass: the same packets, numbers and marks as the skim, in both modes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.decode.packet_fields import END, START, TS
from analyzer.flows.flow_tables import C_FLOWS, MARK_INSIDE, State
from analyzer.flows.table_parts import flow_table
from analyzer.passes.second import KNOWN, ROW, Lister, Picker
from analyzer.passes.walk import prepare, walk_inputs
from tests.builders import Packet, ipv4, pcap, sack, tcp, timestamps
from tests.profiles import examples
from tests.reading import CAPTURES, LAB, Skimmed, open_reader, skim
from tests.traffic import generated, random_capture, skimmed
from tests.wrapping import ENCAPSULATIONS, frame, ip_packets, wrapped

STORY = next(path for path in CAPTURES if path.name == "tunnel_blackhole_at_server.pcap")


def listed(*sources: bytes | Path, watched: Any = None, compiled: bool = False, rows: int = 4096) -> Any:
    """Rows and edges of the second pass over some captures."""
    readers = [open_reader(source) for source in sources]
    parts = []
    try:
        for reader in readers:
            reader.start()
        lister = Lister(watched, compiled=compiled, rows=rows)
        assert lister.compiled == compiled
        parts += [lister.drain() for _ in walk_inputs(lister, prepare(lister, readers)) if lister.full]
        parts.append(lister.drain())
    finally:
        for reader in readers:
            reader.close()
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def assert_like_the_skim(rows: Any, skim_of_it: Skimmed) -> None:
    ring = skim_of_it.rows()
    assert len(rows) == len(ring)
    for name in ("ts", "frame", "file", "payload", "ip_len", "marks", "flags", "ttl", "side"):
        np.testing.assert_array_equal(rows[name], ring[name], err_msg=name)
    np.testing.assert_array_equal(rows["stream"], ring["flow"])
    np.testing.assert_array_equal(rows["raw_seq"], ring["seq"] & 0xFFFFFFFF)
    np.testing.assert_array_equal(rows["raw_ack"], ring["ack"] & 0xFFFFFFFF)


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_rows_of_every_capture_are_those_of_the_skim(path: Path) -> None:
    assert_like_the_skim(listed(path)[0], skim(path))


@pytest.mark.parametrize("name", list(generated()))
def test_rows_of_traffic_without_sense_are_those_of_the_skim(name: str) -> None:
    assert_like_the_skim(listed(generated()[name])[0], skimmed(name))


@pytest.mark.parametrize("name", list(generated()))
def test_compiled_lists_as_interpreted(name: str) -> None:
    for slow, quick in zip(listed(generated()[name]), listed(generated()[name], compiled=True), strict=True):
        np.testing.assert_array_equal(slow, quick)


def test_files_are_interleaved_by_time() -> None:
    paths = [path for path in LAB if path.name.startswith("blackhole_gso_off")]
    assert len(paths) == 2
    rows = listed(*paths)[0]
    assert set(rows["file"]) == {0, 1}
    assert_like_the_skim(rows, skim(*paths))


def test_a_full_table_stops_the_pass_and_loses_nothing() -> None:
    name = "few flows"
    for whole, parts in zip(listed(generated()[name]), listed(generated()[name], rows=7), strict=True):
        np.testing.assert_array_equal(whole, parts)


def known(state: State, number: int) -> Any:
    """A flow as it is known again."""
    out = np.zeros(1, KNOWN)
    for name in KNOWN.names or ():
        out[name] = flow_table(state)[name][number]
    return out


@pytest.mark.parametrize("compiled", [False, True])
def test_one_flow_is_what_all_flows_hold_of_it(compiled: bool) -> None:
    """Ports are used again in this traffic, so that several flows have the same endpoints."""
    data = pcap(random_capture(11, 5, 1_500), link=1)
    state = skim(data).state
    rows, edges = listed(data)
    flows = state.flows[: int(state.counters[C_FLOWS])]
    assert len(flows) > 20
    for number in range(len(flows)):
        if not flows["packets"][number]:
            continue  # only quoted in an ICMP error
        one, its_edges = listed(data, watched=known(state, number), compiled=compiled)
        mine = rows["stream"] == number
        for name in ROW.names or ():
            if name != "stream":  # counted among the flows with these endpoints
                np.testing.assert_array_equal(one[name], rows[mine][name], err_msg=f"{number} {name}")
        assert len(set(one["stream"])) == 1
        np.testing.assert_array_equal(its_edges, edges[mine])


def test_sack_blocks_are_read_up_to_the_snap_length() -> None:
    options = timestamps(1, 2) + sack((100, 200), (300, 400), (500, 600))
    whole = ipv4(tcp(options=options))
    rows, edges = listed(pcap([Packet(1, whole), Packet(2, whole[:-12], len(whole)), Packet(3, ipv4(tcp()))], link=101))
    assert rows["blocks"].tolist() == [3, 0, 0]
    assert edges[0].tolist() == [100, 200, 300, 400, 500, 600, 0, 0]


def test_relative_numbers_go_on_above_the_wrap() -> None:
    segments = [Packet(i, ipv4(tcp(bytes(1000), seq=(2**32 - 1500 + 1000 * i) % 2**32))) for i in range(1, 5)]
    rows, _ = listed(pcap(segments, link=101))
    assert rows["raw_seq"].tolist() == [2**32 - 500, 500, 1500, 2500]
    assert rows["seq"].tolist() == [1, 1001, 2001, 3001]


def test_packets_inside_of_tunnels_are_those_of_the_skim() -> None:
    plain = ip_packets(STORY)
    wrap = ENCAPSULATIONS["VXLAN"][0]
    data = pcap(wrapped(plain, lambda packet, wire: frame(wrap(packet, wire), wire + 50)), link=1)
    rows, _ = listed(data)
    assert_like_the_skim(rows, skim(data))
    flow = known(skim(data).state, 1)
    one, _ = listed(data, watched=flow)
    assert one["ip_len"].tolist() == rows["ip_len"][rows["stream"] == 1].tolist()
    assert ((one["marks"] & MARK_INSIDE) != 0).all()


@examples(60)
@given(
    wanted=st.sets(st.tuples(st.integers(0, 2), st.integers(0, 70))),
    moment=st.integers(-1, 60),
    compiled=st.booleans(),
)
def test_picked_are_the_frames_that_are_wanted_and_the_first_of_a_moment(
    wanted: set[tuple[int, int]], moment: int, compiled: bool
) -> None:
    """Three files that overlap in time, as the whole list of their packets has them."""
    times = [[n // 2 for n in range(60)], list(range(40)), [30 + n // 3 for n in range(50)]]
    readers = [open_reader(pcap(Packet(ts, ipv4(tcp(seq=ts))) for ts in each)) for each in times]
    found: list[tuple[int, int, int]] = []

    def take(view: Any, h: list[int], file: int, frame: int, interface: int) -> None:
        assert bytes(view[h[START] : h[END]]) == ipv4(tcp(seq=h[TS]))
        assert interface == -1  # a pcap tells none
        found.append((h[TS], file, frame))

    for reader in readers:
        reader.start()
    frames: dict[int, list[int]] = {}
    for file, number in wanted:
        frames.setdefault(file, []).append(number)
    picker = Picker(frames, moment, take, compiled=compiled)
    assert picker.compiled == compiled
    for _ in walk_inputs(picker, prepare(picker, readers)):
        pass
    everything = [(ts, file, n + 1) for file, each in enumerate(times) for n, ts in enumerate(each)]
    surely = {each for each in everything if each[1:] in wanted}
    others = [each for each in found if each not in surely]
    assert surely <= set(found)
    assert len(set(found)) == len(found)
    assert [each[0] for each in found] == sorted(each[0] for each in found)
    first = [each for each in everything if each[0] == moment]
    assert len(others) <= 1
    assert bool({each[0] for each in found} & {moment}) == bool(first)
    assert all(each in first for each in others)
