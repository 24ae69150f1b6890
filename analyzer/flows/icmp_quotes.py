"""ICMP messages worth keeping, and the flow that an ICMP error quotes.

A router quotes the IP header and at least 8 bytes behind it (RFC 792; RFC 1812 and RFC 4443 ask for more):
ports and sequence number of a TCP segment are in those 8 bytes.
"""

from __future__ import annotations

from analyzer.decode.icmp import KIND_ERROR, KIND_OTHER, KIND_PTB, icmp_kind
from analyzer.decode.integers import Buffer, be16, be32
from analyzer.decode.network import PROTO_TCP, decode_ipv4, decode_ipv6
from analyzer.decode.packet_fields import (
    DF,
    DPORT,
    ECHO_ID,
    ECHO_SEQ,
    END,
    FLAGS,
    FRAGMENT,
    ICMP_CODE,
    ICMP_MTU,
    ICMP_SUM,
    ICMP_TYPE,
    IP_END,
    IP_LEN,
    L4,
    LAYERS,
    NET,
    OK,
    PROTO,
    QUOTE,
    SEQ,
    SPORT,
    TS,
    TTL,
    VERSION,
)
from analyzer.decode.tcp import NUMBERED_BYTES, ip_length_on_wire
from analyzer.decode.tunnel import descend
from analyzer.flows.conversations import number_quoted_udp
from analyzer.flows.datagram_ring import record_conversation
from analyzer.flows.flow_tables import C_FILE, C_ICMPS, C_ICMPS_LOST, C_PTB, State
from analyzer.flows.lookup import endpoint_order, endpoints_of, find_slot, flow_of_packet, put_hosts
from analyzer.flows.recording import copy_bytes, start_recording
from analyzer.flows.sizes import forget_larger
from analyzer.flows.tcp_state import unwrap_seq
from analyzer.kernels.marks import kernel
from analyzer.model.wire_sizes import LEAST_V4_MTU
from analyzer.settings import AFTERMATH_ROWS, DATAGRAMS_AFTER, ICMP_HEAD_BYTES

QUOTED_IP = 1
QUOTED_PORTS = 2
QUOTED_SEQ = 3
PTB_HISTORY = 64


@kernel
def read_quote(buf: Buffer, h: list[int], q: list[int]) -> int:
    """Decode the quoted packet's headers into `q`; returns how much of them is there (QUOTED_ or 0)."""
    q[LAYERS] = 0
    if h[QUOTE] == 0:
        return 0
    end = h[IP_END]
    if h[VERSION] == 4:
        if decode_ipv4(buf, h[QUOTE], end, q) != OK:
            return 0
    elif decode_ipv6(buf, h[QUOTE], end, q) != OK:
        return 0
    # The quote is cut on purpose: only the capture bounds it, not its own length field.
    if q[PROTO] != PROTO_TCP and q[FRAGMENT] != 2:
        q[END] = end
        q[IP_END] = end
        if descend(buf, q) != OK:  # an encapsulated packet was too big: who sent the inner one?
            return 0 if q[LAYERS] else QUOTED_IP
    if q[PROTO] != PROTO_TCP or q[FRAGMENT] == 2 or q[L4] + 4 > end:
        return QUOTED_IP
    q[SPORT] = be16(buf, q[L4])
    q[DPORT] = be16(buf, q[L4] + 2)
    if q[L4] + 8 > end:
        return QUOTED_PORTS
    q[SEQ] = be32(buf, q[L4] + 4)
    return QUOTED_SEQ


@kernel
def number_quoted(state: State, buf: Buffer, h: list[int], q: list[int]) -> None:
    """Number the stream of a quoted packet that is not in the capture, as Wireshark does.

    Such a flow holds no packets; it is only there so that later flows get Wireshark's numbers.
    """
    if read_quote(buf, h, q) != QUOTED_SEQ or q[FRAGMENT] or h[FRAGMENT]:
        return
    if q[L4] + NUMBERED_BYTES <= min(h[IP_END], q[IP_END]):
        q[FLAGS] = buf[q[L4] + 13] + 0
        flow_of_packet(state, q, endpoint_order(q))


@kernel
def track_icmp(state: State, buf: Buffer, h: list[int], q: list[int], frame: int) -> None:
    """Keep an ICMP error or echo as a row, tied to the flow that it quotes."""
    kind = icmp_kind(h)
    if kind == KIND_PTB:
        state.counters[C_PTB] += 1
    if kind == KIND_OTHER:
        return
    if kind in (KIND_PTB, KIND_ERROR):
        number_quoted(state, buf, h, q)
        talk = number_quoted_udp(state, buf, h, q)
        if talk >= 0 and kind == KIND_PTB:
            record_conversation(state, talk, DATAGRAMS_AFTER)
    number = state.counters[C_ICMPS]
    if number >= len(state.icmps):
        state.counters[C_ICMPS_LOST] += 1
        return
    state.counters[C_ICMPS] = number + 1
    row = state.icmps[number]
    row["ts"] = h[TS]
    row["frame"] = frame
    row["file"] = state.counters[C_FILE]
    row["kind"] = kind
    row["type"] = h[ICMP_TYPE]
    row["code"] = h[ICMP_CODE]
    row["mtu"] = h[ICMP_MTU]
    row["version"] = h[VERSION]
    row["ip_len"] = ip_length_on_wire(h)
    row["df"] = h[DF]
    row["ttl"] = h[TTL]
    row["fragment"] = h[FRAGMENT]
    put_hosts(row, h)
    row["echo_id"] = h[ECHO_ID]
    row["echo_seq"] = h[ECHO_SEQ]
    row["flow"] = -1
    length = min(min(h[IP_END], h[END]) - h[NET], ICMP_HEAD_BYTES)
    row["header_len"] = length
    copy_bytes(state.icmp_header_bytes, number, buf, h[NET], length)
    if kind in (KIND_PTB, KIND_ERROR):
        row["sum"] = h[ICMP_SUM]
        tie_to_flow(state, buf, h, q, number, kind)


@kernel
def tie_to_flow(state: State, buf: Buffer, h: list[int], q: list[int], number: int, kind: int) -> None:
    """Find the flow that ICMP row `number` quotes; a PTB starts the recording of that flow."""
    row = state.icmps[number]
    quoted = read_quote(buf, h, q)
    row["quoted"] = quoted
    if quoted < QUOTED_PORTS:
        return
    side = endpoint_order(q)
    found = state.slots[find_slot(state, endpoints_of(q, side))] - 1
    if found < 0 or state.flows[found]["packets"] == 0:
        return
    row["flow"] = found
    row["side"] = side
    direction = state.directions[2 * found + side]
    row["una"] = direction["una"] if direction["una_known"] else -1
    row["snd_max"] = direction["snd_max"]
    row["seq"] = unwrap_seq(q[SEQ], direction["snd_max"] + 0) if quoted == QUOTED_SEQ else -1
    if q[LAYERS]:
        # It was sent to the tunnel's end, which may pass it on to the flow's sender or not.
        row["overhead"] = q[NET] - h[QUOTE]
        if kind == KIND_PTB:
            start_recording(state, found, PTB_HISTORY, AFTERMATH_ROWS)
    elif kind == KIND_PTB:
        transfer = state.transfers[2 * found + side]
        odd = state.odd_transfers[2 * found + side]
        odd["ptbs"] += 1
        if LEAST_V4_MTU <= h[ICMP_MTU] < q[IP_LEN] and (odd["size_cap"] == 0 or h[ICMP_MTU] < odd["size_cap"]):
            transfer["odd"] = 1
            odd["size_cap"] = h[ICMP_MTU]
            forget_larger(transfer, odd, h[ICMP_MTU])
        start_recording(state, found, PTB_HISTORY, AFTERMATH_ROWS)
