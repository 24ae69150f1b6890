"""Blocks, options and comments of a pcapng, read by nothing of the product."""

from __future__ import annotations

import struct
from typing import NamedTuple


class Block(NamedTuple):
    """A block of a pcapng, and its section's byte order."""

    kind: int
    body: bytes
    order: str


def blocks_of(content: bytes) -> list[Block]:
    """All blocks, read by nothing of the product."""
    found, o, order = [], 0, "<"
    while o < len(content):
        kind = struct.unpack_from("<I", content, o)[0]
        if kind == 0x0A0D0D0A:
            order = "<" if content[o + 8 : o + 12] == bytes.fromhex("4d3c2b1a") else ">"
        kind, length = struct.unpack_from(f"{order}II", content, o)
        assert struct.unpack_from(f"{order}I", content, o + length - 4)[0] == length
        found.append(Block(kind, content[o + 8 : o + length - 4], order))
        o += length
    assert o == len(content)
    return found


def options_of(each: Block) -> list[tuple[int, bytes]]:
    """The options of a section's header, or of an enhanced or obsolete packet block."""
    o = 16
    if each.kind in (2, 6):
        o = 20 + (struct.unpack_from(f"{each.order}I", each.body, 12)[0] + 3) // 4 * 4
    found = []
    while o + 4 <= len(each.body):
        code, length = struct.unpack_from(f"{each.order}HH", each.body, o)
        if not code:
            break
        found.append((code, each.body[o + 4 : o + 4 + length]))
        o += 4 + (length + 3) // 4 * 4
    return found


def comments_of(content: bytes) -> dict[int, list[str]]:
    """The comments of each frame that has some; of the first section's header as frame 0."""
    found: dict[int, list[str]] = {}
    number = 0
    for each in blocks_of(content):
        numbered = each.kind in (2, 3, 6, 9, 0xBAD, 0x40000BAD)
        number += numbered
        if each.kind in (2, 6) or each.kind == 0x0A0D0D0A:
            texts = [value.decode() for code, value in options_of(each) if code == 1]
            if texts:
                found.setdefault(number if numbered else 0, []).extend(texts)
    return found
