"""Reading ahead gives what reading gives, whatever the sizes of chunks and records, and where the input breaks off."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from analyzer.capture import read_ahead as read_ahead_module
from analyzer.capture import reader as reader_module
from analyzer.capture.read_ahead import ReadAhead
from analyzer.capture.reader import CaptureReader
from tests.builders import Packet, pcap
from tests.reading import records, same, skim
from tests.traffic import generated

SIZES = [0, 40, 1500, 10, 5000, 3, 0, 900, 64, 12_000] * 3
PACKETS = [Packet(1000 * i, bytes([i]) * size) for i, size in enumerate(SIZES)]


@pytest.fixture(params=[(64, 16), (1000, 64), (5000, 100), (50_000, 64 << 10)])
def sizes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    chunk, margin = request.param
    monkeypatch.setattr(reader_module, "CHUNK_BYTES", chunk)
    monkeypatch.setattr(read_ahead_module, "MARGIN", margin)


def read_ahead(path: Path) -> tuple[CaptureReader, list[bytes]]:
    reader = CaptureReader(path, path.name)
    reader.start()
    reader.read_ahead()
    found = [record.data for record in records(reader)]
    reader.close()
    return reader, found


@pytest.mark.parametrize("suffix", ["pcap", "gz"])
@pytest.mark.parametrize("cut", [0, 1, 7, 12_010])
def test_the_records_are_the_same(tmp_path: Path, sizes: None, suffix: str, cut: int) -> None:
    data = pcap(PACKETS)[: -cut or None]
    path = tmp_path / f"capture.{suffix}"
    path.write_bytes(data if suffix == "pcap" else gzip.compress(data))
    plain = CaptureReader(path, path.name)
    plain.start()
    expected = [record.data for record in records(plain)]
    reader, found = read_ahead(path)
    assert found == expected
    assert len(found) == len(PACKETS) - (cut > 0)
    assert (reader.damaged_at, reader.problem, reader.bytes_read) == (
        plain.damaged_at,
        plain.problem,
        plain.bytes_read,
    )


def test_broken_compression_is_noted_behind_what_could_be_read(tmp_path: Path, sizes: None) -> None:
    data = gzip.compress(pcap(PACKETS), 0)
    path = tmp_path / "capture.gz"
    path.write_bytes(data[: len(data) // 2])
    reader, found = read_ahead(path)
    assert 0 < len(found) < len(PACKETS)
    assert found == [packet.data for packet in PACKETS[: len(found)]]
    assert "compressed" in reader.problem


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", ["few flows", "many flows", "pcapng"])
def test_a_compiled_run_on_a_file_reads_ahead_and_says_the_same(tmp_path: Path, sizes: None, name: str) -> None:
    path = tmp_path / "capture"
    path.write_bytes(generated()[name])
    same(skim(path, compiled=True), skim(generated()[name]))


def test_an_error_comes_behind_the_bytes_before_it() -> None:
    portions = iter([3, 2])

    def read(view: memoryview) -> int:
        for count in portions:
            return count
        raise OSError("torn tape")

    ahead = ReadAhead(read, 10)
    ahead.ask()
    assert ahead.take() == 5
    for _ in range(2):
        ahead.ask()
        with pytest.raises(OSError, match="torn tape"):
            ahead.take()
    ahead.stop()
