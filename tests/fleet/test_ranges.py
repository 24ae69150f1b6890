"""A large file by ranges of bytes: wherever they are cut, its parts are the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analyzer.fleet import analyze, ranges, spreading
from analyzer.fleet.cutting import Part, cut_range, whole_file
from analyzer.fleet.fleet_sources import in_all
from analyzer.fleet.judging import judge
from analyzer.fleet.plan import Group, grouped
from analyzer.fleet.ranges import is_plain_pcap, ranges_of
from tests.builders import Packet, ethernet, ipv4, pcap, pcapng, tcp
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


def test_a_false_start_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "one.pcap"
    path.write_bytes(pcap(random_capture(3, 5, 400), link=1))
    monkeypatch.setattr(ranges.RangeFile, "_may_start", lambda *_: True)  # every place does
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


def test_what_can_be_read_by_ranges() -> None:
    packets = random_capture(1, 2, 10)
    assert is_plain_pcap(pcap(packets)[:32])
    assert not is_plain_pcap(pcapng(packets)[:32])
    assert not is_plain_pcap(b"\x1f\x8b\x08" + bytes(30))
    assert [(each.start, each.end, each.last) for each in ranges_of(25, 10)] == [
        (0, 10, False), (10, 20, False), (20, 25, True),
    ]  # fmt: skip


def test_workers_read_a_large_object_by_ranges(
    tmp_path: Path,
    store: Any,
    workers: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spreading, "LEAST_SPREAD_BYTES", 0)
    monkeypatch.setattr(ranges, "RANGE_BYTES", 20_000)
    path = tmp_path / "large" / "one.pcap"
    path.parent.mkdir()
    path.write_bytes(pcap(random_capture(5, 5, 500), link=1))
    store.put(str(path), f"{BUCKET}/large/one.pcap")
    (member,) = in_all(["s3://captures/large/one.pcap"])
    assert len(spreading.ranges_in(member)) > 3
    analyze("s3://captures/large/one.pcap", client=workers, output=tmp_path / "out")
    told = as_told(plain_json(path), path.parent, "s3://captures/large")
    assert json_in(tmp_path / "out") == {"one.pcap": told}
