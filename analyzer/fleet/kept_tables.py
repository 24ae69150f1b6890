"""What was found in a group before it was judged, as bytes: what joining it with other groups needs.

The tables in use, of every flow a row and of troubled ones the headers of some packets; no payload. They are as large
as what was found, and nothing of them is run when they are read.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from functools import cache
from typing import Any

import numpy as np

from analyzer.api.pipeline import Tables
from analyzer.errors import CaptureError
from analyzer.evidence.stream_numbers import stream_numbers
from analyzer.flows.flow_tables import C_RECENT, C_SEED, SAW_SYN, SAW_SYN_ACK, State
from analyzer.flows.table_pages import new_state
from analyzer.flows.table_parts import direction_table, flow_table
from analyzer.model.analysis import CaptureFile

COMPRESSION = 1
"""Zstandard's level."""

HEAD_LENGTH = 8
"""Bytes that say how long the head is."""

WRAP_BITS = 32


def packed(tables: Tables) -> bytes:
    """Tables of `table_parts.in_use`, and what else is known of their files, as bytes."""
    import zstandard

    counters = tables.state.counters.copy()
    counters[C_RECENT:] = 0  # of use while packets come
    counters[C_SEED] = 0
    state = tables.state._replace(counters=counters)
    head = {
        "layout": _layout(),
        "rows": [len(table) for table in state],
        "files": [asdict(replace(file, stamp=None)) for file in tables.files],
        "renumbered": tables.renumbered,
        "unread": list(tables.unread),
        "repeated": list(tables.repeated),
    }
    written = json.dumps(head).encode()
    compressor = zstandard.ZstdCompressor(level=COMPRESSION).compressobj()
    out = [compressor.compress(len(written).to_bytes(HEAD_LENGTH, "big") + written)]
    out += [compressor.compress(column.tobytes()) for table in state for column in _columns(table)]
    return b"".join([*out, compressor.flush()])


def unpacked(data: bytes, name: str) -> Tables:
    """What `packed` packed; `name` is what messages call it.

    Raises:
        CaptureError: it is something else, or of another version.
    """
    import zstandard

    try:
        plain = zstandard.ZstdDecompressor().decompressobj().decompress(data)
        begin = HEAD_LENGTH + int.from_bytes(plain[:HEAD_LENGTH], "big")
        head = json.loads(plain[HEAD_LENGTH:begin])
        if head["layout"] != _layout():
            raise CaptureError(name, None, "tables of another version: analyse it again")
        tables = []
        for (shape, dtype), rows in zip(_shapes(), head["rows"], strict=True):
            table = np.zeros((rows, *shape), dtype)
            for column in _columns(table):
                size = column.dtype.itemsize * column.size
                column[...] = np.frombuffer(plain[begin : begin + size], column.dtype).reshape(column.shape)
                begin += size
            tables.append(table)
        files = tuple(_file(each) for each in head["files"])
    except (zstandard.ZstdError, ValueError, KeyError, TypeError) as error:
        raise CaptureError(name, None, f"expected tables, found something else ({type(error).__name__})") from None
    renumbered = [((one[0], one[1], one[2]), (two[0], two[1], two[2])) for one, two in head["renumbered"]]
    repeated = [(one, two) for one, two in head["repeated"]]
    return Tables(State(*tables), files, renumbered, head["unread"], repeated)


def _columns(table: Any) -> list[Any]:
    """A table by its fields: alike values lie together, and what lies between fields is nobody's."""
    return [table[name] for name in table.dtype.names] if table.dtype.names else [table]


def _file(values: dict[str, Any]) -> CaptureFile:
    lists = {key: tuple(values[key]) for key in ("link_types", "filters")}
    return CaptureFile(**{**values, **lists})


@cache
def _shapes() -> tuple[tuple[tuple[int, ...], Any], ...]:
    """Of each table what a row of it is: its shape, and the kind of a value."""
    empty = new_state(0, flows=1, events=1, icmps=1)
    return tuple((table.shape[1:], table.dtype) for table in empty)


@cache
def _layout() -> str:
    """What changes when the tables do."""
    told = [(list(shape), str(dtype.descr)) for shape, dtype in _shapes()]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def openings_of(tables: Tables) -> Any:
    """By stream number, the initial sequence numbers of both ends, the lower one first; uint64, 0: not seen.

    No two connections have the same, and few things between two capture points change them: they tell a connection
    whose addresses are translated.
    """
    flows, directions = flow_table(tables.state), direction_table(tables.state)
    opened = flows["seen"] & (SAW_SYN | SAW_SYN_ACK) != 0
    for side in (0, 1):
        opened = opened & (directions["base_set"][side::2] != 0)
    bases = [directions["base"][side::2].astype(np.uint64) for side in (0, 1)]
    keys = np.where(opened, np.minimum(*bases) << np.uint64(WRAP_BITS) | np.maximum(*bases), np.uint64(0))
    numbers = np.asarray(stream_numbers(flows, directions, tables.renumbered), np.int64)
    out = np.zeros(int(numbers.max(initial=-1)) + 1, np.uint64)
    np.maximum.at(out, numbers, keys)
    return out
