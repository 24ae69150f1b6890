"""The next packet of a flow in which nothing is going on: in order, acknowledging what was sent, window open.

It may be inside of a tunnel: `tunnel.step_in` has found the way to it.

Most packets of most captures are of this kind (header prediction, as BSD's tcp_input has it, rests on that). What the
decoders and `tcp_state` would find out about them step by step is known beforehand: it takes one look at the headers,
and a few counters move. `tcp_state` says after each other packet whether its flow may take it. Results are the same
without this short way; a test compares the two.
"""

from __future__ import annotations

from typing import Any

from analyzer.decode.ether import ETHER_IPV4
from analyzer.decode.integers import Buffer, at, be16_inside, be32_inside
from analyzer.decode.network import PROTO_TCP
from analyzer.decode.packet_fields import (
    DIRECTION_UNKNOWN,
    END,
    ETHER_TYPE,
    INBOUND,
    LAYERS,
    NET,
    PACKET_DIRECTION,
    POINT,
    TS,
)
from analyzer.decode.tcp import ACK_FLAG, PSH, TIMESTAMPS_ONLY
from analyzer.flows.flow_tables import (
    C_FILE,
    FAST_BARE,
    FAST_INSIDE,
    FILE_SHIFT,
    MARK_DF,
    MARK_INSIDE,
    PROGRESS_SHIFT,
    State,
)
from analyzer.flows.lookup import Endpoints, find_hinted
from analyzer.flows.progress_log import put_progress
from analyzer.flows.recording import RING_MASK, store_row
from analyzer.flows.sizes import note_delivered, note_size
from analyzer.kernels.marks import checked_in_front, inlined, unlikely

FARTHEST = 1 << 30  # RFC 7323 2.3: the largest window; numbers farther away belong to no live byte
LEAST_BYTES = 40  # of a packet: IPv4 and TCP headers without options
MOST_FIXED_BYTES = 64  # read without looking at lengths: IPv6 header, TCP header and the first word of its options


@inlined
def is_known(direction: Any, transfer: Any, odd: Any) -> bool:
    """True if all that a direction's first packets tell is known, and nothing is missing or closed."""
    return (
        direction["seen"] != 0
        and direction["ref"] != 0
        and direction["base_set"] != 0
        and direction["una_known"] != 0
        and direction["first_ts"] != 0
        and (transfer["odd"] == 0 or (odd["hole_ts"] == 0 and odd["window_zero_ts"] == 0))
    )


@inlined
def may_take_fast_path(flow: Any, me: Any, out: Any, odd_out: Any, peer: Any, peer_out: Any, odd_peer_out: Any) -> bool:
    """True if the flow's next packets may take the short way: not recorded, all known."""
    return (
        flow["recording"] == 0
        and (flow["ack_ts"] != 0 or flow["syn_ack_ts"] == 0)
        and is_known(me, out, odd_out)
        and is_known(peer, peer_out, odd_peer_out)
    )


@inlined
def four_words(buf: Buffer, o: int) -> tuple[int, int, int, int]:
    """An IPv6 address."""
    return (be32_inside(buf, o), be32_inside(buf, o + 4), be32_inside(buf, o + 8), be32_inside(buf, o + 12))


@inlined
@checked_in_front
def take_fast_path(state: State, buf: Buffer, h: list[int], frame: int, hint: int, known: int) -> bool:
    """Take the packet behind the link header if its flow may take this path.

    False if not, with nothing done but perhaps the flow found; nothing of `h` is changed. `known` is the number of its
    flow; -1: it is to be found, and may be `hint`.

    No index is checked when compiled: MOST_FIXED_BYTES from NET on are in `buf`; flow numbers come from our own
    tables; places in the ring and in `progress` are masked.
    """
    net = h[NET]
    end = h[END]
    if unlikely(net < 0 or net + LEAST_BYTES > end or net + MOST_FIXED_BYTES > len(buf)):
        return False
    word = be32_inside(buf, net)
    if h[ETHER_TYPE] == ETHER_IPV4:
        fragment = be32_inside(buf, net + 4)
        hops = be32_inside(buf, net + 8)
        if unlikely(word >> 24 != 0x45 or fragment & 0x3FFF != 0 or hops >> 16 & 0xFF != PROTO_TCP):
            return False
        version = 4
        ip_len = word & 0xFFFF
        ip_id = fragment >> 16
        df = fragment >> 14 & 1
        ttl = hops >> 24
        tcp = net + 20
        ports = be32_inside(buf, tcp)
        source = be32_inside(buf, net + 12)
        target = be32_inside(buf, net + 16)
        side = 0 if source < target or (source == target and ports >> 16 <= ports & 0xFFFF) else 1
        low = target if side else source
        high = source if side else target
        low_port = ports & 0xFFFF if side else ports >> 16
        high_port = ports >> 16 if side else ports & 0xFFFF
        ends = Endpoints(4, h[POINT], (low, 0, 0, 0), (high, 0, 0, 0), low_port, high_port)
        number = find_hinted(state, ends, hint, known)
    else:
        hops = be32_inside(buf, net + 4)
        if unlikely(word >> 28 != 6 or hops >> 8 & 0xFF != PROTO_TCP or hops >> 16 == 0):
            return False
        version = 6
        ip_len = 40 + (hops >> 16)
        ip_id = -1
        df = 1
        ttl = hops & 0xFF
        tcp = net + 40
        ports = be32_inside(buf, tcp)
        source_words = four_words(buf, net + 8)
        target_words = four_words(buf, net + 24)
        side = (
            0 if source_words < target_words or (source_words == target_words and ports >> 16 <= ports & 0xFFFF) else 1
        )
        low_port = ports & 0xFFFF if side else ports >> 16
        high_port = ports >> 16 if side else ports & 0xFFFF
        if side:
            ends = Endpoints(6, h[POINT], target_words, source_words, low_port, high_port)
        else:
            ends = Endpoints(6, h[POINT], source_words, target_words, low_port, high_port)
        number = find_hinted(state, ends, hint, known)
    word = be32_inside(buf, tcp + 12)
    header = (word >> 28) * 4
    head_len = tcp + header - net
    payload = ip_len - head_len
    window = word & 0xFFFF
    if unlikely(
        word >> 16 & (0xFF & ~PSH) != ACK_FLAG
        or window == 0
        or payload < 0
        or net + head_len > end
        or not (header == 20 or (header == 32 and be32_inside(buf, tcp + 20) == TIMESTAMPS_ONLY))
    ):
        return False
    if unlikely(number < 0):
        return False
    flow = state.flows[at(number)]
    inside = h[LAYERS] != 0
    # The first one inside, or the first outside, tells of the flow what was not known.
    if unlikely(flow["fast_path"] & (FAST_INSIDE if inside else FAST_BARE) == 0):
        return False
    me = state.directions[at(2 * number + side)]
    peer = state.directions[at(2 * number + 1 - side)]
    out = state.transfers[at(2 * number + side)]
    peer_out = state.transfers[at(2 * number + 1 - side)]
    odd_out = state.odd_transfers[at(2 * number + side)]
    odd_peer_out = state.odd_transfers[at(2 * number + 1 - side)]
    seq = me["snd_max"] + 0
    una = peer["una"] + 0
    acked = (be32_inside(buf, tcp + 8) - una) & 0xFFFFFFFF
    outstanding = peer["snd_max"] - una
    if unlikely(
        be32_inside(buf, tcp + 4) != seq & 0xFFFFFFFF
        or not 0 <= outstanding < FARTHEST
        or acked > outstanding
        or ttl < me["ttl_min"]
        or ttl > me["ttl_max"]
        or h[TS] < flow["last_ts"]
    ):
        return False
    # An ACK for nothing new, from the side that spoke last, may be the capture's copy.
    if unlikely(payload == 0 and acked == 0 and state.ring[at(flow["last_row"] & RING_MASK)]["side"] == side):
        return False
    ts = h[TS]
    frame_id = state.counters[C_FILE] << FILE_SHIFT | frame
    flow["packets"] += 1
    flow["bytes"] += ip_len
    flow["last_ts"] = ts
    me["packets"] += 1
    me["last_ts"] = ts
    if unlikely(h[PACKET_DIRECTION] != DIRECTION_UNKNOWN):
        if h[PACKET_DIRECTION] == INBOUND:
            odd_out["came_in"] += 1
        else:
            odd_out["went_out"] += 1
    me["window"] = window << int(me["wscale"]) if me["wscale"] >= 0 and peer["wscale"] >= 0 else window
    ack = una + acked
    if acked > 0:
        peer["una"] = ack
        if unlikely((peer_out["progress_ts"] ^ ts) >> PROGRESS_SHIFT):
            put_progress(state, peer_out, 2 * number + 1 - side)
        peer_out["progress_ts"] = ts
        if peer_out["odd"]:
            odd_peer_out["run_count"] = 0
        note_delivered(peer_out, odd_peer_out, ack, frame_id, ts)
    if peer_out["progress_ts"] == ts:
        peer_out["progress_frame"] = frame_id
    marks = 0
    if payload > 0:
        me["snd_max"] = seq + payload
        marks = note_size(out, odd_out, peer, version, ip_len, header, payload, df, seq + payload, frame_id, ip_len)
        out["data_packets"] += 1
        out["payload_bytes"] += payload
        out["last_data_ts"] = ts
        out["last_data_frame"] = frame_id
        out["last_data_len"] = ip_len
        if not df:
            odd_out["nodf_packets"] += 1
    if df:
        marks |= MARK_DF
    if inside:
        marks |= MARK_INSIDE
    checksum = be16_inside(buf, tcp + 16)
    flags = word >> 16 & 0xFF
    store_row(
        state, buf, flow, ts, frame, number, side, seq, ack, payload, ip_len, window, ip_id, checksum, marks, flags,
        ttl, net, head_len,
    )  # fmt: skip
    return True
