"""What is kept in the folder of results, and what a second run does not do again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analyzer.errors import UsageError
from analyzer.fleet import Fleet, analyze, fleet_entry, spreading
from analyzer.fleet.keeping import FINISHED
from analyzer.model import tool
from analyzer.settings import Settings
from tests.fleet.captures import plain_json
from tests.reading import SAMPLES as ALL_SAMPLES

SAMPLES = [path for path in ALL_SAMPLES if path.stem != "tunnel_blackhole_at_client"]
"""Of one the other end is there, too: these two are joined."""


@pytest.fixture
def captures(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for path in SAMPLES:
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the groups that are analysed."""
    names: list[str] = []
    usual = fleet_entry._judged

    def counting(groups: Any, client: Any) -> Any:
        for batch in usual(groups, client):
            names.extend(each.name for each in batch)
            yield batch

    monkeypatch.setattr(fleet_entry, "_judged", counting)
    return names


def kept(folder: Path) -> dict[str, bytes]:
    """All files of a folder of results but the log, whose lines come as they come; a Parquet file as its rows."""
    pq = pytest.importorskip("pyarrow.parquet")
    out: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".parquet":
            key = str(path.parent.relative_to(folder) if path.parent != folder else path.name)
            rows = [json.dumps(row, default=str) for row in pq.ParquetFile(path).read().to_pylist()]
            out[key] = "\n".join(sorted([*out.get(key, b"").decode().splitlines(), *rows])).encode()
        elif path.is_file() and path.name != FINISHED:
            out[str(path.relative_to(folder))] = path.read_bytes()
    return out


def stopping_after(batches: int) -> Callable[..., None]:
    told: list[int] = []

    def progress(done: int, *_: int) -> None:
        told.append(done)
        if len(told) > batches:  # the first is told when work begins
            raise KeyboardInterrupt

    return progress


def test_each_file_of_the_folder(captures: Path, tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    fleet = analyze(captures, each=True, output=tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "findings.parquet", FINISHED, "flows", "groups", "index.html", "tables",
    ]  # fmt: skip
    for path in captures.iterdir():
        assert (tmp_path / "out" / "groups" / f"{path.name}.json").read_text() == plain_json(path)
    flows = pd.read_parquet(tmp_path / "out" / "flows")
    assert len(flows) == fleet.answer.total("flows")
    assert set(flows["group"]) == {path.name for path in captures.iterdir()}
    assert (flows["first_time"].dt.strftime("%Y-%m-%d") == flows["day"].astype(str)).all()
    findings = pd.read_parquet(tmp_path / "out" / "findings.parquet")
    assert set(findings["fleet_finding"].dropna()) <= {each.finding.id for each in fleet.findings}
    assert len(findings) >= len(fleet.findings) > 0


def test_a_second_run_does_nothing_again(captures: Path, tmp_path: Path, done: list[str]) -> None:
    analyze(captures, each=True, output=tmp_path / "out")
    first = kept(tmp_path / "out")
    assert len(done) == len(SAMPLES)
    done.clear()
    analyze(captures, each=True, output=tmp_path / "out")
    assert not done
    assert kept(tmp_path / "out") == first


def test_an_interrupted_run_goes_on_to_the_same_result(
    captures: Path, tmp_path: Path, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    analyze(captures, each=True, output=tmp_path / "whole")
    monkeypatch.setattr(spreading, "BATCH_GROUPS", 3)
    done.clear()
    fleet = analyze(captures, each=True, output=tmp_path / "out", progress=stopping_after(2))
    assert fleet.interrupted
    assert len(done) == 6
    assert fleet.answer.waiting == len(SAMPLES) - 6
    assert b"Interrupted" in (tmp_path / "out" / "index.html").read_bytes()
    fleet = analyze(captures, each=True, output=tmp_path / "out")
    assert not fleet.interrupted
    assert sorted(done) == sorted(path.name for path in SAMPLES)
    assert kept(tmp_path / "out") == kept(tmp_path / "whole")


def test_a_run_that_was_killed_leaves_half_a_line(captures: Path, tmp_path: Path, done: list[str]) -> None:
    analyze(captures, each=True, output=tmp_path / "out")
    log = tmp_path / "out" / FINISHED
    log.write_bytes(log.read_bytes()[:-100])
    done.clear()
    analyze(captures, each=True, output=tmp_path / "out")
    assert len(done) == len(SAMPLES)


@pytest.mark.parametrize("change", ["file", "version", "options", "json gone", "flows gone"])
def test_what_changed_is_done_again(
    captures: Path, tmp_path: Path, done: list[str], monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setattr(spreading, "BATCH_GROUPS", 1)
    analyze(captures, each=True, output=tmp_path / "out")
    path = captures / SAMPLES[0].name
    settings = None
    again = {path.name}
    if change == "file":
        os.utime(path, ns=(1, 1))
    elif change == "version":
        monkeypatch.setattr(tool, "__version__", "9.9")
        again = {each.name for each in SAMPLES}
    elif change == "options":
        settings = Settings(platforms=("linux",))
        again = {each.name for each in SAMPLES}
    elif change == "json gone":
        (tmp_path / "out" / "groups" / f"{path.name}.json").unlink()
    else:
        lines = (tmp_path / "out" / FINISHED).read_text().splitlines()
        batch = next(each for each in map(json.loads, lines) if each["groups"][0]["name"] == path.name)
        (tmp_path / "out" / "flows" / batch["flows"][0]).unlink()
    done.clear()
    analyze(captures, each=True, output=tmp_path / "out", settings=settings)
    assert set(done) == again
    analyze(captures, each=True, output=tmp_path / "new", settings=settings)
    assert kept(tmp_path / "out") == kept(tmp_path / "new")


def test_what_is_gone_from_the_sources_is_gone_from_the_results(captures: Path, tmp_path: Path) -> None:
    analyze(captures, each=True, output=tmp_path / "out")
    (captures / SAMPLES[0].name).unlink()
    analyze(captures, each=True, output=tmp_path / "out")
    analyze(captures, each=True, output=tmp_path / "new")
    assert kept(tmp_path / "out") == kept(tmp_path / "new")


def test_a_capture_that_cannot_be_read_is_told_and_tried_again(captures: Path, tmp_path: Path, done: list[str]) -> None:
    bad = captures / "bad.pcap"
    bad.write_bytes(SAMPLES[0].read_bytes()[:24] + b"\xff" * 40)
    gone = captures / "gone.pcap"
    gone.symlink_to("nowhere")
    worse = captures / "worse.pcap.gz"
    worse.write_bytes(b"\x1f\x8b\x08" + b"\xff" * 40)
    fleet = analyze([captures, gone], each=True, output=tmp_path / "out")
    assert {each["name"] for each in fleet.answer.unread} == {"gone.pcap", "worse.pcap.gz"}
    assert len(fleet.answer.groups) == len(SAMPLES) + 1  # of the first one all that there is
    page = (tmp_path / "out" / "index.html").read_text()
    assert "worse.pcap.gz" in page
    worse.write_bytes(SAMPLES[0].read_bytes())
    done.clear()
    fleet = analyze([captures, gone], each=True, output=tmp_path / "out")
    assert sorted(done) == ["gone.pcap", "worse.pcap.gz"]
    assert len(fleet.answer.unread) == 1


def test_without_a_folder_nothing_is_written(captures: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    fleet: Fleet = analyze(captures, each=True)
    assert fleet.folder is None
    assert len(fleet.answer.groups) == len(SAMPLES)
    assert not list((tmp_path / "here").iterdir())


def test_a_folder_that_cannot_be_made(captures: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="cannot be a folder of results"):
        analyze(captures, output=tmp_path / "file")


def test_a_run_of_a_version_without_tables_is_done_again(captures: Path, tmp_path: Path, done: list[str]) -> None:
    analyze(captures, each=True, output=tmp_path / "out")
    log = tmp_path / "out" / FINISHED
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    log.write_text("".join(f"{json.dumps({key: line[key] for key in ('flows', 'groups')})}\n" for line in lines))
    done.clear()
    analyze(captures, each=True, output=tmp_path / "out")
    assert len(done) == len(SAMPLES)
