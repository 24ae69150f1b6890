"""A capture without its payload: as long, and what is said of it is the same to the byte."""

from __future__ import annotations

import gzip
import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.api.pipeline import found_in
from analyzer.capture.reader import CaptureReader
from analyzer.errors import CaptureError
from analyzer.passes.blanked import LEAST_BLANKED, blank
from analyzer.report.formats.json_report import to_json
from tests.builders import Packet, ethernet, ipv4, packets_of, pcap, pcapng, tcp, udp, with_tcp_sum
from tests.profiles import examples
from tests.reading import CAPTURES, LAB_FOLDER
from tests.traffic import generated, random_capture

POINTS = sorted((LAB_FOLDER.parent / "points").glob("*/*.pcap"))


def blanked(data: bytes, *, compiled: bool = True) -> bytes:
    out = io.BytesIO()
    reader = CaptureReader(io.BytesIO(data), "bytes")
    blank(reader, out.write, compiled=compiled)
    return out.getvalue()


class Named(io.BytesIO):
    name = "the capture"


def json_of(captures: Sequence[bytes]) -> str:
    return to_json(found_in([Named(data) for data in captures]))


@pytest.mark.parametrize("path", [*CAPTURES, *POINTS], ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_blanked_recording_gives_the_same_json(path: Path) -> None:
    data = path.read_bytes()
    bare = blanked(data)
    assert len(bare) == len(data)
    assert json_of([bare]) == json_of([data])


@pytest.mark.parametrize("name", sorted(generated()))
def test_a_blanked_generated_capture_gives_the_same_json(name: str) -> None:
    data = generated()[name]
    assert json_of([blanked(data)]) == json_of([data])


@examples(20)
@given(st.integers(0, 1 << 16), st.integers(1, 200))
def test_compiled_and_interpreted_blank_alike(seed: int, packets: int) -> None:
    data = pcap(random_capture(seed, 5, packets), link=1)
    assert blanked(data) == blanked(data, compiled=False)


def test_captures_of_both_ends_are_joined_as_before() -> None:
    both = [path.read_bytes() for path in POINTS if path.parent.name == "ptb"]
    assert len(both) > 1
    assert json_of([blanked(data) for data in both]) == json_of(both)


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("size", [15, 16, 1400, 1401])
def test_the_checksum_stays_right_or_wrong(size: int, right: bool) -> None:
    src, dst = "192.0.2.1", "198.51.100.1"
    segment = with_tcp_sum(tcp(bytes(7 + i % 200 for i in range(size))), src, dst)
    if not right:
        segment = segment[:-1] + bytes([segment[-1] ^ 1])
    packet = ethernet(ipv4(segment, src=src, dst=dst))
    (after,) = packets_of(blanked(pcap([Packet(10**18, packet)], link=1)))
    assert (after.data != packet) == (size >= LEAST_BLANKED)
    bare = after.data[34:]
    assert (with_tcp_sum(bare, src, dst) == bare) is right


def test_no_payload_is_left() -> None:
    secret = b"correct horse battery staple" * 20
    packets = [
        Packet(10**18, ethernet(ipv4(tcp(secret)))),
        Packet(10**18 + 1, ethernet(ipv4(udp(bytes(200) + secret, dport=443), protocol=17))),
    ]
    for data in (pcap(packets, link=1), pcapng(packets, link=1)):
        assert b"horse" not in blanked(data)


def test_what_is_compressed_comes_out_decompressed() -> None:
    data = CAPTURES[0].read_bytes()
    assert blanked(gzip.compress(data)) == blanked(data)


def test_a_capture_that_ends_within_a_record_ends_there() -> None:
    data = CAPTURES[0].read_bytes()[:-7]
    assert json_of([blanked(data)]) == json_of([data])


@pytest.mark.parametrize("how", ["compressed and cut", "impossible length"])
def test_a_damaged_capture_is_refused(how: str) -> None:
    data = CAPTURES[0].read_bytes()
    bad = gzip.compress(data)[:-20] if how == "compressed and cut" else data[:32] + b"\xff" * 4 + data[36:]
    with pytest.raises(CaptureError):
        blanked(bad)


def test_records_that_chunks_break_off_are_blanked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    data = generated()["pcapng"]
    usual = blanked(data)
    monkeypatch.setattr("analyzer.capture.reader.CHUNK_BYTES", 700)
    assert blanked(data) == usual
