"""What the sender did after a PTB: whether it obeyed, and whether the quoted bytes were acknowledged then.

Many PTBs are about the same bytes and name the same MTU, so what they have in common is worked out once. Emits
`PtbAnswers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np

from analyzer.evidence.exchange import Exchange
from analyzer.evidence.in_time import InTime
from analyzer.evidence.ptb import PtbSeen
from analyzer.evidence.range_maximum import RangeMaximum
from analyzer.evidence.segments import Segment
from analyzer.model.wire_sizes import LEAST_V4_MTU
from analyzer.settings import FILLS_BYTES

NEVER = -(1 << 62)  # ns: before any time
FOREVER = 1 << 62

FEW_ACKS = 64
"""ACKs that are looked at one after the other; of more a search finds one."""


class PtbAnswers:
    """Answers for the PTBs about one direction of a flow."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._cuts: dict[tuple[int, int], int] = {}
        self._shrunk: dict[int, tuple[int, InTime[Segment]]] = {}
        self._resends: dict[tuple[int, int | None], InTime[Segment]] = {}

    @cached_property
    def _acks(self) -> tuple[InTime[Segment], Callable[[int, int, int], int]]:
        """The ACKs of the peer, and what finds the first in a range of them that reaches a number."""
        acks = [s for s in self._exchange.heard.items if s.has_ack]
        in_time = InTime(acks, [s.ts for s in acks], self._exchange.effort)
        if len(acks) <= FEW_ACKS:
            return in_time, lambda at, end, least: next((i for i in range(at, end) if acks[i].ack >= least), -1)
        return in_time, RangeMaximum(np.array([s.ack for s in acks], np.int64)).first_reaching

    def acked_after(self, ptb: PtbSeen) -> Segment | None:
        """The packet of the peer that acknowledged the quoted byte after the PTB, or None."""
        beyond = ptb.quoted_seq if ptb.quoted_seq is not None else ptb.una
        if ptb.quoted_seq is None and ptb.una < 0:
            return None
        acks, first_reaching = self._acks
        at = acks.first_at(ptb.ts)
        while (at := first_reaching(at, len(acks), beyond + 1)) >= 0:
            self._exchange.effort.spend(1)
            if acks.items[at].ts >= ptb.ts:
                return acks.items[at]
            at += 1
        return None

    def cut_after(self, ptb: PtbSeen) -> bool:
        """True if the quoted byte was sent again at a size that the PTB allows: it was obeyed, whatever came of it."""
        if ptb.defect not in (None, "checksum") or ptb.quoted_seq is None:
            return False  # a checksum may be filled in, or made wrong, behind the capture point
        key = (ptb.quoted_seq, ptb.mtu)
        if key not in self._cuts:
            cuts = (
                s.ts
                for s in self._exchange.resent
                if s.ip_len <= ptb.mtu and s.seq <= ptb.quoted_seq < s.seq + s.payload
            )
            self._cuts[key] = max(cuts, default=NEVER)
        return self._cuts[key] >= ptb.ts

    def shrunk_after(self, ptb: PtbSeen, delay: int) -> Segment | None:
        """The first packet that shows that the sender obeyed, whatever became of the quoted bytes; or None.

        From `delay` ns after the PTB on nothing larger is sent, and something that fills what the PTB allows is.
        """
        if not LEAST_V4_MTU <= ptb.mtu < ptb.quoted_len:
            return None
        if ptb.mtu not in self._shrunk:
            sent = [s for s in self._exchange.data_sent if not s.super_segment]
            larger = max((s.ts for s in sent if s.ip_len > ptb.mtu and s.df), default=NEVER)
            filling = [s for s in sent if s.ip_len > ptb.mtu - FILLS_BYTES and not (s.ip_len > ptb.mtu and s.df)]
            self._shrunk[ptb.mtu] = larger, InTime(filling, [s.ts for s in filling], self._exchange.effort)
        larger, allowed = self._shrunk[ptb.mtu]
        return None if larger >= ptb.ts + delay else next(allowed.walk(ptb.ts, FOREVER), None)

    def obeyed(self, ptb: PtbSeen, delay: int) -> bool:
        """True if the sender is seen to have obeyed: the quoted bytes sent smaller, or all that follows."""
        return self.cut_after(ptb) or self.shrunk_after(ptb, delay) is not None

    def resends_after(self, ptb: PtbSeen, delay: int) -> Iterator[Segment]:
        """Transmissions of the quoted byte, too big and with DF, sent at least `delay` ns after the PTB.

        To clear DF is to obey: Linux does so where it is told less than 552 bytes. Without a quoted sequence
        number, any retransmission larger than the announced MTU counts.
        """
        about_other_bytes = ptb.defect in ("sequence", "tuple")
        useless_mtu = ptb.defect in ("mtu_not_smaller", "mtu_zero", "below_1280")
        too_big = ptb.quoted_len - 1 if useless_mtu else ptb.mtu
        byte = None if about_other_bytes else ptb.quoted_seq
        key = (too_big, byte)
        if key not in self._resends:
            found = [
                s
                for s in self._exchange.resent
                if s.data and s.df and s.ip_len > too_big and (byte is None or s.seq <= byte < s.seq + s.payload)
            ]
            self._resends[key] = InTime(found, [s.ts for s in found], self._exchange.effort)
        return self._resends[key].walk(ptb.ts + delay, FOREVER)
