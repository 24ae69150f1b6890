"""PTBs whose quote names no flow of the capture, and the flows that they may be about all the same.

A quote whose addresses or ports were rewritten still carries the sequence number. One that is cut before the ports
still names addresses and a size. Both may fit many packets, of many flows. Emits `UntiedPtbs`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from analyzer.evidence.ptb import PtbSeen

MOST_TIED = 16
"""PTBs that are tied to one sequence number, or to one size, of a flow, at most: the first after the packet."""

Ends = tuple[tuple[str, int], tuple[str, int]]
"""(address, port) of side 0 and of side 1."""


class UntiedPtbs:
    """Those of the PTBs that are about no flow, by what is left in their quotes."""

    def __init__(self, ptbs: Iterable[PtbSeen]) -> None:
        self._by_seq: dict[int, list[PtbSeen]] = defaultdict(list)
        self._by_size: dict[tuple[str, str, int], list[PtbSeen]] = defaultdict(list)
        for ptb in sorted((p for p in ptbs if p.flow < 0), key=lambda p: p.ts):
            if ptb.quoted_seq is not None:
                self._by_seq[ptb.quoted_seq].append(ptb)
            if ptb.quoted_ports is None and ptb.quoted_src:
                self._by_size[ptb.quoted_src, ptb.quoted_dst, ptb.quoted_len].append(ptb)

    def about(self, side: int, ends: Ends, packets: Iterable[tuple[int, int, int]]) -> Iterator[tuple[PtbSeen, bool]]:
        """Those that may be about one direction of a flow, and whether size and addresses alone say so.

        `packets` are its data packets: sequence number, time, IP length.
        """
        tried: set[int | tuple[str, str, int]] = set()
        for number, ts, ip_len in packets if self._by_seq or self._by_size else ():
            seq = number & 0xFFFFFFFF
            if seq not in tried:
                tried.add(seq)
                yield from ((ptb, False) for ptb in _following(self._by_seq.get(seq, ()), ts))
            size = (ends[side][0], ends[1 - side][0], ip_len)
            if size not in tried:
                tried.add(size)
                for ptb in _following(self._by_size.get(size, ()), ts):
                    if ptb.quoted_port in (None, ends[side][1]):
                        yield ptb, True


def _following(ptbs: Sequence[PtbSeen], ts: int) -> Sequence[PtbSeen]:
    at = bisect_left(ptbs, ts, key=lambda p: p.ts)
    return ptbs[at : at + MOST_TIED]
