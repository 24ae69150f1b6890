"""The tables that the skim fills, empty: how large they may become, and where their memory comes from."""

from __future__ import annotations

import math
import mmap
from contextlib import suppress
from typing import Any

import numpy as np

from analyzer.flows.conversation_tables import (
    ALONE,
    CONVERSATION,
    DATAGRAM,
    KEYS,
    LARGE_KEYS,
    ODD_CONVERSATION,
    QUESTION_FIELDS,
    QUESTION_ROWS,
    SENT,
    TIMED,
    TIMED_ROWS,
)
from analyzer.flows.flow_tables import (
    C_COUNT,
    C_SEED,
    DIRECTION,
    FLOW,
    ICMP,
    ODD_FLOW,
    ODD_TRANSFER,
    PACKET,
    PROGRESS_SLOTS,
    RECENT_CONVERSATIONS,
    SIDES,
    TRANSFER,
    State,
)
from analyzer.flows.fragment_tables import FRAGMENT, PAIR
from analyzer.settings import (
    DATAGRAM_RING_ROWS,
    HEAD_BYTES,
    ICMP_HEAD_BYTES,
    MAX_CONVERSATIONS,
    MAX_DATAGRAMS,
    MAX_EVENTS,
    MAX_FLOWS,
    MAX_FRAGMENTED_PAIRS,
    MAX_ICMP,
    MAX_SERIES,
    RING_SLOTS,
    TIMED_HEAD_BYTES,
    UDP_HEAD_BYTES,
)

LEAST_PACKET = 40
"""Bytes that a packet of a flow takes in a capture, at least: of its record's header 16, of IP's 20, and both ports."""

SPARE_ROWS = 1 << 14
"""Rows beyond those for which an input has bytes: a file may grow while it is read."""

SPARSE = ("odd_flows", "odd_transfers", "progress", "odd_conversations", "udp_alone")
"""Tables of which rows here and there are used: a huge page for each of these would take memory for nothing."""

LEAST_ROWS = 1 << 10
"""Flows for which there has to be room; with fewer, most captures could not be followed."""

CHEAP_BYTES = 128 << 20
"""Tables for which nobody is asked how many addresses there are."""

ROOM_SHARE = 4
"""Of the addresses that a process may have, the tables take one in so many: all else needs some, too."""


def new_state(
    seed: int,
    *,
    large: bool = False,
    input_bytes: int | None = None,
    flows: int = MAX_FLOWS,
    events: int = MAX_EVENTS,
    icmps: int = MAX_ICMP,
) -> State:
    """Empty tables for so many rows. `seed` salts the hash of the flow table.

    A `large` capture fills them sooner or later: in huge pages, where finding a page and getting one costs less.

    They are as large as they may ever be, but pages of them take memory only when they are touched: rows
    are used in order, and nothing is ever copied. It goes back to the system with the tables.

    Even what takes no memory takes addresses, of which a process may have few (`ulimit -v`) or which it has to pay for
    (Windows). So there are no more rows than an input of `input_bytes` can fill; and where addresses are few, half
    as many rows, and again half, until there is room. What does not fit then is counted as beyond every other bound.

    Args:
        seed: any number.
        large: see above.
        input_bytes: the sizes of all files, decompressed; None if they are not known.
        flows: rows of the tables of flows, twice as many in those of directions.
        events: rows of the event table.
        icmps: rows of the table of ICMP messages.

    Raises:
        MemoryError: not even the smallest tables have room.
    """
    if input_bytes is not None:
        most = input_bytes // LEAST_PACKET + SPARE_ROWS
        flows, events, icmps = min(flows, most), min(events, most), min(icmps, most)
    least = min(LEAST_ROWS, flows)
    while flows // 2 >= least and _sum(flows, events, icmps) > CHEAP_BYTES and _sum(flows, events, icmps) > _room():
        flows, events, icmps = flows // 2, max(events // 2, 1), max(icmps // 2, 1)
    while True:
        try:
            return _tables(seed, large, flows, events, icmps)
        except (OSError, MemoryError):  # mmap raises the first
            if flows // 2 < least:
                raise MemoryError from None
        flows, events, icmps = flows // 2, max(events // 2, 1), max(icmps // 2, 1)


def _room() -> float:
    """Bytes of addresses that the tables may take."""
    from analyzer.kernels.address_limit import address_limit  # a small capture does without

    return address_limit() / ROOM_SHARE


def _shapes(flows: int, events: int, icmps: int) -> dict[str, tuple[tuple[int, ...], Any]]:
    """Shape and kind of each table."""
    talks, rows = min(flows, MAX_CONVERSATIONS), min(events, MAX_DATAGRAMS)
    alone = min(events, MAX_SERIES * TIMED_ROWS)
    return {
        "slots": ((1 << (2 * flows - 1).bit_length(),), np.dtype(np.int32)),
        "flows": ((flows,), FLOW),
        "odd_flows": ((flows,), ODD_FLOW),
        "directions": ((flows * SIDES,), DIRECTION),
        "transfers": ((flows * SIDES,), TRANSFER),
        "odd_transfers": ((flows * SIDES,), ODD_TRANSFER),
        "progress": ((flows * SIDES, 2 * PROGRESS_SLOTS), np.dtype(np.int64)),
        "ring": ((RING_SLOTS,), PACKET),
        "ring_header_bytes": ((RING_SLOTS, HEAD_BYTES), np.dtype(np.uint8)),
        "events": ((events,), PACKET),
        "event_header_bytes": ((events, HEAD_BYTES), np.dtype(np.uint8)),
        "icmps": ((icmps,), ICMP),
        "icmp_header_bytes": ((icmps, ICMP_HEAD_BYTES), np.dtype(np.uint8)),
        "fragments": ((icmps,), FRAGMENT),  # no fewer, no more: both are exceptions
        "pairs": ((MAX_FRAGMENTED_PAIRS,), PAIR),
        "pair_slots": ((2 * MAX_FRAGMENTED_PAIRS,), np.dtype(np.int32)),
        "udp_slots": ((1 << (2 * talks - 1).bit_length(),), np.dtype(np.int32)),
        "udp_recent": ((RECENT_CONVERSATIONS,), np.dtype(np.int32)),
        "conversations": ((talks,), CONVERSATION),
        "odd_conversations": ((talks,), ODD_CONVERSATION),
        "udp_sent": ((talks * SIDES,), SENT),
        "udp_alone": ((talks * SIDES,), ALONE),
        "udp_keys": ((talks * SIDES, 2 * KEYS), np.dtype(np.int32)),
        "udp_large_keys": ((talks * SIDES, 2 * LARGE_KEYS), np.dtype(np.int32)),
        "udp_ring": ((DATAGRAM_RING_ROWS,), DATAGRAM),
        "udp_ring_heads": ((DATAGRAM_RING_ROWS, UDP_HEAD_BYTES), np.dtype(np.uint8)),
        "datagrams": ((rows,), DATAGRAM),
        "datagram_heads": ((rows, UDP_HEAD_BYTES), np.dtype(np.uint8)),
        "timed": ((alone,), TIMED),
        "timed_heads": ((alone, TIMED_HEAD_BYTES), np.dtype(np.uint8)),
        "questions": ((QUESTION_ROWS, QUESTION_FIELDS), np.dtype(np.int64)),
    }


def _sum(flows: int, events: int, icmps: int) -> int:
    return sum(math.prod(shape) * dtype.itemsize for shape, dtype in _shapes(flows, events, icmps).values())


def _tables(seed: int, large: bool, flows: int, events: int, icmps: int) -> State:
    counters = np.zeros(C_COUNT, np.int64)
    counters[C_SEED] = seed & 0x7FFFFFFF
    shapes = _shapes(flows, events, icmps)
    made = {name: _zeros(shape, dtype, huge=large and name not in SPARSE) for name, (shape, dtype) in shapes.items()}
    return State(counters, **made)


def _zeros(shape: tuple[int, ...], dtype: Any, *, huge: bool) -> Any:
    """An array of zeros in pages of its own, huge ones (2 MB) where that is wanted and there are such.

    `numpy.zeros` would do for the first capture that a process reads. For the next it gets memory that was used
    before and has to be cleared, all of it: 90 MB and 20 ms, for tables of which a small capture fills a page.
    """
    size = math.prod(shape) * dtype.itemsize
    if hasattr(mmap, "MAP_PRIVATE") and hasattr(mmap, "MAP_ANONYMOUS"):
        pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    else:  # Windows
        pages = mmap.mmap(-1, size)
    if hasattr(mmap, "MADV_HUGEPAGE") and hasattr(pages, "madvise"):
        with suppress(OSError):  # a kernel without them
            pages.madvise(mmap.MADV_HUGEPAGE if huge else mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(pages, dtype).reshape(shape)
