"""The skim as a whole: both modes alike, chunks without effect, damage without harm, nothing uncounted."""

from __future__ import annotations

import gzip
import io
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

import analyzer
from analyzer.decode.packet_fields import REASON_AGGREGATE, UNDECODED_REASONS
from analyzer.errors import CaptureError
from analyzer.flows.flow_tables import (
    C_EVENTS,
    C_FLOWS,
    C_ICMP_PACKETS,
    C_ICMPS,
    C_PACKETS,
    C_ROWS,
    C_UDP_ENDS,
    C_UNDECODED,
    MARK_DUPLICATE,
    MARK_HOLE,
    MARK_KEEPALIVE,
    MARK_RESENT,
    MARK_SPURIOUS,
    State,
)
from analyzer.flows.table_pages import new_state
from analyzer.model.analysis import Totals
from analyzer.settings import RING_ROWS
from tests.builders import (
    ETHERNET,
    Packet,
    as_pcapng,
    ethernet,
    icmp,
    interface,
    ipv4,
    pcap,
    pcap_records,
    section,
    tcp,
)
from tests.profiles import examples
from tests.reading import CAPTURES, LAB, SAMPLES, same, skim
from tests.traffic import generated, skimmed

SMALL = min(LAB, key=lambda path: path.stat().st_size)


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Turns a hang into a failure."""

    def stop(*_args: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def decoded(totals: Totals) -> int:
    return totals.tcp_packets + totals.icmp_packets + totals.udp_packets


def everything_is_counted(state: State) -> None:
    counters = state.counters
    undecoded = int(counters[C_UNDECODED : C_UNDECODED + len(UNDECODED_REASONS)].sum())
    assert counters[C_PACKETS] == counters[C_ROWS] + counters[C_ICMP_PACKETS] + counters[C_UDP_ENDS] + undecoded
    assert counters[C_UNDECODED] == 0  # the place of "no reason"
    flows = int(counters[C_FLOWS])
    assert state.flows["packets"][:flows].sum() == counters[C_ROWS]
    assert state.directions["packets"][: 2 * flows].sum() == counters[C_ROWS]
    assert state.odd_flows["events"][:flows].sum() == counters[C_EVENTS]


# Interpreted and compiled.


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_compiled_and_interpreted_agree_on_captures(path: Path) -> None:
    same(skim(path), skim(path, compiled=True))


@pytest.mark.parametrize("name", ["few flows", "many flows", "pcapng"])
def test_compiled_and_interpreted_agree_on_generated_traffic(name: str) -> None:
    everything_is_counted(skimmed(name).state)
    same(skimmed(name), skim(generated()[name], compiled=True))


def test_the_generated_traffic_reaches_what_it_is_meant_to() -> None:
    run = skimmed("few flows")
    marks = run.rows()["marks"]
    for mark in (MARK_RESENT, MARK_DUPLICATE, MARK_KEEPALIVE, MARK_HOLE, MARK_SPURIOUS):
        assert (marks & mark).any(), mark
    counters = run.state.counters
    assert counters[C_EVENTS] > 1024  # the event table grew
    assert counters[C_ICMPS] > 64
    assert skimmed("many flows").state.counters[C_FLOWS] > 2000


def test_compiled_and_interpreted_agree_on_several_files() -> None:
    records = pcap_records(generated()["few flows"])
    header = generated()["few flows"][:24]
    parts = [header + b"".join(records[i::3]) for i in range(3)]
    same(skim(*parts), skim(*parts, compiled=True))


def test_the_ring_starting_over_agrees_too() -> None:
    data = generated()["few flows"]
    runs = [skim(data, compiled=compiled, first_row=RING_ROWS - 1000).state for compiled in (False, True)]
    first, second = (run.events[: run.counters[C_EVENTS]] for run in runs)
    usual = skimmed("few flows").tables()["events"]
    for field in first.dtype.names:
        np.testing.assert_array_equal(first[field], second[field], err_msg=field)
        if field != "prev":
            np.testing.assert_array_equal(first[field], usual[field], err_msg=field)


def test_packets_that_the_ring_has_overwritten_are_not_brought_back() -> None:
    """A flow sends three segments, others fill the ring, then it sends its last segment again and again."""
    others = np.tile(np.frombuffer(pcap([Packet(0, ipv4(tcp(dport=81)))])[24:], np.uint8), (RING_ROWS, 1))
    others[:, 40:44] = np.arange(RING_ROWS, dtype=">u4")[:, None].view(np.uint8)  # its sequence number
    early = [Packet(i, ipv4(tcp(b"x" * 100, seq=1000 + 100 * i), ident=1 + i)) for i in range(3)]
    late = [Packet((10 << i) * 10**9, ipv4(tcp(b"x" * 100, seq=1200), ident=9 + i)) for i in range(4)]
    data = pcap(early) + others.tobytes() + pcap(late)[24:]
    state = skim(data, compiled=True).state
    events = state.events[: state.counters[C_EVENTS]]
    mine = events[events["flow"] == 0]
    assert state.counters[C_FLOWS] == 2
    assert list(mine["frame"]) == [3 + RING_ROWS + i for i in (1, 2, 3, 4)]
    assert set(mine["ip_len"]) == {140}


# Chunks.


@examples(25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(64, 4096), path=st.sampled_from(CAPTURES))
def test_chunk_boundaries_do_not_change_a_result(monkeypatch: pytest.MonkeyPatch, size: int, path: Path) -> None:
    data = path.read_bytes()
    for source in (data, as_pcapng(data)):
        whole = skim(source)
        with monkeypatch.context() as patch:
            patch.setattr("analyzer.capture.reader.CHUNK_BYTES", size)
            chunked = skim(source)
        same(whole, chunked)
        assert chunked.readers[0].damaged_at is None
        assert len(chunked.readers[0].buffer) <= max(size, 4096)  # the largest record here is below 2 KiB


@pytest.mark.parametrize("name", ["few flows", "many flows", "pcapng"])
@pytest.mark.parametrize("size", [64, 1000, 65_537])
def test_chunk_boundaries_do_not_change_a_compiled_result(
    monkeypatch: pytest.MonkeyPatch, name: str, size: int
) -> None:
    whole = skimmed(name)
    monkeypatch.setattr("analyzer.capture.reader.CHUNK_BYTES", size)
    same(whole, skim(generated()[name], compiled=True))


# Damage.


@pytest.fixture
def small_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of runs are quicker without clearing 2 MiB for each."""
    monkeypatch.setattr("analyzer.capture.reader.CHUNK_BYTES", 4096)


def prefixes(data: bytes) -> Iterator[tuple[int, int, int]]:
    """For each length: packets that are whole in it, and where the rest starts."""
    ends = [24]
    for record in pcap_records(data):
        ends.append(ends[-1] + len(record))
    whole = 0
    for length in range(24, len(data) + 1):
        if whole + 1 < len(ends) and ends[whole + 1] <= length:
            whole += 1
        yield length, whole, ends[whole]


def test_a_capture_cut_at_every_byte_is_read_up_to_the_cut(small_buffer: None) -> None:
    data = SMALL.read_bytes()
    with within(120):
        for length in range(24):
            with pytest.raises(CaptureError):
                skim(data[:length])
        for length, whole, rest in prefixes(data):
            run = skim(data[:length])
            assert run.state.counters[C_PACKETS] == whole
            assert run.readers[0].damaged_at == (None if rest == length else rest)
            everything_is_counted(run.state)


def test_a_pcapng_cut_at_every_byte_is_read_up_to_the_cut(small_buffer: None) -> None:
    data = as_pcapng(SMALL.read_bytes())
    blocks = {0}
    while max(blocks) < len(data):
        start = max(blocks)
        blocks.add(start + int.from_bytes(data[start + 4 : start + 8], "little"))
    with within(120):
        for length in range(len(data)):
            try:
                run = skim(data[:length])
            except CaptureError:
                assert length < 28
                continue
            start = max(each for each in blocks if each <= length)
            assert run.readers[0].damaged_at == (None if start == length else start)
            everything_is_counted(run.state)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_the_whole_analysis_of_a_cut_capture(path: Path) -> None:
    """Some cuts of each: at, before and behind the end of records."""
    data = path.read_bytes()
    cuts = [(length, rest) for length, _, rest in prefixes(data) if length - rest in (0, 1, 17)]
    for length, rest in cuts[:: max(1, len(cuts) // 25)]:
        analysis = analyzer.analyze(io.BytesIO(data[:length]), compiled=False)
        totals = analysis.totals
        assert totals.packets == totals.tcp_packets + totals.icmp_packets + totals.udp_packets + sum(
            totals.undecoded.values()
        )
        [file] = analysis.files
        assert file.damaged_at == (None if length == rest else rest)
        assert any("is cut off" in note for note in analysis.notes) == (file.damaged_at is not None)


def test_a_gzip_cut_at_every_byte_raises_nothing_but_a_capture_error(small_buffer: None) -> None:
    data = SMALL.read_bytes()
    squeezed = gzip.compress(data)
    read = 0
    with within(120):
        for length in range(len(squeezed)):
            try:
                run = skim(squeezed[:length])
            except CaptureError:
                assert read == 0  # only before the file header is there
                continue
            assert run.readers[0].damaged_at is not None
            assert run.state.counters[C_PACKETS] >= read  # more bytes never give fewer packets
            read = int(run.state.counters[C_PACKETS])
    assert read == len(pcap_records(data))


@examples(150)
@given(path=st.sampled_from(CAPTURES), pcapng=st.booleans(), data=st.data())
def test_flipped_bytes_raise_nothing_but_a_capture_error(path: Path, pcapng: bool, data: Any) -> None:
    content = bytearray(as_pcapng(path.read_bytes()) if pcapng else path.read_bytes())
    places = data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=20))
    for place in places:
        content[place] = data.draw(st.integers(0, 255))
    with within(20):
        try:
            analysis = analyzer.analyze(io.BytesIO(bytes(content)), compiled=False)
        except CaptureError:
            return
    totals = analysis.totals
    assert totals.packets == totals.tcp_packets + totals.icmp_packets + totals.udp_packets + sum(
        totals.undecoded.values()
    )


# Accounting.


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_every_packet_is_counted_once(path: Path) -> None:
    run = skim(path)
    everything_is_counted(run.state)
    assert run.state.counters[C_PACKETS] == len(pcap_records(path.read_bytes()))


def test_every_reason_is_counted_under_its_name(tmp_path: Path) -> None:
    good = ipv4(tcp())
    packets = [
        Packet(0, ethernet(good)),
        Packet(0, ethernet(bytes(28), 0x0806)),
        Packet(0, ethernet(good)[:13], 54),
        Packet(0, ethernet(good)[:33], 54),
        Packet(0, ethernet(b"\x44" + good[1:])),
        Packet(0, ethernet(ipv4(bytes(20), offset=1480, df=False))),
        Packet(0, ethernet(ipv4(bytes(20), protocol=89))),
        Packet(0, ethernet(good)[:49], 54),
        Packet(0, ethernet(ipv4(tcp()[:12] + b"\x40" + tcp()[13:]))),
        Packet(0, ethernet(ipv4(icmp(3, 4, bytes(4)), protocol=1))[:41], 42),
        Packet(0, ethernet(ipv4(icmp(3, 4, bytes(4)), protocol=1))),
        Packet(0, ethernet(ipv4(bytes(4), protocol=47))[:36]),
        Packet(0, ethernet(bytes(2) + b"\x81\x00" + (bytes(2) + b"\x81\x00") * 20, 0x8100)),
        Packet(0, ethernet(ipv4(bytes(20), protocol=50))),
        Packet(0, ethernet(ipv4(ipv4(bytes(20), offset=1480, df=False), protocol=4))),
    ]
    path = tmp_path / "odd.pcap"
    path.write_bytes(pcap(packets, link=ETHERNET))
    totals = analyzer.analyze(path).totals
    assert (totals.packets, totals.tcp_packets, totals.icmp_packets, totals.ptb_packets) == (15, 1, 1, 1)
    elsewhere = ("flow limit reached", UNDECODED_REASONS[REASON_AGGREGATE])
    expected = [reason for reason in UNDECODED_REASONS[2:] if reason not in elsewhere]
    assert totals.undecoded == dict.fromkeys(expected, 1)


def test_a_link_type_that_is_not_supported_is_counted_and_named(tmp_path: Path) -> None:
    path = tmp_path / "frame_relay.pcap"
    path.write_bytes(pcap([Packet(0, bytes(60))] * 3, link=107))
    analysis = analyzer.analyze(path)
    assert analysis.totals.undecoded == {"link type not supported": 3}
    assert "Packets of link type FRELAY are not decoded." in analysis.notes


def test_packets_beyond_the_bound_on_flows_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.passes.first.new_state", lambda seed, **_: new_state(seed, flows=300))
    packets = [Packet(i, ipv4(tcp(sport=1000 + i))) for i in range(310)]
    run = skim(pcap(packets))
    everything_is_counted(run.state)
    assert run.state.counters[C_FLOWS] == 300
    assert run.state.counters[C_UNDECODED + UNDECODED_REASONS.index("flow limit reached")] == 10


def test_an_empty_capture_has_no_packets() -> None:
    for data in (pcap([]), section(), section() + interface()):
        run = skim(data)
        assert run.state.counters[C_PACKETS] == 0
        assert run.readers[0].damaged_at is None


def test_samples_are_there() -> None:
    assert len(SAMPLES) >= 8
    assert len(LAB) == 28
