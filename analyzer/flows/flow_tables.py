"""The tables that the skim fills: flows, directions, packets (ring and events), ICMP messages.

Times are int64 nanoseconds, sizes bytes. Sequence and acknowledgement numbers are unwrapped to 64 bits:
the low 32 bits are those on the wire, and 2**32 is added at the start so that earlier ones stay positive.
A flow is 96 bytes and its two directions 72 bytes each; with data come 120 bytes each. What most flows never have
(trouble, IPv6 addresses, tunnels) is 88 bytes a flow and 264 a direction more, and progress once they go on for some
seconds 128 a direction.
`MAX_FLOWS` bounds their number.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from analyzer.decode.packet_fields import UNDECODED_REASONS

SIDES = 2
PROGRESS_SLOTS = 8
PROGRESS_SHIFT = 32
"""Periods of 2**32 ns (4.3 s) in which progress is remembered: the last 34 s of a direction."""
FILE_SHIFT = 40
"""Frames in a direction's row carry their file: file << FILE_SHIFT | frame number."""

FLOW = np.dtype(
    [
        # Endpoint 0 is the lower (address, port) in network order, endpoint 1 the higher. The other words of IPv6
        # addresses are in `ODD_FLOW`.
        ("a0", "u4"), ("b0", "u4"),
        ("port_a", "u2"), ("port_b", "u2"),
        ("point", "u2"),  # capture point: the same connection seen at another point is a flow of its own
        ("seen", "i2"),  # SAW_ bits
        ("version", "u1"),  # 4 or 6
        ("client", "u1"),  # side that opened the connection, or sent the first packet seen
        ("fast_path", "u1"),  # FAST_ bits: nothing is going on, and which of its next packets `fast_path` may take
        ("recording", "u1"),  # packets still to be recorded
        ("packets", "u4"),
        ("bytes", "i8"),  # IP total lengths
        ("first_ts", "i8"), ("last_ts", "i8"),
        ("first_frame", "i8"),  # frame numbers are counted within their file
        ("last_row", "i8"),  # ring row counter of the last packet, -1: none
        ("syn_ack_ts", "i8"), ("ack_ts", "i8"),  # handshake, 0: not seen
        ("syn_ack_frame", "i8"), ("ack_frame", "i8"),  # with their file, as in a direction's row
    ],
    align=True,
)  # fmt: skip

ODD_FLOW = np.dtype(
    [
        ("a1", "u4"), ("a2", "u4"), ("a3", "u4"),
        ("b1", "u4"), ("b2", "u4"), ("b3", "u4"),
        ("file", "i4"),
        ("overhead", "i4"),  # bytes from the outermost header to the IP header
        # What encapsulates the flow: of the first packet that was inside something.
        ("layers", "i8"),  # LAYER_ numbers of `decode.layers`
        # Of the first SYN, where it was not the first packet; 0: it was, or none was seen.
        ("odd_syn_ts", "i8"), ("odd_syn_frame", "i8"),
        # Of the last one before the answer, where it was not the first; -1: all came later.
        ("again_syn_ts", "i8"), ("again_syn_ack_ts", "i8"),
        ("recorded", "i8"),  # ring rows before this counter are in the event table already
        ("events", "i4"),  # rows of this flow in the event table
        ("lost_events", "i4"),  # rows not recorded: bound reached
    ],
    align=True,
)  # fmt: skip
"""What is 0 in most flows, in rows of its own: pages that nobody writes to take no memory."""

SAW_SYN = 1
SAW_SYN_ACK = 2
SAW_FIN = 4
SAW_RST = 8
SAW_FRAGMENT = 16
SAW_BACKWARDS = 64  # a packet with a time well before that of the one before it
SAW_RST_0 = 128  # SAW_RST from endpoint 0; and the next bit: from endpoint 1
SAW_INSIDE = 1024  # packets inside of something: `layers` is not 0
FAST_BARE = 1
FAST_INSIDE = 2
SAW_MORE = 512  # packets of its trouble that were not recorded: a bound was reached
REPLACED = 2048  # a later flow has the same endpoints
SAW_BARE = 32  # packets outside of any tunnel, too, where `layers` is not 0

DIRECTION = np.dtype(
    [
        ("seen", "u1"),  # 1: a packet of this direction was seen
        ("ref", "u1"),  # 1: snd_max is valid
        ("base_set", "u1"),
        ("una_known", "u1"),
        ("wscale", "i1"), ("sack_ok", "u1"), ("has_ts", "u1"),  # announced; -1 not, wscale -2 unknown
        ("ttl_max", "u1"), ("ttl_min", "i2"),
        ("mss", "i4"),  # announced; -1 not
        ("base", "u4"),  # raw initial sequence number, as Wireshark takes it
        ("packets", "u4"),
        ("window", "i4"),  # last announced, scaled where the scale is known; -1 never
        ("first_seq", "i8"),  # unwrapped sequence number of the first byte seen or acknowledged
        ("snd_max", "i8"),  # one past the highest sequence number seen
        ("una", "i8"),  # highest cumulative ACK from the peer
        ("last_ts", "i8"), ("first_ts", "i8"),
    ],
    align=True,
)  # fmt: skip
"""What the first packet touches. What only data and answers touch is in `TRANSFER`: a flow that is never opened leaves
its row there alone, and pages that nobody touches take no memory."""

TRANSFER = np.dtype(
    [
        ("progress_ts", "i8"), ("progress_frame", "i8"),  # when una last rose; before that: `progress_log`
        ("payload_bytes", "i8"),
        ("last_data_ts", "i8"), ("last_data_frame", "i8"), ("last_data_len", "i4"),
        ("data_packets", "u4"),
        # Sizes: IP total lengths of single packets, super-segments left out.
        ("max_sent", "i4"), ("delivered", "i4"), ("max_sent_frame", "i8"),
        ("delivered_frame", "i8"), ("delivered_ack", "i8"), ("delivered_ts", "i8"),
        # Two packets on their way that are larger than anything delivered: the first, and (`p1_`) the largest.
        ("p0_end", "i8"), ("p0_frame", "i8"), ("p0_size", "i4"), ("p0_payload", "u2"), ("p0_df", "u1"),
        ("odd", "u1"),  # 1: of what `ODD_TRANSFER` names first, something was there
        ("fin_ts", "i8"),  # first FIN, 0: none
    ],
    align=True,
)  # fmt: skip

ODD_TRANSFER = np.dtype(
    [
        # What is looked at with every packet. Whoever sets one of these sets `odd` of the direction, too.
        ("hole_ts", "i8"),
        ("window_zero_ts", "i8"),  # the window is 0 since then (0: it is open)
        ("p1_end", "i8"), ("run_count", "i4"),
        ("size_cap", "i4"),  # after a PTB or a fallback: larger captured sizes may be super-segments
        # How long the window was 0 at most, and what began that.
        ("window_zero_now", "i8"), ("window_zero_longest", "i8"), ("window_zero_frame", "i8"), ("zero_windows", "i4"),
        ("delivered_nodf", "i4"), ("delivered_nodf_frame", "i8"),
        ("super_packets", "i4"), ("super_multiples", "i4"), ("super_frame", "i8"),
        ("nodf_packets", "i4"),  # data packets without DF
        ("p1_size", "i4"), ("p1_frame", "i8"), ("p1_payload", "i4"), ("p1_df", "i4"),
        # Retransmissions.
        ("resent", "i4"), ("resent_max", "i4"), ("resent_frame", "i8"), ("resent_ts", "i8"),
        ("spurious", "i4"),  # resent although already acknowledged
        ("dsacks", "i4"),  # duplicates that the peer reported
        ("duplicates", "i4"),  # copies made by the capture
        ("keepalives", "i4"),
        ("run_len", "i4"), ("run_df", "i4"), ("run_seq", "i8"), ("run_ts", "i8"),
        ("longest_run", "i4"),
        # Holes: bytes not seen while later ones were.
        ("holes", "i4"), ("filled", "i4"),
        ("ptbs", "i4"),
        ("hole_start", "i8"), ("hole_end", "i8"), ("hole_frame", "i8"),
        ("hole_longest", "i8"),
        ("unseen", "i8"),  # bytes acknowledged but not in the capture
        ("unseen_before", "i8"),  # as above, before the direction's first packet
        # Numbers far outside of the window, believed once a second packet goes on from there; 0: none.
        ("stray_seq", "i8"), ("stray_ack", "i8"),
        ("came_in", "i4"), ("went_out", "i4"),  # packets by what the capturing host says of them
    ],
    align=True,
)  # fmt: skip
"""What is 0 in directions that never had trouble, as `ODD_FLOW`."""

PACKET = np.dtype(
    [
        ("ts", "i8"), ("frame", "i8"),
        ("prev", "i8"),  # ring row counter of the flow's packet before, -1: none
        ("seq", "i8"), ("ack", "i8"),
        ("flow", "i4"), ("file", "i4"),
        ("payload", "i4"), ("ip_len", "i4"),  # from the headers, as on the wire
        ("window", "i4"),  # not scaled
        ("ip_id", "i4"),  # -1 for IPv6
        ("checksum", "i4"),
        ("marks", "i4"),  # MARK_ bits
        ("flags", "i2"), ("side", "i2"), ("ttl", "i2"), ("header_len", "i2"),
    ],
    align=True,
)  # fmt: skip

MARK_DF = 1
MARK_RESENT = 2  # bytes seen or acknowledged before
MARK_DUPLICATE = 4  # a copy made by the capture, not by the sender
MARK_KEEPALIVE = 8
MARK_HOLE = 16  # bytes before it were not seen
MARK_FILLS = 32  # late bytes into a hole
MARK_SUPER = 64  # larger than any packet on the wire: segmentation or receive offload
MARK_NO_LENGTH = 128  # IP length 0: offload
MARK_SPURIOUS = 256  # resent below the cumulative ACK
MARK_DSACK = 512
MARK_FRAGMENT = 1024  # first fragment of a fragmented packet
MARK_INSIDE = 2048  # captured inside a tunnel
MARK_STRAY = 4096  # its numbers lie far outside of the window: neither data nor an acknowledgement
MARK_BAD_SUM = 8192  # resent, captured whole, and its TCP checksum is wrong

ICMP = np.dtype(
    [
        ("ts", "i8"), ("frame", "i8"), ("file", "i4"),
        ("kind", "i4"), ("type", "i4"), ("code", "i4"), ("mtu", "i8"), ("sum", "i4"),
        ("version", "i4"), ("ip_len", "i4"), ("df", "i4"), ("ttl", "i4"),
        ("fragment", "i4"),  # 1: the first fragment of a fragmented one, of which `ip_len` is the length
        ("s0", "u4"), ("s1", "u4"), ("s2", "u4"), ("s3", "u4"),
        ("d0", "u4"), ("d1", "u4"), ("d2", "u4"), ("d3", "u4"),
        ("echo_id", "i4"), ("echo_seq", "i4"),
        ("quoted", "i4"),  # 0 nothing usable, 1 IP header, 2 and ports, 3 and sequence number
        ("flow", "i4"), ("side", "i4"),  # the quoted packet's flow and direction, -1: unknown
        ("una", "i8"), ("snd_max", "i8"), ("seq", "i8"),  # of that direction at that time; quoted, unwrapped
        ("header_len", "i4"),
        ("overhead", "i4"),  # the quoted packet encapsulates the flow's in so many bytes
    ],
    align=True,
)  # fmt: skip


class State(NamedTuple):
    """All tables of one run. `counters` holds the fill levels and packet counts named by C_ constants."""

    counters: Any  # int64
    slots: Any  # int32, open addressing: flow number + 1, 0 empty
    flows: Any
    odd_flows: Any  # rows as in `flows`
    directions: Any  # row 2 * flow + side: the packets that endpoint `side` sent
    transfers: Any  # rows as in `directions`: the data among them, and what became of it
    odd_transfers: Any  # rows as in `directions`: the trouble that there was
    progress: Any  # int64 (directions, 2 * PROGRESS_SLOTS): times and frames, see `progress_log`
    ring: Any
    ring_header_bytes: Any  # uint8 (RING_SLOTS, HEAD_BYTES): `head_len` bytes of the packet from its IP header on
    events: Any
    event_header_bytes: Any  # as ring_header_bytes, the rest 0
    icmps: Any
    icmp_header_bytes: Any
    fragments: Any
    pairs: Any
    pair_slots: Any  # as `slots`
    udp_slots: Any  # as `slots`, of conversations
    udp_recent: Any  # int32 (RECENT_CONVERSATIONS,): conversations found lately, as in `udp_slots`
    conversations: Any
    odd_conversations: Any  # rows as in `conversations`
    udp_sent: Any  # row 2 * conversation + side
    udp_alone: Any  # rows as in `udp_sent`
    udp_keys: Any  # int32 (rows of udp_sent, 2 * KEYS): keys of datagrams, and when each was sent last, ms
    udp_large_keys: Any  # int32 (rows of udp_sent, 2 * LARGE_KEYS): the same of large ones
    udp_ring: Any
    udp_ring_heads: Any  # uint8 (DATAGRAM_RING_ROWS, UDP_HEAD_BYTES): `head_len` bytes of the payload
    datagrams: Any
    datagram_heads: Any
    timed: Any  # rows of TIMED, TIMED_ROWS of them a direction
    timed_heads: Any  # uint8 (rows of timed, TIMED_HEAD_BYTES): `head_len` bytes of the payload
    questions: Any  # int64 (QUESTION_ROWS, QUESTION_FIELDS): DNS questions asked lately


RECENT_CONVERSATIONS = 1 << 14
"""Places for conversations that are found close together. A power of two."""

C_FLOWS = 0
C_ROWS = 1  # packets ever written to the ring: all TCP packets that are followed
C_EVENTS = 2
C_ICMPS = 3
C_PACKETS = 4
C_ICMP_PACKETS = 5
C_PTB = 6
C_FIRST_TS = 7
C_LAST_TS = 8
C_SEED = 9
C_ICMPS_LOST = 10
C_FILE = 11
C_FILES = 12  # files begun
C_TROUBLED = 13  # flows with rows in the event table
C_UNDECODED = 14  # and on: one counter for each reason of UNDECODED_REASONS
C_LAST_LINK = C_UNDECODED + len(UNDECODED_REASONS)  # the first link type that was not supported, + 1
C_FRAGMENTS = C_LAST_LINK + 1
C_FRAGMENTS_LOST = C_FRAGMENTS + 1
C_PAIRS = C_FRAGMENTS + 2
C_CONVERSATIONS = C_PAIRS + 1
C_UDP_STREAMS = C_PAIRS + 2  # conversations that have a stream number
C_UDP_PACKETS = C_PAIRS + 3  # datagrams, of fragmented ones the first fragment
C_UDP_LOST = C_PAIRS + 4  # of these, beyond the bound of conversations
C_DATAGRAMS = C_PAIRS + 5  # ever written to the ring of datagrams
C_UDP_ROWS = C_PAIRS + 6  # rows of the table of datagrams
C_UDP_ENDS = C_PAIRS + 7  # packets in which UDP is the innermost that is known: neither TCP nor ICMP is inside
C_SERIES = C_PAIRS + 8  # directions with rows in the table of packets that came alone
C_RECENT = C_PAIRS + 9  # and on: flows found or made lately, each the latest with its endpoints
RECENT_FLOWS = 1 << 10
"""Places for flows that are found without hashing. A power of two."""
C_COUNT = C_RECENT + RECENT_FLOWS
