"""Large packets of an encrypted tunnel that came alone, at gaps that double, and were followed by nothing as large.

Emits `TimedSeries`: what a timer of TCP inside the tunnel would look like from outside. What it is, nobody can tell.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from analyzer.evidence.conversation_rows import Tables
from analyzer.flows.conversation_tables import TIMED_ROWS, TUNNEL_ESP, TUNNEL_OPENVPN, TUNNEL_WIREGUARD
from analyzer.model.statement import FrameRef
from analyzer.settings import LEAST_TIMED, LEAST_TIMED_UNANSWERED

NAMES = {TUNNEL_WIREGUARD: "WireGuard", TUNNEL_ESP: "ESP", TUNNEL_OPENVPN: "OpenVPN"}


@dataclass(frozen=True, slots=True)
class TimedSeries:
    """Such packets of one direction."""

    row: int  # of the conversation
    side: int
    tunnel: str
    size: int  # bytes of IP
    times: tuple[int, ...]  # ns
    frames: tuple[FrameRef, ...]
    unanswered: tuple[
        FrameRef, ...
    ]  # after these nothing came back within the first gap, which is longer than a round trip
    later: int  # large packets that followed
    others: int  # packets of the other end meanwhile
    smaller: int  # and smaller ones of this end


def timed_series(tables: Tables, end: int) -> Iterator[TimedSeries]:
    """Those that may be TCP without an answer, while smaller packets go both ways; `end`: of the capture, ns."""
    alone = tables.alone
    for place in np.flatnonzero(alone["timed"] >= LEAST_TIMED).tolist():
        first = (int(alone["series"][place]) - 1) * TIMED_ROWS
        count = int(alone["timed"][place])
        if count >= TIMED_ROWS:
            continue  # longer than any host waits: its last gap is not that to the one before
        rows, heads = tables.timed[first : first + count], tables.timed_heads[first : first + count]
        kind = int(tables.rows["tunnel"][place // 2])
        if not _counted(kind, rows, heads):
            continue
        found = _series(place, kind, rows, int(alone["later"][place]), end)
        if len(found.unanswered) >= LEAST_TIMED_UNANSWERED and found.others and found.smaller > 0:
            yield found


def _series(place: int, kind: int, rows: Any, later: int, end: int) -> TimedSeries:
    times = tuple(rows["ts"].tolist())
    frames = tuple(FrameRef(*ref) for ref in zip(rows["file"].tolist(), rows["frame"].tolist(), strict=True))
    wait = times[1] - times[0]
    unanswered = tuple(
        ref
        for ref, ts, reply in zip(frames[1:], times[1:], rows["reply"].tolist()[1:], strict=True)
        if ts + wait <= end and not 0 < reply <= ts + wait
    )
    mine, others = rows["mine"].tolist(), rows["others"].tolist()
    return TimedSeries(
        row=place // 2,
        side=place % 2,
        tunnel=NAMES[kind],
        size=int(rows["size"][0]),
        times=times,
        frames=frames,
        unanswered=unanswered,
        later=later,
        others=others[-1] - others[0],
        smaller=mine[-1] - mine[0] - (len(times) - 1),
    )


NUMBERS: dict[int, tuple[slice, Callable[[bytes], int]]] = {
    TUNNEL_WIREGUARD: (slice(0, 8), lambda head: int.from_bytes(head[8:16], "little")),
    TUNNEL_ESP: (slice(0, 4), lambda head: int.from_bytes(head[4:8])),
    TUNNEL_OPENVPN: (slice(0, 4), lambda head: int.from_bytes(head[4:8])),
}
"""What all packets of one key and direction have in common, and where they are counted: the WireGuard paper 5.4.6,
RFC 4303 2.2, and OpenVPN's P_DATA_V2."""


def _counted(kind: int, rows: Any, heads: Any) -> bool:
    """Whether the packets carry the growing numbers of such a tunnel, and one key's."""
    same, number = NUMBERS[kind]
    known = [head[:length].tobytes() for head, length in zip(heads[1:], rows["head_len"][1:].tolist(), strict=True)]
    if kind == TUNNEL_OPENVPN and known[0][:1] < b"\x48":
        return True  # P_DATA_V1 has its number in what is encrypted
    if len({head[same] for head in known}) != 1:
        return False
    return all(number(a) < number(b) for a, b in itertools.pairwise(known))
