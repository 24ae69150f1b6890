"""Which of several files were captured at different points: the same packet is in two of them.

A both-ends capture of one incident is not one capture in time order: clocks differ, and every packet that
arrived is there twice. Flows of different points are followed apart, and judged together
(`verdicts.merge_points`, `points`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from analyzer.capture.reader import CaptureReader
from analyzer.decode.network import PROTO_TCP
from analyzer.decode.packet_fields import (
    ACK,
    DPORT,
    DST,
    FLAGS,
    IP_END,
    IP_ID,
    L4,
    OK,
    PAYLOAD,
    PROTO,
    SEQ,
    SPORT,
    SRC,
    TCP_LEN,
    TS,
    WINDOW,
)
from analyzer.decode.tcp import ACK_FLAG, OPTION_TIMESTAMPS, SYN, option_from
from analyzer.flows.flow_tables import C_EVENTS, State
from analyzer.passes.datagram_marks import SeenMarks, datagram_mark
from analyzer.passes.one_packet import decode_packet

SAMPLED_PACKETS = 3_000
"""Packets of a file that are compared, of few files; of many, fewer of each."""

SHARED_PACKETS = 2
"""Packets in common that tell: none is, of files that one host wrote one after the other."""

SHARED_BEYOND_NAT = 4
"""As above, where addresses or ports differ: all else of them is equal."""

SHARED_BARE = 8
"""As above, of packets without identification and timestamps. A segment that is sent again is the same packet in every
file of a ring buffer, and so are ACKs that repeat; but those of which a file has several do not count."""

FEW_FILES = 8
TIMESTAMPS_LEN = 10
TIMESTAMPED = 32  # a TCP header with timestamps

REMEMBERED_PACKETS = 100_000
"""Packets that are decoded and remembered of all files together, for some 2 s."""

WORD = 0xFFFFFFFF
MIXED = 0x9E3779B97F4A7C15
"""An odd number to mix with: 2**64 divided by the golden ratio."""

Opening = tuple[int, int]
"""Initial sequence numbers of a connection as on the wire: the client's and the server's."""

PointOpening = tuple[int, int, int]
"""Capture point, and what a connection has there."""

MOST_POINTS = 64
"""Capture points that are told apart. Nobody has more; who copies a file a thousand times has."""


class _Signatures(NamedTuple):
    """Hashes of the packets of a file, or of a point, in several ways: two must be equal before a packet counts."""

    whole: set[int]  # with addresses and ports
    translated: set[int]  # without
    bare: set[int]  # of packets that nothing tells from their copies
    renumbered: dict[int, tuple[Opening, int, float]]
    """By numbers that count from the SYNs: in which connection, the packet's mark, and what share of a proof it is."""
    datagrams: SeenMarks

    @classmethod
    def none(cls) -> _Signatures:
        """Of no packet."""
        return cls(set(), set(), set(), {}, SeenMarks())

    def add(self, other: _Signatures) -> None:
        """Those of the other as well."""
        self.whole.update(other.whole)
        self.translated.update(other.translated)
        self.bare.update(other.bare)
        self.renumbered.update(other.renumbered)
        self.datagrams.add(other.datagrams)

    def shared(self, other: _Signatures) -> bool:
        """True if the same packets are in both."""
        return (
            len(self.whole & other.whole) >= SHARED_PACKETS
            or len(self.translated & other.translated) >= SHARED_BEYOND_NAT
            or len(self.bare & other.bare) >= SHARED_BARE
            or bool(self.renumbered_as(other))
            or self.datagrams.shared(other.datagrams)
        )

    def renumbered_as(self, other: _Signatures) -> list[tuple[Opening, Opening]]:
        """Connections that the other has with other initial sequence numbers: a firewall puts in its own."""
        found: dict[tuple[Opening, Opening], dict[int, float]] = defaultdict(dict)
        for key in self.renumbered.keys() & other.renumbered.keys():
            (mine, mark, weight), (theirs, _, _) = self.renumbered[key], other.renumbered[key]
            if mine != theirs:
                found[mine, theirs][mark] = weight
        return [pair for pair, marks in found.items() if sum(marks.values()) >= 1]


class Points:
    """Tells the capture point of each of `count` files, from 0; all are 0 where no packet is in two of them."""

    def __init__(self, count: int) -> None:
        self._most = SAMPLED_PACKETS if count <= FEW_FILES else SAMPLED_PACKETS // 10
        self._most = min(self._most, max(REMEMBERED_PACKETS // max(count, 1), SHARED_PACKETS))
        self._alone = count < 2
        self._seen_at: list[_Signatures] = []
        self.renumbered: list[tuple[PointOpening, PointOpening]] = []
        """Connections that two points saw with other initial sequence numbers."""

    def of(self, reader: CaptureReader) -> int:
        """The point of a started reader. Of too many points the last is given again."""
        if self._alone:
            return 0
        own = _signatures(reader, self._most)
        known = self._seen_at
        point = next((i for i, others in enumerate(known) if not own.shared(others)), len(known))
        if point == len(known) and point < MOST_POINTS:
            known.append(_Signatures.none())
        point = min(point, MOST_POINTS - 1)
        for other, those in enumerate(known):
            if other != point:
                self.renumbered += [((point, *mine), (other, *theirs)) for mine, theirs in own.renumbered_as(those)]
        known[point].add(own)
        return point


def _signatures(reader: CaptureReader, most: int) -> _Signatures:
    """What tells a packet from every other, retransmissions included.

    A retransmission has a new IPv4 identification, or where that is 0 a new timestamp.
    """
    found = _Signatures.none()
    bare: Counter[int] = Counter()
    openings: dict[tuple[int, ...], tuple[Opening, bool]] = {}  # of the ends of a direction; it is the client's
    for _, h, view in reader.sample(most):
        if decode_packet(view, h) != OK or h[PROTO] != PROTO_TCP:
            datagram = datagram_mark(view, h)
            if datagram is not None:
                found.datagrams.note(datagram, h[TS])
            continue
        start = h[L4] + 20
        options = bytes(view[start : h[L4] + h[TCP_LEN]]) if h[TCP_LEN] >= TIMESTAMPED else b""
        ends = (*h[SRC : SRC + 4], *h[DST : DST + 4], h[SPORT], h[DPORT])
        packet = (h[SEQ], h[ACK], h[PAYLOAD], h[FLAGS])
        if h[FLAGS] & SYN:
            _open(openings, h, ends)
        elif ends in openings:
            opening, from_client = openings[ends]
            for key, mark, weight in _renumbered(view, h, opening if from_client else opening[::-1], ends):
                found.renumbered[hash((from_client, key))] = opening, mark, weight
        if h[IP_ID] <= 0 and not options:
            bare[hash((ends, packet, h[WINDOW]))] += 1
            continue
        own = (h[IP_ID], b"" if h[IP_ID] > 0 else options)
        found.whole.add(hash((ends, packet, own)))
        if h[PAYLOAD]:
            found.translated.add(hash((packet, own)))
    found.datagrams.over()
    found.bare.update(key for key, times in bare.items() if times == 1)
    return found


def _open(openings: dict[tuple[int, ...], tuple[Opening, bool]], h: Sequence[int], ends: tuple[int, ...]) -> None:
    """Remember the initial numbers of both directions, which a SYN with ACK tells."""
    half = len(ends) // 2 - 1
    back = (*ends[half:-2], *ends[:half], ends[-1], ends[-2])
    openings.pop(ends, None)
    openings.pop(back, None)
    if h[FLAGS] & ACK_FLAG:
        numbers = ((h[ACK] - 1) & WORD, h[SEQ])
        openings[ends], openings[back] = (numbers, False), (numbers, True)


def _renumbered(
    view: memoryview, h: Sequence[int], numbers: Opening, ends: tuple[int, ...]
) -> Iterator[tuple[int, int, float]]:
    """What tells a packet whatever the initial numbers are, its sender's first, each with a mark and its weight.

    Packets with several marks must be the same: some hosts put one identification into all packets, or begin each
    connection with the same timestamp. Where the ends may be others, both have to agree.
    """
    packet = ((h[SEQ] - numbers[0]) & WORD, (h[ACK] - numbers[1]) & WORD, h[PAYLOAD], h[FLAGS])
    ident = max(h[IP_ID], 0)
    stamp = _timestamps(view, h)
    if stamp or ident:
        weight = 1 / (SHARED_BEYOND_NAT if stamp else SHARED_BARE)
        yield hash((packet, ident, stamp or h[WINDOW], ends)), ident or hash(stamp), weight
    if stamp and ident:
        yield hash((packet, ident, stamp)), ident, 1 / SHARED_BEYOND_NAT


def _timestamps(view: memoryview, h: Sequence[int]) -> bytes:
    """The values of the timestamps option; nothing where there is none."""
    end = min(h[IP_END], h[L4] + h[TCP_LEN])
    o = option_from(view, h[L4] + 20, end)
    while o >= 0:
        if view[o] == OPTION_TIMESTAMPS and view[o + 1] == TIMESTAMPS_LEN:
            return bytes(view[o + 2 : o + TIMESTAMPS_LEN])
        o = option_from(view, o + view[o + 1], end)
    return b""


def told_apart(state: State, points: Sequence[int]) -> list[int] | None:
    """Points of files that were read as one, but hold the same packets: their beginnings have nothing in common.

    That is seen where it matters: of flows in trouble packets are recorded, those of all files. None if no two files of
    a point share any.

    Args:
        state: the tables of the first pass.
        points: the point as which each file was read.
    """
    events = state.events[: int(state.counters[C_EVENTS])]
    if len(set(points)) == len(points) or not len(events):
        return None
    events = events[(events["payload"] > 0) & (events["ip_id"] > 0)]
    shared = _shared_files(events, points)
    if not shared:
        return None
    out: list[int] = []
    for file, point in enumerate(points):
        taken = {out[other] for other in range(file) if points[other] != point or (other, file) in shared}
        out.append(next(number for number in range(len(points)) if number not in taken))
    return [min(point, MOST_POINTS - 1) for point in out]


def _shared_files(events: Any, points: Sequence[int]) -> set[tuple[int, int]]:
    """Pairs of files of one point that hold the same packets, retransmissions told apart by their identification."""
    key = np.zeros(len(events), np.uint64)
    for name in ("seq", "ack", "payload", "flags", "ip_id"):
        key = (key ^ (events[name].astype(np.int64) & 0xFFFFFFFF).astype(np.uint64)) * np.uint64(MIXED)
        key ^= key >> np.uint64(29)
    order = np.lexsort((events["file"], key))
    key, files, idents = key[order], events["file"][order], events["ip_id"][order]
    found: dict[tuple[int, int], set[int]] = defaultdict(set)
    same = np.flatnonzero((key[1:] == key[:-1]) & (files[1:] != files[:-1]))
    for place in same.tolist():
        one, two = int(files[place]), int(files[place + 1])
        if points[one] == points[two]:
            found[one, two].add(int(idents[place]))
    # Where all packets have the same identification, it tells nothing.
    return {pair for pair, those in found.items() if len(those) >= SHARED_BEYOND_NAT}
