"""Which files are of different points, also where their beginnings share nothing, or nothing tells packets apart."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from threading import Thread

import pytest

import analyzer
from analyzer.passes import capture_points
from lab.simulated.cases import CASES
from lab.simulated.path import capture_of
from tests.builders import packets_of, pcap_record, pcap_records


def points_of(captures: Sequence[bytes]) -> list[int]:
    return [file.point for file in analyzer.analyze([io.BytesIO(data) for data in captures]).files]


@pytest.mark.parametrize("offset", [0.0, 0.4, -10_800.0])
@pytest.mark.parametrize("name", ["begun_later", "offload_silent"])
def test_files_whose_beginnings_have_nothing_in_common(
    name: str, offset: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture_points, "SAMPLED_PACKETS", 3)
    taps = {tap.name: tap for tap in CASES[name].run()}
    captures = [capture_of(taps["server"]), capture_of(taps["router-b"], offset=offset)]
    late = pcap_records(captures[1])
    captures[1] = captures[1][:24] + b"".join(late[5:])
    told: list[str] = []
    files = [io.BytesIO(data) for data in captures]
    found = analyzer.analyze(files, notify=told.append)
    assert [file.point for file in found.files] == [0, 1]
    assert any("read once more" in line for line in told)
    assert found.flow(0).verdict == "blackhole"
    assert found.flow(0).located is not None


def test_addresses_that_were_translated() -> None:
    taps = CASES["nat_before"].run()
    assert points_of([capture_of(taps[0]), capture_of(taps[3])]) == [0, 1]
    assert len(analyzer.analyze([io.BytesIO(capture_of(tap)) for tap in taps])) == 1


def test_nothing_but_numbers_tells_packets_apart() -> None:
    taps = CASES["ipv6_bare"].run()
    captures = []
    for tap in taps[2:]:
        data = capture_of(tap)
        captures.append(data[:24] + b"".join(pcap_records(data)[2:]))  # without the SYNs, which have options
    assert points_of(captures) == [0, 1]


@pytest.mark.parametrize("name", ["ipv6_bare", "without_either", "without_ids", "silent_middle", "lossy_20"])
@pytest.mark.parametrize("parts", [2, 5])
def test_files_of_a_ring_buffer_are_one_point(name: str, parts: int) -> None:
    """The same segment is sent again in every file, and so are ACKs."""
    data = capture_of(CASES[name].run()[-1])
    records = pcap_records(data)
    cut = [records[i * len(records) // parts : (i + 1) * len(records) // parts] for i in range(parts)]
    assert points_of([data[:24] + b"".join(part) for part in cut]) == [0] * parts


def test_a_clock_that_steps_between_two_files_of_one_point_is_no_second_point() -> None:
    data = capture_of(CASES["silent_middle"].run()[-1])
    packets = packets_of(data)
    half = len(packets) // 2
    moved = [packet._replace(ts=packet.ts - 3600 * 10**9) for packet in packets[half:]]
    parts = [packets[:half], moved]
    assert points_of([data[:24] + b"".join(pcap_record(p, nano=False) for p in part) for part in parts]) == [0, 0]


def test_a_pipe_beside_a_file_is_judged_and_a_line_says_what_is_missing(tmp_path: Path) -> None:
    taps = CASES["silent_middle"].run()
    (tmp_path / "client.pcap").write_bytes(capture_of(taps[0]))
    read, write = os.pipe()

    def fill() -> None:
        with os.fdopen(write, "wb") as out:
            out.write(capture_of(taps[3]))

    Thread(target=fill, daemon=True).start()
    with os.fdopen(read, "rb") as pipe:
        found = analyzer.analyze([pipe, tmp_path / "client.pcap"])
    assert [file.point for file in found.files] == [0, 1]
    assert found.flow(0).verdict == "blackhole"
    assert found.flow(0).located is None
    (told,) = (note for note in found.notes if "between the points" in note)
    assert told.endswith("cannot be read once more, as no pipe can. Save it to a file first.")
