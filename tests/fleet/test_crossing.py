"""The same flows in several groups: found by their keys, and joined as captures that are given together."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from analyzer.fleet import analyze
from analyzer.fleet.crossing import Crossing, crossings, joined
from analyzer.fleet.plan import Group
from tests.fleet.captures import plain_json
from tests.fleet.test_keeping import kept
from tests.passes.test_blanked import POINTS
from tests.reading import SAMPLES


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    """Each capture point of a recording in a folder of its own, and one that has nothing to do with them."""
    ends = [path for path in POINTS if path.parent.name == "ptb"]
    assert len(ends) >= 2
    for path in [*ends, SAMPLES[0]]:
        (tmp_path / "in" / path.stem).mkdir(parents=True)
        shutil.copy(path, tmp_path / "in" / path.stem)
    return tmp_path / "in"


def test_groups_that_saw_the_same_flows_are_joined(hosts: Path, tmp_path: Path) -> None:
    fleet = analyze(hosts, output=tmp_path / "out")
    names = sorted(path.parent.name for path in hosts.glob("*/*") if path.name != SAMPLES[0].name)
    (together,) = fleet.answer.joined
    assert together["name"] == "+".join(names)
    written = (tmp_path / "out" / "joined" / "groups" / f"{together['name']}.json").read_text()
    assert written == plain_json(*[path for name in names for path in sorted((hosts / name).iterdir())])
    assert '"number": 1' in written  # several points
    assert {leg.before for leg in fleet.answer.legs} | {leg.behind for leg in fleet.answer.legs} <= set(names)
    assert fleet.answer.legs
    page = (tmp_path / "out" / "index.html").read_text()
    assert "The same flows in several captures" in page


def test_long_names_of_groups_stay_apart() -> None:
    plan = [Group(f"{'x' * 170}{number}", ()) for number in range(4)]
    sets = [Crossing((plan[0].name, plan[number].name), 1) for number in (1, 2, 3)]
    assert len({group.name for group in joined(sets, plan)}) == 3


def test_they_are_joined_once(hosts: Path, tmp_path: Path) -> None:
    analyze(hosts, output=tmp_path / "out")
    before = kept(tmp_path / "out")
    assert kept(tmp_path / "out") == before
    fleet = analyze(hosts, output=tmp_path / "out")
    assert len(fleet.answer.joined) == 1
    assert kept(tmp_path / "out") == before


def test_captures_of_other_flows_are_not_joined(tmp_path: Path) -> None:
    for number in range(2):  # the same flow, hours later: its port was used again
        (tmp_path / "in" / str(number)).mkdir(parents=True)
        data = bytearray(SAMPLES[0].read_bytes())
        place = 24
        while place < len(data):
            seconds = int.from_bytes(data[place : place + 4], "little") + number * 10_000
            data[place : place + 4] = seconds.to_bytes(4, "little")
            place += 16 + int.from_bytes(data[place + 8 : place + 12], "little")
        (tmp_path / "in" / str(number) / "a.pcap").write_bytes(data)
    fleet = analyze(tmp_path / "in", output=tmp_path / "out")
    assert len(fleet.answer.groups) == 2
    assert fleet.answer.joined == ()
    assert crossings(tmp_path / "out" / "flows") == []
