"""Which files are one capture, and what the groups are called."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from analyzer.errors import CaptureError, UsageError
from analyzer.fleet.fleet_sources import in_all, told
from analyzer.fleet.plan import LONGEST_NAME, Group, grouped
from analyzer.fleet.spreading import BATCH_GROUPS, batches, is_spread
from analyzer.settings import Settings
from tests.reading import SAMPLES

ONE = SAMPLES[0].read_bytes()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a/1.pcap", "a/2.pcap", "b/east/1.pcap", "b/1.pcap", "top.pcap", "a/notes.txt", ".git/1.pcap"):
        path = tmp_path / "captures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"no capture" if name.endswith(".txt") else ONE)
    return tmp_path / "captures"


def shape(groups: Sequence[Group]) -> dict[str, list[str]]:
    return {group.name: [Path(member.location).name for member in group.members] for group in groups}


def test_the_files_of_a_folder_are_one_capture(tree: Path) -> None:
    assert shape(grouped(in_all([str(tree)]))) == {
        "captures": ["top.pcap"],
        "a": ["1.pcap", "2.pcap"],
        "b": ["1.pcap"],
        "b__east": ["1.pcap"],
    }


def test_each_file_is_one(tree: Path) -> None:
    names = [group.name for group in grouped(in_all([str(tree)]), each=True)]
    assert sorted(names) == ["a__1.pcap", "a__2.pcap", "b__1.pcap", "b__east__1.pcap", "top.pcap"]


def test_a_pattern_finds_the_capture_point(tree: Path) -> None:
    groups = grouped(in_all([str(tree)]), pattern=r"^([ab])/")
    assert shape(groups) == {"a": ["1.pcap", "2.pcap"], "b": ["1.pcap", "1.pcap"], "top.pcap": ["top.pcap"]}
    assert {group.name for group in grouped(in_all([str(tree)]), pattern=r"\d")} == {"1", "2", "top.pcap"}


@pytest.mark.parametrize("how", ["shell", "quoted"])
def test_a_pattern_for_files_means_the_same_whoever_expands_it(tree: Path, how: str) -> None:
    pattern = str(tree / "*" / "*.pcap")
    named = (
        [pattern]
        if how == "quoted"
        else sorted(str(path) for path in tree.glob("*/*.pcap") if path.parent.name != ".git")
    )
    assert list(shape(grouped(in_all(named))).values()) == [["1.pcap", "2.pcap"], ["1.pcap"]]


@pytest.mark.parametrize("broken", ["broken.pcap", "ring.pcap17", "old.cap.gz", "EMPTY.PCAPNG"])
def test_what_is_called_a_capture_and_is_none_is_told_where_it_stands_alone(tree: Path, broken: str) -> None:
    data = b"" if broken.startswith("EMPTY") else b"no capture"
    for folder in ("a", "alone"):
        (tree / folder).mkdir(exist_ok=True)
        (tree / folder / broken).write_bytes(data)
    names = shape(grouped(in_all([str(tree)])))
    assert names["a"] == ["1.pcap", "2.pcap"]  # as `pmtu-analyze a`
    assert names["alone"] == [broken]
    assert {f"a__{broken}", f"alone__{broken}"} <= {group.name for group in grouped(in_all([str(tree)]), each=True)}
    pattern = {group.name for group in grouped(in_all([f"{tree}/*/*"]), each=True)}
    assert {f"a__{broken}", f"alone__{broken}"} <= pattern


def test_a_file_that_is_named_alone_gives_its_name(tree: Path) -> None:
    assert shape(grouped(in_all([str(tree / "top.pcap")]))) == {"top.pcap": ["top.pcap"]}


def test_a_file_that_is_named_twice_is_taken_once(tree: Path) -> None:
    assert len(in_all([str(tree / "top.pcap"), str(tree)])) == len(in_all([str(tree)]))


def test_groups_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for place in ("x", "y"):
        (tmp_path / place / "eth0").mkdir(parents=True)
        (tmp_path / place / "eth0" / "1.pcap").write_bytes(ONE)
    groups = grouped(in_all([str(tmp_path / "x" / "eth0"), str(tmp_path / "y" / "eth0")]))
    assert [group.name for group in groups] == ["eth0", "eth0~2"]


@pytest.mark.parametrize("name", [".hidden.pcap", "x" * 250, "\x1b[31m.pcap", "a b.pcap", "ü" * 120])
def test_a_name_can_be_that_of_a_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(ONE)
    (group,) = grouped(in_all([str(tmp_path)]), each=True)
    assert len(os.fsencode(group.name)) <= LONGEST_NAME + 20
    assert not group.name.startswith(".")
    assert "/" not in group.name


def test_the_fingerprint_changes_with_size_time_and_settings(tree: Path) -> None:
    path = tree / "top.pcap"
    first = grouped(in_all([str(path)]))[0].fingerprint
    assert grouped(in_all([str(path)]))[0].fingerprint == first
    assert grouped(in_all([str(path)]), settings=Settings(platforms=("linux",)))[0].fingerprint != first
    os.utime(path, ns=(1, 1))
    touched = grouped(in_all([str(path)]))[0].fingerprint
    assert touched != first
    path.write_bytes(ONE + b"\0")
    os.utime(path, ns=(1, 1))
    assert grouped(in_all([str(path)]))[0].fingerprint != touched


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        ("-", UsageError, "standard input"),
        ("", CaptureError, "empty"),
        ("ftp://host/x", UsageError, "ftp://"),
        ("s3://key:secret@bucket/x", UsageError, "credentials in the environment"),
        ("https://user:secret@host/x.pcap", UsageError, "credentials in the environment"),
        ("/nowhere/*.pcap", CaptureError, "fits no file"),
    ],
)
def test_what_cannot_be_a_source(source: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as told_error:
        in_all([source])
    assert "secret" not in str(told_error.value)


def test_a_folder_without_captures(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="a directory without captures"):
        in_all([str(tmp_path)])


def test_a_bad_pattern() -> None:
    with pytest.raises(UsageError, match="regular expression"):
        grouped([], pattern="(")


def test_without_gcsfs_one_line_says_so() -> None:
    pytest.importorskip("fsspec")
    if find_spec("gcsfs") is not None:
        pytest.skip("gcsfs is installed")
    with pytest.raises(UsageError, match="gcsfs, found none; pip install gcsfs"):
        in_all(["gs://bucket/x.pcap"])


def test_a_url_is_told_without_its_signature() -> None:
    assert told("https://host/x.pcap?X-Amz-Signature=secret") == "https://host/x.pcap"
    assert told("s3://key:secret@bucket/x") == "s3://bucket/x"


def sized(tree: Path, *sizes: int) -> list[Group]:
    (member,) = in_all([str(tree / "top.pcap")])
    return [
        Group(str(number), (replace(member, size=size, location=f"{member.location}{number}"),))
        for number, size in enumerate(sizes)
    ]


def test_small_groups_are_one_task_and_large_ones_begin_first(tree: Path) -> None:
    tasks = batches(sized(tree, *[1000] * 100, 1 << 30))
    assert [len(task) for task in tasks] == [1, BATCH_GROUPS, BATCH_GROUPS, 20]
    assert tasks[0][0].size == 1 << 30


def test_what_has_to_be_decompressed_begins_before_what_is_larger(tree: Path) -> None:
    plain, packed = sized(tree, 100 << 20, 50 << 20)
    packed = Group("packed", (replace(packed.members[0], name="packed.pcap.gz"),))
    assert [task[0].name for task in batches([plain, packed])] == ["packed", "0"]
    assert [task[0].name for task in batches([plain, Group("tiny", (replace(packed.members[0], size=40 << 10),))])] == [
        "0",
        "tiny",
    ]


def test_a_group_is_spread_that_would_keep_one_worker_busy_alone(tree: Path) -> None:
    first, second = sized(tree, 1 << 28, 1 << 28)
    remote = [replace(each.members[0], location=f"s3://b/{each.name}") for each in (first, second)]
    group = Group("both", tuple(remote))
    assert is_spread(group, group.size, 2)
    assert not is_spread(group, group.size, 1)
    assert not is_spread(group, 10 * group.size, 2)
    assert not is_spread(Group("one", tuple(remote[:1])), group.size, 2)
