"""Every threshold once: its unit, its default and where the number comes from.

Those that somebody may want to change are in `Settings`, one immutable object that travels to the judging functions.
The others are constants: bounds of memory, since the compiled skim freezes them, and numbers of the evidence and the
rules that follow from how TCP works; those by which several capture points are joined are in `point_settings`. What
only bounds the work of one function, or is drawn, stands beside it; sizes that a protocol fixes are in
`model.wire_sizes`.
"""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.errors import UsageError

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

DECOMPRESSED_AT_LEAST = 1 << 29
DECOMPRESSED_RATIO = 256
"""Where nobody says how many: so many bytes for all files together, and so many for each compressed one. Captures are
rarely compressed to less than a fiftieth, and gzip can make a thousandth of nothing, zstd ten times less: 512 MiB of
empty records are 34 million."""

INTERPRETED_PACKETS = 2_000
"""Captures of up to this many packets are skimmed interpreted: loading the compiled kernels takes longer."""

UNCOMPILED_PACKETS = 20_000
"""As above while no compiled kernels are in the cache: compiling takes many seconds."""

RING_SLOTS = 1 << 17
"""Rows of the ring of recent TCP packets (23 MB). A power of two."""

SEGMENT_PACKETS = 1 << 12
"""Packets that two processors take together before they agree on what came of it: so many, that the wait is short
beside the work, and so few, that what is known of them stays in the nearer caches."""

RING_ROWS = RING_SLOTS - SEGMENT_PACKETS
"""Recent TCP packets kept while nobody knows yet whether they matter. Fewer than there are slots: who takes one packet
finds these, whatever another processor has written of later ones meanwhile."""

MAX_FLOWS = 1_000_000
"""Flows with state of their own (424 bytes each, 1,208 once they carry data, 1,464 once they go on for some seconds).
Packets of further flows are counted under `flow limit reached`."""

INITIAL_TTLS = (32, 64, 128, 255)
"""What common stacks send with; one of them means no router in between."""

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
"""ICMP messages kept (errors and echo), and fragments."""

MAX_FRAGMENTED_PAIRS = 2_048
"""Senders and receivers whose fragments are kept, each protocol by itself. A power of two."""

MAX_CONVERSATIONS = 1_000_000
"""UDP conversations followed (200 bytes each, 296 of tunnels). Datagrams of others are counted, as reports say."""

DATAGRAM_RING_ROWS = 1 << 16
"""Recent UDP datagrams kept while nobody knows yet whether they matter (10 MB). A power of two."""

MAX_DATAGRAMS = 200_000
"""Rows of the table of datagrams (30 MB): those of conversations in which something was sent again."""

MAX_DATAGRAMS_OF_ONE = 1_024
"""Of these, rows of one conversation."""

DATAGRAM_HISTORY = 64
"""Datagrams of a conversation brought back from the ring when something is sent again."""

DATAGRAMS_AFTER = 64
"""Datagrams recorded after that."""

LARGE_DATAGRAMS_AFTER = 250
"""... where it was a large one: it takes until its next turn to know that no answer came. Fits in a byte."""

RESENT_MS = 80
"""Sent again sooner, ms, a datagram is a copy made by the capture, or one of a burst."""

REMEMBERED_MS = 64_000
"""So long a large UDP datagram is remembered, ms, while others like it come: NFS gives a call up after a minute."""

MAX_SERIES = 4_096
"""Directions of tunnels whose large packets are looked at for the gaps of a timer (1 KB each)."""

TIMED_HEAD_BYTES = 16
"""Bytes kept of each such packet: the header of WireGuard, of ESP, and of OpenVPN. No report has them."""

ASKED_WITHIN_MS = 15_000
"""A DNS question asked again within this time, from another port, is another try; resolvers wait for some seconds."""

ASKED_WITHIN_NS = ASKED_WITHIN_MS * 1_000_000

LEAST_LOST_ALONE = 4
"""Large answers lost at gaps that grow, where none came in the end."""

UDP_HEAD_BYTES = 96
"""Bytes of a UDP payload kept: the headers of DNS with its question, RADIUS, IKE, DTLS, QUIC. No report has them."""

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


# Thresholds of the evidence and the rules that nobody is expected to change.

JUST_BEFORE_NS = 10_000_000
"""No outage begins so exactly by chance, ns: of flows hit at random in a second, one in a hundred."""

MOST_RTO_NS = 60_000_000_000
"""RFC 6298 2.5: a limit to the timer is at least this long."""

LONGEST_GAP_NS = 2 * MOST_RTO_NS
"""TCP_RTO_MAX of Linux: no two copies are farther apart."""

LEAST_PIECE = 256
"""Payload of the pieces that a stack cuts segments into: tcp_min_snd_mss and its kind are larger."""

LEAST_MISSING = 536
"""RFC 9293 3.7.1: the MSS of a host that announces none."""

LEAST_RETRANSMISSIONS = 2
"""Retransmissions after which a segment that is still unanswered counts as hung: one is common."""

MEANINGFUL_RTT_NS = 1_000_000
"""A shorter round trip is within the noise of timestamps, and tells nothing about which packet was answered."""

FILLS_BYTES = 48
"""What TCP options and rounding may leave of the size that a PTB allows."""

LEAST_FULL_PAYLOAD = 1220
"""IPv6's guaranteed 1280 bytes less headers: a full segment is hardly smaller."""

MOST_HOPS = 30
"""More routers than that, and the TTL started from another number."""

AT_ONCE = 4
"""A host's own answer takes at most this fraction of the round trip to the other one."""

QUICK_NS = 1_000_000
"""A host's own answer takes no longer than this, at its interface or on its link."""

LEAST_SMALL_LOST = 2
"""Smaller packets that must be lost before they tell how many large ones are: one may be bad luck."""

LEAST_SMALL_SENT = 8
"""Smaller packets that must be sent before their share of losses tells anything."""

LEAST_ANSWERED = 2
"""Copies that must be answered at once before the answers are no coincidence."""

AT_ONCE_NS = 20_000_000
"""What a host takes to answer what it refuses, beyond the round trip: such ACKs are not delayed (RFC 9293 3.10.7.4)."""

SETTLED_NS = 200_000_000
"""An ACK this long after other data, beyond two round trips, does not answer them: Linux's longest delayed ACK."""

DELAYED_ACK_NS = 40_000_000
"""Linux's shortest delay of an ACK (TCP_DELACK_MIN)."""

ACK_DELAY_NS = 500_000_000
"""RFC 9293 3.8.6.3: an ACK is not held back longer."""

LARGE_LOST = 3
"""Different large segments that must be lost, none delivered, before a path that once carried such packets
is said to have changed. Three independent losses in a row of 10 % random loss happen once in a thousand."""

SETTLED_PACKETS = 100
"""Data packets after which nobody inspects a connection any more: nDPI, for one, looks at 80 packets of it at most."""

SEVERAL = 2
"""Different large segments lost: more than one payload that somebody dislikes."""

REQUEST_PACKETS = 10
"""Data packets up to which what the peer sent looks like a request, whose answer may be missed."""

LEAST_ZERO_WINDOWS = 2
"""Packets that must announce a window of 0 before it is more than a moment's."""

SOON_NS = 500_000_000
"""A sender that was held back goes on this soon after the window opens, ns, or within two round trips."""

LOOKS_AT_A_PACKET = 1_000
"""How often a packet or a PTB of a flow is looked at on average before the flow is left unjudged, since it is too much.
A run of retransmissions takes a dozen at each packet of the flow at most; of 2,100 captures that people had reason to
keep no flow takes more than 14 at all. A thousand looks take 0.1 ms."""

JUDGED_PACKETS = 5_000
BYTES_A_JUDGED_PACKET = 16
PACKED_BYTES_A_JUDGED_PACKET = 64
PACKETS_A_JUDGED_FLOW = 4
PACKETS_A_JUDGED_CONVERSATION = 2
OF_LONG_FLOWS = 32
"""Flows that are judged one by one, since none is like them, may have so many recorded packets, and one more for each
so many bytes of the input as it is stored; a flow counts as so many packets more, and PTBs count, too. Of the packets
behind the first so many of a flow, which are read in columns, every eighth counts. A packet takes 0.05 ms. The two
packets without which nothing is judged take 100 bytes at least: captures that are not compressed stay below the bound,
whatever is in them. Compressed, a packet of a real capture takes 38 bytes at least, of 35 captures; so one that is
reached by the second number has more than half of its packets in flows with a trouble that no other has. A UDP
conversation counts as two packets and its recorded datagrams, which take 44 bytes each at least."""

DAY_NS = 86_400_000_000_000
"""Nothing is said to last longer: between packets that far apart, clocks were set and captures joined."""

TOLD_WAIT_NS = 1_000_000_000
"""A shorter wait for data that was sent again is not worth a word: RFC 6298 2 gives the first timeout 1 s."""

JITTER_NS = 10_000_000
"""Packets that overtake one another do so within this time, ns, or a round trip: no loss."""

FEW_MISSING = 0.05
"""Share of the acknowledged bytes that a capture may miss before what it proves is proven no more than weakly."""

LOST_AGAIN = 2
"""Losses of packets of an announced size, none as large delivered, that leave it open whether it is the path MTU."""

MAX_HEALTHY_PAIRS = 50_000
"""Pairs of addresses listed as paths although no flow of theirs had to be judged packet by packet."""

NARROW_BRACKET = 256
"""Bytes between both ends of a bracket, up to which its lower end is near enough to the path MTU to be set."""

SAME_MINUTE_NS = 60_000_000_000
"""A smaller ping is a control of a larger one that was sent no longer before or after, ns."""

ONE_TRIAL_NS = 100_000_000
"""Pings sent closer together are one trial: a full queue, or a limit to their rate, takes them together."""

ANSWERED_BY_NS = 1_000_000_000
"""A ping may still be answered when the capture ends so soon: RFC 6298 2.1 starts with that timeout."""

LEAST_PINGS_LOST = 3
"""Larger pings that must be lost, each between answered ones."""

LEAST_PINGS_SPAN_NS = 2_000_000_000
"""Lost in one go within a shorter time, they may have met an outage."""

REFUSED_EACH_NS = 1_100_000_000
"""A host that said so lately of one datagram may not say of the next that nobody listens: Linux does once a second
(icmp_ratelimit), counted in ticks of its clock."""

MOST_TRIES = 16
"""Datagrams to a port beyond which they are no probes of a path, but a stream that nobody answers."""

MOST_REFUSED_TRIES = 256
"""As many, where the port refused some of them."""

MOST_PROBES = 4_096
"""Conversations of one direction between two hosts beyond which they are no sweep of sizes, but a scan of ports."""

NEAR_PORTS = 64
"""A port is taken for closed where others so close below and above it are: traceroute counts ports up, three a hop."""

WAITED_NS = 1_000_000_000
"""Who has no answer asks again within this time: the usual first timeout of DNS stubs, IKE, QUIC and DTLS."""

LEAST_LARGE_ANSWERS = 3
"""Large datagrams after which the other end must go on before they are said to pass: one may be a coincidence."""

MOST_ASKED = 10
"""Asked more often, a question is not repeated for want of an answer, but again and again: who waits gives up."""

LEAST_TIMED = 5
"""Packets at doubling gaps: the first and four again, one more than an episode needs, over three seconds with the
shortest timers. Of random losses of one packet in five, four in a row are one in 600, and then others follow."""

MOST_LATER = 3
"""Large packets that may follow: who gives a connection up may send once more what is unacknowledged."""

LEAST_TIMED_UNANSWERED = 2
"""Of these, so many after which nothing came back in time: what else is in the tunnel goes on."""

PTB_AGAIN_NS = 1_000_000_000
"""Quoted again so much later, the first PTB had come: RFC 6298 2.4 lets no timer be shorter."""

PTB_FORGOTTEN_NS = 300_000_000_000
"""So long after a PTB a host may try larger packets again (RFC 1191 6.3, RFC 8201 4)."""

REASSEMBLY_NS = 60_000_000_000
"""Fragments farther apart are of two datagrams: RFC 8200 4.5 lets them wait so long for one another, Linux half."""

LEAST_DATAGRAMS = 3
"""Fragmented datagrams that must be lost, all of the same parts."""

LEAST_DATAGRAMS_MIXED = 8
"""And of different parts: chance chooses so."""

LEAST_WHOLE = 3
"""Unfragmented packets that must come meanwhile."""

LEAST_FRAGMENTS_SPAN_NS = 1_000_000_000
"""Lost within a shorter time, fragments may have met an outage."""

CAPTURE_EDGE_NS = 1_000_000_000
"""A datagram may have begun so long before the capture, or go on so long after it."""

LEAST_APART_NS = 500_000_000
"""Handshakes of one connection at two points are no farther apart than those of another one by so much, ns."""

# Of single flows, and of fragments.

LEAST_UNANSWERED = 2
"""Retransmissions of the peer without an answer after which the other side counts as gone."""

GIVEN_UP_SHARE = 0.5
"""Of the datagrams captured, those that the receiver could not put together: less is loss."""


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
    """Whose commands the fixes are: names of `knowledge.fixes.PLATFORMS`, or "all"; none: a short list for Linux.
    One name alone may be given as it is."""

    max_decompressed_bytes: int | None = None
    """What each compressed file may decompress to; the rest is left, and the report says so. None: 512 MiB, which the
    files of one capture share, and 256 bytes for each compressed one, 64 GiB at most."""

    def __post_init__(self) -> None:
        """A single name is a platform, not a row of letters; a list is as good as a tuple."""
        most = self.max_decompressed_bytes
        if most is not None and not (isinstance(most, int) and 0 <= most < 1 << 62):
            raise UsageError(f"max_decompressed_bytes: expected a number of bytes, found {most!r}")
        names = (self.platforms,) if isinstance(self.platforms, str) else tuple(self.platforms)
        object.__setattr__(self, "platforms", names)
