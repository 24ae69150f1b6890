"""The fleet's answer on every recording, and on generated traffic, however it is split: that of `pmtu-analyze --json`.

    python tests/compare_fleet.py [--seeds 40]

Every capture is written whole, in files of some packets and in files of few, plain and compressed, pcap and pcapng, and
analysed in this process, by one worker and by two, with the files of each capture shared out and not, and by ranges of
bytes. It takes some minutes, for which the tests of each part are not the place. Prints what is not the same, to the
byte; exit 1 if anything is.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from analyzer.fleet import analyze, spreading
from analyzer.fleet.cutting import cut_range, whole_file
from analyzer.fleet.fleet_sources import in_all
from analyzer.fleet.judging import judge
from analyzer.fleet.plan import grouped
from analyzer.fleet.ranges import ranges_of
from analyzer.fleet.running import local_workers
from tests.builders import Packet, packets_of, pcap, pcapng
from tests.fleet.captures import in_files, json_in, json_of, plain_json
from tests.reading import CAPTURES, ROOT
from tests.traffic import random_capture

PARTS = (1, 3, 12)
"""Files in which a capture is written."""

RANGES = (4_000, 15_001, 60_000)
"""Bytes by which one is cut."""


def main() -> int:
    """Compare everything; returns 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=40)
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        expected = {}
        for name, packets, link in _captures(options.seeds):
            for parts in PARTS:
                cuts = [len(packets) * part // parts for part in range(1, parts)]
                group = f"{name}-{parts}"
                in_files(folder / "in" / group, packets, cuts, link=link)
                expected[group] = plain_json(folder / "in" / group)
        compared, different = 0, []
        for how, found in _answers(folder, stack):
            for group, text in found.items():
                compared += 1
                if text != expected[group]:
                    different.append(f"{how}: {group}")
            if len(found) != len(expected):
                different.append(f"{how}: {len(expected) - len(found)} captures without an answer")
        ranges, by_ranges = _ranges(folder, options.seeds)
    wrong = [*different, *by_ranges]
    told = f"{compared} answers of {len(expected)} captures, {ranges} by ranges: {len(wrong)} differ"
    sys.stdout.writelines(f"{line}\n" for line in [*wrong, told])
    return bool(wrong)


def _captures(seeds: int) -> Iterator[tuple[str, list[Packet], int]]:
    """Name, packets and link type of each."""
    for path in [*CAPTURES, *sorted((ROOT / "tests" / "data").glob("points/*/*.pcap"))]:
        data = path.read_bytes()
        yield f"{path.parent.name}-{path.stem}", packets_of(data), int.from_bytes(data[20:24], "little")
    for seed in range(seeds):
        yield f"generated-{seed}", random_capture(seed, 6, 600), 1


def _answers(folder: Path, stack: ExitStack) -> Iterator[tuple[str, dict[str, str]]]:
    """What each way of analysing says of each capture."""
    analyze(folder / "in", output=folder / "here")
    yield "in this process", json_in(folder / "here")
    for workers in (1, 2):
        client = stack.enter_context(local_workers(workers))
        analyze(folder / "in", client=client, output=folder / f"workers{workers}")
        yield f"{workers} workers", json_in(folder / f"workers{workers}")
    yield "2 workers, files shared out", _shared_out(folder, client)


def _shared_out(folder: Path, client: Any) -> dict[str, str]:
    usual, spreading.LEAST_SPREAD_BYTES = spreading.LEAST_SPREAD_BYTES, 0
    found = {}
    for group in sorted((folder / "in").iterdir()):
        output = folder / "shared" / group.name
        analyze(group, client=client, output=output)
        found[group.name] = next(iter(json_in(output).values()))
    spreading.LEAST_SPREAD_BYTES = usual
    return found


def _ranges(folder: Path, seeds: int) -> tuple[int, list[str]]:
    """How many captures were cut, wherever, and which of them have another answer."""
    count, different = 0, []
    for name, packets, link in _captures(seeds):
        for form, data in (("pcap", pcap(packets, link=link)), ("pcapng", pcapng(packets, link=link))):
            path = folder / f"{name}.{form}"
            path.write_bytes(data)
            (group,) = grouped(in_all([str(path)]))
            (member,) = group.members
            expected = plain_json(path)
            for length in RANGES:
                part = whole_file([cut_range(member, each) for each in ranges_of(member.size, length)])
                count += 1
                if json_of(judge(group, [part])) != expected:
                    different.append(f"ranges of {length:,} bytes: {path.name}")
            path.unlink()
    return count, different


if __name__ == "__main__":
    sys.exit(main())
