"""Bounds for the work of judging: how often a flow's packets are looked at, and how many flows one by one.

A capture may be made so that every packet is asked about every other; or be compressed so that a small file has very
many flows, each with a trouble of its own. Emits `Effort`, on which all that walks over the packets of a flow draws,
and `Allowance`, on which flows draw that are not judged with others.
"""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.settings import (
    BYTES_A_JUDGED_PACKET,
    JUDGED_PACKETS,
    LOOKS_AT_A_PACKET,
    OF_LONG_FLOWS,
    PACKED_BYTES_A_JUDGED_PACKET,
    PACKETS_A_JUDGED_CONVERSATION,
    PACKETS_A_JUDGED_FLOW,
)


class TooMuchError(Exception):
    """The effort is used up."""


class Effort:
    """So many looks at the packets and PTBs of one flow, of which there are `items`."""

    def __init__(self, items: int) -> None:
        self._items = items
        self.renew()

    def renew(self) -> None:
        """As at first: something else is asked."""
        self.left = LOOKS_AT_A_PACKET * self._items

    def spend(self, looks: int) -> None:
        """Use up some of it. Raises TooMuchError if there is not as much."""
        self.left -= looks
        if self.left < 0:
            raise TooMuchError

    def lift(self) -> None:
        """Bound it no longer."""
        self.left = 1 << 62


def paid_for(files: Iterable[tuple[int, int]]) -> int:
    """How many recorded packets may be judged for the size of files: bytes as stored, and decompressed, of each."""
    return sum(
        stored // (BYTES_A_JUDGED_PACKET if stored >= whole else PACKED_BYTES_A_JUDGED_PACKET)
        for stored, whole in files
    )


class Allowance:
    """So many flows of a capture as may be judged one by one. `beyond` are rows of the flow table that are too many.

    Args:
        paid: so many recorded packets the input's size pays for (`paid_for`).
        ptbs: how many PTBs there are to look at besides.
    """

    def __init__(self, paid: int, ptbs: int = 0) -> None:
        self.beyond: set[int] = set()
        self._left = max(JUDGED_PACKETS - ptbs, 0) + paid

    def allows(self, row: int, packets: int) -> bool:
        """Whether the flow of a row, which has so many recorded packets, may be judged; if so it draws on this."""
        self._left -= PACKETS_A_JUDGED_FLOW + min(packets, OF_LONG_FLOWS) + max(packets - OF_LONG_FLOWS, 0) // 8
        if self._left < 0:
            self.beyond.add(row)
        return self._left >= 0

    def allows_conversation(self, datagrams: int) -> bool:
        """Whether a UDP conversation with so many recorded datagrams may be judged; if so it draws on this."""
        self._left -= PACKETS_A_JUDGED_CONVERSATION + datagrams
        return self._left >= 0
