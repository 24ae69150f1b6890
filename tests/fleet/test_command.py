"""The command `pmtu-fleet`: one line for each mistake, exit codes, and what it prints."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from analyzer.fleet.fleet_command import main
from tests.reading import ROOT, SAMPLE_FOLDER, SAMPLES


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "Missing argument 'SOURCE'; try --help"),
        (["x.pcap"], "Missing option '-o' / '--output'; try --help"),
        (["x", "-o", "OUT", "--workers", "0"], "--workers"),
        (["x", "-o", "OUT", "--workers", "2", "--scheduler", "tcp://h:1"], "cannot go together"),
        (["x", "-o", "OUT", "--each", "--group-by", "y"], "cannot go together"),
        ([str(SAMPLE_FOLDER), "-o", "OUT", "--group-by", "("], "expected a regular expression"),
        ([str(SAMPLE_FOLDER), "-o", "OUT", "--platform", "plan9"], "'plan9' is no platform"),
        (["-", "-o", "OUT"], "standard input"),
        (["/nowhere/*", "-o", "OUT"], "fits no file"),
        (["s3://id:secret@bucket/", "-o", "OUT"], "credentials in the environment"),
    ],
)
def test_mistakes_are_one_line(
    words: list[str], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert line in told.err
    assert told.err.count("\n") == 1
    assert told.err.startswith("pmtu-fleet: ")
    assert "secret" not in told.err


def test_the_answer_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(SAMPLE_FOLDER), "--each", "-o", str(tmp_path / "out")]) == 0
    told = capsys.readouterr()
    assert "with a problem, in" in told.out.splitlines()[0]
    assert "What stalls have in common:" in told.out
    assert f"{len(SAMPLES)} captures" in told.out
    assert "wrote" in told.err


def test_no_capture_could_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nowhere.pcap"), "-o", str(tmp_path / "out")]) == 2
    assert "no such file" in capsys.readouterr().out


def test_a_fault_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr("analyzer.fleet.fleet_entry.run", broken)
    assert main([str(SAMPLE_FOLDER), "-o", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "ZeroDivisionError: a fault" in told


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    for option in ("--workers", "--scheduler", "--group-by", "--each", "--output"):
        assert option in told


def test_the_plain_command_loads_nothing_of_it() -> None:
    code = (
        "import sys; from analyzer.cli.main import main; main([sys.argv[1], '--brief']); "
        "print(sorted(name for name in sys.modules if name.partition('.')[0] in "
        "('distributed', 'dask', 'fsspec', 'tornado', 'pyarrow') or name.startswith('analyzer.fleet')))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(SAMPLES[0])],
        capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ran.stdout.splitlines()[-1] == "[]"


def test_captures_without_stalls_are_told_without_pandas(tmp_path: Path) -> None:
    code = (
        "import sys; from analyzer.fleet.fleet_command import main; main(sys.argv[1:]); print('pandas' in sys.modules)"
    )
    healthy = [str(path) for path in SAMPLES if "pmtud_ok" in path.stem]
    ran = subprocess.run(
        [sys.executable, "-c", code, *healthy, "--each", "-o", str(tmp_path / "out")],
        capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert len(healthy) > 1
    assert ran.stdout.splitlines()[-1] == "False"


def test_progress_is_told_from_the_beginning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(SAMPLE_FOLDER), "--each", "-o", str(tmp_path / "out")]) == 0
    first = capsys.readouterr().err.splitlines()[0]
    assert first.startswith(f"pmtu-fleet: 0 of {len(SAMPLES)} captures, 0.00 of 0.00 GB")
    assert main([str(SAMPLE_FOLDER), "--each", "-o", str(tmp_path / "out")]) == 0
    assert f"of {len(SAMPLES)} captures" not in capsys.readouterr().err  # nothing is left to do
