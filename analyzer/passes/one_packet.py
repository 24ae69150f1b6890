"""One packet: down through its headers to what it carries, and into the tables."""

from __future__ import annotations

from analyzer.decode.icmp import decode_icmp
from analyzer.decode.integers import Buffer
from analyzer.decode.link import decode_link
from analyzer.decode.network import PROTO_ICMP, PROTO_ICMPV6, PROTO_TCP, decode_network
from analyzer.decode.packet_fields import (
    DF,
    END,
    FRAGMENT,
    IP_LEN,
    L4,
    LAYERS,
    LINK,
    OK,
    PROTO,
    REASON_ENCRYPTED,
    REASON_FLOW_LIMIT,
    REASON_LATER_FRAGMENT,
    REASON_LINK_CUT,
    REASON_LINK_TYPE,
    REASON_NETWORK_CUT,
    REASON_NETWORK_MALFORMED,
    REASON_NOT_TCP,
    REASON_TCP_CUT,
    REASON_TCP_MALFORMED,
    REASON_TUNNEL_CUT,
    SPORT,
    TS,
    VERSION,
)
from analyzer.decode.tcp import decode_tcp
from analyzer.decode.tunnel import PROTO_ESP, PROTO_UDP, carries, descend, step_in
from analyzer.flows.conversations import count_carrier, follow_udp, has_udp_header, note_udp, own_direction
from analyzer.flows.fast_path import take_fast_path
from analyzer.flows.flow_tables import (
    C_FIRST_TS,
    C_ICMP_PACKETS,
    C_LAST_LINK,
    C_LAST_TS,
    C_PACKETS,
    C_PAIRS,
    C_UDP_ENDS,
    C_UNDECODED,
    State,
)
from analyzer.flows.fragments import note_datagram
from analyzer.flows.icmp_quotes import track_icmp
from analyzer.flows.lookup import NO_FLOW, number_stream
from analyzer.flows.tcp_state import track_tcp
from analyzer.kernels.marks import inlined, kernel, unlikely


@inlined
def decode_packet(buf: Buffer, h: list[int]) -> int:
    """Decode the packet at START down to TCP or ICMP; returns OK or the reason why not."""
    reason = decode_link(buf, h)
    return decode_inside(buf, h) if reason == OK else reason


@inlined
def decode_inside(buf: Buffer, h: list[int]) -> int:
    """As `decode_packet`, of a packet whose link header is decoded already."""
    reason = decode_network(buf, h)
    return decode_transport(buf, h) if reason == OK else reason


@inlined
def decode_transport(buf: Buffer, h: list[int]) -> int:
    """As `decode_packet`, of a packet whose outermost IP header is decoded already."""
    if h[FRAGMENT] == 2:
        return REASON_LATER_FRAGMENT
    if h[PROTO] != PROTO_TCP and h[PROTO] != (PROTO_ICMP if h[VERSION] == 4 else PROTO_ICMPV6):
        reason = descend(buf, h)
        if reason != OK:
            return reason
    if h[PROTO] == PROTO_TCP:
        return decode_tcp(buf, h)
    return decode_icmp(buf, h)


@kernel
def follow_outer(state: State, buf: Buffer, h: list[int], frame: int, end: int, own: int) -> int:
    """Follow the whole datagram outside of a packet that no TCP is in, decoded down to that, and decode it again."""
    h[END] = end
    decode_link(buf, h)
    decode_network(buf, h)
    follow_udp(state, buf, h, frame, own)
    return decode_transport(buf, h)


@kernel
def note_inner(state: State, buf: Buffer, h: list[int], frame: int, reason: int) -> None:
    """Note what a tunnel carries that is no whole TCP segment: a fragment, UDP. `reason` is what decoding it said."""
    # Where the capture ends in a header, it is not known which packet the fields are of: they may be the one around it.
    if reason not in (REASON_TUNNEL_CUT, REASON_NETWORK_CUT, REASON_NETWORK_MALFORMED, REASON_LINK_CUT):
        note_datagram(state, buf, h, frame)
    if reason != OK:
        note_udp(state, buf, h, frame)


@inlined
def count_undecoded(state: State, buf: Buffer, h: list[int], reason: int) -> None:
    """Count a packet in which no TCP or ICMP was found: as UDP, if it is followed as that."""
    if reason == REASON_NOT_TCP and has_udp_header(buf, h):
        state.counters[C_UDP_ENDS] += 1
    else:
        state.counters[C_UNDECODED + reason] += 1


@inlined
def take_packet(
    state: State, buf: Buffer, h: list[int], q: list[int], frame: int, reason: int, hint: int, known: int
) -> None:
    """Decode one packet behind its link header and follow it: every packet ends in exactly one counter.

    `reason` is what decoding the link header said, `hint` its flow, perhaps, and `known` is its flow (-1: nobody
    knows).
    """
    counters = state.counters
    ts = h[TS]
    packets = counters[C_PACKETS]
    counters[C_PACKETS] = packets + 1
    if ts > counters[C_LAST_TS] or packets == 0:
        counters[C_LAST_TS] = ts
    if unlikely(ts < counters[C_FIRST_TS] or packets == 0):
        counters[C_FIRST_TS] = ts
    end = h[END]
    stepped = False
    own = -1  # direction of the conversation of UDP that it is of, outside of all, while that is to be followed
    may_be_steady = reason == OK
    while may_be_steady:
        if not unlikely(not take_fast_path(state, buf, h, frame, hint, known)):
            return
        may_be_steady = False
        if not stepped and carries(buf, h) and decode_network(buf, h) == OK and h[FRAGMENT] == 0:
            stepped = True
            hint = -1
            if h[PROTO] != PROTO_TCP:
                if unlikely(counters[C_PAIRS] != 0):
                    note_datagram(state, buf, h, frame)
                if has_udp_header(buf, h):
                    own = own_direction(state, buf, h)
                elif h[PROTO] == PROTO_ESP:
                    note_udp(state, buf, h, frame)
            ip_len = h[IP_LEN]
            df = h[DF]
            protocol = h[PROTO]
            layers = h[LAYERS]
            reason = step_in(buf, h)
            may_be_steady = reason == OK
            if reason == OK:
                count_carrier(state, own, ip_len, df, ts, frame)
                own = -1
            elif protocol == PROTO_UDP and reason in (REASON_NOT_TCP, REASON_ENCRYPTED) and h[LAYERS] == layers:
                follow_udp(state, buf, h, frame, own)
                # It carries nothing: that is all there is to it.
                count_undecoded(state, buf, h, reason)
                return
    if stepped:  # it is no next packet of a steady flow: once more from the start, step by step
        h[END] = end
        reason = decode_link(buf, h)
    if reason == OK:
        reason = decode_network(buf, h)
        if reason == OK:
            if unlikely(not stepped and (h[PROTO] != PROTO_TCP or h[FRAGMENT] != 0)):
                note_datagram(state, buf, h, frame)
                note_udp(state, buf, h, frame)
            outermost = h[L4]
            reason = decode_transport(buf, h)
            if unlikely(own >= 0):
                reason = follow_outer(state, buf, h, frame, end, own)
            if unlikely(h[L4] != outermost and (reason != OK or h[PROTO] != PROTO_TCP or h[FRAGMENT] != 0)):
                note_inner(state, buf, h, frame, reason)
    if reason == OK:
        if h[PROTO] != PROTO_TCP:
            counters[C_ICMP_PACKETS] += 1
            track_icmp(state, buf, h, q, frame)
        elif track_tcp(state, buf, h, frame, known) == NO_FLOW:
            reason = REASON_FLOW_LIMIT
    if reason != OK:
        count_undecoded(state, buf, h, reason)
        if reason in (REASON_TCP_CUT, REASON_TCP_MALFORMED) and h[SPORT] >= 0 and not h[FRAGMENT]:
            number_stream(state, h)
        if reason == REASON_LINK_TYPE and counters[C_LAST_LINK] == 0:
            counters[C_LAST_LINK] = h[LINK] + 1
