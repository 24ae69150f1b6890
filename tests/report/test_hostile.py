"""Markup and control characters wherever a string can come from outside, through every format."""

from __future__ import annotations

import io
import re
import unicodedata
from pathlib import Path
from xml.etree import ElementTree as ET

import pyarrow.parquet as pq
import pytest

import analyzer
from analyzer.cli.main import main
from analyzer.model.comparison import compared
from analyzer.report.formats.terminal_report import show
from analyzer.report.save import SUFFIXES, save
from tests.builders import END_OF_OPTIONS, enhanced, interface, option, pcap_records, section
from tests.builders import Packet as Captured
from tests.reading import SAMPLE_FOLDER
from tests.report.hostile import HOSTILE, hostile_analysis

STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}

SAMPLE = SAMPLE_FOLDER / "tunnel_blackhole_at_server.pcap"

REPORTS = [each for each in SUFFIXES if each != ".pcapng"]
"""An evidence capture needs a capture to be taken from."""


def assert_harmless(text: str) -> None:
    """Nothing in it steers a terminal or hides from the reader."""
    for character in text:
        assert character in "\n\r" or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}, repr(
            character
        )


def visible(suffix: str, content: bytes) -> str:
    if suffix == ".parquet":
        rows = pq.read_table(io.BytesIO(content)).to_pylist()
        return " ".join(value for row in rows for value in row.values() if isinstance(value, str))
    return content.decode() if suffix not in (".png", ".pdf") else ""


@pytest.mark.parametrize("suffix", REPORTS)
def test_every_format(suffix: str, tmp_path: Path) -> None:
    save(hostile_analysis(), tmp_path / f"report{suffix}")
    assert_harmless(visible(suffix, (tmp_path / f"report{suffix}").read_bytes()))


def test_the_terminal() -> None:
    out = io.StringIO()
    show(hostile_analysis(), show_all=True, file=out)
    assert_harmless(out.getvalue())


def test_a_drawing_has_nothing_that_acts(tmp_path: Path) -> None:
    save(hostile_analysis(), tmp_path / "report.svg")
    tree = ET.parse(tmp_path / "report.svg")  # noqa: S314 - we have just written it
    tags = {element.tag.rpartition("}")[2] for element in tree.iter()}
    assert not {"script", "foreignObject", "a", "animate", "set", "iframe"} & tags
    assert not [name for element in tree.iter() for name in element.attrib if name.startswith("on")]


@pytest.mark.parametrize("suffix", [".html", ".md", ".json", ".csv", ".parquet", ".svg"])
def test_a_capture_with_such_a_name_and_such_comments(suffix: str, tmp_path: Path) -> None:
    """File name, section and interface options, and packet comments: all that pcapng has room for."""
    names = [text.replace("/", "\u2215").replace("\udcff\udc80", "") for text in HOSTILE]
    text = "\n".join(names).encode()
    records = pcap_records(SAMPLE.read_bytes())
    capture = tmp_path / ("".join(names[:3])[:80] + ".pcapng")
    options = option(1, text) + option(2, text) + option(3, text) + END_OF_OPTIONS
    filtered = option(11, b"\0" + text) + options  # the capture filter reaches the reports
    content = section(options=options) + interface(1, options=filtered)
    for record in records:
        seconds, micros, _, wire = (int.from_bytes(record[i : i + 4], "little") for i in (0, 4, 8, 12))
        content += enhanced(
            Captured(seconds * 1_000_000 + micros, record[16:], wire), options=option(1, text) + END_OF_OPTIONS
        )
    capture.write_bytes(content)
    target = tmp_path / f"report{suffix}"
    assert main([str(capture), "-o", str(target), "--no-plots"]) == 0
    shown = visible(suffix, target.read_bytes())
    assert_harmless(shown)
    assert not re.search(r"<script|<img|onerror=alert\(1\)>(?!`)", shown) or suffix in (
        ".md",
        ".json",
        ".csv",
        ".parquet",
    )
    assert analyzer.analyze(capture).all_flows[1].verdict == "blackhole"


@pytest.mark.parametrize("suffix", [".html", ".md", ".json"])
def test_a_comparison(suffix: str, tmp_path: Path) -> None:
    target = tmp_path / f"report{suffix}"
    save(compared(hostile_analysis(), hostile_analysis()), target)
    shown = visible(suffix, target.read_bytes())
    assert "Not fixed" in shown
    assert_harmless(shown)
    assert suffix != ".html" or not re.search(r"<(script|img|svg/)", shown)


def test_a_comparison_on_the_terminal() -> None:
    out = io.StringIO()
    show(compared(hostile_analysis(), hostile_analysis()), file=out)
    assert out.getvalue().startswith("Not fixed")
    assert_harmless(out.getvalue())
