"""A tiny kernel with a known answer: tells whether compiled code takes arrays as `cache` hands them over.

numba's calling convention is its own affair. Code that takes the words of an array in another order would follow a
length as if it were an address, so the kernel compares all it can see of its arguments with what they are before it
follows any of them. It is compiled into each group and called before anything else of the group is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from analyzer.kernels.marks import kernel

RECORD = np.dtype([("time", "i8"), ("size", "i4"), ("address", "u4"), ("flags", "i2"), ("side", "i1")], align=True)

ROWS = 3
WIDTH = 5
BYTES = 7
NUMBERS = 11
RECORD_BYTES = RECORD.itemsize
"""Sizes of the arguments: no two are equal, so that none can be taken for another."""

OTHER_LAYOUT = -1


class Tables(NamedTuple):
    """Arrays of the kinds that the tables of a pass have."""

    rows: Any  # RECORD
    edges: Any  # uint32 (ROWS, WIDTH)


@kernel
def known_answer(tables: Tables, numbers: Any, buf: Any, rows_at: int, edges_at: int, numbers_at: int, at: int) -> int:
    """Write into each table, and answer a sum over all arguments; OTHER_LAYOUT if they do not look as they should.

    `rows_at` to `at`: the addresses of the arrays.
    """
    rows, edges = tables.rows, tables.edges
    if rows.size != ROWS or rows.itemsize != RECORD_BYTES or rows.ctypes.data != rows_at:
        return OTHER_LAYOUT
    if rows.shape[0] != ROWS or rows.strides[0] != RECORD_BYTES:
        return OTHER_LAYOUT
    if edges.size != ROWS * WIDTH or edges.itemsize != 4 or edges.ctypes.data != edges_at:
        return OTHER_LAYOUT
    if edges.shape[0] != ROWS or edges.shape[1] != WIDTH or edges.strides[0] != 4 * WIDTH or edges.strides[1] != 4:
        return OTHER_LAYOUT
    if numbers.size != NUMBERS or numbers.itemsize != 8 or numbers.ctypes.data != numbers_at:
        return OTHER_LAYOUT
    if numbers.shape[0] != NUMBERS or numbers.strides[0] != 8:
        return OTHER_LAYOUT
    if buf.size != BYTES or buf.itemsize != 1 or buf.ctypes.data != at or buf.shape[0] != BYTES or buf.strides[0] != 1:
        return OTHER_LAYOUT
    answer = numbers[NUMBERS - 1]
    for i in range(ROWS):
        row = rows[i]
        answer += row["time"] + row["size"] + row["address"] + row["flags"] + row["side"] + buf[i] + edges[i, 0]
        row["time"] = answer
        row["size"] = numbers[i] - buf[BYTES - 1 - i]
        row["address"] = edges[i, WIDTH - 1]
        row["flags"] = numbers[NUMBERS - 1 - i]
        row["side"] = -i
        edges[i, i] = answer & 0xFFFF
        numbers[i] = answer - numbers[i]
    return int(answer)


def is_right(call: Callable[..., int]) -> bool:
    """True if `call`, the compiled `known_answer`, gives and writes what the interpreted one does."""
    one, other = _arguments(), _arguments()
    if call(*one) != known_answer(*other):
        return False
    return all(mine.tobytes() == its.tobytes() for mine, its in zip(_arrays(one), _arrays(other), strict=True))


def _arrays(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    (rows, edges), numbers, buf, *_ = arguments
    return rows, edges, numbers, buf


def _arguments() -> tuple[Any, ...]:
    """Arrays that differ in every place, negative numbers and the largest ones among them."""
    rows = np.zeros(ROWS, RECORD)
    rows["time"] = (1 << 60, -2, 3)
    rows["size"] = (-(1 << 31), 5, 6)
    rows["address"] = (0xFFFFFFFF, 8, 9)
    rows["flags"] = (-32768, 11, 12)
    rows["side"] = (-128, 14, 15)
    edges = np.arange(1, ROWS * WIDTH + 1, dtype=np.uint32).reshape(ROWS, WIDTH)
    numbers = np.arange(100, 100 + NUMBERS, dtype=np.int64)
    buf = np.frombuffer(bytearray(range(200, 200 + BYTES)), np.uint8)
    addresses = (each.ctypes.data for each in (rows, edges, numbers, buf))
    return (Tables(rows, edges), numbers, buf, *addresses)


def examples() -> dict[str, tuple[Any, ...]]:
    """Arguments of the kernel: their kinds are what counts."""
    return {known_answer.__name__: _arguments()}
