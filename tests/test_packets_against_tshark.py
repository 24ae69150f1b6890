"""The packets of a flow are those that tshark lists for the stream, number by number."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import analyzer
from analyzer.tables.frames import FLAG_NAMES
from tests.reading import CAPTURES

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")

FIELDS = (
    "frame.number",
    "frame.len",
    "tcp.stream",
    "tcp.seq",
    "tcp.ack",
    "tcp.seq_raw",
    "tcp.ack_raw",
    "tcp.len",
    "tcp.flags",
    "tcp.window_size",
    "tcp.options.sack_le",
    "tcp.options.sack_re",
)


def lines_of(path: Path) -> dict[int, list[list[str]]]:
    """tshark's fields of each TCP packet, by stream. ICMP errors that quote one are no packets of the flow."""
    command = ["tshark", "-n", "-r", str(path), "-Y", "tcp and not icmp and not icmpv6", "-T", "fields"]
    for field in FIELDS:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    streams: dict[int, list[list[str]]] = {}
    for line in done.stdout.splitlines():
        columns = line.split("\t")
        streams.setdefault(int(columns[2]), []).append(columns)
    return streams


def flag_bits(words: str) -> int:
    return sum(1 << FLAG_NAMES.index(word) for word in words.split() if word != "none")


def numbers(blocks: Any) -> tuple[str, str]:
    return ",".join(str(left) for left, _ in blocks), ",".join(str(right) for _, right in blocks)


def as_tshark_writes(packets: pd.DataFrame) -> list[list[str]]:
    lines = []
    for row in packets.itertuples():
        sack = numbers(row.sack)
        ack, ack_raw = (0, 0) if row.ack is pd.NA else (row.ack, row.ack_raw)
        lines.append(
            [
                *map(str, (row.frame, row.wire_len, row.stream, row.seq, ack, row.seq_raw, ack_raw, row.payload_len)),
                f"0x{flag_bits(str(row.flags)):04x}",
                str(row.window),
                *sack,
            ]
        )
    return lines


@pytest.mark.sampled(4)
@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_the_packets_of_each_stream(path: Path) -> None:
    theirs = lines_of(path)
    analysis = analyzer.analyze(path)
    assert [flow.stream for flow in analysis.all_flows] == sorted(theirs)
    for flow in analysis.all_flows:
        assert as_tshark_writes(flow.packets) == theirs[flow.stream]
