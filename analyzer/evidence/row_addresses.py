"""The addresses in rows of the tables: as text, and as keys that tell which flows are between the same two."""

from __future__ import annotations

from typing import Any

import numpy as np

from analyzer.model.text import ip_text

ADDRESS_WORDS = ("a0", "a1", "a2", "a3", "b0", "b1", "b2", "b3")


def address(words: tuple[int, int, int, int], version: int) -> str:
    """An address in text form from its 32-bit words (IPv4: the first)."""
    if version == 4:
        return ip_text(words[0], 4)
    return ip_text(words[0] << 96 | words[1] << 64 | words[2] << 32 | words[3], 6)


def row_address(row: Any, prefix: str, version: int) -> str:
    """The address in the fields `prefix`0..3 of a table row."""
    words = (int(row[f"{prefix}0"]), int(row[f"{prefix}1"]), int(row[f"{prefix}2"]), int(row[f"{prefix}3"]))
    return address(words, version)


def host_keys(flows: Any, members: Any, version: int) -> Any:
    """The two addresses of each of some flows of one version as one number (IPv4) or string of bytes (IPv6)."""
    if version == 4:
        return np.asarray(flows["a0"][members].astype(np.uint64) << np.uint64(32) | flows["b0"][members])
    words = np.stack([flows[name][members] for name in ADDRESS_WORDS], axis=1)
    return words.view(f"S{4 * len(ADDRESS_WORDS)}").ravel()


def numbered(keys: Any) -> tuple[Any, int]:
    """Numbers from 0 on, the same for the same keys, and how many there are."""
    order = np.argsort(keys, kind="stable")  # not numpy.unique: it loads masked arrays, 10 ms
    new = np.ones(len(keys), np.int64)
    new[1:] = keys[order][1:] != keys[order][:-1]
    out = np.empty(len(keys), np.int64)
    out[order] = np.cumsum(new) - 1
    return out, int(new.sum())
