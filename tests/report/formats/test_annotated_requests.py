"""Annotated captures: who asks for one, and of what there can be none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import analyzer
from analyzer.cli.main import main
from analyzer.errors import UsageError
from analyzer.report.save import save
from tests.reading import SAMPLE_FOLDER, records
from tests.wrapping import frame, ip_packets, wrapped

BLACKHOLE = SAMPLE_FOLDER / "tunnel_blackhole_at_server.pcap"
PACKETS = wrapped(ip_packets(BLACKHOLE), frame)


def test_only_one_file_has_these_frame_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a").mkdir()
    names = [str(shutil.copy(BLACKHOLE, tmp_path / "a" / name)) for name in ("one.pcap", "two.pcap")]
    target = tmp_path / "annotated.pcapng"
    problem = (
        f"pmtu-analyze: {target}: expected one capture file, whose frame numbers stay as they are, found 2; join them "
        "first: mergecap -w joined.pcapng FILE...\n"
    )
    for words in (names, [str(tmp_path / "a")], [names[0], "-"]):
        assert main([*words, "-o", str(target)]) == 2
        assert capsys.readouterr().err == problem
        assert not target.exists()
    with pytest.raises(UsageError, match="expected one capture file"):
        save(analyzer.analyze(names), target)
    Path(names[1]).unlink()
    for words in ([names[0], f"{tmp_path}/./a/one.pcap"], [str(tmp_path / "a")]):
        assert main([*words, "-o", str(target)]) == 0
        assert target.exists()


def test_what_cannot_be_read_twice_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "annotated.pcapng"
    assert main(["-", "-o", str(target)]) == 2
    assert "standard input: cannot be read twice" in capsys.readouterr().err
    capture = tmp_path / "c.pcap"
    shutil.copy(BLACKHOLE, capture)
    analysis = analyzer.analyze(capture)
    capture.write_bytes(capture.read_bytes() + b"more")
    with pytest.raises(UsageError, match=r"c\.pcap: changed since it was analysed"):
        save(analysis, target)
    assert list(tmp_path.iterdir()) == [capture]  # nor is anything left that was begun


def test_the_name_asks_for_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = len(records(BLACKHOLE))
    for name in ("annotated.pcapng", "case7-annotated.pcapng", "CASE7-ANNOTATED.PCAPNG"):
        assert main([str(BLACKHOLE), "-o", str(tmp_path / name)]) == 0
        assert len(records(tmp_path / name)) == whole
    evidence = tmp_path / "annotated.evidence.pcapng"
    assert main([str(BLACKHOLE), "-o", str(evidence)]) == 0
    assert len(records(evidence)) < whole
    capsys.readouterr()
