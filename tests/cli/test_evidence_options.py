"""The command: evidence captures, anonymity and comparison, and what cannot go together."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from analyzer.cli.main import main
from tests.cli.test_main import SAMPLE, assert_one_line


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--anonymize", "--keep-payload", "-o", "e.pcapng"), "--anonymize and --keep-payload exclude each other"),
        (("--keep-payload",), "--keep-payload is about an evidence capture: add -o evidence.pcapng"),
        (("--keep-payload", "-o", "e.html"), "--keep-payload is about an evidence capture"),
        (("--compare", "no such file"), "pmtu-analyze: no such file: no such file\n"),
    ],
)
def test_what_cannot_go_together(words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(SAMPLE), *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert_one_line(err, told)
    assert not Path("e.pcapng").exists()


def test_standard_input_can_be_one_of_two_captures_at_most(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-", "--compare", "-"]) == 2
    assert_one_line(capsys.readouterr().err, "standard input (-) can be read only once")


def test_evidence_from_a_pipe_is_refused_before_it_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for name, shown in (("-", "standard input"), (str(pipe), str(pipe))):
        assert main([name, "-o", str(tmp_path / "e.pcapng")]) == 2
        assert_one_line(capsys.readouterr().err, f"{shown}: cannot be read twice", "save it to a file first")


def test_evidence_does_not_overwrite_the_capture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture = tmp_path / "c.pcapng"
    capture.write_bytes(SAMPLE.read_bytes())
    assert main([str(capture), "-o", f"{tmp_path}/./c.pcapng"]) == 2
    assert_one_line(capsys.readouterr().err, "is the capture itself")
    assert capture.read_bytes() == SAMPLE.read_bytes()


def test_evidence(tmp_path: Path) -> None:
    target = tmp_path / "e.pcapng"
    assert main([str(SAMPLE), "--stream", "1", "-o", str(target)]) == 0
    plain = target.read_bytes()
    assert main([str(SAMPLE), "--stream", "1", "--keep-payload", "-o", str(target)]) == 0
    assert len(target.read_bytes()) > len(plain)
