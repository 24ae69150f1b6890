"""Captures that were read apart and put together: what one pass over all of them finds, to the byte."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from analyzer.api.pipeline import Tables, found_in
from analyzer.api.together import found_together, listed_in
from analyzer.errors import CaptureError, UsageError
from analyzer.passes.reread import reader_of
from analyzer.passes.watched import Watch
from analyzer.points import listed_packets
from analyzer.points.datagram_legs import located_datagrams, ways_of
from analyzer.points.listed_datagrams import MOST_DATAGRAMS, WantedDatagrams, datagrams_apart, list_datagrams
from analyzer.points.listed_packets import ListedPackets
from analyzer.report.formats.json_report import to_json
from tests.builders import pcap
from tests.passes.test_blanked import POINTS
from tests.points.test_datagrams import LOCATED, RECORDED
from tests.reading import CAPTURES, LAB, ROOT
from tests.traffic import random_capture

Capture = Sequence[Path]


def together(captures: Sequence[Capture]) -> str:
    parts: list[Tables] = []
    for capture in captures:
        found_in([str(path) for path in capture], keep=parts.append)

    def ask(wanted: Sequence[Sequence[Watch]], ptbs: int, datagrams: WantedDatagrams) -> list[ListedPackets]:
        return [
            listed_in([str(path) for path in capture], part.files, watches, ptbs, datagrams)
            for capture, part, watches in zip(captures, parts, wanted, strict=True)
        ]

    return to_json(found_together(parts, ask))


def in_one_pass(captures: Sequence[Capture]) -> str:
    files = [str(path) for capture in captures for path in capture]
    points = [number for number, capture in enumerate(captures) for _ in capture]
    found = found_in(files, at=points)
    wanted = WantedDatagrams(ways_of(found), MOST_DATAGRAMS)
    rows = []
    for number in range(len(files)):
        with reader_of(found, number) as reader:
            rows.append(list_datagrams(reader, 0, wanted))
    listed = datagrams_apart(wanted.ways, [1] * len(files), rows)
    return to_json(located_datagrams(found, listed))  # nobody told the points apart by their packets


SETS: dict[str, list[Path]] = defaultdict(list)
for _path in POINTS:
    SETS[_path.parent.name].append(_path)
PAIRS: dict[str, list[Path]] = defaultdict(list)
for _path in LAB:
    PAIRS[_path.stem.partition(".")[0]].append(_path)


@pytest.mark.parametrize("name", sorted(SETS))
def test_recorded_points(name: str) -> None:
    files = SETS[name]
    assert together([[path] for path in files]) == to_json(found_in([str(path) for path in files]))


@pytest.mark.parametrize("name", sorted(name for name, files in PAIRS.items() if len(files) > 1))
def test_both_ends_of_the_laboratory(name: str) -> None:
    captures = [[path] for path in PAIRS[name]]
    assert together(captures) == in_one_pass(captures)


@pytest.mark.parametrize("name", [*LOCATED, "dtls_healthy", "openvpn_tcp_silent", "ike_silent"])
def test_recorded_ends_of_udp(name: str) -> None:
    files = [RECORDED / f"{name}_{end}.pcap" for end in ("client", "server")]
    found = together([[path] for path in files])
    assert found == to_json(found_in([str(path) for path in files]))
    assert any(each["leg"] for each in json.loads(found)["findings"]) == (name in LOCATED)


@pytest.mark.parametrize("number", range(6))
def test_captures_that_have_nothing_to_do_with_each_other(number: int) -> None:
    files = [*CAPTURES, *sorted((ROOT / "tests" / "data" / "udp").rglob("*.pcap"))][number::6]
    for place in range(0, len(files), 4):
        captures = [[path] for path in files[place : place + 4]]
        assert together(captures) == in_one_pass(captures)


@pytest.mark.parametrize("seed", range(8))
def test_generated_traffic_of_which_each_point_lost_some(tmp_path: Path, seed: int) -> None:
    packets = random_capture(seed, 6, 600)
    random = np.random.default_rng(seed)
    captures: list[list[Path]] = []
    for point in range(3):
        kept = [each._replace(ts=each.ts + point * 5_000_000) for each in packets if random.random() < 0.8]
        half = len(kept) // 2
        captures.append([tmp_path / f"{point}{part}.pcap" for part in "ab"])
        for path, those in zip(captures[-1], (kept[:half], kept[half:]), strict=True):
            path.write_bytes(pcap(those, link=1))
    assert together(captures) == in_one_pass(captures)


def test_more_rows_than_are_listed_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed_packets, "MOST_ROWS", 40)
    monkeypatch.setattr(listed_packets, "MOST_PTBS", 2)
    for name in ("ptb", "silent"):
        captures = [[path] for path in SETS[name]]
        found, expected = together(captures), in_one_pass(captures)
        assert "would have to be compared" in found
        assert json.loads(found)["flows"][0]["verdict"] == json.loads(expected)["flows"][0]["verdict"]


def test_too_many_points() -> None:
    parts: list[Tables] = []
    found_in([str(LAB[0])], keep=parts.append)
    with pytest.raises(UsageError, match="expected captures of 64 points, found more"):
        found_together(parts * 65, lambda wanted, ptbs, datagrams: [])


def test_a_file_that_is_gone_or_another_one(tmp_path: Path) -> None:
    parts: list[Tables] = []
    found_in([str(LAB[0])], keep=parts.append)
    with pytest.raises(CaptureError, match="changed since it was analysed"):
        listed_in([str(LAB[1])], parts[0].files, [], 0, WantedDatagrams((), 0))
