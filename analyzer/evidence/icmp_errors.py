"""What hosts and routers say of packets that they do not pass on or take, for another reason than their size.

Destination unreachable other than PTB, and a TTL that ran out on the way: who is told so has the reason why a packet
got no answer. Emits `Refused`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from analyzer.decode.icmp import ECHO_REQUEST, KIND_ERROR, V6_ECHO_REQUEST
from analyzer.decode.tunnel import PROTO_UDP
from analyzer.evidence.icmp_rows import quoted_packet, refusing
from analyzer.evidence.ptb import CHECKSUM_WRONG
from analyzer.model.statement import FrameRef

ECHOES = frozenset({(1, ECHO_REQUEST), (58, V6_ECHO_REQUEST)})
"""Protocol and type of a ping."""

Datagram = tuple[str, int, str, int]
"""Source address and port, destination address and port."""

Echo = tuple[str, str, int, int]
"""Source and destination address, identifier and sequence number of a ping."""


class Refusal(NamedTuple):
    """One ICMP error."""

    ref: FrameRef
    ts: int


class Refused(NamedTuple):
    """What was refused, by what the errors quote, in order of time."""

    datagrams: dict[Datagram, list[Refusal]]
    pings: frozenset[Echo]


def refused(icmps: Any, header_bytes: Any) -> Refused:
    """The UDP datagrams and pings that ICMP errors quote."""
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
        transport = packet[(packet[0] & 15) * 4 if version == 4 else 40 :]
        words = (int.from_bytes(transport[:2]), int.from_bytes(transport[2:4]))
        if protocol == PROTO_UDP and len(transport) >= 4:
            ref = FrameRef(int(row["file"]), int(row["frame"]))
            datagrams[src, words[0], dst, words[1]].append(Refusal(ref, int(row["ts"])))
        elif len(transport) >= 8 and (protocol, transport[0]) in ECHOES:
            pings.add((src, dst, int.from_bytes(transport[4:6]), int.from_bytes(transport[6:8])))
    return Refused(
        {ends: sorted(found, key=lambda each: each.ts) for ends, found in datagrams.items()}, frozenset(pings)
    )


def between(refusals: Sequence[Refusal], first: int, last: int) -> tuple[FrameRef, ...]:
    """Frames of those that came in that time, ns."""
    return tuple(each.ref for each in refusals if first <= each.ts <= last)
