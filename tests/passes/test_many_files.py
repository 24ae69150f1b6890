"""A directory of many captures: few files are open at a time, little is kept of each, and reports stay readable."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import analyzer
from analyzer.capture.reader import CaptureReader
from analyzer.cli.main import main
from analyzer.passes import capture_points
from analyzer.passes.walk import MOST_OPEN
from tests.builders import pcap
from tests.reading import ROOT
from tests.talk import Talk

FILES = 40
SAMPLE = ROOT / "sample_pcaps" / "tunnel_blackhole_at_server.pcap"


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    """Files that one host wrote one after the other."""
    folder = tmp_path / "ring"
    folder.mkdir()
    for number in range(FILES):
        talk = Talk(client_base=1000 + 7919 * number, server_base=5000)
        packets = [*talk.handshake(), *(talk.data(20 + i, 1 + 100 * i, 100) for i in range(5))]
        later = [packet._replace(ts=packet.ts + number * 10**10) for packet in packets]
        (folder / f"ring_{number:03}.pcap").write_bytes(pcap(later))
    shutil.copy(SAMPLE, folder / "z.pcap")
    return folder


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """How many files were open, and the bytes of all buffers, each time that one was opened."""
    found: list[tuple[int, int]] = []
    known: list[CaptureReader] = []
    start = CaptureReader.start

    def watched(self: CaptureReader) -> None:
        if self not in known:
            known.append(self)
        start(self)
        is_open = [each for each in known if each._raw is not None and not each._raw.closed]
        found.append((len(is_open), sum(len(each.buffer) for each in known)))

    monkeypatch.setattr(CaptureReader, "start", watched)
    return found


def test_few_are_open_and_their_buffers_are_small(ring: Path, held: list[tuple[int, int]]) -> None:
    analysis = analyzer.analyze(ring)
    assert len(analysis.files) == FILES + 1
    assert len(held) == 2 * (FILES + 1)
    assert max(count for count, _ in held) <= MOST_OPEN
    assert max(size for _, size in held) < 100_000


def test_so_it_is_when_they_are_read_again(ring: Path, held: list[tuple[int, int]]) -> None:
    analysis = analyzer.analyze(ring)
    held.clear()
    assert len(analysis.flow(0).packets) == analysis.flow(0).packet_count
    assert max(count for count, _ in held) <= MOST_OPEN


def test_evidence_is_taken_of_a_directory(ring: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(ring), "-o", str(tmp_path / "evidence.pcapng")]) == 0
    assert analyzer.analyze(tmp_path / "evidence.pcapng").verdict_counts["blackhole"] == 2
    out = capsys.readouterr().out
    assert "ring_019.pcap" in out
    assert "ring_020.pcap" not in out
    assert f"and {FILES + 1 - 20} more files with " in out


def test_reports_sum_up_many_files(ring: Path, tmp_path: Path) -> None:
    analysis = analyzer.analyze(ring)
    for suffix in ("html", "md"):
        analysis.save(tmp_path / f"report.{suffix}")
        text = (tmp_path / f"report.{suffix}").read_text(encoding="utf-8")
        assert "ring_019.pcap" in text
        assert "ring_020.pcap" not in text
        assert "and 21 more files with " in text


def test_an_empty_name_is_no_directory(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
                                       ring: Path) -> None:  # fmt: skip
    monkeypatch.chdir(ring)
    assert main([""]) == 2
    assert "expected the name of a capture, found an empty one" in capsys.readouterr().err
    with pytest.raises(analyzer.CaptureError):
        analyzer.analyze("")


@pytest.mark.parametrize("value", ["inf", "1e300", "nan", "-1", "x"])
def test_a_bound_that_is_no_number_is_told_in_one_line(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(SAMPLE), "--max-decompressed", value]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_copies_are_no_more_points_than_there_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_points, "MOST_POINTS", 3)
    for number in range(6):
        shutil.copy(SAMPLE, tmp_path / f"{number}.pcap")
    analysis = analyzer.analyze(tmp_path)
    assert sorted({file.point for file in analysis.files}) == [0, 1, 2]
