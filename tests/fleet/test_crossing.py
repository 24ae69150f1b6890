"""The same flows in several groups: found by their keys, and joined as captures that are given together."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from analyzer.api.pipeline import Tables, found_in
from analyzer.fleet import analyze
from analyzer.fleet.crossing import Crossing, Joint, _connections, crossings, joints
from analyzer.fleet.fleet_sources import in_all
from analyzer.fleet.joining import judge_together, list_asked, questions
from analyzer.fleet.judging import judge
from analyzer.fleet.kept_tables import packed, unpacked
from analyzer.fleet.plan import Group, grouped
from analyzer.fleet.running import join_on
from analyzer.model.verdicts import SIZE_PROBLEMS
from tests.builders import pcap
from tests.fleet.captures import BUCKET, as_told, json_in, json_of, plain_json
from tests.fleet.test_keeping import kept
from tests.passes.test_blanked import POINTS
from tests.reading import SAMPLES
from tests.traffic import random_capture


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
    assert len({joint.group.name for joint in joints(sets, plan)}) == 3


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


def of_points(name: str, folder: Path) -> list[Path]:
    """Each capture point of a recording as a file of its own."""
    folder.mkdir(parents=True)
    return [Path(shutil.copy(path, folder)) for path in POINTS if path.parent.name == name]


@pytest.mark.parametrize("name", sorted({path.parent.name for path in POINTS}))
def test_what_is_joined_of_tables_is_what_is_found_in_the_files(tmp_path: Path, name: str) -> None:
    of_points(name, tmp_path / "in")
    fleet = analyze(tmp_path / "in", each=True, output=tmp_path / "out")
    joined = json_in(tmp_path / "out" / "joined") if fleet.answer.joined else {}
    assert bool(joined) == any(set(each["verdicts"]) & SIZE_PROBLEMS for each in fleet.answer.groups)
    for names, text in joined.items():
        assert text == plain_json(*[tmp_path / "in" / each for each in names.split("+")])


@pytest.mark.parametrize("name", ["nat", "masquerade"])
def test_flows_whose_addresses_are_translated_are_joined(tmp_path: Path, name: str) -> None:
    files = of_points(name, tmp_path / "in")
    fleet = analyze(tmp_path / "in", each=True, output=tmp_path / "out")
    (together,) = fleet.answer.joined
    assert together["name"].split("+") == [path.name for path in files]
    assert '"translated": true' in (tmp_path / "out" / "joined" / "groups" / f"{together['name']}.json").read_text()


@pytest.mark.parametrize("source", ["files", "store"])
def test_workers_join_what_they_do_not_read(tmp_path: Path, store: Any, workers: Any, source: str) -> None:
    files = of_points("ptb", tmp_path / "in")
    store.put(f"{tmp_path / 'in'}/", f"{BUCKET}/points-{source}", recursive=True)
    there = str(tmp_path / "in") if source == "files" else f"s3://{BUCKET}/points-{source}"
    fleet = analyze(there, each=True, client=workers, output=tmp_path / "out")
    ((names, text),) = json_in(tmp_path / "out" / "joined").items()
    assert [each["error"] for each in fleet.answer.joined] == [None]
    assert text == as_told(plain_json(*[tmp_path / "in" / each for each in names.split("+")]), tmp_path / "in", there)
    assert len(files) > 1


def test_no_capture_is_read_for_what_the_tables_tell(tmp_path: Path) -> None:
    files = of_points("ptb", tmp_path / "in")
    plan = grouped(in_all([str(tmp_path / "in")]), each=True)
    kept = [judge(group).tables for group in plan]
    joint = Joint(Group("all", tuple(member for group in plan for member in group.members)), tuple(plan))
    asked = questions(joint, kept)
    listed = [list_asked(each) for each in asked]
    expected = plain_json(*files)
    for path in files:
        path.unlink()
    assert json_of(judge_together(joint, kept, lambda _: listed)) == expected
    assert sum(len(each.watches) for each in asked) < 40  # flows, not packets


def test_a_capture_that_is_another_one_by_now(tmp_path: Path) -> None:
    files = of_points("ptb", tmp_path / "in")
    plan = grouped(in_all([str(tmp_path / "in")]), each=True)
    kept = [judge(group).tables for group in plan]
    os.utime(files[1], (1, 1))
    joint = Joint(Group("all", tuple(member for group in plan for member in group.members)), tuple(plan))
    found = judge_together(joint, kept, lambda asked: [list_asked(each) for each in asked])
    assert found.summary["error"] == f"{files[1]}: changed since it was analysed"
    files[1].unlink()
    found = judge_together(joint, kept, lambda asked: [list_asked(each) for each in asked])
    assert found.summary["error"] == f"{files[1]}: no such file or directory"
    told = judge_together(joint, [b"nothing", *kept[1:]], lambda _: [])
    assert "expected tables, found something else" in told.summary["error"]


def test_an_object_that_is_another_one_by_now(tmp_path: Path, store: Any, workers: Any) -> None:
    of_points("ptb", tmp_path / "in")
    store.put(f"{tmp_path / 'in'}/", f"{BUCKET}/changing", recursive=True)
    plan = grouped(in_all([f"s3://{BUCKET}/changing"]), each=True)
    kept = {group.name: judge(group).tables for group in plan}
    joint = Joint(Group("all", tuple(member for group in plan for member in group.members)), tuple(plan))
    ((good,),) = join_on(workers, [joint], kept.__getitem__)
    assert good.summary["error"] is None
    store.pipe_file(plan[1].members[0].location, SAMPLES[0].read_bytes())
    ((found,),) = join_on(workers, [joint], kept.__getitem__)
    assert found.summary["error"] == f"{plan[1].members[0].name}: changed since it was analysed"


def test_tables_are_what_they_were(tmp_path: Path) -> None:
    path = tmp_path / "one.pcap"
    path.write_bytes(pcap(random_capture(3, 6, 500), link=1))
    found: list[Tables] = []
    found_in([str(path)], keep=found.append)
    again = unpacked(packed(found[0]), "one")
    assert [file.path for file in again.files] == [str(path)]
    for name, table in found[0].state._asdict().items():
        other = getattr(again.state, name)
        for field in table.dtype.names or ():
            assert other[field].tolist() == table[field].tolist()
        assert other.shape == table.shape


def test_rows_are_one_connection_by_their_ends_or_by_their_numbers() -> None:
    def row(group: str, client: str, opening: int | None) -> dict[str, Any]:
        return {
            "group": group,
            "client.ip": client,
            "client.port": 1,
            "server.ip": "s",
            "server.port": 2,
            "opening": opening,
        }

    rows = [row("a", "x", None), row("b", "y", 5), row("c", "z", 7), row("d", "x", 5), row("e", "y", None)]
    assert sorted("".join(sorted(each["group"] for each in part)) for part in _connections(rows)) == ["abde", "c"]
