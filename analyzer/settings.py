"""Every threshold once: its unit, its default and where the number comes from.

Verdict thresholds live in `Settings`, one immutable object that travels to the judging functions.
Bounds of memory are constants, since the compiled skim freezes them.
"""

from __future__ import annotations

from dataclasses import dataclass

CHUNK_BYTES = 8 << 20
"""Bytes of the reused read buffer; there are two where reading goes ahead. Measured with 1, 2, 4 and 8 MiB: the larger,
the fewer times the two threads wait for each other."""

HUGE_PAGES_BYTES = 64 << 20
"""Bytes of captures from which on the tables are in pages of 2 MB: a smaller one would not fill them."""

FIRST_BYTES = 2 << 20
"""Bytes read of each file before any is walked: they tell what it is, when it starts and how large its packets are."""

MAX_RECORD_BYTES = 4 << 20
"""A captured packet larger than this is taken for damage. libpcap's own limit is 256 KiB; 4 MiB leaves
room for kernels that capture super-segments, and still recognises a length field that is garbage."""

MAX_DECOMPRESSED_BYTES = 64 << 30
"""Bytes that compressed input may decompress to: a small file can be made to hold terabytes of nothing."""

INTERPRETED_PACKETS = 2_000
"""Captures of up to this many packets are skimmed interpreted: loading the compiled kernels takes longer."""

UNCOMPILED_PACKETS = 20_000
"""As above while no compiled kernels are in the cache: compiling takes many seconds."""

RING_ROWS = 1 << 17
"""Recent TCP packets kept while nobody knows yet whether they matter (23 MB). A power of two."""

MAX_FLOWS = 1_000_000
"""Flows with state of their own (424 bytes each, 1,464 once they carry data). Packets of further flows are counted
under `flow limit reached`."""

MAX_EVENTS = 400_000
"""Rows of the event table (70 MB) over all flows."""

MAX_EVENTS_PER_FLOW = 4_096
"""Rows of the event table for one flow; later rows of that flow are only counted."""

MAX_TROUBLED = 100_000
"""Flows with rows in the event table: each is judged packet by packet and takes some 10 KB in the results."""

HISTORY_ROWS = 1_024
"""Packets of a flow brought back from the ring when its trouble is recognised: a flight of segments."""

AFTERMATH_ROWS = 32
"""Packets of a flow still recorded after its trouble ended, to see how it went on."""

MAX_ICMP = 65_536
"""ICMP messages kept (errors and echo with DF)."""

HEAD_BYTES = 104
"""Bytes of a TCP packet kept from its IP header on: IPv6 (40) or IPv4 with options (60) and TCP (60), and
in the usual case (IPv4 20, TCP 32) more than enough; longer headers are cut, which dpkt reports."""

ICMP_HEAD_BYTES = 168
"""Bytes of an ICMP message kept from its IP header on: two IPv6 headers, ICMPv6 and the quoted TCP header."""

DUPLICATE_NS = 3_000_000
"""A copy of the same packet (SPAN port, `-i any`) follows its original within this time, ns. Copies
are microseconds apart (8 us in calico#8953); the fastest retransmission seen in the lab comes after 8 ms."""

DUPLICATE_ID_NS = 500_000_000
"""As above when the IPv4 identification is equal too, and not 0: a retransmission gets a new one."""

BACKWARDS_NS = 100_000_000
"""Packets that overtake one another on their way into the file do so within this time, ns: interfaces have queues."""

LONG_HOLE_NS = 1_000_000_000
"""A hole in the received stream is recorded once it is open this long, ns (RFC 6298 2.4: minimum RTO)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Thresholds of the verdicts, and what is advised. Times in nanoseconds, sizes in bytes of IP total length."""

    episode_retransmissions: int = 3
    """Retransmissions that make an episode: MAX_PROBES of RFC 8899, tcp_retries1 of Linux."""

    episode_span_ns: int = 1_000_000_000
    """Least time from the first to the last retransmission of an episode: minimum RTO of RFC 6298."""

    hole_ns: int = 3_000_000_000
    """A hole seen at the receiver counts when open this long: three doublings of the initial RTO."""

    silence_ns: int = 3_000_000_000
    """No answer this long after an acknowledged request is worth a remark."""

    exercised_bytes: int = 1281
    """Packets below this say nothing about a path MTU: IPv6 guarantees 1280 (RFC 8200 5)."""

    capture_loss: float = 0.01
    """Share of acknowledged bytes missing from the capture above which no confidence is high."""

    capture_useless: float = 0.5
    """Share of acknowledged bytes missing from the capture above which nothing is concluded at all."""

    chance: float = 0.05
    """A series of losses that one expects this often by chance is no evidence: the usual level of significance."""

    sent_again_ns: int = 200_000_000
    """A resend this long after a PTB ignored it; one that crossed it on the way is quicker. Linux's RTO_MIN."""

    control_wait_ns: int = 1_000_000_000
    """Peer quiet this long after an ACK: the ACK arrived, else it would have sent again (RFC 6298 2.4)."""

    platforms: tuple[str, ...] = ()
    """Whose commands the fixes are: names of `knowledge.fixes.PLATFORMS`, or "all"; none: a short list for Linux."""

    max_decompressed_bytes: int = MAX_DECOMPRESSED_BYTES
    """What compressed input may decompress to; the rest is left, and the report says so."""
