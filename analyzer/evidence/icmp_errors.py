"""What hosts and routers say of packets that they do not pass on or take, for another reason than their size.

Destination unreachable other than PTB, and a TTL that ran out on the way: who is told so has the reason why a packet
got no answer. Emits `Refused`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from analyzer.decode.common_headers import V6_HEADER
from analyzer.decode.icmp import ECHO_REQUEST, KIND_ERROR, V6_ECHO_REQUEST
from analyzer.decode.tunnel import PROTO_UDP
from analyzer.evidence.icmp_rows import port_unreachable, quoted_packet, refusing
from analyzer.evidence.ptb import CHECKSUM_WRONG
from analyzer.evidence.row_addresses import row_address
from analyzer.flows.flow_tables import C_ICMPS, State
from analyzer.model.statement import FrameRef

ECHOES = frozenset({(1, ECHO_REQUEST), (58, V6_ECHO_REQUEST)})
"""Protocol and type of a ping."""

DONT_FRAGMENT = 0x40
"""Of the first byte of flags and fragment offset (RFC 791)."""

Datagram = tuple[str, int, str, int]
"""Source address and port, destination address and port."""

Echo = tuple[str, str, int, int]
"""Source and destination address, identifier and sequence number of a ping."""


class Refusal(NamedTuple):
    """One ICMP error about a UDP datagram."""

    ref: FrameRef
    ts: int  # ns
    ttl: int  # of the error
    closed: bool  # the receiver itself says that nobody listens at the port: the datagram came
    size: int  # of the datagram as quoted, bytes of IP
    df: bool  # which IPv6 has always
    came_ttl: int  # of the datagram, as quoted


class Refused(NamedTuple):
    """What was refused, by what the errors quote, in order of time."""

    datagrams: dict[Datagram, list[Refusal]]
    pings: frozenset[Echo]

    def about(self, src: str, sport: int, dst: str, dport: int) -> Sequence[Refusal]:
        """The errors about datagrams of one end of a conversation to the other."""
        return self.datagrams.get((src, sport, dst, dport), ())


class IcmpErrors:
    """The ICMP errors of a capture, read when somebody asks."""

    def __init__(self, state: State) -> None:
        self._state = state

    @cached_property
    def refused(self) -> Refused:
        """The UDP datagrams and pings that errors other than PTBs quote."""
        return refused(self._state.icmps[: self._state.counters[C_ICMPS]], self._state.icmp_header_bytes)


def refused(icmps: Any, header_bytes: Any) -> Refused:
    """The UDP datagrams and pings that ICMP errors quote."""
    closed = port_unreachable(icmps)
    which = (icmps["kind"] == KIND_ERROR) & refusing(icmps) & (icmps["quoted"] > 0) & (icmps["sum"] != CHECKSUM_WRONG)
    datagrams: dict[Datagram, list[Refusal]] = defaultdict(list)
    pings = set()
    for index in np.flatnonzero(which).tolist():
        row = icmps[index]
        head = header_bytes[index, : int(row["header_len"])].tobytes()
        version = int(row["version"])
        quoted = quoted_packet(head, version)
        if quoted is None:
            continue
        src, dst, protocol, packet = quoted
        transport = packet[(packet[0] & 15) * 4 if version == 4 else V6_HEADER :]
        words = (int.from_bytes(transport[:2]), int.from_bytes(transport[2:4]))
        if protocol == PROTO_UDP and len(transport) >= 4:
            datagrams[src, words[0], dst, words[1]].append(
                Refusal(
                    ref=FrameRef(int(row["file"]), int(row["frame"])),
                    ts=int(row["ts"]),
                    ttl=int(row["ttl"]),
                    closed=bool(closed[index]) and row_address(row, "s", version) == dst,
                    size=int.from_bytes(packet[2:4]) if version == 4 else int.from_bytes(packet[4:6]) + V6_HEADER,
                    df=version == 6 or bool(packet[6] & DONT_FRAGMENT),
                    came_ttl=packet[8] if version == 4 else packet[7],
                )
            )
        elif len(transport) >= 8 and (protocol, transport[0]) in ECHOES:
            pings.add((src, dst, int.from_bytes(transport[4:6]), int.from_bytes(transport[6:8])))
    return Refused(
        {ends: sorted(found, key=lambda each: each.ts) for ends, found in datagrams.items()}, frozenset(pings)
    )


def is_closed(refusals: Sequence[Refusal]) -> bool:
    """Whether, by one of these, nobody listens where the datagrams were sent."""
    return any(each.closed for each in refusals)


def between(refusals: Sequence[Refusal], first: int, last: int) -> tuple[FrameRef, ...]:
    """Frames of those that came in that time, ns."""
    return tuple(each.ref for each in refusals if first <= each.ts <= last)
