"""Every column of every table, declared once: its name, kind, unit and meaning.

The DataFrames, the CSV and `docs/api.md` are made from these declarations.
"""

from __future__ import annotations

from typing import NamedTuple

from analyzer.evidence.outcomes import NAMES as FATES
from analyzer.model.verdicts import VERDICTS


class Column(NamedTuple):
    """One column. Kinds and their dtypes are those of `DTYPES`."""

    name: str
    kind: str
    text: str
    unit: str = ""


DTYPES = {
    "int": "Int64",
    "count": "int64",
    "float": "Float64",
    "bool": "boolean",
    "flag": "bool",
    "text": "string",
    "category": "category",
    "time": "datetime64[ns, UTC]",
    "list": "object",
}
"""Dtype of each kind of column. "int", "float" and "bool" may be missing (`pandas.NA`), "count" and "flag" not."""

KINDS = ("syn", "fin", "rst", "duplicate", "keepalive", "retransmission", "zero_window", "hole", "data", "ack")
"""What an event mainly is, the first that fits."""

CATEGORIES: dict[str, tuple[str, ...]] = {
    "verdict": VERDICTS,
    "confidence": ("high", "medium", "low"),
    "direction": ("client_to_server", "server_to_client"),
    "fate": FATES,
    "kind": KINDS,
    "effect": ("accepted", "ignored"),
    "ends": ("size", "content", "all", "damaged"),
}
"""The values of categorical columns that are known beforehand; verdicts are ordered, the worst first."""

IP_BYTES = "bytes of IP total length"

FLOWS = (
    Column("stream", "int", "number of the flow, Wireshark's `tcp.stream`"),
    Column("client.ip", "text", "address of the end that opened the connection"),
    Column("client.port", "int", "its TCP port"),
    Column("server.ip", "text", "address of the other end"),
    Column("server.port", "int", "its TCP port"),
    Column("verdict", "category", "what became of the flow: the worse of its two directions"),
    Column("rule", "text", "id of the rule that decided, see `docs/verdicts.md`"),
    Column("confidence", "category", "how complete the proof is"),
    Column("direction", "category", "direction of the packets that the verdict is about"),
    Column("path_mtu.at_least", "int", "largest packet proven delivered in that direction", IP_BYTES),
    Column("path_mtu.at_most", "int", "one less than the smallest packet proven lost for its size", IP_BYTES),
    Column("path_mtu.exact", "int", "path MTU as a valid PTB names it", IP_BYTES),
    Column("stalled.first_frame", "int", "frame of the first transmission of the segment that did not get through"),
    Column("stalled.ip_len", "int", "size of that segment", IP_BYTES),
    Column("stalled.payload_len", "int", "its TCP payload", "bytes"),
    Column("stalled.seq", "int", "its sequence number as on the wire"),
    Column("stalled.df", "bool", "whether it must not be fragmented (IPv6: always)"),
    Column("stalled.retransmissions", "int", "how often it was sent again"),
    Column("stalled.seconds", "float", "from its first transmission until the ACK, or its last packet", "seconds"),
    Column("stalled.first_time", "time", "its first transmission", "UTC"),
    Column("stalled.last_time", "time", "its last transmission", "UTC"),
    Column("ptb.count", "int", "PTBs about the flow"),
    Column("explanation", "text", "the verdict in words"),
    Column("display_filter", "text", "Wireshark display filter for the flow"),
    Column("frame_filters", "text", "Wireshark display filters for the frames that the finding rests on, by file"),
    Column("packets", "int", "TCP packets of the flow in the capture"),
    Column("bytes", "int", "sum of their IP total lengths", "bytes"),
    Column("first_time", "time", "time of the flow's first packet", "UTC"),
    Column("last_time", "time", "time of its last packet", "UTC"),
    Column("file", "text", "file in which the flow starts"),
    Column("duration", "float", "from its first packet to its last one", "seconds"),
    Column("rtt", "float", "shortest round trip between the ends; missing where half of it was not seen", "seconds"),
    Column("client.mss", "int", "MSS that the client announced", "bytes of TCP payload"),
    Column("server.mss", "int", "MSS that the server announced", "bytes of TCP payload"),
    Column("retransmissions", "int", "segments that were sent again, by either end"),
    Column(
        "longest_stall", "float", "longest time that something waited which was sent again, until its ACK", "seconds"
    ),
    Column("encapsulation", "text", "tunnel in which it was captured, outermost header first; missing if in none"),
)

_OF_TCP = {"stalled.seq", "rtt", "client.mss", "server.mss", "retransmissions", "longest_stall", "encapsulation"}
_OF_UDP = {
    "stream": Column("stream", "int", "number of the conversation, Wireshark's `udp.stream`"),
    "client.ip": Column("client.ip", "text", "address of the end that sent the first datagram seen"),
    "client.port": Column("client.port", "int", "its UDP port"),
    "server.port": Column("server.port", "int", "its UDP port"),
    "stalled.payload_len": Column("stalled.payload_len", "int", "its UDP payload", "bytes"),
    "packets": Column("packets", "int", "datagrams of the conversation in the capture"),
}

UDP_FLOWS = (
    _OF_UDP["stream"],
    Column("protocol", "text", "what it speaks, as far as ports and first bytes tell: dns, quic, ...; else udp"),
    *(_OF_UDP.get(column.name, column) for column in FLOWS[1:] if column.name not in _OF_TCP),
)

FINDINGS = (
    Column("id", "text", "A, B, ... the gravest first"),
    Column("verdict", "category", "the gravest verdict of its flows"),
    Column("confidence", "category", "of the flows of that verdict the surest"),
    Column("protocol", "text", 'of the packets that it is about: "tcp", "icmp", "udp", "esp"'),
    Column("senders", "list", "addresses of the ends whose packets it is about; of more than 16 their /24 or /64"),
    Column("receivers", "list", "addresses of the other ends"),
    Column("crossed", "int", "largest packet known to get through; missing where size is no matter", IP_BYTES),
    Column("lost", "int", "smallest packet that got stuck for its size; missing where size is no matter", IP_BYTES),
    Column("at_least", "int", "what the brackets of its flows have in common", IP_BYTES),
    Column("at_most", "int", "what the brackets of its flows have in common", IP_BYTES),
    Column("exact", "int", "path MTU as a valid PTB names it", IP_BYTES),
    Column("flows", "count", "how many flows it has; 0 where pings, PTBs, fragments or UDP show it"),
    Column("streams", "list", "their numbers"),
    Column("example", "int", "the stream that shows it best; missing where no flow does"),
    Column("first_time", "time", "first transmission of what got stuck, in any of its flows", "UTC"),
    Column("last_time", "time", "last transmission of it", "UTC"),
    Column("explanation", "text", "the example's verdict in words, or what pings, PTBs, fragments or UDP show"),
)

PATHS = (
    Column("src", "text", "address of the sender"),
    Column("dst", "text", "address of the receiver"),
    Column("at_least", "int", "largest packet proven delivered, over all flows and pings", IP_BYTES),
    Column("at_most", "int", "one less than the smallest packet proven lost for its size", IP_BYTES),
    Column("exact", "int", "path MTU as a valid PTB names it", IP_BYTES),
    Column("verdict", "category", "the worst verdict of its flows, and of what pings, PTBs, fragments and UDP show"),
    Column("consistent_with", "list", "tunnels and links whose MTU lies in the bracket"),
    Column("streams", "list", "flows that were pooled"),
    Column("probes", "int", "pings with DF"),
    Column("without_df", "count", "large pings without DF, or in fragments: they prove nothing about the path MTU"),
)

POINTS = (
    Column("number", "count", "number of the capture point, in the order of the files"),
    Column("files", "list", "its files"),
    Column("interface", "text", "where one file holds several points, the interface"),
    Column("offset_s", "float", "added to its times it gives those of point 0", "seconds"),
    Column("uncertainty_s", "float", "the true offset is no farther away; missing: unknown", "seconds"),
    Column("drift_ppm", "float", "how much faster its clock runs", "millionths"),
)

LEGS = (
    Column("src", "text", "address of the sender"),
    Column("dst", "text", "address of the receiver"),
    Column("from", "count", "number of a capture point"),
    Column("to", "count", "number of the next one in the direction of the packets"),
    Column("at_least", "int", "largest packet that crossed; where the leg is narrow, since it is", IP_BYTES),
    Column("at_most", "int", "one less than the smallest of which none crossed while smaller ones did", IP_BYTES),
    Column("lost", "count", "packets that never came; where the leg is narrow, those above `at_least`"),
    Column("of", "count", "of so many that left"),
    Column("ends", "category", "what ends here; missing: nothing, or ordinary loss"),
    Column("segments", "count", "different segments that prove it"),
    Column("sure", "flag", "two of them, or one that crossed when it was cut smaller"),
    Column("ptb_lost", "flag", "PTBs about this direction got lost on their way back over this leg"),
    Column("mss_clamped", "flag", "the MSS of SYNs of this direction is lowered here"),
    Column("df_cleared", "flag", "DF is cleared here"),
    Column("fragmented", "flag", "packets are fragmented here"),
    Column("translated", "flag", "addresses or ports are translated here"),
    Column("altered", "count", "packets that arrived with a wrong checksum which they had not before"),
    Column("missed", "count", "packets that crossed, but are not in the capture of `to`"),
)

PTBS = (
    Column("frame", "count", "frame of the ICMP message (within its file)"),
    Column("file", "category", "file that holds it"),
    Column("time", "time", "when it was captured", "UTC"),
    Column("stream", "int", "flow that it quotes; missing where the quote fits none"),
    Column("mtu", "count", "next-hop MTU that it names", IP_BYTES),
    Column("router", "text", "who sent it"),
    Column("effect", "category", "whether the sender went by it; known for the PTBs that a verdict names"),
    Column("reason", "text", "why it was ignored; as above"),
    Column("destination", "text", "whom it was sent to"),
    Column("protocol", "text", "of the quoted packet; missing where that was not captured"),
    Column("quoted.source.ip", "text", "sender of the quoted packet"),
    Column("quoted.source.port", "int", "its port; missing where the quote ends before it, or there is none"),
    Column("quoted.destination.ip", "text", "receiver of the quoted packet"),
    Column("quoted.destination.port", "int", "its port; as above"),
    Column("quoted.ip_len", "int", "size of the quoted packet", IP_BYTES),
    Column("verdict", "category", "of its flow, or what PTBs alone show; missing where nothing is concluded"),
)

FRAGMENTS = (
    Column("src", "text", "address of the sender"),
    Column("dst", "text", "address of the receiver"),
    Column("protocol", "text", 'what is fragmented: "udp", "icmp", "esp", "gre", "protocol-132"'),
    Column("point", "count", "capture point, 0 where there is one"),
    Column("complete", "count", "datagrams of which all fragments came"),
    Column("first_only", "count", "datagrams of which only the first fragment came"),
    Column("later_only", "count", "datagrams of which the first fragment did not come"),
    Column("partial", "count", "datagrams of which the first fragment and some others came"),
    Column("overlapping", "count", "datagrams with fragments that hold the same bytes"),
    Column("gave_up", "count", "datagrams that the receiver says it could not put together in time"),
    Column("whole", "count", "unfragmented packets of these hosts and protocol since the first fragment"),
    Column("verdict", "category", "`fragment_loss`; `inconclusive` where a filter may hide the rest; else missing"),
)

_STREAM = Column("stream", "count", "number of the flow, Wireshark's `tcp.stream`")
_FRAME = Column("frame", "count", "frame number, Wireshark's (within its file)")
_FILE = Column("file", "category", "file that holds the packet")
_TIME = Column("time", "time", "when it was captured", "UTC")
_DIRECTION = Column("direction", "category", "which way the packet goes")
_SEQ_RAW = Column("seq_raw", "count", "sequence number as on the wire")
_ACK_RAW = Column("ack_raw", "int", "acknowledgement number as on the wire; missing without the ACK flag")
_SIZES = (
    Column("ip_len", "count", "size of the packet", IP_BYTES),
    Column("payload_len", "count", "TCP payload, from the headers (a snap length does not matter)", "bytes"),
)
_WINDOW = Column("window", "count", "receive window, scaled where both SYNs were captured", "bytes")
_FLAGS = Column("flags", "category", 'TCP flags, as in "SYN ACK"')
_TTL = Column("ttl", "count", "TTL or hop limit")
_DF = Column("df", "flag", "must not be fragmented (IPv6: always)")
_MARKS = (
    Column("retransmission", "flag", "holds bytes that were seen or acknowledged before"),
    Column("keepalive", "flag", "keep-alive probe: one byte, or none, below the next one"),
    Column("duplicate", "flag", "a copy made by the capture (mirror port, `-i any`), not sent twice"),
    Column("offloaded", "flag", "larger than any packet on the wire: captured before segmentation or after merging"),
    Column("encapsulated", "flag", "captured inside a tunnel; `ip_len` is that of the packet inside"),
)

EVENTS = (
    _STREAM, _FRAME, _FILE, _TIME, _DIRECTION,
    Column("kind", "category", "what it mainly is"),
    _SEQ_RAW, _ACK_RAW, *_SIZES, _WINDOW, _FLAGS, _TTL, _DF, *_MARKS,
)  # fmt: skip

EPISODES = (
    _STREAM,
    _DIRECTION,
    Column("first_frame", "count", "frame of the first transmission captured"),
    Column("file", "category", "file that holds it"),
    Column("time", "time", "when that was", "UTC"),
    _SEQ_RAW,
    Column("ip_len", "count", "size of the segment that was repeated", IP_BYTES),
    Column("payload_len", "count", "its TCP payload", "bytes"),
    _DF,
    Column("retransmissions", "count", "how often it was sent again at this size"),
    Column("seconds", "float", "from its first to its last transmission at this size", "seconds"),
    Column("acked_by", "int", "recorded frame that acknowledged it at last (within its file)"),
    Column("episode", "flag", "whether the run is long and spread enough to count as a stall"),
)

CHUNK_PACKETS = (
    _STREAM, _FRAME, _FILE, _TIME, _DIRECTION,
    Column("seq", "count", "relative sequence number, as Wireshark shows it, but going on above 2**32"),
    Column("ack", "int", "relative acknowledgement number; missing without the ACK flag"),
    _SEQ_RAW, _ACK_RAW,
    Column("wire_len", "count", "size of the frame with its link header", "bytes"),
    *_SIZES, _WINDOW, _FLAGS, _TTL, _DF,
    Column("sack", "list", "SACK blocks: pairs of relative sequence numbers, the second one past the last byte"),
    *_MARKS,
)  # fmt: skip

PACKETS = (
    *CHUNK_PACKETS,
    Column(
        "fate",
        "category",
        "delivered: acknowledged before any of it was sent again; lost: not so; needless: acknowledged before it was "
        "sent; unanswered: neither acknowledged nor sent again. Missing where there is nothing to acknowledge",
    ),
    Column("acked_by", "int", "frame that acknowledged a delivered packet"),
    Column("retransmission_of", "int", "frame of the first transmission of its bytes; missing if not captured"),
)

OF_FILES = {
    "acked_by": Column("acked_by.file", "category", "file of that frame (only with several files)"),
    "retransmission_of": Column("retransmission_of.file", "category", "file of that frame (only with several files)"),
}
"""Columns that follow these where the capture is several files."""

TABLES: dict[str, tuple[str, tuple[Column, ...]]] = {
    "analysis.flows": ("One row a flow.", FLOWS),
    "analysis.findings": ("One row a finding: flows with the same trouble on the same way.", FINDINGS),
    "analysis.paths": ("One row a pair of addresses and direction.", PATHS),
    "analysis.points": ("One row a capture point.", POINTS),
    "analysis.legs": (
        "One row a path and two neighbouring capture points of it, in the order of the path. None of one point.",
        LEGS,
    ),
    "analysis.ptbs": ("One row an ICMP message fragmentation needed (IPv4) or packet too big (IPv6).", PTBS),
    "analysis.udp_flows": ("One row a UDP conversation.", UDP_FLOWS),
    "analysis.fragments": ("One row a sender, receiver and protocol of fragmented datagrams.", FRAGMENTS),
    "analysis.events, flow.events": (
        "One row a recorded packet. Only flows in trouble are recorded: the packets around the trouble, bounded.",
        EVENTS,
    ),
    "flow.episodes": ("One row a run of retransmissions of the oldest unacknowledged byte.", EPISODES),
    "flow.packets": (
        "One row a TCP packet of the flow, all of them. Reads the capture again. Not in it: ICMP messages that quote "
        "the flow (see `analysis.ptbs`), later fragments, packets whose TCP header was not captured whole.",
        (*PACKETS, *OF_FILES.values()),
    ),
    "analyzer.read_packets()": ("One row a TCP packet, in chunks.", CHUNK_PACKETS),
}
"""The tables, as they are reached: what a row is, and the columns."""
