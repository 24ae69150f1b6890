"""Tables of captures one behind the other: field by field those of one pass over all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analyzer.api.pipeline import Tables, found_in
from analyzer.flows.concatenation import concatenated
from analyzer.flows.flow_tables import C_FILE, C_RECENT, C_SEED, State
from tests.builders import pcap
from tests.traffic import random_capture

OF_THE_RING = {"last_row", "prev", "recorded"}
"""Counters of rows that only a next packet needs."""


def tables_of(files: list[Path], points: list[int]) -> Tables:
    found: list[Tables] = []
    found_in([str(path) for path in files], at=points, keep=found.append)
    return found[0]


def in_order(name: str, table: Any) -> Any:
    """Packets that are recorded at the end of a capture come last, of each capture or of all."""
    return table[np.lexsort((table["frame"], table["file"], table["flow"]))] if name == "events" else table


@pytest.mark.parametrize("seed", range(8))
def test_they_are_those_of_one_pass(tmp_path: Path, seed: int) -> None:
    packets = random_capture(seed, 6, 600)
    random = np.random.default_rng(seed)
    captures: list[list[Path]] = []
    for point in range(3):
        kept = [each for each in packets if random.random() < 0.8]
        half = len(kept) // 2
        captures.append([tmp_path / f"{point}{part}.pcap" for part in "ab"])
        for path, those in zip(captures[-1], (kept[:half], kept[half:]), strict=True):
            path.write_bytes(pcap(those, link=1))
    found = concatenated([tables_of(files, [0, 0]).state for files in captures], [1, 1, 1])
    expected = tables_of([path for files in captures for path in files], [0, 0, 1, 1, 2, 2]).state
    counts = [place for place in range(C_RECENT) if place not in (C_FILE, C_SEED)]
    assert found.counters[counts].tolist() == expected.counters[counts].tolist()
    quoted_only = np.flatnonzero(expected.flows["packets"] == 0)
    found.odd_flows["file"][quoted_only] = 0
    for name in State._fields[1:]:
        one, two = in_order(name, getattr(found, name)), in_order(name, getattr(expected, name))
        assert len(one) == len(two)
        for field in one.dtype.names or ():
            if field not in OF_THE_RING:
                assert one[field].tolist() == two[field].tolist(), (name, field)
        if one.dtype.names is None and name != "event_header_bytes":
            assert one.tolist() == two.tolist(), name
