"""What people are used to of other commands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analyzer.cli.main import main
from analyzer.model.verdicts import GROUPS, VERDICTS
from tests.reading import ROOT, SAMPLE_FOLDER

HANG = SAMPLE_FOLDER / "tunnel_blackhole_at_server.pcap"
FINE = SAMPLE_FOLDER / "tunnel_pmtud_ok_at_server.pcap"

Told = tuple[int, str, str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """Runs the command in this process; gives exit code, output and errors."""

    def call(*words: object) -> Told:
        code = main([str(word) for word in words])
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


def process(*words: str, **options: Any) -> Told:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "analyzer", *words],
        capture_output=True,
        text=True,
        check=False,
        **{"env": {**os.environ, "PYTHONPATH": str(ROOT)}, **options},
    )
    return done.returncode, done.stdout, done.stderr


def test_brief(run: Callable[..., Told]) -> None:
    code, out, err = run(HANG, "--brief")
    assert (code, err) == (0, "")
    assert out.startswith(f"{HANG}: 2 of 3 flows hang in a PMTUD black hole")
    assert out.count("\n") == 1
    code, out, _ = run(HANG, "--brief", "--compare", FINE)
    assert out.startswith(f"{HANG} and {FINE}: Fixed: ")
    assert out.count("\n") == 1


def test_markdown_is_that_of_the_report_without_timelines(run: Callable[..., Told], tmp_path: Path) -> None:
    code, out, err = run(HANG, "--markdown")
    assert (code, err) == (0, "")
    assert run(HANG, "-o", tmp_path / "r.md", "--no-plots")[0] == 0
    assert out == (tmp_path / "r.md").read_text()


def test_each_file_that_is_written_is_told(run: Callable[..., Told], tmp_path: Path) -> None:
    code, _, err = run(HANG, "-o", tmp_path / "r.md", "-o", tmp_path / "r.json")
    assert code == 0
    told = dict(re.findall(r"^pmtu-analyze: wrote (\S+) \(([\d,]+) bytes\)$", err, re.MULTILINE))
    assert told == {str(path): f"{path.stat().st_size:,}" for path in tmp_path.iterdir()}
    assert len(told) == err.count("\n") > 2


def test_what_was_not_written_is_not_told(run: Callable[..., Told], tmp_path: Path) -> None:
    assert "wrote" not in run(HANG, "-o", tmp_path / "no" / "r.json")[2]
    assert run(HANG, "--json")[2] == ""


def test_the_name_comes_first_unless_a_terminal_shows_it(
    run: Callable[..., Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(HANG)[1].startswith(f"{HANG}:\n2 of 3 flows")
    assert run(HANG, FINE)[1].startswith(f"{HANG} and 1 more file:\n")
    assert run(HANG, "--anonymize")[1].startswith("capture-1.pcap:\n")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert run(HANG)[1].lstrip("\x1b[1;3m").startswith("2 of 3 flows")


# A line for each capture.


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(HANG, tmp_path / "b.pcap")
    shutil.copy(FINE, tmp_path / "a.pcap")
    (tmp_path / "c.pcap").write_bytes(HANG.read_bytes()[:9000])
    (tmp_path / "notes.txt").write_text("seen on Monday\n")
    (tmp_path / ".hidden").touch()
    (tmp_path / "deeper").mkdir()
    return tmp_path


def test_each_capture_has_a_line(run: Callable[..., Told], folder: Path) -> None:
    code, out, err = run("--each", folder, HANG)
    assert code == 0
    lines = out.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        *(str(folder / name) for name in ("a.pcap", "b.pcap", "c.pcap", "notes.txt")),
        str(HANG),
    ]
    assert "No path MTU problem found" in lines[0]
    assert "2 of 3 flows hang in a PMTUD black hole" in lines[1]
    assert lines[3].endswith("notes.txt: at byte 0: expected a pcap or pcapng capture, found another kind of file")
    assert re.fullmatch(
        r"pmtu-analyze: \S+c\.pcap is cut off after \d+ packets \(byte \d+\); these were analysed\n", err
    )


def test_the_exit_code_of_many(run: Callable[..., Told], folder: Path) -> None:
    assert run("--each", folder, "--fail-on", "problem")[0] == 1
    assert run("--each", folder, "--fail-on", "zero_window")[0] == 0
    assert run("--each", folder, "nosuch.pcap")[0] == 0
    code, out, err = run("--each", folder / "notes.txt", "nosuch.pcap")
    assert (code, err) == (2, "")
    assert out.splitlines()[1] == "nosuch.pcap: no such file"
    code, out, err = run("--each", folder / "deeper")
    assert (code, out, err) == (2, "", f"pmtu-analyze: {folder / 'deeper'}: a directory without files\n")


def test_each_can_be_narrowed(run: Callable[..., Told]) -> None:
    assert "No flow matches host 10.0.0.0/8" in run("--each", HANG, "--host", "10.0.0.0/8")[1]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--each", "-o", "r.html"), "for which -o has no meaning"),
        (("--each", "--compare", "b"), "for which --compare has no meaning"),
        (("--each", "--stream", "0"), "for which --stream has no meaning"),
        (("--each", "--anonymize"), "for which --anonymize has no meaning"),
        (("--each", "--json"), "--json and --each both say what is printed: ask for one of them"),
        (("--brief", "--markdown"), "--markdown and --brief both say what is printed"),
        (("--json", "--why-not", "ok"), "--json and --why-not both say what is printed"),
    ],
)
def test_what_cannot_go_together(run: Callable[..., Told], words: tuple[str, ...], told: str) -> None:
    code, out, err = run(HANG, *words)
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1


# Verdicts by name.


@pytest.mark.parametrize(("group", "first"), [("problem", "blackhole"), ("size", "fragment_loss")])
def test_groups(run: Callable[..., Told], group: str, first: str) -> None:
    assert run(HANG, "--fail-on", group)[0] == 1
    assert run(FINE, "--fail-on", group)[0] == 0
    assert first in GROUPS[group]
    assert run(SAMPLE_FOLDER / "zero_window_at_server.pcap", "--fail-on", group)[0] == (group == "problem")


def test_a_problem_is_what_is_worse_than_inconclusive() -> None:
    assert GROUPS["problem"] == set(VERDICTS[: VERDICTS.index("inconclusive")])
    assert GROUPS["size"] == {each for each in VERDICTS if each.startswith("blackhole")} | {
        "ptb_ignored",
        "fragment_loss",
    }


def test_help_names_verdicts_and_groups(run: Callable[..., Told]) -> None:
    text = " ".join(run("--help")[1].split())
    assert ", ".join(VERDICTS) in text
    assert "problem (every verdict worse than inconclusive)" in text
    assert "130 ended by Ctrl-C" in text


def test_explain(run: Callable[..., Told]) -> None:
    code, out, err = run("--explain", "blackhole")
    assert (code, err) == (0, "")
    assert out.startswith("blackhole: PMTUD black hole, confirmed\n")
    assert run("--explain", "blackhol")[0] == run("--explain", "ok", "--platform", "plan9")[0] == 2


# Standard input.


def test_standard_input_is_read_where_nothing_else_is_named() -> None:
    with HANG.open("rb") as file:
        code, out, err = process(stdin=file)
    assert (code, err) == (0, "")
    assert out.startswith("standard input:\n2 of 3 flows")
    piped = subprocess.Popen(["cat", HANG], stdout=subprocess.PIPE)
    code, out, err = process("--brief", "--fail-on", "problem", stdin=piped.stdout)
    assert (code, err) == (1, "")
    assert out.startswith("standard input: 2 of 3 flows")
    piped.wait()
    assert piped.stdout is not None
    piped.stdout.close()


@pytest.mark.parametrize("words", [(), ("--brief",)])
def test_a_terminal_or_nothing_is_not_read(words: tuple[str, ...]) -> None:
    told = (2, "", "pmtu-analyze: expected a CAPTURE, or one on standard input; try --help\n")
    assert process(*words, stdin=subprocess.DEVNULL) == told
    master, terminal = os.openpty()
    assert process(*words, stdin=terminal, timeout=20) == told
    os.close(master)
    os.close(terminal)


# Completion and cache.


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("pmtu-analyze --fail", {"--fail-on"}),
        ("pmtu-analyze --fail-on blackhole_", {v for v in VERDICTS if v.startswith("blackhole_")}),
        ("pmtu-analyze --fail-on pro", {"problem"}),
        ("pmtu-analyze --platform ci", {"cilium", "cisco"}),
        ("pmtu-analyze --explain not", {"not_exercised"}),
    ],
)
def test_a_shell_completes(line: str, offered: set[str]) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "_PMTU_ANALYZE_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(line.count(" ")),
    }
    code, out, err = process(env=environment, stdin=subprocess.DEVNULL)
    assert (code, err) == (0, "")
    assert set(out.split()) == offered


def test_where_compiled_code_lies(run: Callable[..., Told], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "pmtu-analyze"
    folder.mkdir(mode=0o700)
    (folder / "skim-1.bin").write_bytes(bytes(1500))
    code, out, err = run("--cache")
    assert (code, err) == (0, "")
    assert out.startswith(f"Compiled code is kept in {folder} (1 file, 1,500 bytes).\n")
    assert out.endswith(f"\n  rm -r {folder}\n")
