"""Rows of the tables of fragments: what `fragments` fills."""

from __future__ import annotations

import numpy as np

FRAGMENT = np.dtype(
    [
        ("ts", "i8"), ("frame", "i8"), ("file", "i4"),
        ("pair", "i4"),  # row of PAIR
        ("ident", "i8"), ("offset", "i4"), ("length", "i4"),  # bytes of the datagram: from where, and how many
        ("more", "i4"), ("ip_len", "i4"),
        ("sport", "i4"), ("dport", "i4"),  # of the first fragment of a UDP datagram, else 0
        ("whole", "i8"),  # of its pair, unfragmented ones so far
    ],
    align=True,
)  # fmt: skip

PAIR = np.dtype(
    [
        ("version", "i4"), ("point", "i4"), ("protocol", "i4"),
        ("largest", "i4"),  # unfragmented one since the first fragment
        ("s0", "u4"), ("s1", "u4"), ("s2", "u4"), ("s3", "u4"),
        ("d0", "u4"), ("d1", "u4"), ("d2", "u4"), ("d3", "u4"),
        ("whole", "i8"), ("whole_frame", "i8"), ("whole_file", "i4"),  # how many of these, and the first
        ("many", "i4"),  # 1 if the destination is no single host: asked here, since addresses may be replaced
    ],
    align=True,
)  # fmt: skip
"""Source, destination and protocol of fragments."""
