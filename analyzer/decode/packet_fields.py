"""The one packet being decoded: a flat array of integers, and the names of its places.

The skim owns one such array and overwrites it for every packet. It is a list of ints when interpreted
and an int64 array when compiled. Sizes are bytes, times int64 nanoseconds since the epoch, offsets
count from the start of the chunk buffer.
"""

from __future__ import annotations

# Set by the container walk.
TS = 0  # capture time, ns
POINT = 1  # which of several capture points the packet's file was taken at: set once a file
WIRE_LEN = 2  # bytes on the wire, as the capture recorded them
LINK = 3  # LINKTYPE_ number
START = 4  # first byte of the frame
END = 5  # one past the last captured byte of the frame

# Set by the link layer.
ETHER_TYPE = 6  # what the link carries: 0x0800, 0x86DD, or another number
NET = 7  # first byte of the network header

# Set by the network layer.
VERSION = 8  # 4 or 6
IP_LEN = 9  # IP total length on the wire (IPv6: 40 + payload length); 0 stays 0 (offload)
IP_END = 10  # one past the last captured byte of the IP packet, link padding excluded
TTL = 11  # TTL or hop limit
IP_ID = 12  # IPv4 identification, -1 for IPv6
DF = 13  # 1: must not be fragmented on the way (IPv4 DF bit, or IPv6)
FRAGMENT = 14  # 0 whole, 1 first fragment, 2 later fragment
PROTO = 15  # transport protocol number
L4 = 16  # first byte of the transport header
SRC = 17  # four 32-bit words of the source address (IPv4: the first, others 0)
DST = 21  # four 32-bit words of the destination address

# Set by TCP (RFC 9293 3.1).
SPORT = 25
DPORT = 26
SEQ = 27
ACK = 28
FLAGS = 29  # 8 flag bits
WINDOW = 30  # as sent, not scaled
TCP_LEN = 31  # header length
PAYLOAD = 32  # payload bytes on the wire, from the headers, not from what was captured
MSS = 33  # options: -1 where absent
WSCALE = 34  # -2 where the snap length cut the options before it
SACK_OK = 35
HAS_TS = 36
DSACK = 37  # 1 if the first SACK block reports a duplicate (RFC 2883)
CHECKSUM = 38

# Set by ICMP.
ICMP_TYPE = 39
ICMP_CODE = 40
ICMP_MTU = 41  # next-hop MTU of a PTB, else 0
ICMP_SUM = 42  # 0 not all captured, 1 checksum right, 2 wrong
QUOTE = 43  # first byte of the quoted IP header, 0 if none was captured
ECHO_ID = 44
ECHO_SEQ = 45

# Set where something encapsulates the IP packet.
LAYERS = 46  # LAYER_ numbers of `decode.layers`, 5 bits each, the outermost in the highest; 0: none
OUTER = 47  # first byte of the outermost IP, MPLS or PPPoE header; valid where LAYERS is not 0

PACKET_DIRECTION = 48  # INBOUND and so on: how the capturing host saw the packet, where the capture says so

COUNT = 49

DIRECTION_UNKNOWN = 0
INBOUND = 1
OUTBOUND = 2

# Why a packet was not decoded: index into UNDECODED_REASONS.
OK = 0
REASON_LINK_TYPE = 1
REASON_NOT_IP = 2
REASON_LINK_CUT = 3
REASON_NETWORK_CUT = 4
REASON_NETWORK_MALFORMED = 5
REASON_LATER_FRAGMENT = 6
REASON_NOT_TCP = 7
REASON_TCP_CUT = 8
REASON_TCP_MALFORMED = 9
REASON_ICMP_CUT = 10
REASON_FLOW_LIMIT = 11
REASON_TUNNEL_CUT = 12
REASON_NESTED = 13
REASON_ENCRYPTED = 14
REASON_AGGREGATE = 15
REASON_INNER_FRAGMENT = 16

UNDECODED_REASONS = (
    "",
    "link type not supported",
    "not IP",
    "link header cut by snap length",
    "IP header cut by snap length",
    "IP header malformed",
    "later fragment",
    "not TCP or ICMP",
    "TCP header cut by snap length",
    "TCP header malformed",
    "ICMP header cut by snap length",
    "flow limit reached",
    "encapsulation cut by snap length",
    "encapsulated too often",
    "encrypted",
    "several 802.11 packets in one frame (A-MSDU)",
    "later fragment inside a tunnel",
)
