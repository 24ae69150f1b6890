"""Integers are read alike in both modes, and never from beyond the buffer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from analyzer.decode.integers import be16, be32, le16, le32
from analyzer.kernels.marks import KERNELS

READERS = [(be16, 2, "big"), (be32, 4, "big"), (le16, 2, "little"), (le32, 4, "little")]
DATA = bytes(range(200, 256)) + bytes(8) + b"\xff" * 8


@pytest.fixture(scope="module")
def compiled() -> Callable[[Any], Any]:
    """The compiled version of a reader, as the kernels get it: its own checks and no others."""
    numba = pytest.importorskip("numba")
    made: dict[str, Any] = {}

    def version(reader: Any) -> Any:
        name = reader.__name__
        if name not in made:
            made[name] = numba.njit(KERNELS[name], error_model="numpy", boundscheck=False)
        return made[name]

    return version


@pytest.mark.parametrize(("reader", "width", "order"), READERS, ids=lambda value: getattr(value, "__name__", None))
def test_both_modes_read_what_is_there(reader: Any, width: int, order: Any, compiled: Callable[[Any], Any]) -> None:
    buffer = np.frombuffer(DATA, np.uint8)
    for offset in range(len(DATA) - width + 1):
        expected = int.from_bytes(DATA[offset : offset + width], order)
        assert reader(memoryview(DATA), offset) == expected
        assert compiled(reader)(buffer, offset) == expected


@pytest.mark.parametrize(("reader", "width", "order"), READERS, ids=lambda value: getattr(value, "__name__", None))
def test_nothing_is_read_from_beyond_the_buffer(
    reader: Any, width: int, order: Any, compiled: Callable[[Any], Any]
) -> None:
    for length in range(width + 1):
        buffer = np.frombuffer(DATA, np.uint8)[:length]
        outside = [-(2**63), -width, -1, *range(length - width + 1, length + 2), 2**31, 2**63 - 1]
        for offset in outside:
            if not 0 <= offset <= length - width:
                with pytest.raises(IndexError):
                    compiled(reader)(buffer, offset)
