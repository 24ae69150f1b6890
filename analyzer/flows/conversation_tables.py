"""Rows of the tables of UDP conversations: what `conversations` fills. None of their pages is touched without UDP."""

from __future__ import annotations

import numpy as np

CONVERSATION = np.dtype(
    [
        # Endpoint 0 is the lower (address, port) in network order, endpoint 1 the higher, as in a flow of TCP. The
        # other words of IPv6 addresses are in `ODD_CONVERSATION`.
        ("a0", "u4"), ("b0", "u4"),
        ("port_a", "u2"), ("port_b", "u2"),
        ("point", "u2"), ("version", "u1"),
        ("client", "u1"),  # side that sent the first datagram seen
        ("last_row", "i8"),  # counter of its latest datagram in the ring, + 1; 0: none
        ("first_ts", "i8"), ("last_ts", "i8"), ("first_frame", "i8"),
        ("file", "i4"),
        ("stream", "i4"),  # as Wireshark numbers udp.stream, + 1; 0: none, only first fragments of it came
        ("resent", "i4"),  # datagrams sent again, either way
        ("recording", "u1"),  # datagrams still to be recorded; MANY: none ever
        ("next_key", "u1"),  # place in the table of keys for each end's next one, two bits an end
        ("opening", "u1"),  # first byte of its first payload
        ("tunnel", "u1"),  # TUNNEL_ of its first large packet
    ],
    align=True,
)  # fmt: skip
"""64 bytes, as a row of both ends in `SENT` and of their keys: three lines of the processor's cache a datagram."""

MANY = 255
"""Instead of what is still to be recorded: an end is a multicast or broadcast address."""

ODD_CONVERSATION = np.dtype(
    [
        ("a1", "u4"), ("a2", "u4"), ("a3", "u4"),
        ("b1", "u4"), ("b2", "u4"), ("b3", "u4"),
        ("recorded", "i8"),  # datagrams up to this counter, + 1, are recorded
        ("rows", "i4"),  # recorded
        ("lost_rows", "i4"),  # not recorded, since a bound was reached
        ("fragmented_a", "i4"), ("fragmented_b", "i4"),  # datagrams of each end of which the first fragment came
        ("largest_a", "i4"), ("largest_b", "i4"),  # IP total length of the largest of these, put together
    ],
    align=True,
)  # fmt: skip
"""What is 0 in most conversations, in rows of its own: pages that nobody writes to take no memory."""

SENT = np.dtype(
    [
        ("bytes", "i8"),  # IP total lengths
        ("packets", "u4"),
        ("largest_df", "i4"), ("largest_nodf", "i4"),  # of whole packets with and without DF
        ("waiting", "i4"),  # the largest whole packet since the other end last sent something
        ("answered", "i4"),  # the largest whole packet after which the other end sent something
        ("answers", "u4"),  # how often the other end sent something after a packet of `exercised` bytes
    ],
    align=True,
)  # fmt: skip
"""What one end of a conversation sent: row 2 * conversation + side."""

ALONE = np.dtype(
    [
        ("ts", "i8"), ("frame", "i8"),  # of the latest large packet
        ("gap", "i8"),  # between it and the one before, ns
        ("file", "i4"), ("size", "i4"),
        ("series", "i4"),  # its place in the table of such packets, + 1; 0: none
        ("timed", "i4"),  # how many of them there are; 0: they do not come as a timer of TCP sends them
        ("later", "i4"),  # large packets after them
    ],
    align=True,
)  # fmt: skip
"""The large packets of one end of a tunnel (`timed_packets`), rows as of SENT: no page is touched without tunnels."""

KEYS = 4
"""Datagrams of each end that are remembered, to know one that is sent again. A power of two."""
LARGE_KEYS = 2
"""Large ones that are remembered for longer."""

DATAGRAM = np.dtype(
    [
        ("ts", "i8"), ("frame", "i8"),
        ("prev", "i8"),  # counter of the conversation's datagram before, + 1; 0: none
        ("flow", "i4"), ("file", "i4"),
        ("size", "i4"),  # IP total length, put together where it is fragmented
        ("payload", "i4"),  # bytes of UDP payload
        ("key", "i4"),  # equal for the same datagram sent again
        ("marks", "u1"),  # SENT_ bits
        ("side", "u1"), ("ttl", "u1"), ("head_len", "u1"),
    ],
    align=True,
)  # fmt: skip

TIMED = np.dtype(
    [
        ("ts", "i8"), ("frame", "i8"),
        ("reply", "i8"),  # when the other end sent something next, 0 never
        ("mine", "i8"), ("others", "i8"),  # packets of this end and of the other before it
        ("flow", "i4"), ("file", "i4"), ("size", "i4"), ("side", "i4"),
        ("head_len", "i4"),
    ],
    align=True,
)  # fmt: skip
"""A large packet of a tunnel that came alone."""

TIMED_ROWS = 10
"""Rows of a direction: more doublings than any host waits for."""

TUNNEL_NONE, TUNNEL_WIREGUARD, TUNNEL_ESP, TUNNEL_OPENVPN = range(4)
"""What encrypts all that one would have to read. Of a row of CONVERSATION, `tunnel`."""

ESP_PORT = 0
"""Stands for both ports of a conversation of ESP: no UDP that anybody could answer has it."""

QUESTION_ROWS = 1 << 12
QUESTION_FIELDS = 3
"""Of a DNS question asked lately: hash of its hosts and of what it asks, when (ms), and the conversation."""

SENT_DF = 1
SENT_FRAGMENTED = 2  # the first of several fragments
SENT_INSIDE = 4  # captured inside a tunnel
"""Of a row of DATAGRAM, `marks`."""
