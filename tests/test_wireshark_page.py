"""What the page on Wireshark shows is what Wireshark says."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

import analyzer
from tests.reading import ROOT, SAMPLE_FOLDER

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")

PAGE = (ROOT / "docs" / "wireshark.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ (.*)\n((?:[^$`].*\n)+)", PAGE, re.MULTILINE)
FILTERS = re.findall(r"^\|[^|]*\| `([^`]*)` \|$", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("captures")
    for name in ("tunnel_blackhole_at_server", "ptb_ignored_by_host_at_server"):
        analysis = analyzer.analyze(SAMPLE_FOLDER / f"{name}.pcap")
        analysis.save(made / f"{name}-annotated.pcapng")
        analysis.save(made / f"{name}.pcapng")
    shutil.copy(made / "tunnel_blackhole_at_server-annotated.pcapng", made / "annotated.pcapng")
    return made


def said(command: list[str], folder: Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, check=True).stdout


@pytest.mark.parametrize(("command", "shown"), COMMANDS, ids=[command[:40] for command, _ in COMMANDS])
def test_commands_print_what_is_shown(command: str, shown: str, folder: Path) -> None:
    lines = said(shlex.split(command), folder).splitlines()
    assert [line for line in shown.splitlines() if line not in lines] == []


@pytest.mark.parametrize("text", FILTERS)
def test_filters_find_some_frames_and_not_all(text: str, folder: Path) -> None:
    found = [
        (len(said(["tshark", "-n", "-r", path.name, "-Y", text], folder).splitlines()), analyzer.analyze(path))
        for path in sorted(folder.glob("*.pcapng"))
    ]
    assert any(count for count, _ in found)
    assert all(count < analysis.totals.packets for count, analysis in found)


def test_there_is_something_to_try() -> None:
    assert len(COMMANDS) == 3
    assert len(FILTERS) == 6
