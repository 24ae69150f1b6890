"""What a verdict is stands in one table; a new one touches four files, and one that is forgotten stops the import."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from analyzer.model.verdicts import (
    BY_NAME,
    CARRYING,
    PROBLEMS,
    SIZE_PROBLEMS,
    SURE_PROBLEMS,
    TABLE,
    VERDICTS,
    complete,
    worst,
)
from tests.reading import ROOT

SAMPLE = ROOT / "sample_pcaps" / "tunnel_blackhole_at_server.pcap"

# The four edits of somebody who adds a verdict: where, what they look for, and what they put before it.
ROW = (
    "analyzer/model/verdicts.py",
    '    Verdict(name="loss", kind="healthy"',
    '    Verdict(name="odd", kind="problem", tone="warn", advised=True),\n',
)
RULE = (
    "analyzer/verdicts/stalled_rules.py",
    '        StalledRule(\n            id="stalled/one-direction"',
    '        StalledRule(\n            id="stalled/odd",\n            verdict="odd",\n'
    "            requires=(c.hung, c.with_df),\n            confidence=high,\n"
    '            words=lambda f: f"A segment of {f.stuck_segment.ip_len} bytes hung, which this test takes for odd.",\n'
    "        ),\n",
)
WORDS = (
    "analyzer/report/verdict_text.py",
    '    "loss": Words(',
    '    "odd": Words("Odd", "odd", "Something is odd."),\n',
)
OPENING = (
    "analyzer/report/verdict_text.py",
    '    "stall": _Opening(',
    '    "odd": _Opening("is odd", "are odd"),\n',
)
PLAN = ("analyzer/knowledge/fixes.py", '    "loss": ("measure_loss",)', '    "odd": ("capture_both",),\n')
EDITS = (ROW, RULE, WORDS, OPENING, PLAN)


def with_edits(folder: Path, edits: tuple[tuple[str, str, str], ...]) -> Path:
    """A copy of the package with these edits."""
    shutil.copytree(ROOT / "analyzer", folder / "analyzer", ignore=shutil.ignore_patterns("__pycache__"))
    for name, before, new in edits:
        path = folder / name
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{name} has another shape now: {before}"
        path.write_text(text.replace(before, new + before), encoding="utf-8")
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-c", "import sys; from analyzer.cli.main import main; sys.exit(main())", *arguments],
        env={"PYTHONPATH": str(folder), "COLUMNS": "100", "PATH": "/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_new_verdict_touches_four_files(tmp_path: Path) -> None:
    folder = with_edits(tmp_path, EDITS)
    assert len({name for name, _, _ in EDITS}) == 4
    report = tmp_path / "report.html"
    shown = run(folder, str(SAMPLE), "-o", str(report), "-o", str(tmp_path / "report.csv"))
    assert shown.returncode == 0
    assert all(line.startswith("pmtu-analyze: wrote ") for line in shown.stderr.splitlines())
    found = json.loads(run(folder, str(SAMPLE), "--json").stdout)
    assert found["totals"]["verdicts"]["odd"] == 2
    flow = next(flow for flow in found["flows"] if flow["verdict"] == "odd")
    assert flow["rule"] == "stalled/odd"
    assert flow["fixes"][0]["kind"] == "confirm"
    assert "odd" in shown.stdout
    assert "Something is odd" in report.read_text(encoding="utf-8")
    assert "odd" in json.loads(run(folder, "--schema").stdout)["$defs"]["verdict"]["enum"]
    assert run(folder, str(SAMPLE), "--fail-on", "odd").returncode == 1


@pytest.mark.parametrize("forgotten", [WORDS, OPENING, PLAN], ids=["words", "opening", "plan"])
def test_what_is_forgotten_stops_the_import(tmp_path: Path, forgotten: tuple[str, str, str]) -> None:
    folder = with_edits(tmp_path, tuple(edit for edit in EDITS if edit is not forgotten))
    shown = run(folder, str(SAMPLE))
    assert shown.returncode != 0
    assert "LookupError: no " in shown.stderr
    assert "odd" in shown.stderr


def test_the_sets_are_those_of_the_table() -> None:
    assert len(TABLE) == len(VERDICTS) == len(BY_NAME) == 16
    assert SIZE_PROBLEMS < SURE_PROBLEMS < PROBLEMS
    assert {"inconclusive"} == PROBLEMS - SURE_PROBLEMS
    assert {verdict.name for verdict in TABLE if verdict.accuses} == {v for v in VERDICTS if v.startswith("blackhole")}
    assert {"ok", "pmtud_ok"} == CARRYING
    assert worst(["ok", "stall", "loss"]) == "stall"


def test_entries_that_are_missing_or_too_many_are_refused() -> None:
    assert complete({"ok": 1}, ["ok"], "number") == {"ok": 1}
    with pytest.raises(LookupError, match="no number for the verdicts loss"):
        complete({"ok": 1}, ["ok", "loss"], "number")
    with pytest.raises(LookupError, match="number for fine"):
        complete({"ok": 1, "fine": 2}, ["ok"], "number")
