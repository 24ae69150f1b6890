"""Compressed captures cut anywhere, with nothing in them, or with what no capture has: damage is told, and soon."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from pathlib import Path

import lz4.frame
import pytest
import zstandard

import analyzer
from analyzer.capture import compression, reader
from analyzer.capture.compression import PIECE_BYTES, decompressed
from analyzer.errors import UsageError
from analyzer.settings import Settings
from tests.reading import ROOT

Compress = Callable[[bytes], bytes]

SAMPLE = (ROOT / "sample_pcaps" / "zero_window_at_server.pcap").read_bytes()
SKIPPABLE = b"\x55\x2a\x4d\x18\x03\0\0\0abc"


def with_checksum(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


def in_blocks(data: bytes) -> bytes:
    """A zstd frame that is flushed again and again: a block for each piece."""
    out = io.BytesIO()
    with zstandard.ZstdCompressor().stream_writer(out, closefd=False) as writer:
        for start in range(0, len(data), 700):
            writer.write(data[start : start + 700])
            writer.flush(zstandard.FLUSH_BLOCK)
    return out.getvalue()


FORMATS: dict[str, Compress] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
    "zstd with a checksum": with_checksum,
    "zstd in blocks": in_blocks,
    "lz4": lz4.frame.compress,
}


def analysed(data: bytes) -> analyzer.Analysis:
    return analyzer.analyze(io.BytesIO(data), compiled=False)


@pytest.mark.parametrize("name", FORMATS)
def test_a_stream_that_is_cut_anywhere_is_not_taken_as_whole(name: str) -> None:
    packets = SAMPLE[: 24 + 40 * 90]
    data = FORMATS[name](packets)
    for cut in range(1, len(data)):
        stream = decompressed(data[:cut], io.BytesIO())
        out = b""
        with pytest.raises(Exception) as raised:  # noqa: PT011, PT012 - which one is up to the package
            while piece := stream.read(4096):
                out += piece
        assert compression.is_damage(raised.value)
        assert packets.startswith(out)


@pytest.mark.parametrize("name", FORMATS)
def test_whole_streams_are_read_to_their_ends_one_after_the_other(name: str) -> None:
    compress = FORMATS[name]
    data = compress(SAMPLE[:5000]) + compress(b"") * 20 + compress(SAMPLE[5000:])
    assert analysed(data).files[0].damaged_at is None
    assert analysed(data).totals == analysed(SAMPLE).totals
    assert analysed(data[:-1]).files[0].damaged_at is not None
    assert analysed(data + b"no magic").files[0].damaged_at is not None


@pytest.mark.parametrize("name", ["zstd", "zstd in blocks", "lz4"])
def test_frames_without_data_may_come_first(name: str) -> None:
    data = SKIPPABLE * 3 + FORMATS[name](SAMPLE) + SKIPPABLE
    assert analysed(data).totals == analysed(SAMPLE).totals
    assert analysed(data).files[0].damaged_at is None
    assert analysed(data[:-1]).files[0].damaged_at is not None or name == "lz4"  # whose reader has all data by then


class Counting(io.BytesIO):
    """Counts how often it is read."""

    reads = 0

    def readinto(self, target: object) -> int:
        self.reads += 1
        return super().readinto(target)  # type: ignore[arg-type]


@pytest.mark.parametrize("behind", [bytes(1 << 20), gzip.compress(b"") * 50_000], ids=["zeros", "empty members"])
def test_what_follows_a_member_is_read_in_pieces(behind: bytes) -> None:
    """Once, zeros were read byte by byte: seconds for a megabyte."""
    source = Counting(behind)
    stream = decompressed(gzip.compress(b"x"), source)
    assert stream.read() == b"x"
    assert source.reads <= len(behind) // PIECE_BYTES + 2


def test_the_bound_on_what_comes_out_follows_what_goes_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "DECOMPRESSED_AT_LEAST", 1 << 20)
    monkeypatch.setattr(reader, "DECOMPRESSED_RATIO", 10)
    nothing = SAMPLE[:24] + bytes(16 << 20)  # empty records
    told = analysed(zstandard.compress(nothing)).files[0]
    assert "--max-decompressed" in told.problem
    assert told.bytes < 12 << 20
    allowed = analyzer.analyze(
        io.BytesIO(zstandard.compress(nothing)), settings=Settings(max_decompressed_bytes=1 << 30), compiled=False
    )
    assert allowed.files[0].damaged_at is None


def test_the_second_pass_keeps_to_the_bound_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "capture.pcap.gz"
    path.write_bytes(gzip.compress(SAMPLE + SAMPLE[24:] * 300))
    bounded = analyzer.analyze(path, settings=Settings(max_decompressed_bytes=len(SAMPLE)))
    whole = analyzer.analyze(path)
    assert bounded.files[0].damaged_at is not None
    assert len(bounded.flow(0).packets) == bounded.flow(0).packet_count < whole.flow(0).packet_count


@pytest.mark.parametrize("most", [float("nan"), float("inf"), 1e300, -1, 1 << 80, "8"])
def test_a_bound_that_is_no_number_of_bytes_is_refused(most: object) -> None:
    with pytest.raises(UsageError, match="max_decompressed_bytes: expected a number of bytes"):
        Settings(max_decompressed_bytes=most)  # type: ignore[arg-type]
