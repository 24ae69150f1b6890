"""Large packets of encrypted tunnels that come alone, at gaps that double: as a timer of TCP inside sends them.

What is in a tunnel cannot be read. But TCP that gets no answer sends one segment again after a time, then after twice
as long, and so on (RFC 6298 5.5), and each tunnel makes of equal segments packets of equal size. For each direction of
a conversation the latest such series is kept; large packets that do not fit end it, but for the few with which hosts
give a connection up.
"""

from __future__ import annotations

from analyzer.decode.integers import Buffer, be32
from analyzer.decode.packet_fields import DPORT, IP_END, L4, PROTO, SPORT, TS
from analyzer.decode.tunnel import PORT_IPSEC, PROTO_ESP
from analyzer.flows.conversation_tables import (
    TIMED_ROWS,
    TUNNEL_ESP,
    TUNNEL_NONE,
    TUNNEL_OPENVPN,
    TUNNEL_WIREGUARD,
)
from analyzer.flows.flow_tables import C_FILE, C_SERIES, State
from analyzer.kernels.marks import kernel
from analyzer.settings import LEAST_TIMED, MOST_LATER, TIMED_HEAD_BYTES

LEAST_TIMER = 190_000_000
"""ns: a little less than the shortest retransmission timeout of any usual stack (Linux: 200 ms)."""

LEAST_GROWTH, MOST_GROWTH = 16, 26
"""Tenths: from one gap to the next, doubling, but for the clock of the sender."""

OPENVPN_PORT = 1194
OPENVPN_OPENINGS = (0x38, 0x40, 0x50)
"""First bytes: hard reset of a client and of a server, and a client's with a cookie of the server; key 0."""

OPENVPN_DATA = (0x30, 0x48)
"""First bytes of data but for the key's number: P_DATA_V1 and P_DATA_V2."""


@kernel
def tunnel_of(buf: Buffer, h: list[int], start: int, opening: int) -> int:
    """Which tunnel a large packet is of, by the first bytes of its payload at `start`, if any."""
    if start + 8 > h[IP_END]:
        return TUNNEL_NONE
    word = be32(buf, start)
    if word == 0x04000000:
        return TUNNEL_WIREGUARD
    if h[SPORT] == PORT_IPSEC or h[DPORT] == PORT_IPSEC:
        return TUNNEL_ESP if word != 0 else TUNNEL_NONE
    code = word >> 24 & 0xF8
    if (code == OPENVPN_DATA[0] or code == OPENVPN_DATA[1]) and (
        h[SPORT] == OPENVPN_PORT
        or h[DPORT] == OPENVPN_PORT
        or opening == OPENVPN_OPENINGS[0]
        or opening == OPENVPN_OPENINGS[1]
        or opening == OPENVPN_OPENINGS[2]
    ):
        return TUNNEL_OPENVPN
    return TUNNEL_NONE


@kernel
def note_large(state: State, buf: Buffer, h: list[int], number: int, side: int, frame: int, size: int) -> None:
    """Go on with the series of this direction, begin one, or end it."""
    last = state.udp_alone[2 * number + side]
    gap = h[TS] - last["ts"]
    same = last["size"] == size
    grown = last["gap"] + 0
    goes_on = same and last["timed"] >= 2 and LEAST_GROWTH * grown <= 10 * gap <= MOST_GROWTH * grown
    if not goes_on and last["timed"] >= LEAST_TIMED and last["later"] < MOST_LATER:
        last["later"] += 1
        return
    last["later"] = 0
    if goes_on and gap >= LEAST_TIMER:
        keep_timed(state, buf, h, number, side, frame, size)
    elif not same or gap < LEAST_TIMER:
        last["timed"] = 0
    else:
        begin_series(state, number, side)
        if last["series"]:
            keep_timed(state, buf, h, number, side, frame, size)
    last["ts"] = h[TS]
    last["frame"] = frame
    last["file"] = state.counters[C_FILE]
    last["size"] = size
    last["gap"] = gap


@kernel
def begin_series(state: State, number: int, side: int) -> None:
    """With the large packet before, unless the table is full."""
    last = state.udp_alone[2 * number + side]
    if last["series"] == 0:
        place = state.counters[C_SERIES]
        if (place + 1) * TIMED_ROWS > len(state.timed):
            return
        state.counters[C_SERIES] = place + 1
        last["series"] = place + 1
    row = state.timed[(last["series"] - 1) * TIMED_ROWS]
    row["ts"] = last["ts"]
    row["frame"] = last["frame"]
    row["file"] = last["file"]
    row["size"] = last["size"]
    row["flow"] = number
    row["side"] = side
    row["reply"] = 0
    row["mine"] = state.udp_sent[2 * number + side]["packets"]
    row["others"] = state.udp_sent[2 * number + 1 - side]["packets"]
    row["head_len"] = 0
    last["timed"] = 1


@kernel
def keep_timed(state: State, buf: Buffer, h: list[int], number: int, side: int, frame: int, size: int) -> None:
    """Write the packet into the table; beyond its rows only the last is renewed."""
    last = state.udp_alone[2 * number + side]
    at = min(last["timed"] + 0, TIMED_ROWS - 1)
    place = (last["series"] - 1) * TIMED_ROWS + at
    row = state.timed[place]
    row["ts"] = h[TS]
    row["frame"] = frame
    row["file"] = state.counters[C_FILE]
    row["size"] = size
    row["flow"] = number
    row["side"] = side
    row["reply"] = 0
    row["mine"] = state.udp_sent[2 * number + side]["packets"]
    row["others"] = state.udp_sent[2 * number + 1 - side]["packets"]
    start = h[L4] if h[PROTO] == PROTO_ESP else h[L4] + 8
    length = min(h[IP_END] - start, TIMED_HEAD_BYTES)
    row["head_len"] = length
    for i in range(length):
        state.timed_heads[place, i] = buf[start + i]
    last["timed"] = at + 1


@kernel
def note_reply(state: State, number: int, side: int, ts: int) -> None:
    """The other end of `side` sent something: the first since the latest packet of the series."""
    last = state.udp_alone[2 * number + side]
    if last["timed"]:
        row = state.timed[(last["series"] - 1) * TIMED_ROWS + last["timed"] - 1]
        if row["reply"] == 0:
            row["reply"] = ts
