"""Captures for the tests of the fleet: one stream of packets in many files, and the answer of the plain command."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import zstandard

import analyzer
from analyzer.fleet.judging import Judged
from analyzer.report.formats.json_report import to_json
from tests.builders import Packet, pcap, pcapng

BUCKET = "captures"
"""Of the object store of the tests."""


def json_in(folder: Path) -> dict[str, str]:
    return {path.stem: path.read_text() for path in (folder / "groups").iterdir()}


def as_told(text: str, folder: Path, told: str) -> str:
    """The JSON of files in a folder as it is of files that are somewhere else."""
    return text.replace(str(folder), told)


def plain_json(*paths: Path | str) -> str:
    """What `pmtu-analyze --json` prints of these."""
    return to_json(analyzer.analyze([str(path) for path in paths]))


def json_of(judged: Judged) -> str:
    """The JSON of a group as a worker hands it over."""
    assert judged.summary["error"] is None, judged.summary["error"]
    return zstandard.ZstdDecompressor().decompressobj().decompress(judged.json).decode()


def in_files(folder: Path, packets: Sequence[Packet], cuts: Sequence[int], *, link: int = 1) -> list[Path]:
    """The packets in a folder of files, cut at these places: pcap, pcapng and gzip in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    edges = [0, *sorted(cuts), len(packets)]
    paths = []
    for number, (start, end) in enumerate(pairwise(edges)):
        part = packets[start:end]
        data = pcapng(part, link=link) if number % 3 == 1 else pcap(part, link=link)
        suffix = ".pcap.gz" if number % 2 else ".pcap"
        path = folder / f"{number:03}{suffix}"
        path.write_bytes(gzip.compress(data, 1, mtime=0) if number % 2 else data)
        paths.append(path)
    return paths
