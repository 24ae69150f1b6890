"""No report is written over a capture that it is made of, whatever the capture is called and however it was given."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import analyzer
from analyzer.cli.main import main
from analyzer.report.save import ANNOTATED, SUFFIXES, check_not_an_input, save
from analyzer.report.wishes import Wishes
from tests.reading import ROOT, SAMPLE_FOLDER

CONTENT = (SAMPLE_FOLDER / "tunnel_blackhole_at_server.pcap").read_bytes()
OTHER = SAMPLE_FOLDER / "tunnel_mss_clamped_at_server.pcap"


@pytest.fixture(params=[*SUFFIXES, f"-{ANNOTATED}"])
def capture(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A capture whose name asks for a kind of report."""
    path = tmp_path / "captures" / f"hang{request.param}"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    return path


def linked(capture: Path) -> list[str]:
    """The capture through a symbolic link, as a report's target the file itself."""
    link = capture.with_name("link.pcap")
    link.symlink_to(capture)
    return [str(link), "-o", str(capture)]


def hard_linked(capture: Path) -> list[str]:
    link = capture.with_name(f"link{capture.suffix}")
    os.link(capture, link)
    return [str(capture), "-o", str(link)]


def through_a_linked_folder(capture: Path) -> list[str]:
    folder = capture.parent.with_name("folder")
    folder.symlink_to(capture.parent)
    return [str(capture), "-o", str(folder / capture.name)]


def linked_out_of_the_folder(capture: Path) -> list[str]:
    """In the folder that is read lies a link to what lies elsewhere."""
    elsewhere = capture.parent.with_name(capture.name)
    capture.rename(elsewhere)
    capture.symlink_to(elsewhere)
    return [str(capture.parent), "-o", str(elsewhere)]


WAYS: dict[str, Callable[[Path], list[str]]] = {
    "by its name": lambda capture: [str(capture), "-o", str(capture)],
    "by another spelling": lambda capture: [str(capture), "-o", f"{capture.parent}/../captures/./{capture.name}"],
    "by a relative name": lambda capture: [os.path.relpath(capture), "-o", str(capture)],
    "by a symbolic link": linked,
    "by a hard link": hard_linked,
    "by a linked folder": through_a_linked_folder,
    "in a folder": lambda capture: [str(capture.parent), "-o", str(capture)],
    "linked out of the folder": linked_out_of_the_folder,
    "the later one": lambda capture: [str(OTHER), "--compare", str(capture), "-o", str(capture)],
    "the later one, in a folder": lambda capture: [str(OTHER), "--compare", str(capture.parent), "-o", str(capture)],
    "the second of several": lambda capture: [str(OTHER), str(capture), "-o", str(capture)],
    "the second report": lambda capture: [str(capture), "-o", str(capture.with_name("a.csv")), "-o", str(capture)],
}


@pytest.mark.parametrize("way", WAYS)
def test_it_is_refused_before_any_work(
    way: str, capture: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = WAYS[way](capture)
    before = {file: (file.read_bytes(), file.stat().st_ino) for file in capture.parent.iterdir()}

    def work(*_: Any, **__: Any) -> None:
        raise AssertionError("the capture is read")

    monkeypatch.setattr("analyzer.api.pipeline.found_in", work)
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"pmtu-analyze: {Path(words[-1])}: is the capture itself; the report needs another name\n"
    assert {file: (file.read_bytes(), file.stat().st_ino) for file in capture.parent.iterdir()} == before


def test_standard_input_may_be_the_file(tmp_path: Path) -> None:
    capture = tmp_path / "hang.json"
    capture.write_bytes(CONTENT)
    with capture.open("rb") as file:
        run = subprocess.run(
            [sys.executable, "-m", "analyzer", "-", "-o", str(capture)],
            stdin=file, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False,
        )  # fmt: skip
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.endswith("hang.json: is the capture itself; the report needs another name\n")
    assert capture.read_bytes() == CONTENT


def test_a_report_may_lie_beside_its_capture(tmp_path: Path) -> None:
    """In a folder that is read, too, and a second time."""
    (tmp_path / "hang.pcap").write_bytes(CONTENT)
    report = tmp_path / "hang.md"
    for _ in range(2):
        assert main([str(tmp_path), "-o", str(report)]) == 0
        assert report.read_text().startswith("# 2 of 3 flows")
    assert (tmp_path / "hang.pcap").read_bytes() == CONTENT


# In Python.


def opened(capture: Path) -> analyzer.Analysis:
    with capture.open("rb") as file:
        return analyzer.analyze(file)  # which is closed afterwards


def renamed(capture: Path) -> analyzer.Analysis:
    """Open all the time, under another name than the one by which it was opened."""
    analysis = analyzer.analyze(capture.open("rb"))
    capture.rename(capture.with_suffix(".else"))
    capture.with_suffix(".else").rename(capture.with_name(f"other{capture.suffix}"))
    os.link(capture.with_name(f"other{capture.suffix}"), capture)
    capture.with_name(f"other{capture.suffix}").unlink()
    return analysis


def unpacked(capture: Path) -> analyzer.Analysis:
    capture.write_bytes(gzip.compress(CONTENT))
    with gzip.open(capture) as file:
        return analyzer.analyze(file)  # type: ignore[arg-type]


def by_a_relative_name(capture: Path) -> analyzer.Analysis:
    before = Path.cwd()
    os.chdir(capture.parent)
    try:
        return analyzer.analyze(capture.name)
    finally:
        os.chdir(before)


GIVEN: dict[str, Callable[[Path], Any]] = {
    "by its path": analyzer.analyze,
    "by its name, and one goes elsewhere": by_a_relative_name,
    "open, and closed since": opened,
    "open, and renamed since": renamed,
    "unpacked": unpacked,
    "in a folder": lambda capture: analyzer.analyze(capture.parent),
    "narrowed": lambda capture: analyzer.analyze(capture).where("verdict == 'blackhole'"),
    "anonymous": lambda capture: analyzer.analyze(capture, anonymizer=analyzer.Anonymizer()),
    "compared with a later one": lambda capture: analyzer.compare(capture, OTHER),
    "compared with an earlier one": lambda capture: analyzer.compare(OTHER, capture),
}


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("suffix", [".json", ".html", ".pcapng"])
def test_an_analysis_knows_what_it_was_made_of(given: str, suffix: str, tmp_path: Path) -> None:
    capture = tmp_path / f"hang{suffix}"
    capture.write_bytes(CONTENT)
    analysis = GIVEN[given](capture)
    content = capture.read_bytes()
    with pytest.raises(analyzer.UsageError, match="is the capture itself; the report needs another name"):
        analysis.save(capture)
    assert capture.read_bytes() == content


def test_what_was_never_a_file_stands_in_nobodys_way(tmp_path: Path) -> None:
    target = tmp_path / "hang.json"
    target.write_bytes(CONTENT)
    analyzer.analyze(CONTENT).save(target)
    assert target.read_bytes().startswith(b"{")


def test_no_timeline_takes_the_place_of_a_capture(tmp_path: Path) -> None:
    capture = tmp_path / "hang-stream-2.png"
    capture.write_bytes(CONTENT)
    with pytest.raises(analyzer.UsageError, match=r"hang-stream-2\.png: exists"):
        save(analyzer.analyze(capture), tmp_path / "hang.md", Wishes())
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {capture.name: CONTENT}


def test_a_file_system_that_takes_two_spellings_for_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows and macOS find `HANG.JSON` by `hang.json`: that is for the file system to say, not for the names."""
    real = os.stat

    def folded(path: Any, **options: Any) -> os.stat_result:
        return real(str(path).lower() if isinstance(path, (str, os.PathLike)) else path, **options)

    capture = tmp_path / "hang.json"
    capture.write_bytes(CONTENT)
    monkeypatch.setattr(os, "stat", folded)
    with pytest.raises(analyzer.UsageError, match=r"HANG\.JSON: is the capture itself"):
        check_not_an_input(tmp_path / "HANG.JSON", [capture])
