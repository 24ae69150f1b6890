"""A bound for the work of judging a flow: how often its packets are looked at.

A capture may be made so that every packet is asked about every other. Emits `Effort`, on which all that walks over
the packets of a flow draws.
"""

from __future__ import annotations

from analyzer.settings import LOOKS_AT_A_PACKET


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
