"""Evidence captures: what they are taken from is read twice, stays as it was, and what comes out Wireshark opens."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import analyzer
from analyzer.errors import UsageError
from analyzer.redaction.addresses import Anonymizer
from analyzer.report.formats.evidence_capture import excerpt_of
from analyzer.report.save import save
from tests.builders import (
    pcapng,
)
from tests.reading import SAMPLE_FOLDER
from tests.report.formats.test_evidence_capture import BLACKHOLE, again, analysis_of, captured, problems
from tests.report.test_secrets import packets as secret_packets


def test_what_cannot_be_read_twice_is_one_clear_error(tmp_path: Path) -> None:
    capture = tmp_path / "c.pcap"
    shutil.copy(BLACKHOLE, capture)
    analysis = analyzer.analyze(capture)
    capture.write_bytes(capture.read_bytes() + b"more")
    with pytest.raises(UsageError, match=r"c\.pcap: changed since it was analysed"):
        excerpt_of(analysis)
    capture.unlink()
    with pytest.raises(UsageError, match="is not there any more"):
        excerpt_of(analysis)


def test_the_capture_itself_is_never_overwritten(tmp_path: Path) -> None:
    capture = tmp_path / "c.pcapng"
    capture.write_bytes(pcapng(secret_packets(with_ptb=False)))
    before = capture.read_bytes()
    with pytest.raises(UsageError, match=r"c\.pcapng: is the capture itself"):
        save(analyzer.analyze(capture), capture)
    assert capture.read_bytes() == before


def test_an_open_file_is_read_again_and_left_where_it_was() -> None:
    with BLACKHOLE.open("rb") as file:
        analysis = analyzer.analyze(file)
        position = file.tell()
        assert problems(again(excerpt_of(analysis).content)) == problems(analysis_of(BLACKHOLE))
        assert file.tell() == position


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize("anonymous", [False, True])
def test_wireshark_opens_it(anonymous: bool, tmp_path: Path) -> None:
    for name in ("ptb_ignored_by_host_at_server", "ipv6_upload_blackhole_at_client"):
        path = SAMPLE_FOLDER / f"{name}.pcap"
        target = tmp_path / f"{name}.pcapng"
        save(analyzer.analyze(path, anonymizer=Anonymizer() if anonymous else None), target)
        facts = subprocess.run(["capinfos", "-c", "-k", str(target)], capture_output=True, text=True, check=True)
        assert f"{len(captured(target.read_bytes()))}" in facts.stdout
        assert "Packets that the verdicts rest on" in facts.stdout
        assert not facts.stderr
        strange = subprocess.run(
            [
                "tshark",
                "-r",
                str(target),
                "-o",
                "ip.check_checksum:TRUE",
                "-Y",
                "_ws.malformed or ip.checksum.status == 0",
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        assert strange.stdout == ""
        numbers = subprocess.run(
            ["tshark", "-r", str(target), "-T", "fields", "-e", "frame.packet_id"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert [int(line) for line in numbers.stdout.split()] == [each.number for each in captured(target.read_bytes())]
