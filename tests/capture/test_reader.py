"""Files, pipes, compression, several files, and what is no capture at all."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest

import analyzer
from analyzer.capture.reader import CaptureReader
from analyzer.errors import CaptureError
from tests.builders import ByteOrder, Packet, ipv4, pcap, pcap_header, pcap_record, pcapng, section, tcp
from tests.reading import SAMPLES, open_reader, records, skim

THREE = [Packet(ts, ipv4(tcp(bytes(100), seq=ts))) for ts in (1, 2, 3)]


class Dripping(io.RawIOBase, BinaryIO):
    """A pipe: gives a few bytes at a time, has no size and cannot seek."""

    def __init__(self, data: bytes, portion: int) -> None:
        self._data = io.BytesIO(data)
        self._portion = portion

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        piece = self._data.read(min(self._portion, len(target)))
        target[: len(piece)] = piece
        return len(piece)


class Failing(io.RawIOBase, BinaryIO):
    """A disk that gives `data` and then an error."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def readinto(self, target: Any) -> int:
        if not self._data:
            raise OSError(errno.EIO, "Input/output error")
        count = min(len(self._data), len(target))
        target[:count], self._data = self._data[:count], self._data[count:]
        return count


# What is no capture: one error that names the file, the offset and what was expected.


@pytest.mark.parametrize(
    ("content", "offset", "problem"),
    [
        (b"", 0, "expected a pcap or pcapng capture, found an empty file"),
        (b"\xd4", 0, "expected a pcap or pcapng capture, found another kind of file"),
        (b"GET / HTTP/1.1\r\n" * 10, 0, "expected a pcap or pcapng capture, found another kind of file"),
        (pcap_header()[:4], 4, "expected a pcap file header, found the end of the file"),
        (pcap_header()[:23], 23, "expected a pcap file header, found the end of the file"),
        (section()[:4], 4, "expected a pcapng section header, found the end of the file"),
        (section()[:27], 27, "expected a pcapng section header, found the end of the file"),
        (b"\xfd7zXZ\0" + bytes(50), 0, "expected more compressed data, found none that decompresses"),
        (b"PK\x03\x04" + bytes(50), 0, "expected a pcap or pcapng capture, found a zip archive: unpack it first"),
        (b"BZh91AY" + bytes(50), 0, "expected more compressed data, found none that decompresses"),
        (b"\x28\xb5\x2f\xfd" + b"\xff" * 50, 0, "expected more compressed data, found none that decompresses"),
        (gzip.compress(b"text", mtime=0), 0, "expected a pcap or pcapng capture, found another kind of file"),
        (gzip.compress(b"", mtime=0), 0, "expected a pcap or pcapng capture, found an empty file"),
        (gzip.compress(pcap(THREE), mtime=0)[:8], 0, "expected more compressed data, found none that decompresses"),
        (b"\x1f\x8b" + bytes(50), 0, "expected more compressed data, found none that decompresses"),
    ],
)
def test_a_file_that_is_no_capture(tmp_path: Path, content: bytes, offset: int, problem: str) -> None:
    path = tmp_path / "thing.pcap"
    path.write_bytes(content)
    with pytest.raises(CaptureError) as caught:
        analyzer.analyze(path)
    assert str(caught.value) == f"{path}: at byte {offset}: {problem}"


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"^[^:]*: a directory without captures"):
        analyzer.analyze(tmp_path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"gone\.pcap: no such file$"):
        analyzer.analyze(tmp_path / "gone.pcap")


def test_a_file_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CaptureError, match=r": not a directory$"):
        analyzer.analyze(tmp_path / "file" / "capture.pcap")


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.pcap"
    path.write_bytes(pcap(THREE))

    def refuse(*_args: object, **_more: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "open", refuse)  # root may read everything, so permissions alone do not test it
    with pytest.raises(CaptureError, match=r": permission denied$"):
        analyzer.analyze(path)


def test_a_disk_error_amid_the_file_names_the_byte() -> None:
    with pytest.raises(CaptureError, match=r"at byte 500: expected readable bytes, found: .*Input/output error"):
        analyzer.analyze(Failing(pcap(THREE * 10)[:500]))


def test_the_second_of_two_files_is_no_capture(tmp_path: Path) -> None:
    (tmp_path / "a.pcap").write_bytes(pcap(THREE))
    (tmp_path / "b.pcap").write_bytes(b"no")
    with pytest.raises(CaptureError, match=r"b\.pcap"):
        analyzer.analyze([tmp_path / "a.pcap", tmp_path / "b.pcap"])


# Versions of pcap.


def old(version: tuple[int, int], lengths: tuple[int, int], order: ByteOrder, link: int = 101) -> bytes:
    """A capture of another version, with one packet of 40 bytes captured."""
    numbers = b"".join(number.to_bytes(4, order) for number in (7, 5, *lengths))
    return pcap_header(order, version=version, link=link) + numbers + ipv4(tcp())


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize(
    ("version", "lengths"),
    [
        ((2, 0), (1500, 40)),
        ((2, 2), (1500, 40)),
        ((2, 3), (1500, 40)),
        ((2, 3), (40, 1500)),
        ((2, 4), (40, 1500)),
        ((543, 0), (1500, 40)),
    ],
)
def test_the_two_lengths_of_a_record_are_told_apart(
    version: tuple[int, int], lengths: tuple[int, int], order: ByteOrder
) -> None:
    reader = open_reader(old(version, lengths, order))
    (record,) = records(reader)
    assert (record.wire_len, record.data, record.ts) == (1500, ipv4(tcp()), 7_000_005_000)
    assert reader.damaged_at is None


def test_aix_is_known_by_its_link_types() -> None:
    for theirs, ours in {6: 1, 9: 6, 15: 10, 24: 0}.items():
        (record,) = records(old((2, 2), (1500, 40), "big", link=theirs))
        assert (record.link, record.ts) == (ours, 7_000_000_005)
    (record,) = records(old((2, 4), (40, 1500), "big", link=6))
    assert (record.link, record.ts) == (6, 7_000_005_000)


def test_the_header_of_ixia_is_longer() -> None:
    head = pcap_header(magic=0x1C0001AC)
    with pytest.raises(CaptureError, match="at byte 26: expected a pcap file header, found the end of the file"):
        open_reader(head + bytes(2)).start()
    assert records(head + bytes(4)) == []


# Ways to hand over the same bytes.


@pytest.mark.parametrize(
    "wrap",
    [
        io.BytesIO,
        lambda data: Dripping(data, 1),
        lambda data: Dripping(data, 7),
        lambda data: io.BytesIO(gzip.compress(data)),
        lambda data: Dripping(gzip.compress(data), 3),
        lambda data: io.BytesIO(gzip.compress(data[:500]) + gzip.compress(data[500:])),
    ],
    ids=["BytesIO", "1 byte at a time", "7 bytes at a time", "gzip", "dripping gzip", "two gzip members"],
)
@pytest.mark.parametrize(
    "sample", [pcap(THREE), pcapng(THREE), SAMPLES[0].read_bytes()], ids=["pcap", "pcapng", "sample"]
)
def test_every_way_gives_the_same_records(wrap: Callable[[bytes], Any], sample: bytes) -> None:
    reader = CaptureReader(wrap(sample), "wrapped")
    assert records(reader) == records(sample)
    assert reader.damaged_at is None


def test_a_pipe_is_analysed_like_its_file() -> None:
    path = SAMPLES[0]
    piped = analyzer.analyze(Dripping(path.read_bytes(), 1000), compiled=False)
    assert piped.all_flows == analyzer.analyze(path).all_flows


def test_a_gzip_file_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "capture.pcap.gz"
    path.write_bytes(gzip.compress(pcap(THREE)))
    assert records(path) == records(pcap(THREE))


@pytest.mark.parametrize("lost", [1, 8, 9, 20, 100])
def test_a_cut_gzip_file_is_read_up_to_the_damage(lost: int) -> None:
    noise = hashlib.shake_256(b"does not compress").digest(2000)
    whole = pcap([Packet(i, noise[200 * i : 200 * i + 200]) for i in range(10)])
    reader = open_reader(gzip.compress(whole)[:-lost])
    got = records(reader)
    assert got == records(whole)[: len(got)]
    assert reader.damaged_at == 24 + len(got) * 216
    assert reader.problem == "expected more compressed data, found none that decompresses"


def test_an_open_file_stays_open(tmp_path: Path) -> None:
    path = tmp_path / "capture.pcap"
    for content in (pcap(THREE), gzip.compress(pcap(THREE))):
        path.write_bytes(content)
        for buffering in (0, -1):
            with path.open("rb", buffering=buffering) as file:
                analyzer.analyze(file)
                assert not file.closed


def test_a_file_opened_here_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "capture.pcap"
    for content in (pcap(THREE), gzip.compress(pcap(THREE))):
        path.write_bytes(content)
        reader = open_reader(path)
        reader.start()
        reader.close()
        assert reader._raw.closed


def test_the_buffer_grows_for_a_large_packet_and_not_beyond(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.capture.reader.CHUNK_BYTES", 64)
    packets = [Packet(0, bytes(10)), Packet(1, bytes(1000)), Packet(2, bytes(20))]
    reader = open_reader(pcap(packets))
    assert [len(record.data) for record in records(reader)] == [10, 1000, 20]
    assert len(reader.buffer) == 1024  # 1000 bytes of packet and 16 of header


def test_bytes_and_packets_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "capture.pcap"
    path.write_bytes(pcap(THREE))
    reader = open_reader(path)
    records(reader)
    assert (reader.size, reader.bytes_read, reader.packets) == (len(pcap(THREE)), len(pcap(THREE)), 3)


def test_a_record_header_at_the_end_of_the_buffer_is_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pcap_header() + b"".join(pcap_record(Packet(i, bytes(i))) for i in range(40))
    for size in range(24, 120):
        monkeypatch.setattr("analyzer.capture.reader.CHUNK_BYTES", size)
        assert [len(record.data) for record in records(data)] == list(range(40))


# Several files are one capture in time order.


def conversation(port: int, start: int, step: int, count: int) -> list[Packet]:
    """`count` data segments of one flow, `step` ns apart."""
    return [
        Packet(start + i * step, ipv4(tcp(bytes(10), sport=port, seq=1 + 10 * i), ident=i + 1)) for i in range(count)
    ]


A = conversation(1001, 1_000, 100, 50)
B = conversation(1002, 3_050, 100, 50)  # overlaps A
C = conversation(1003, 90_000, 100, 5)  # after both


def times_and_flows(*captures: bytes) -> list[tuple[int, int]]:
    return [(int(row["ts"]), int(row["flow"])) for row in skim(*captures).rows()]


@pytest.mark.parametrize("write", [pcap, pcapng])
@pytest.mark.parametrize(
    "parts",
    [
        [A, B],
        [B, A],
        [A, C],
        [C, A],
        [C, B, A],
        [A[::2], A[1::2]],  # one flow seen at two interfaces
        [A[::3], B, A[1::3], C, A[2::3]],
        [A, []],
        [A[:1], A[1:2]],
    ],
)
def test_several_files_are_read_as_their_merge(
    write: Callable[[list[Packet]], bytes], parts: list[list[Packet]]
) -> None:
    merged = sorted(packet for part in parts for packet in part)
    assert times_and_flows(*map(write, parts)) == times_and_flows(write(merged))


def test_frames_are_counted_within_their_file() -> None:
    rows = skim(pcap(A[:2]), pcap(A[2:4])).rows()
    assert [(row["file"], row["frame"]) for row in rows] == [(0, 1), (0, 2), (1, 1), (1, 2)]


def test_files_cut_in_the_middle_of_a_sample_give_its_verdict(tmp_path: Path) -> None:
    path = next(sample for sample in SAMPLES if sample.name == "tunnel_blackhole_at_server.pcap")
    data = path.read_bytes()
    ends = [24]
    while ends[-1] < len(data):
        ends.append(ends[-1] + 16 + int.from_bytes(data[ends[-1] + 8 : ends[-1] + 12], "little"))
    half = ends[len(ends) // 2]
    (tmp_path / "0.pcap").write_bytes(data[:half])
    (tmp_path / "1.pcap").write_bytes(data[:24] + data[half:])
    whole = analyzer.analyze(path)
    for order in ([0, 1], [1, 0]):
        halves = analyzer.analyze([tmp_path / f"{i}.pcap" for i in order])
        assert [flow.verdict for flow in halves.all_flows] == [flow.verdict for flow in whole.all_flows]
        assert halves.totals == whole.totals
