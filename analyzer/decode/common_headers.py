"""Packets whose headers have the usual form: recognised from their bytes, whole columns at a time.

Most recorded packets are segments and ACKs without IP options or extension headers, and timestamps are their only TCP
option. A full decoder has nothing to find in them. A test holds what is said here against dpkt.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Column = np.ndarray[Any, Any]

TCP = 6
V4_HEADER, V6_HEADER, TCP_HEADER = 20, 40, 20
TO_WINDOW = 16
"""Bytes of a TCP header up to its window, that much of which the skim needs."""
ONLY_TIMESTAMPS = 0x0101080A
"""RFC 7323 appendix A: two NOPs, then the option's kind and length; 32-bit words of the whole TCP header: 8."""


class Usual(NamedTuple):
    """Which packets have headers of the usual form, and where the TCP options are that they have."""

    form: Column  # bool: TCP right behind an IP header without options, both as the skim took them, and cut at most
    # behind the TCP window
    bare: Column  # bool: of these, those with no TCP option but timestamps
    begin: Column
    end: Column  # or where the packet is cut


def usual_headers(header_bytes: Any, lengths: Column, seq: Column, df: Column) -> Usual:
    """Look at packets from their IP header on.

    Args:
        header_bytes: uint8, a row for each packet.
        lengths: how many bytes of the row the packet has.
        seq: the raw sequence numbers.
        df: 1 for packets that may not be fragmented, else 0; those of IPv6 never may.
    """
    v4, v6 = header_bytes[:, 0] == V4_HEADER // 4 + 0x40, header_bytes[:, 0] >> 4 == 6
    start = np.where(v6, V6_HEADER, V4_HEADER)
    fragment = number_at(header_bytes, np.full(len(header_bytes), 6), 2)
    v4 &= (header_bytes[:, 9] == TCP) & (fragment & 0x1FFF == 0) & (fragment >> 14 & 1 == df)
    v6 &= (header_bytes[:, 6] == TCP) & (df == 1)
    total = number_at(header_bytes, np.where(v6, 4, 2), 2)  # of IPv6 without its header; 0 with segmentation offload
    whole = total + np.where(v6, V6_HEADER, 0)
    stop = np.where(total == 0, lengths, np.minimum(whole, lengths))
    words = number_at(header_bytes, start + 12, 1) >> 4
    begin = start + TCP_HEADER
    cut = (stop < begin) & (stop >= start + TO_WINDOW) & ((total == 0) | (whole >= begin))
    form = (
        (v4 | v6)
        & ((stop >= begin) | cut)
        & (words >= TCP_HEADER // 4)
        & (number_at(header_bytes, start + 4, 4) == seq)
    )
    end = np.minimum(start + 4 * words, stop)
    stamped = (words == 8) & (number_at(header_bytes, begin, 4) == ONLY_TIMESTAMPS)
    return Usual(np.asarray(form), np.asarray(form & ((end <= begin) | stamped)), begin, end)


def number_at(header_bytes: Any, place: Column, count: int) -> Column:
    """The number of so many bytes at a place in each row, big endian."""
    rows = np.arange(len(header_bytes))
    value = np.zeros(len(header_bytes), np.int64)
    for i in range(count):
        value = value << 8 | header_bytes[rows, place + i]
    return value
