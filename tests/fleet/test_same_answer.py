"""A group in parts, cut by workers, gives the JSON of `pmtu-analyze` on the same files, to the byte."""

from __future__ import annotations

import shutil
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analyzer.fleet.cutting import cut
from analyzer.fleet.fleet_sources import in_all
from analyzer.fleet.judging import Judged, judge
from analyzer.fleet.plan import Group, grouped
from tests.builders import Packet, ethernet, ipv4, packets_of, tcp
from tests.fleet.captures import in_files, json_of, plain_json
from tests.passes.test_blanked import POINTS
from tests.reading import CAPTURES, LAB
from tests.traffic import random_capture


def only_group(folder: Path) -> Group:
    (group,) = grouped(in_all([str(folder)]))
    return group


def in_parts(group: Group) -> Judged:
    parts = [cut(member, len(group.members), None) for member in group.members]
    assert not [part.problem for part in parts if part.problem]
    gone = tuple(replace(member, location=f"/nowhere{member.location}") for member in group.members)
    return judge(replace(group, members=gone), parts)  # it cannot turn to the files themselves


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_a_recording_cut_to_its_headers(path: Path) -> None:
    (group,) = grouped(in_all([str(path)]))
    assert json_of(in_parts(group)) == plain_json(path) == json_of(judge(group))


@pytest.mark.parametrize("seed", range(6))
def test_generated_traffic_in_many_files(tmp_path: Path, seed: int) -> None:
    # Flows and retransmissions across cuts, PTBs in another file than their flow, numbers that wrap, reused ports.
    packets = random_capture(seed, 6, 600)
    cuts = np.random.default_rng(seed).choice(600, 8, replace=False).tolist()
    paths = in_files(tmp_path / "one", packets, cuts)
    assert json_of(in_parts(only_group(tmp_path / "one"))) == plain_json(*paths)


@pytest.mark.parametrize("path", [path for path in LAB if "ptb" in path.stem or "pmtud" in path.stem][:6], ids=str)
def test_a_recording_with_cuts_everywhere(tmp_path: Path, path: Path) -> None:
    packets = packets_of(path.read_bytes())
    link = int.from_bytes(path.read_bytes()[20:24], "little")
    paths = in_files(tmp_path / "one", packets, range(1, len(packets), 3), link=link)
    assert len(paths) > 4
    assert json_of(in_parts(only_group(tmp_path / "one"))) == plain_json(*paths)


def test_files_out_of_order_and_overlapping_in_time(tmp_path: Path) -> None:
    packets = random_capture(7, 6, 400)
    by_turns = [packets[start::3] for start in range(3)]
    later_first = [packet for part in reversed(by_turns) for packet in part]
    paths = in_files(tmp_path / "one", later_first, [133, 266])
    assert json_of(in_parts(only_group(tmp_path / "one"))) == plain_json(*paths)


@pytest.mark.parametrize("name", sorted({path.parent.name for path in POINTS}))
def test_captures_of_several_points_are_joined(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    for path in POINTS:
        if path.parent.name == name:
            shutil.copy(path, folder)
    assert json_of(in_parts(only_group(folder))) == plain_json(folder)


def test_both_ends_of_the_laboratory_are_joined(tmp_path: Path) -> None:
    pairs: dict[str, list[Path]] = defaultdict(list)
    for path in LAB:
        pairs[path.stem.partition(".")[0]].append(path)
    for name, both in list(pairs.items())[:4]:
        (tmp_path / name).mkdir()
        for path in both:
            shutil.copy(path, tmp_path / name)
        assert json_of(in_parts(only_group(tmp_path / name))) == plain_json(tmp_path / name)


def test_a_part_that_cannot_be_cut_is_read_as_it_is(tmp_path: Path) -> None:
    paths = in_files(tmp_path / "one", random_capture(3, 4, 300), [100, 200])
    paths[1].write_bytes(paths[1].read_bytes()[:-40])  # gzip that ends early
    group = only_group(tmp_path / "one")
    parts = [cut(member, 3, None) for member in group.members]
    assert [bool(part.problem) for part in parts] == [False, True, False]
    assert json_of(judge(group, parts)) == plain_json(*paths)


def test_a_part_is_small(tmp_path: Path) -> None:
    (path,) = in_files(tmp_path / "one", _full_size(), [])
    part = cut(only_group(tmp_path / "one").members[0], 1, None)
    assert len(part.data) < path.stat().st_size / 20


def _full_size() -> list[Packet]:
    random = np.random.default_rng(1)
    return [Packet(i, ethernet(ipv4(tcp(random.bytes(1460), seq=1460 * i)))) for i in range(300)]
