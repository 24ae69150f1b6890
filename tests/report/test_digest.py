from __future__ import annotations

import hashlib
import os
from pathlib import Path

import analyzer
from analyzer.report.digest import CHANGED, NOT_A_FILE, sha256_of
from tests.reading import SAMPLE_FOLDER

SAMPLE = SAMPLE_FOLDER / "zero_window_at_server.pcap"


def test_the_digest_is_that_of_the_file_on_the_disk(tmp_path: Path) -> None:
    import gzip

    packed = tmp_path / "packed.pcap.gz"
    packed.write_bytes(gzip.compress(SAMPLE.read_bytes()))
    for path in (SAMPLE, packed):
        (file,) = analyzer.analyze(path).files
        assert sha256_of(file) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_that_changed_since_has_none(tmp_path: Path) -> None:
    copy = tmp_path / "copy.pcap"
    copy.write_bytes(SAMPLE.read_bytes())
    (file,) = analyzer.analyze(copy).files
    copy.write_bytes(SAMPLE.read_bytes() + b"more")
    assert sha256_of(file) == CHANGED
    copy.unlink()
    assert sha256_of(file) == CHANGED


def test_what_is_no_file_has_none(tmp_path: Path) -> None:
    with SAMPLE.open("rb") as stream:
        (file,) = analyzer.analyze(stream).files
    assert sha256_of(file) == NOT_A_FILE
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    if child := os.fork():
        (file,) = analyzer.analyze(pipe).files
        os.waitpid(child, 0)
        assert sha256_of(file) == NOT_A_FILE
    else:
        pipe.write_bytes(SAMPLE.read_bytes())
        os._exit(0)
