"""What joining several capture points costs: `python benchmarks/points.py [PACKETS]`.

Makes four files of PACKETS (by default 5 million) that four points of a path saw: bulk transfers with losses and
retransmissions, cut to 96 bytes, TTL and time as they are farther on, and behind them one hang of `lab.simulated`, of
which two points saw the packets leave. Analyses each alone, then all together, and tells processor time, the time it
took, and the memory at its peak. The files lie in a temporary directory.
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from lab.simulated.cases import CASES
from lab.simulated.path import EPOCH, capture_of

from benchmarks.generate import KINDS, write_file

LAUNCH = Path(__file__).with_name("launch.py")
PACKETS = 5_000_000
FILE_HEADER, RECORD_HEADER = 24, 16
TTL_AT = RECORD_HEADER + 14 + 8
DELAY_US = 700
"""Between two neighbouring points."""

AFTER = 3_600
"""Seconds between the last packet of the transfers and the hang, and more."""

RATIO = 1.5
"""What all together may cost, of the sum of the single ones."""


class Cost(NamedTuple):
    """Of one run."""

    processor: float  # seconds, user and system
    wall: float
    memory: int  # bytes at its peak


def make(folder: Path, packets: int) -> list[Path]:
    """The four files."""
    base = folder / "base.pcap"
    write_file(KINDS["lossy"](packets), base)
    data = np.fromfile(base, np.uint8)
    base.unlink()
    starts = _records(data)
    ends = np.append(starts[1:], len(data))
    seconds, micros = (_words(data, starts + at) for at in (0, 4))
    last = int(seconds[-1])
    whole = ends - starts > TTL_AT
    out = []
    for number, tap in enumerate(CASES["silent_middle"].run()):
        copy = data.copy()
        moved = micros + DELAY_US * number
        _put(copy, starts, seconds + moved // 1_000_000)
        _put(copy, starts + 4, moved % 1_000_000)
        copy[starts[whole] + TTL_AT] -= number
        hang = capture_of(tap, offset=float(last + AFTER - EPOCH))[FILE_HEADER:]
        path = folder / f"{tap.name}.pcap"
        path.write_bytes(copy.tobytes() + hang)
        out.append(path)
    return out


def _records(data: Any) -> Any:
    """Where each record begins; little-endian pcap."""
    view, at, found = memoryview(data), FILE_HEADER, []
    length = struct.Struct("<I")
    while at < len(view):
        found.append(at)
        at += RECORD_HEADER + length.unpack_from(view, at + 8)[0]
    return np.array(found, np.int64)


def _words(data: Any, places: Any) -> Any:
    return sum(data[places + i].astype(np.int64) << (8 * i) for i in range(4))


def _put(data: Any, places: Any, values: Any) -> None:
    for i in range(4):
        data[places + i] = values >> (8 * i) & 0xFF


def measured(paths: Sequence[Path]) -> tuple[Cost, dict[str, Any]]:
    """One run of the command, and what its report says."""
    out = paths[0].with_name("report.json")
    command = [sys.executable, "-m", "analyzer", *map(str, paths), "-o", str(out)]
    done = subprocess.run([sys.executable, "-I", "-S", str(LAUNCH), *command], check=True, stdout=subprocess.PIPE)
    told = json.loads(done.stdout)
    report = json.loads(out.read_text(encoding="utf-8"))
    out.unlink()
    return Cost(told["cpu"], told["seconds"], told["peak"]), report


def tell(line: str) -> None:
    """A line of the result."""
    sys.stdout.write(f"{line}\n")


def main(arguments: Sequence[str]) -> int:
    """Make the files, measure, and print."""
    packets = int(float(arguments[0])) if arguments else PACKETS
    with tempfile.TemporaryDirectory() as folder:
        paths = make(Path(folder), packets)
        measured(paths[:2])  # compiles what is not compiled yet, of both passes
        alone = [measured([path])[0] for path in paths]
        together, report = measured(paths)
    total = sum(cost.processor for cost in alone)
    for path, cost in zip(paths, alone, strict=True):
        tell(f"{path.name:14} {cost.processor:6.1f} s  {cost.wall:6.1f} s  {cost.memory / 1e6:6.0f} MB")
    tell(f"{'all four':14} {together.processor:6.1f} s  {together.wall:6.1f} s  {together.memory / 1e6:6.0f} MB")
    ratio = together.processor / total
    located = [flow["located"]["between"] for flow in report["flows"] if flow["located"]]
    tell(f"{ratio:.2f} of the sum of processor times; {len(report['points'])} points, located between {located}")
    return int(ratio > RATIO or located != [[2, 1]])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
