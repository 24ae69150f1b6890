from __future__ import annotations

import gzip
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import analyzer
import analyzer.api.entry
from analyzer.cli.main import main
from analyzer.errors import CaptureError, UsageError
from analyzer.model.analysis import Analysis
from analyzer.model.verdicts import VERDICTS
from analyzer.settings import Settings
from tests.builders import pcap
from tests.reading import ROOT, SAMPLE_FOLDER
from tests.report.factory import make_analysis, make_file, make_flow, make_timeline

SAMPLE = SAMPLE_FOLDER / "tunnel_blackhole_at_server.pcap"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process on a hand-made analysis; gives exit code, stdout and stderr."""
    monkeypatch.setenv("COLUMNS", "100")

    def call(*arguments: str, analysis: Analysis | None = None) -> tuple[int, str, str]:
        result = analysis or make_analysis([make_flow(0, timeline=make_timeline()), make_flow(1, "ok")])
        monkeypatch.setattr("analyzer.api.pipeline.found_in", lambda paths, **_: result)
        code = main(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def assert_one_line(err: str, *parts: str) -> None:
    assert err.startswith("pmtu-analyze: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    for part in parts:
        assert part in err


def test_the_answer_comes_first(run: Run) -> None:
    code, out, err = run("x.pcap")
    assert (code, err) == (0, "")
    assert out.startswith("story.pcap:\n1 of 2 flows hangs in a PMTUD black hole, from 10.0.2.2 to 10.0.1.2. 1500-byte")


def test_json_and_nothing_else(run: Run) -> None:
    code, out, err = run("x.pcap", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["flows"][0]["verdict"] == "blackhole"


def test_reports(run: Run, tmp_path: Path) -> None:
    targets = [tmp_path / name for name in ("a.json", "b.csv", "c.png", "d.html", "e.md", "f.parquet")]
    code, _, _ = run("x.pcap", *(word for t in targets for word in ("-o", str(t))))
    assert code == 0
    assert all(target.stat().st_size for target in targets)
    assert (tmp_path / "e-stream-0.png").exists()


def test_no_plots(run: Run, tmp_path: Path) -> None:
    targets = [tmp_path / name for name in ("d.html", "e.md")]
    code, _, _ = run("x.pcap", "--no-plots", *(word for t in targets for word in ("-o", str(t))))
    assert code == 0
    assert sorted(tmp_path.iterdir()) == targets
    assert 'class="plot"' not in targets[0].read_text()


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "pmtu-analyze/1"


def test_narrowing(run: Run) -> None:
    assert "\nNo path MTU problem found: the only selected flow" in run("x.pcap", "--stream", "1")[1]
    assert "\nThe only selected flow hangs in a PMTUD black hole" in run("x.pcap", "--port", "40000")[1]
    assert "\nNo flow matches host 10.9.9.9" in run("x.pcap", "--host", "10.9.9.9")[1]
    assert "\nNo flow matches host 10.9.9.0/24" in run("x.pcap", "--host", "10.9.9.0/24")[1]
    assert "1  10.0.1.2:40001" in run("x.pcap", "--all")[1]


def test_platforms(run: Run) -> None:
    code, _, err = run("x.pcap", "--platform", "cisco", "--platform", "plan9")
    assert code == 2
    assert_one_line(err, "'plan9' is no platform", "linux, macos, windows", "azure, all")


def test_platforms_reach_the_fixes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(SAMPLE), "--json", "--platform", "junos"]) == 0
    fixes = json.loads(capsys.readouterr().out)["flows"][1]["fixes"]
    assert {fix["platform"] for fix in fixes} == {"linux", "junos"}  # the pings of the host, the rest of the router
    assert all({"kind", "where", "command", "why", "platform", "source"} == set(fix) for fix in fixes)
    with pytest.raises(UsageError, match="'plan9' is no platform"):
        analyzer.api.entry.analyze(SAMPLE, settings=Settings(platforms=("plan9",)))


def test_fail_on(run: Run) -> None:
    assert run("x.pcap", "--fail-on", "blackhole")[0] == 1
    assert run("x.pcap", "--fail-on", "loss", "--fail-on", "ok")[0] == 1
    assert run("x.pcap", "--fail-on", "dead_path")[0] == 0
    assert run("x.pcap", "--fail-on", "blackhole", "--stream", "1")[0] == 0  # narrowed away


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ((), ["CAPTURE", "--help"]),
        (("x", "--nonsense"), ["--nonsense"]),
        (("x", "--port", "99999"), ["--port needs a number from 0 to 65535, as in --port 443"]),
        (("x", "--stream", "first"), ["--stream needs a number, as in --stream 3"]),
        (("x", "--stream"), ["--stream needs a number, as in --stream 3"]),
        (("x", "--max-decompressed", "much"), ["--max-decompressed needs a number of GiB, as in"]),
        (("x", "--fail-on"), ["--fail-on needs a verdict, as in --fail-on blackhole"]),
        (("x", "--stream", "7"), ["no stream 7"]),
        (
            ("x", "--host", "example.org"),
            ["--host needs an IP address or a network, as in --host 192.0.2.1", "example.org"],
        ),
        (("x", "--fail-on", "blackhol"), ["blackhol", *VERDICTS, "problem and size"]),
        (("x", "-o", "x.htm"), ["x.htm", ".html, .md, .json"]),
        (("x", "-o", "no such directory/x.json"), ["there is no directory"]),
        (("-", "-"), ["standard input"]),
    ],
)
def test_wrong_usage_is_one_line_and_2(run: Run, arguments: tuple[str, ...], parts: list[str]) -> None:
    code, out, err = run(*arguments)
    assert code == 2
    assert out == ""
    assert_one_line(err, *parts)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (CaptureError("x\x1b[31m.pcap", 24, "expected this, found that"), r"x\x1b[31m.pcap: at byte 24"),
        (PermissionError(13, "Permission denied", "x.pcap"), "x.pcap: Permission denied"),
        (MemoryError(), "out of memory"),
    ],
)
def test_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    message: str,
) -> None:
    def fail(paths: list[str], **_: Any) -> None:
        raise error

    monkeypatch.setattr("analyzer.api.pipeline.found_in", fail)
    for arguments in (["x.pcap"], ["x.pcap", "--all"]):
        assert main(arguments) == 2
        assert_one_line(capsys.readouterr().err, message)


class _NamelessError(Exception):
    """An exception that cannot say what it is about."""

    def __str__(self) -> str:
        raise ValueError


class _Panic(BaseException):
    """As those of extensions that must not be caught by accident."""


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ZeroDivisionError("division by zero"), "internal error: ZeroDivisionError: division by zero (pmtu-analyze "),
        (KeyError("\x1b[31m\nhidden"), r"internal error: KeyError: '\x1b[31m\nhidden' ("),
        (ValueError("\x1b[31m\nhidden"), r"internal error: ValueError: \x1b[31m hidden ("),
        (ValueError("9" * 10_000), f"internal error: ValueError: {'9' * 300} ("),
        (RecursionError("maximum recursion depth exceeded"), "internal error: RecursionError: maximum "),
        (AssertionError(), "internal error: AssertionError ("),
        (_NamelessError(), "internal error: _NamelessError ("),
        (_Panic("panic"), "internal error: _Panic: panic ("),
        (SystemExit(1), "internal error: SystemExit: 1 ("),
        (BrokenPipeError(32, "Broken pipe"), "Broken pipe"),
    ],
)
def test_what_nobody_expected_is_one_line_and_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, message: str
) -> None:
    """Python would end with 1, which says that a verdict was found."""

    def fail(paths: list[str], **_: Any) -> None:
        raise error

    monkeypatch.setattr("analyzer.api.pipeline.found_in", fail)
    for arguments in (["x.pcap"], ["x.pcap", "--all"]):
        assert main(arguments) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert_one_line(err, f"pmtu-analyze: {message}")
        if "internal error" in message:
            place = f"{analyzer.__version__}, cli/command.py:"
            assert_one_line(err, place, f"Python {platform.python_version()}", "Please report", "PMTU_ANALYZE_DEBUG=1")


def test_too_deep_a_recursion_is_told() -> None:
    code = (  # Python 3.13.0 has no limit for functions that take *arguments, and takes all memory there is
        "import sys; import analyzer.api.pipeline as p; from analyzer.cli.main import main\n"
        "def deeper(): deeper()\n"
        "p.found_in = lambda *_, **__: deeper(); sys.exit(main(['x.pcap']))"
    )
    result = python("-c", code)
    assert result.returncode == 2
    assert_one_line(result.stderr, "internal error: RecursionError")


def test_a_traceback_is_for_who_asks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], run: Run
) -> None:
    monkeypatch.setenv("PMTU_ANALYZE_DEBUG", "1")

    def fail(paths: list[str], **_: Any) -> None:
        raise ValueError("\x1b[31m")

    monkeypatch.setattr("analyzer.api.pipeline.found_in", fail)
    assert main(["x.pcap"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-2] == r"ValueError: \x1b[31m"
    assert lines[-1].startswith(r"pmtu-analyze: internal error: ValueError: \x1b[31m (")
    assert_one_line(run("x.pcap", "--fail-on", "blackhol")[2], "blackhol")  # a mistake needs none


def test_an_interrupt_ends_quietly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(paths: list[str], **_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("analyzer.api.pipeline.found_in", interrupted)
    assert main(["x.pcap"]) == main(["x.pcap", "--all"]) == 130
    assert capsys.readouterr().err == ""


def test_damage_is_told_on_stderr_and_does_not_fail(run: Run) -> None:
    damaged = make_analysis([make_flow()], files=[make_file(damaged_at=99, problem="odd\nlength")])
    code, out, err = run("x.pcap", "--json", analysis=damaged)
    assert code == 0
    assert json.loads(out)["capture"]["files"][0]["damaged_at"] == 99
    assert_one_line(err, r"story.pcap is damaged after 130 packets (byte 99: odd\x0alength); these were analysed")


def test_what_cannot_be_replaced_is_refused_before_any_work(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x.json").mkdir()
    code, out, err = run("x.pcap", "-o", str(tmp_path / "x.json"))
    assert (code, out) == (2, "")
    assert_one_line(err, "x.json: is a directory")


def test_a_report_that_cannot_be_written_does_not_hide_the_answer(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    code, out, err = run("x.pcap", "-o", str(tmp_path / "x.json"))
    assert code == 2
    assert "PMTUD black hole" in out
    assert_one_line(err, "cannot be written")


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("pmtu-analyze ")
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for option in (
        "-o",
        "--json",
        "--stream",
        "--host",
        "--port",
        "--all",
        "--fail-on",
        "--no-plots",
        "--schema",
        "Exit codes",
    ):
        assert option in text


# As a process of its own.


def python(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, env=environment, check=False, **options
    )


def test_a_small_capture_loads_nothing_heavy() -> None:
    code = (
        "import sys; from analyzer.cli.main import main; main(sys.argv[1:]);"
        "print([m for m in ('numba', 'pandas', 'pyarrow', 'matplotlib', 'pydantic', 'jinja2') if m in sys.modules])"
    )
    result = python("-c", code, str(SAMPLE))
    assert result.stdout.startswith(f"{SAMPLE}:\n2 of 3 flows hang in a PMTUD black hole")
    assert result.stdout.endswith("[]\n")


def test_help_needs_nothing_that_only_another_test_has_loaded() -> None:
    result = python("-m", "analyzer", "--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert "--fail-on" in result.stdout


def test_importing_the_package_loads_neither_matplotlib_nor_typer() -> None:
    result = python("-c", "import analyzer, sys; print({'matplotlib', 'typer', 'pandas'} & set(sys.modules))")
    assert result.stdout == "set()\n"


def test_standard_input_and_a_reader_that_goes_away() -> None:
    with SAMPLE.open("rb") as capture:
        result = python("-m", "analyzer", "-", stdin=capture)
    assert result.returncode == 0
    assert "standard input: 118 packets" in result.stdout
    command = f"'{sys.executable}' -m analyzer '{SAMPLE}' --all; echo $? >&2"
    piped = subprocess.run(
        ["bash", "-c", f"({command}) | head -c 1"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert piped.stderr == "0\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_encoding_can_show_the_report(encoding: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding}
    result = subprocess.run(
        [sys.executable, "-m", "analyzer", str(SAMPLE)], capture_output=True, env=environment, check=False
    )
    assert result.returncode == 0
    assert result.stderr == b""


def test_a_bomb_is_read_up_to_the_limit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Eight megabytes of empty records in eight kilobytes."""
    path = tmp_path / "bomb.pcap.gz"
    path.write_bytes(gzip.compress(pcap([]) + bytes(8 << 20)))
    assert main([str(path), "--max-decompressed", "0.001"]) == 0
    seen = capsys.readouterr()
    assert "the limit on decompressed bytes is reached" in seen.err
    assert main([str(path), "--max-decompressed", "1"]) == 0
    assert "limit" not in capsys.readouterr().err
