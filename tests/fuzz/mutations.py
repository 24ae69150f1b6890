"""Damage: bits, cuts, spliced records, wrong lengths, and blocks in another order."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.builders import Packet
from tests.fuzz.seeds import contained, later, piece, wrap_packets

EDGES = (0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 20, 27, 28, 40, 60, 64, 127, 128, 255)
WIDE_EDGES = (0, 1, 12, 20, 40, 0x7F, 0xFF, 0x100, 0x5DC, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)

LARGEST_INNER = 64_000
"""Length on the wire of a packet that still fits into the length fields of what is put around it."""


def flip_bits(data: bytearray, random: Random) -> None:
    for _ in range(random.choice((1, 1, 2, 8))):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def set_byte(data: bytearray, random: Random) -> None:
    data[random.randrange(len(data))] = random.choice(EDGES)


def set_number(data: bytearray, random: Random) -> None:
    """A number of two or four bytes at an even place: a length, an offset, an identifier."""
    width = random.choice((2, 4))
    place = random.randrange(len(data)) & ~1
    value = random.choice(WIDE_EDGES) & (2 ** (8 * width) - 1)
    number = value.to_bytes(width, random.choice(("little", "big")))
    data[place : place + width] = number[: len(data) - place]


def step_number(data: bytearray, random: Random) -> None:
    """A number of two bytes a little larger or smaller: an off-by-one length."""
    place = random.randrange(len(data)) & ~1
    order = random.choice(("little", "big"))
    value = int.from_bytes(data[place : place + 2], order)  # type: ignore[arg-type]
    changed = (value + random.choice((-8, -4, -1, 1, 4, 8))) & 0xFFFF
    data[place : place + 2] = changed.to_bytes(2, order)[: len(data) - place]  # type: ignore[arg-type]


def cut_end(data: bytearray, random: Random) -> None:
    del data[random.randrange(len(data)) :]


def cut_middle(data: bytearray, random: Random) -> None:
    place = random.randrange(len(data))
    del data[place : place + random.choice((1, 2, 4, 16, 100))]


def double(data: bytearray, random: Random) -> None:
    """A piece of it once more, somewhere."""
    start = random.randrange(len(data))
    part = data[start : start + random.choice((1, 4, 16, 64, 200))]
    place = random.randrange(len(data))
    data[place:place] = part


def fill(data: bytearray, random: Random) -> None:
    start = random.randrange(len(data))
    count = min(random.choice((4, 16, 40)), len(data) - start)
    data[start : start + count] = random.choice((bytes(count), b"\xff" * count, random.randbytes(count)))


BYTES: tuple[Callable[[bytearray, Random], None], ...] = (
    flip_bits, flip_bits, set_byte, set_byte, set_number, set_number, step_number, cut_end, cut_middle, double, fill,
)  # fmt: skip


def damaged(data: bytes, random: Random, times: int) -> bytes:
    """The bytes, hurt so many times."""
    changed = bytearray(data)
    for _ in range(times):
        if changed:
            random.choice(BYTES)(changed, random)
    return bytes(changed)


def damaged_packets(packets: list[Packet], random: Random) -> list[Packet]:
    """Packets hurt, dropped, doubled, in another order, or with another length on the wire."""
    out = list(packets)
    for _ in range(random.choice((0, 1, 1, 2, 4, 8))):
        if not out:
            break
        place = random.randrange(len(out))
        kind = random.random()
        if kind < 0.6:
            out[place] = out[place]._replace(data=damaged(out[place].data, random, 1))
        elif kind < 0.7:
            other = random.choice(out).data
            out[place] = out[place]._replace(data=out[place].data[: random.choice((14, 34, 54, 74))] + other)
        elif kind < 0.8:
            out.insert(random.randrange(len(out) + 1), out[place])
        elif kind < 0.9:
            out[place] = out[place]._replace(wire=random.choice((0, 1, 60, 1514, 65549, 2**31, 2**32 - 1)))
        else:
            random.shuffle(out)
    return [packet._replace(wire=max(packet.wire_len, 0) & 0xFFFFFFFF) for packet in out]


def shuffled_blocks(data: bytes, random: Random) -> bytes:
    """A pcapng whose blocks behind the first stand in another order."""
    order = "big" if data[8:12] == b"\x1a\x2b\x3c\x4d" else "little"
    blocks = []
    place = 0
    while place + 12 <= len(data):
        length = int.from_bytes(data[place + 4 : place + 8], order)  # type: ignore[arg-type]
        if length < 12:
            break
        blocks.append(data[place : place + length])
        place += length
    rest = blocks[1:]
    random.shuffle(rest)
    return b"".join(blocks[:1] + rest) + data[place:]


def capture(random: Random) -> bytes:
    """One mutated capture: hurt before it was wrapped, as packets on a link, or as a file."""
    packets = later(piece(random), random)
    level = random.random()
    if level < 0.25:
        packets = [p._replace(wire=min(p.wire_len, LARGEST_INNER)) for p in damaged_packets(packets, random)]
    packets, link = wrap_packets(packets, random)
    if 0.2 < level < 0.6:
        packets = damaged_packets(packets, random)
    data = contained(packets, link, random)
    if level > 0.55 or random.random() < 0.1:
        data = damaged(data, random, random.choice((1, 1, 2, 3, 8)))
    if data[:4] == b"\x0a\x0d\x0d\x0a" and random.random() < 0.1:
        data = shuffled_blocks(data, random)
    if random.random() < 0.02:
        data += contained(packets, link, random)
    return data


def capture_number(seed: int, number: int) -> list[bytes]:
    """The inputs of run `number`: one capture, now and then two that are read as one."""
    random = Random(f"{seed}:{number}")  # noqa: S311 - repeatable is what it must be
    return [capture(random) for _ in range(2 if number % 16 == 0 else 1)]
