"""A directory of many captures: few files are open at a time, little is kept of each, and reports stay readable."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import zstandard

import analyzer
from analyzer.capture.reader import CaptureReader
from analyzer.capture.regular_file import RegularFile
from analyzer.cli.main import main
from analyzer.errors import CaptureError
from analyzer.passes import capture_points, walk
from analyzer.passes.walk import MOST_OPEN
from tests.builders import Packet, pcap
from tests.many_files import FILES, captures_of_hosts, written
from tests.reading import ROOT
from tests.talk import Talk

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
    start, reopen = CaptureReader.start, RegularFile._open

    def look() -> None:
        files = [each._raw for each in known if isinstance(each._raw, RegularFile)]
        found.append((sum(not file.closed for file in files), sum(len(each.buffer) for each in known)))

    def watched(self: CaptureReader) -> None:
        if self not in known:
            known.append(self)
        start(self)
        look()

    def watched_again(self: RegularFile) -> None:
        reopen(self)
        look()

    monkeypatch.setattr(CaptureReader, "start", watched)
    monkeypatch.setattr(RegularFile, "_open", watched_again)
    return found


def test_few_are_open_and_their_buffers_are_small(ring: Path, held: list[tuple[int, int]]) -> None:
    analysis = analyzer.analyze(ring)
    assert len(analysis.files) == FILES + 1
    assert len(held) == 2 * 2 * (FILES + 1)
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


@pytest.fixture
def hosts() -> list[list[Packet]]:
    return captures_of_hosts()


def seen(analysis: analyzer.Analysis) -> object:
    return analysis.totals, [(flow.client, flow.verdict, flow.packet_count) for flow in analysis.all_flows]


@pytest.fixture
def as_one(hosts: list[list[Packet]]) -> object:
    """What is seen where one file holds all packets."""
    packets = sorted((packet for each in hosts for packet in each), key=lambda packet: packet.ts)
    return seen(analyzer.analyze(pcap(packets)))


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard.compress])
@pytest.mark.parametrize("compiled", [False, True])
def test_files_that_overlap_are_one_capture_and_few_are_open(
    tmp_path: Path, hosts: list[list[Packet]], compress: Callable[[bytes], bytes], compiled: bool, as_one: object,
    held: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for name in ("BUFFER_BYTES", "LEAST_BUFFER_BYTES", "LEAST_DECOMPRESSED_BYTES"):
        monkeypatch.setattr(walk, name, 1000)
    folder = written(tmp_path / "hosts", hosts, compress)
    analysis = analyzer.analyze(folder, compiled=compiled)
    assert seen(analysis) == as_one
    assert max(count for count, _ in held) <= MOST_OPEN
    again = held[-FILES:]  # once all were looked into
    assert max(size for _, size in again) <= (2000 + 64) * FILES  # a record of 300 bytes may need a larger buffer
    assert not analysis.notes
    held.clear()
    assert len(analysis.flow(3).packets) == 33
    assert max(count for count, _ in held) <= MOST_OPEN


def test_a_process_that_may_open_few_files_reads_many(tmp_path: Path, hosts: list[list[Packet]]) -> None:
    folder = written(tmp_path / "hosts", hosts)
    command = f'ulimit -n 24; exec "{sys.executable}" -m analyzer "{folder}" --json -o "{tmp_path}/evidence.pcapng"'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    assert f'"path": "{folder / "039.pcap"}"' in done.stdout


def test_compressed_files_that_overlap_have_a_bound(
    tmp_path: Path, hosts: list[list[Packet]], as_one: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BUFFER_BYTES", "LEAST_DECOMPRESSED_BYTES"):
        monkeypatch.setattr(walk, name, 1000)
    monkeypatch.setattr(walk, "DECOMPRESSING_BYTES", 100 << 20)
    folder = written(tmp_path / "hosts", hosts, zstandard.compress)
    with pytest.raises(CaptureError, match=r"few overlap in time, found too many: decompress them first$"):
        analyzer.analyze(folder)
    monkeypatch.setattr(walk, "LEAST_DECOMPRESSED_BYTES", 32 << 10)  # as a whole, each needs no decompressor any more
    assert seen(analyzer.analyze(folder)) == as_one


@pytest.mark.parametrize("overlap", [False, True])
def test_telling_how_far_it_is_costs_no_more_for_each_file_of_many(
    tmp_path: Path, hosts: list[list[Packet]], overlap: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    def looked(self: CaptureReader) -> int:
        nonlocal looks
        looks += 1
        return int(self.__dict__["bytes_read"])

    counted = property(looked, lambda self, count: self.__dict__.update(bytes_read=count))
    monkeypatch.setattr(CaptureReader, "bytes_read", counted, raising=False)
    counts = []
    for count in (FILES // 4, FILES):
        later = [
            [p._replace(ts=p.ts + (not overlap) * n * 10**10) for p in each] for n, each in enumerate(hosts[:count])
        ]
        told: list[tuple[int, int | None, int]] = []
        looks = 0
        folder = written(tmp_path / f"{count}", later)
        analyzer.analyze(folder, progress=partial(lambda list_, *numbers: list_.append(numbers), told))
        counts.append(looks)
        size = sum(path.stat().st_size for path in folder.iterdir())
        assert told[-1] == (size, size, 33 * count)
        assert [each[0] for each in told] == sorted(each[0] for each in told)
    assert counts[1] < 6 * counts[0]


def test_a_directory_of_bombs_takes_no_more_than_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.capture.reader.DECOMPRESSED_AT_LEAST", 1 << 20)
    monkeypatch.setattr(walk, "BUFFER_BYTES", 64 << 10)
    nothing = zstandard.compress(pcap([]) + bytes(8 << 20))
    for number in range(10):
        (tmp_path / f"{number}.zst").write_bytes(nothing)
    analysis = analyzer.analyze(tmp_path, compiled=True)
    assert sum(file.bytes for file in analysis.files) < 2 << 20
    assert all("--max-decompressed" in file.problem for file in analysis.files)


# Directories in which things happen.


def test_a_file_that_vanishes_before_it_is_due_is_damaged(ring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of a ring buffer that is still written: the rest is analysed."""
    start, calls = CaptureReader.start, 0

    def vanishing(self: CaptureReader) -> None:
        nonlocal calls
        calls += 1
        if calls == FILES + 5:  # all were looked into, and a few were read
            (ring / "ring_020.pcap").unlink()
            (ring / "ring_021.pcap").write_bytes(b"")
            (ring / "ring_022.pcap").unlink()
            shutil.copy(SAMPLE, ring / "another")
            (ring / "another").rename(ring / "ring_022.pcap")
        start(self)

    monkeypatch.setattr(CaptureReader, "start", vanishing)
    analysis = analyzer.analyze(ring)
    damaged = [(Path(file.path).name, file.damaged_at, file.problem) for file in analysis.files if file.problem]
    assert damaged == [
        ("ring_020.pcap", 0, "no such file"),
        ("ring_021.pcap", 0, "expected a pcap or pcapng capture, found an empty file"),
        ("ring_022.pcap", 0, "another file is in its place"),
    ]
    assert analysis.totals.packets == 8 * (FILES - 3) + 118
    with pytest.raises(analyzer.UsageError, match="not there any more"):
        _ = analysis.flow(0).packets


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_file_that_vanishes_while_it_is_read_by_turns_is_damaged_there(
    tmp_path: Path, hosts: list[list[Packet]], compress: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BUFFER_BYTES", "LEAST_BUFFER_BYTES", "LEAST_DECOMPRESSED_BYTES"):
        monkeypatch.setattr(walk, name, 1000)
    monkeypatch.setattr("analyzer.capture.compression.PIECE_BYTES", 100)
    folder = written(tmp_path / "hosts", hosts, compress)
    aside, calls = CaptureReader.set_aside, 0

    def vanishing(self: CaptureReader) -> None:
        nonlocal calls
        calls += 1
        if calls == FILES // 2:
            (folder / "007.pcap").unlink()
        aside(self)

    monkeypatch.setattr(CaptureReader, "set_aside", vanishing)
    analysis = analyzer.analyze(folder)
    (damaged,) = [file for file in analysis.files if file.damaged_at is not None]
    assert (Path(damaged.path).name, damaged.problem) == (
        "007.pcap",
        "expected the rest of the file, found it gone, or another in its place",
    )
    assert 0 < damaged.packets <= 33
    assert analysis.totals.packets == 33 * (FILES - 1) + damaged.packets


@pytest.fixture
def untidy(ring: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What else lies about."""
    (ring / "a text.gz").write_bytes(gzip.compress(b"no capture"))
    (ring / "empty.pcap").write_bytes(b"")
    (ring / "folder.pcap").mkdir()
    (ring / "dangling.pcap").symlink_to(ring / "nowhere")
    (ring / "circle.pcap").symlink_to(ring / "circle.pcap")
    if hasattr(os, "mkfifo"):
        os.mkfifo(ring / "pipe.pcap")
    secret = ring / "secret.pcap"
    secret.write_bytes(pcap([]))
    usual = Path.open

    def refuse(self: Path, *rest: str, **more: object) -> object:
        if self == secret:
            raise PermissionError(13, "Permission denied")  # root may read everything
        return usual(self, *rest, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refuse)
    return ring


def test_what_cannot_be_read_in_a_directory_is_left_out_and_told(untidy: Path) -> None:
    analysis = analyzer.analyze(untidy)
    assert len(analysis.files) == FILES + 1
    assert len(analysis.flow(0).packets) == analysis.flow(0).packet_count
    text = untidy / "a text.gz"
    assert analysis.notes[:2] == (
        f"{text}: at byte 0: expected a pcap or pcapng capture, found another kind of file: left out.",
        f"{untidy / 'secret.pcap'}: permission denied: left out.",
    )
    with pytest.raises(CaptureError, match=r"another kind of file$"):
        analyzer.analyze([untidy, text])  # somebody named it


def test_a_directory_of_nothing_that_can_be_read_is_an_error(tmp_path: Path) -> None:
    for name in ("a.gz", "b.gz"):
        (tmp_path / name).write_bytes(gzip.compress(b"no capture"))
    with pytest.raises(CaptureError, match=r"a\.gz: at byte 0: expected a pcap or pcapng capture"):
        analyzer.analyze(tmp_path)


def test_a_file_given_twice_is_read_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, link, copied = tmp_path / "one.pcap", tmp_path / "two.pcap", tmp_path / "three.pcap"
    shutil.copy(SAMPLE, path)
    shutil.copy(SAMPLE, copied)
    link.symlink_to(path)
    once = analyzer.analyze(path)
    ways: list[list[Path | str]] = [[path, path], [path, str(path)], [path, link], [path, f"{tmp_path}/./one.pcap"]]
    for given in ways:
        analysis = analyzer.analyze(given)
        assert analysis.all_flows == once.all_flows
        assert [file.path for file in analysis.files] == [str(path)]
        assert analysis.notes[0] == f"{given[1]} is the same file as {path}, and was read once."
    assert [Path(file.path).name for file in analyzer.analyze(tmp_path).files] == ["one.pcap", "three.pcap"]
    with path.open("rb") as file:
        assert analyzer.analyze([file, file]).all_flows == once.all_flows
    assert main([str(path), str(link), "--anonymize", "--json"]) == 0
    assert str(tmp_path) not in capsys.readouterr().out
