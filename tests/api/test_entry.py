"""What may be given as a capture, and what is told of what may not."""

from __future__ import annotations

import gzip
import io
import tempfile
from collections.abc import Callable
from typing import Any

import pytest

import analyzer
from tests.reading import SAMPLE_FOLDER

SAMPLE = SAMPLE_FOLDER / "tunnel_blackhole_at_server.pcap"
FIXED = SAMPLE_FOLDER / "tunnel_mss_clamped_at_server.pcap"
CONTENT = SAMPLE.read_bytes()

IN_MEMORY: dict[str, Any] = {
    "bytes": CONTENT,
    "compressed": gzip.compress(CONTENT),
    "bytearray": bytearray(CONTENT),
    "memoryview": memoryview(CONTENT),
    "every other byte of a buffer": memoryview(b"".join(bytes((byte, 0)) for byte in CONTENT))[::2],
    "in a list": [CONTENT],
}

WAYS: dict[str, Callable[[Any], Any]] = {
    "analyze": analyzer.analyze,
    "compared with": lambda given: analyzer.compare(SAMPLE, given),
    "compared": lambda given: analyzer.compare(given, SAMPLE),
    "read_packets": lambda given: list(analyzer.read_packets(given)),
}


@pytest.mark.parametrize("kind", IN_MEMORY)
def test_bytes_are_a_capture(kind: str) -> None:
    """Once each of them was a source of its own, with a buffer of 8 MiB."""
    analysis = analyzer.analyze(IN_MEMORY[kind])
    assert [file.path for file in analysis.files] == ["bytes in memory"]
    assert analysis.all_flows == analyzer.analyze(SAMPLE).all_flows
    assert len(analysis.flow(1).packets) == analysis.flow(1).packet_count  # they are read again


def test_what_is_changed_later_was_not_analysed() -> None:
    content = bytearray(CONTENT)
    analysis = analyzer.analyze(content)
    content[:] = bytes(len(content))
    assert len(analysis.flow(1).packets) == analysis.flow(1).packet_count


def test_bytes_beside_other_sources() -> None:
    analysis = analyzer.analyze([CONTENT, SAMPLE, CONTENT])
    assert [file.path for file in analysis.files] == ["bytes in memory", str(SAMPLE), "bytes in memory"]
    assert analyzer.compare(CONTENT, FIXED.read_bytes()).outcome == "fixed"
    assert sum(map(len, analyzer.read_packets(CONTENT))) == sum(map(len, analyzer.read_packets(SAMPLE)))


def test_bytes_that_are_no_capture_are_told() -> None:
    with pytest.raises(analyzer.CaptureError, match="bytes in memory: at byte 0: expected a pcap or pcapng capture"):
        analyzer.analyze(bytes(SAMPLE))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("given", "found"),
    [
        (None, "found None"),
        (7, "found an object of type int"),
        (7.5, "found an object of type float"),
        ((each for each in [SAMPLE]), "found an object of type generator"),
        ([SAMPLE, None], "found None"),
        ([SAMPLE, 7], "found an object of type int"),
        ([[SAMPLE]], "found an object of type list"),
        (io.StringIO("text"), "found StringIO open as text"),
    ],
)
def test_what_is_no_capture_is_a_type_error(way: str, given: Any, found: str) -> None:
    expected = "expected a path, an open binary file, the bytes of a capture, or a list of these, "
    with pytest.raises(TypeError) as error:
        WAYS[way](given)
    assert str(error.value).startswith(expected + found)


@pytest.mark.parametrize("way", WAYS)
def test_a_file_open_as_text_is_told_how_to_open_it(way: str) -> None:
    with SAMPLE.open() as text:
        for given in (text, [SAMPLE, text]):
            with pytest.raises(
                TypeError, match=r'at_server.pcap open as text: open it with "rb", or give its `buffer`'
            ):
                WAYS[way](given)
    with tempfile.NamedTemporaryFile("w+") as wrapped, pytest.raises(TypeError, match="open as text"):
        WAYS[way](wrapped)


def test_one_platform_may_be_given_by_its_name() -> None:
    analysis = analyzer.analyze(SAMPLE, settings=analyzer.Settings(platforms="cisco"))  # type: ignore[arg-type]
    several = analyzer.analyze(SAMPLE, settings=analyzer.Settings(platforms=["cisco"]))  # type: ignore[arg-type]
    usual = analyzer.analyze(SAMPLE, settings=analyzer.Settings(platforms=("cisco",)))
    assert analysis.all_flows == several.all_flows == usual.all_flows
    assert analysis.settings == several.settings == usual.settings
    assert hash(several.settings) == hash(usual.settings)
    with pytest.raises(analyzer.UsageError, match="'plan9' is no platform"):
        analyzer.analyze(SAMPLE, settings=analyzer.Settings(platforms="plan9"))  # type: ignore[arg-type]
