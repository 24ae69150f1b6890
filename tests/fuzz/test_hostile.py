"""Work grows with the size of a capture and no faster, whatever is in it; counted in lines run, not in seconds."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import zstandard

import analyzer
from analyzer.capture.reader import CaptureReader
from analyzer.errors import CaptureError
from analyzer.settings import CHUNK_BYTES, LOOKS_AT_A_PACKET
from tests.builders import interface, pcap_header, section
from tests.fuzz.hostile import CASES as SIMPLE
from tests.fuzz.hostile import bomb
from tests.fuzz.products import PRODUCTS
from tests.reading import records

PACKAGE = str(Path(analyzer.__file__).parent)
CASES = {**SIMPLE, **PRODUCTS}
FEW = 240
GROWTH = 2.4
"""Twice the packets may take so many times the work: 2, and some room for what grows by steps."""

FROM = {"all segments of both ends sent twice, none acknowledged": 720}
"""Packets from which on the effort for a flow is used up. Below, every run is compared with every packet."""

LINES_OF_A_PACKET = 8 * LOOKS_AT_A_PACKET
"""Lines that may run for a packet on average, whatever is in it: those of the looks, and what each look takes."""


def lines_run(work: Callable[[], object]) -> int:
    """Lines of the package that run while `work` does; each turn of a loop counts."""
    count = 0

    def local(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return local

    def begin(frame: FrameType, _event: str, _argument: Any) -> Any:
        return local if frame.f_code.co_filename.startswith(PACKAGE) else None

    before = sys.gettrace()
    sys.settrace(begin)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def work_of(name: str, count: int) -> int:
    data = CASES[name][0](count)
    return lines_run(lambda: analyzer.analyze(io.BytesIO(data), compiled=False))


@pytest.mark.parametrize("name", [name for name in CASES if "bomb" not in name and "16,000" not in name])
def test_work_grows_with_the_size_and_no_faster(name: str) -> None:
    few = FROM.get(name, FEW)
    work_of(name, FEW)  # what is imported and cached once
    once, twice = work_of(name, few), work_of(name, 2 * few)
    assert few < once < LINES_OF_A_PACKET * few
    assert twice < GROWTH * once


def test_counting_notices_quadratic_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def quadratic(source: io.BytesIO, **_options: object) -> None:
        size = len(source.getvalue()) // 500
        for _ in range(size):
            for _ in range(size):
                pass

    quadratic.__code__ = quadratic.__code__.replace(co_filename=f"{PACKAGE}/quadratic.py")
    monkeypatch.setattr(analyzer, "analyze", quadratic)
    name = "interfaces"
    assert work_of(name, 2 * FEW) > GROWTH * work_of(name, FEW)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
def test_no_more_is_decompressed_than_allowed(compress: Callable[[bytes], bytes]) -> None:
    """A bomb: a block of 64 MiB of nothing, of which 24 MiB may be read; the buffer is all that is held."""
    length = ((64 << 20) + 12).to_bytes(4, "little")
    data = compress(section() + interface() + b"\x77\x77\0\0" + length + bytes(64 << 20) + length)
    assert len(data) < 100_000
    reader = CaptureReader(io.BytesIO(data), "bomb", most_bytes=24 << 20)
    assert records(reader) == []
    assert 24 << 20 < reader.bytes_read <= (24 << 20) + CHUNK_BYTES
    assert "limit on decompressed bytes" in reader.problem
    assert len(reader.buffer) == CHUNK_BYTES
    whole = CaptureReader(io.BytesIO(data), "bomb")
    assert records(whole) == []
    assert (whole.bytes_read > 64 << 20, whole.damaged_at, len(whole.buffer)) == (True, None, CHUNK_BYTES)


def test_a_bomb_of_many_members_is_read_to_its_end() -> None:
    assert len(records(bomb(65536))) == 65536


def test_a_bomb_in_a_bomb_is_no_capture() -> None:
    with pytest.raises(CaptureError, match="another kind of file"):
        analyzer.analyze(io.BytesIO(gzip.compress(gzip.compress(pcap_header()))))
