"""A large file by ranges of bytes: wherever they are cut, its parts are the file."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard

from analyzer.fleet import analyze, ranges, spreading
from analyzer.fleet.cutting import Part, cut, cut_range, whole_file
from analyzer.fleet.fleet_sources import in_all
from analyzer.fleet.judging import judge
from analyzer.fleet.plan import Group, grouped
from analyzer.fleet.ranges import Range, RangeFile, is_plain, ranges_of
from tests.builders import (
    END_OF_OPTIONS,
    NANOSECONDS,
    Packet,
    block,
    enhanced,
    ethernet,
    interface,
    ipv4,
    obsolete,
    option,
    pcap,
    pcapng,
    section,
    simple,
    tcp,
)
from tests.fleet.captures import BUCKET, as_told, json_in, json_of, plain_json
from tests.traffic import random_capture


def in_ranges(path: Path, length: int) -> tuple[Group, Part]:
    (group,) = grouped(in_all([str(path)]))
    member = group.members[0]
    return group, whole_file([cut_range(member, each) for each in ranges_of(member.size, length)])


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("length", [1_000, 4_567, 30_000, 10_000_000])
def test_the_parts_are_the_file(tmp_path: Path, order: Any, length: int) -> None:
    path = tmp_path / "one.pcap"
    path.write_bytes(pcap(random_capture(length, 5, 400), order, link=1))
    group, part = in_ranges(path, length)
    assert part.problem == ""
    assert json_of(judge(group, [part])) == plain_json(path)


def test_a_file_that_ends_within_a_record(tmp_path: Path) -> None:
    path = tmp_path / "one.pcap"
    path.write_bytes(pcap(random_capture(1, 5, 400), link=1)[:-9])
    group, part = in_ranges(path, 20_000)
    assert part.problem == ""
    assert json_of(judge(group, [part])) == plain_json(path)


def test_records_within_a_payload_are_not_taken_for_records(tmp_path: Path) -> None:
    # Somebody downloads a capture: what is in its packets looks like records, and is none.
    inner = pcap(random_capture(2, 5, 2_000), link=1)[24:]
    packets = [
        Packet(
            1_700_000_000_000_000_000 + i * 1000, ethernet(ipv4(tcp(inner[1400 * i : 1400 * i + 1400], seq=1400 * i)))
        )
        for i in range(len(inner) // 1400)
    ]
    path = tmp_path / "one.pcap"
    path.write_bytes(pcap(packets, link=1))
    problems = 0
    for length in (3_000, 7_777, 50_000):
        group, part = in_ranges(path, length)
        problems += bool(part.problem)
        assert json_of(judge(group, [part])) == plain_json(path)


def test_a_record_at_the_end_of_a_payload_is_not_taken_for_one(tmp_path: Path) -> None:
    packets = random_capture(12, 5, 300)
    inner = pcap(packets[:1], link=1)[24:]
    outer = [packet._replace(data=ethernet(ipv4(tcp(bytes(200) + inner))), wire=None) for packet in packets]
    path = tmp_path / "one.pcap"
    path.write_bytes(pcap(outer, link=1))
    problems = [told(path, length) for length in range(9_000, 9_400, 10)]
    assert any(problems)
    assert not all(problems)
    assert {problem.partition(": ")[2] for problem in problems if problem} == {"the ranges do not end where records do"}


def test_a_false_start_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "one.pcap"
    path.write_bytes(pcap(random_capture(3, 5, 400), link=1))
    monkeypatch.setattr(ranges._Pcap, "may_start", lambda *_: True)  # every place does
    group, part = in_ranges(path, 10_000)
    assert part.problem
    assert json_of(judge(group, [part])) == plain_json(path)


def test_damage_within_a_range_is_not_passed_over(tmp_path: Path) -> None:
    data = bytearray(pcap(random_capture(4, 5, 400), link=1))
    data[30_000:30_400] = np.random.default_rng(1).bytes(400)
    path = tmp_path / "one.pcap"
    path.write_bytes(data)
    group, part = in_ranges(path, 8_000)
    assert json_of(judge(group, [part])) == plain_json(path)


def blocks(packets: Sequence[Packet], order: Any = "little", *, numbers: int = 1) -> list[bytes]:
    """Packets of several interfaces by turns, in every kind of block, with comments and statistics between."""
    out = []
    for place, packet in enumerate(packets):
        number = place % numbers
        if place % 10 == 7:
            out.append(block(5, number.to_bytes(4, order) + bytes(8), order))
        if place % 10 == 9:
            out.append(block(0xBAD, bytes(20), order))
        if place % 7 == 3 and number == 0:
            out.append(simple(packet, order))
        elif place % 7 == 5:
            out.append(obsolete(packet, order, number=number))
        else:
            comment = option(1, b"comment", order) + END_OF_OPTIONS if place % 3 else b""
            out.append(enhanced(packet, order, number=number, options=comment))
    return out


def head(order: Any = "little", *, numbers: int = 1) -> bytes:
    nanoseconds = option(9, b"\x09", order) + END_OF_OPTIONS
    return section(order) + interface(1, order, options=nanoseconds) * numbers


def told(path: Path, length: int) -> str:
    """The problem of the parts, if there is one. What is said of the file is the same in any case."""
    group, part = in_ranges(path, length)
    assert json_of(judge(group, [part])) == plain_json(path)
    return part.problem


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("numbers", [1, 3])
def test_blocks_wherever_they_are_cut(tmp_path: Path, order: Any, numbers: int) -> None:
    path = tmp_path / "one.pcapng"
    path.write_bytes(head(order, numbers=numbers) + b"".join(blocks(random_capture(6, 5, 300), order, numbers=numbers)))
    for length in (1_000, 1_001, 1_002, 1_003, 4_567, 20_000, 10_000_000):
        assert told(path, length) == ""


@pytest.mark.parametrize("form", [".pcap", ".pcapng"])
def test_cuts_at_every_place(tmp_path: Path, form: str) -> None:
    packets = random_capture(8, 4, 60)
    path = tmp_path / f"one{form}"
    path.write_bytes(pcap(packets, link=1) if form == ".pcap" else head() + b"".join(blocks(packets)))
    size = path.stat().st_size
    parts = [cut(in_all([str(path)])[0], 1, None)]
    whole = zstandard.ZstdDecompressor().decompressobj().decompress(parts[0].data)
    for length in range(size // 2, size // 2 + 400):
        _, part = in_ranges(path, length)
        # The last records before the end are too few to be sure of.
        assert not part.problem or length > size - 20_000
        assert part.problem or decompressed(part.data) == whole


def decompressed(data: bytes) -> bytes:
    """All frames of Zstandard in it."""
    return zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()


@pytest.mark.parametrize("what", ["interface", "section"])
@pytest.mark.parametrize("place", [150, 290])
def test_interfaces_that_are_described_later(tmp_path: Path, what: str, place: int) -> None:
    packets = random_capture(9, 5, 300)
    # Packets of the new section have another link type: blanked as Ethernet they would be something else.
    later = interface(1) if what == "interface" else section() + interface(101, options=NANOSECONDS)
    behind = [each._replace(data=each.data[14:]) if what == "section" else each for each in packets[place:]]
    path = tmp_path / "one.pcapng"
    path.write_bytes(head() + b"".join(blocks(packets[:place])) + later + b"".join(blocks(behind)))
    assert told(path, 10_000_000) == ""
    assert bool(told(path, 15_000)) == (place == 150)  # the last range knows what it describes itself


def test_each_range_describes_an_interface(tmp_path: Path) -> None:
    parts = blocks(random_capture(9, 5, 300))
    path = tmp_path / "one.pcapng"
    path.write_bytes(head() + b"".join(each + interface(1) for each in parts))
    assert "interfaces are described" in told(path, 15_000)


def test_a_file_whose_packets_begin_late(tmp_path: Path) -> None:
    path = tmp_path / "one.pcapng"
    names = block(4, bytes(60_000)) * 2
    path.write_bytes(head() + names + b"".join(blocks(random_capture(9, 5, 100))))
    assert "expected a packet within 64 KiB" in told(path, 15_000)


def test_blocks_that_end_early_or_lie(tmp_path: Path) -> None:
    data = head() + b"".join(blocks(random_capture(10, 5, 300)))
    path = tmp_path / "one.pcapng"
    path.write_bytes(data[:-9])
    assert told(path, 20_000) == ""
    path.write_bytes(data[:40_000] + np.random.default_rng(1).bytes(400) + data[40_400:])
    assert told(path, 8_000)


def test_blocks_within_a_payload_are_not_taken_for_blocks(tmp_path: Path) -> None:
    inner = b"".join(blocks(random_capture(2, 5, 2_000)))
    packets = [
        Packet(
            1_700_000_000_000_000_000 + i * 1000, ethernet(ipv4(tcp(bytes(2) + inner[1400 * i :][:1400], seq=1402 * i)))
        )
        for i in range(len(inner) // 1400)
    ]
    path = tmp_path / "one.pcapng"
    path.write_bytes(head() + b"".join(enhanced(packet) for packet in packets))
    for length in (3_000, 7_777, 50_000):
        told(path, length)


def test_no_more_is_read_than_the_range(tmp_path: Path) -> None:
    path = tmp_path / "one.pcapng"
    path.write_bytes(head() + b"".join(blocks(random_capture(11, 5, 3_000))))
    data = path.read_bytes()
    asked: list[tuple[int, int]] = []

    def fetch(start: int, end: int) -> bytes:
        asked.append((start, end))
        return data[start:end]

    records = RangeFile(fetch, "one", Range(500_000, 600_000, last=False))
    records.read()
    looked, read = asked[:3], asked[3:]
    assert [end - start for start, end in looked] == [64 << 10, 1 << 20, 1 << 20]
    assert read[0][0] >= 500_000
    assert read[-1][1] < 610_000


def test_what_can_be_read_by_ranges() -> None:
    packets = random_capture(1, 2, 10)
    assert is_plain(pcap(packets)[:32])
    assert is_plain(pcapng(packets)[:32])
    assert not is_plain(b"\x1f\x8b\x08" + bytes(30))
    assert [(each.start, each.end, each.last) for each in ranges_of(25, 10)] == [
        (0, 10, False), (10, 20, False), (20, 25, True),
    ]  # fmt: skip
    assert [(each.start, each.end) for each in ranges_of(24, 10)] == [(0, 10), (10, 24)]
    assert [(each.start, each.end) for each in ranges_of(3, 10)] == [(0, 3)]


@pytest.mark.parametrize("form", ["pcap", "pcapng"])
def test_workers_read_a_large_object_by_ranges(
    tmp_path: Path, store: Any, workers: Any, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setattr(spreading, "LEAST_SPREAD_BYTES", 0)
    monkeypatch.setattr(ranges, "RANGE_BYTES", 20_000)
    path = tmp_path / "large" / f"one.{form}"
    path.parent.mkdir()
    packets = random_capture(5, 5, 500)
    path.write_bytes(pcap(packets, link=1) if form == "pcap" else head() + b"".join(blocks(packets)))
    store.put(str(path), f"{BUCKET}/large/one.{form}")
    (member,) = in_all([f"s3://captures/large/one.{form}"])
    assert len(spreading.ranges_in(member)) > 3
    analyze(f"s3://captures/large/one.{form}", client=workers, output=tmp_path / "out")
    expected = as_told(plain_json(path), path.parent, "s3://captures/large")
    assert json_in(tmp_path / "out") == {f"one.{form}": expected}


class Web(SimpleHTTPRequestHandler):
    """A web server that knows ranges, or does not."""

    knows = True

    def do_GET(self) -> None:
        data = Path(self.directory, self.path.lstrip("/")).read_bytes()
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", "")) if self.knows else None
        if wanted:
            start, last = int(wanted[1]), min(int(wanted[2]), len(data) - 1)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{last}/{len(data)}")
            data = data[start : last + 1]
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        with suppress(OSError):  # who asked may have had enough
            self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.mark.parametrize("knows", [True, False])
def test_a_web_server_that_knows_ranges_and_one_that_does_not(
    tmp_path: Path, workers: Any, monkeypatch: pytest.MonkeyPatch, knows: bool
) -> None:
    pytest.importorskip("aiohttp")
    monkeypatch.setattr(spreading, "LEAST_SPREAD_BYTES", 0)
    monkeypatch.setattr(ranges, "RANGE_BYTES", 40_000)
    monkeypatch.setattr(Web, "knows", knows)
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "one.pcap"
    path.write_bytes(pcap(random_capture(5, 5, 500), link=1))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Web, directory=str(path.parent)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    try:
        (member,) = in_all([f"{address}/one.pcap"])
        wanted = spreading.ranges_in(member)
        assert len(wanted) > 2
        assert [bool(cut_range(member, each).problem) for each in wanted[1:]] == [not knows] * (len(wanted) - 1)
        analyze(f"{address}/one.pcap", client=workers, output=tmp_path / "out")
    finally:
        server.shutdown()
    assert json_in(tmp_path / "out") == {"one.pcap": as_told(plain_json(path), path.parent, address)}
