"""Reading a capture again is silent: who may speak says so."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

import analyzer
from tests.reading import ROOT

SAMPLE = ROOT / "sample_pcaps" / "tunnel_blackhole_at_server.pcap"


@pytest.fixture
def compile_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """The packet list is as large as to be compiled, and nothing is in the cache."""
    monkeypatch.setattr("analyzer.kernels.cache.is_compiled_before", lambda group: False)
    monkeypatch.setattr("analyzer.passes.walk.is_small", lambda readers, group: False)


@pytest.mark.usefixtures("compile_is_due")
def test_the_library_writes_nothing_on_the_users_streams(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    analysis = analyzer.analyze(SAMPLE)
    assert len(analysis.flow(1).packets)
    assert list(analyzer.read_packets(SAMPLE))
    analysis.save(tmp_path / "evidence.pcapng")
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("compile_is_due")
def test_who_asks_to_be_told_is_told() -> None:
    told: list[str] = []
    list(analyzer.read_packets(io.BytesIO(SAMPLE.read_bytes()), notify=told.append))
    assert [line.startswith("compiling the packet list") for line in told] == [True]


@pytest.mark.usefixtures("compile_is_due")
def test_the_command_tells_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from analyzer.cli.main import main

    assert main([str(SAMPLE), "-o", str(tmp_path / "evidence.pcapng")]) == 0
    assert "pmtu-analyze: compiling the packet list" in capsys.readouterr().err


def test_only_the_commands_name_the_standard_streams() -> None:
    """Reading standard input is not writing; the terminal's report is handed its file, or makes a console."""
    for path in sorted((ROOT / "analyzer").rglob("*.py")):
        if path.parent.name != "cli" and path != ROOT / "analyzer" / "fleet" / "fleet_command.py":
            found = re.findall(r"sys\.(?:stdout|stderr)|(?<![\w.])print\(", path.read_text(encoding="utf-8"))
            assert found == [], path.name
