"""What a case of the simulated path is: elements, conversations, and the truth about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from lab.simulated.elements import (
    Element,
    Tap,
    Way,
)
from lab.simulated.path import Run, Talk

Kind = Literal["size", "content", "all", "damaged", "none"]

DOWN = (
    ("client", 0.10, 200), ("server", 0.14, 300), ("client", 0.30, 150), ("server", 0.34, 700),
    ("client", 0.60, 120), ("server", 0.64, 9 * 1448 + 700), ("client", 2.5, 90), ("client", 5.0, 60),
)  # fmt: skip
"""Small answers, then nine full segments and a short one."""
UP = tuple(({"client": "server", "server": "client"}[who], time, count) for who, time, count in DOWN)
DOWN_6 = tuple((who, time, 9 * 1428 + 700 if count > 5000 else count) for who, time, count in DOWN)
LONG = (
    *DOWN,
    *(
        (who, time, count)
        for i in range(20)
        for who, time, count in (("client", 6 + i * 15.0, 80), ("server", 6.05 + i * 15.0, 400))
    ),
)

V6 = ("2001:db8:c::10", "2001:db8:5::10")


@dataclass(frozen=True)
class Case:
    """One conversation, or several, and the truth about them."""

    name: str
    elements: Callable[[], Sequence[Element]]
    talks: tuple[Talk, ...]
    kind: Kind = "none"
    way: Way = "to_client"  # of the packets that end
    blamed: int = -1  # index of the element to blame
    ptb_dropped: int = -1  # index of the element that drops PTBs, which come from beyond it
    verdicts: frozenset[str] = frozenset()  # one of these, where all points are given; empty: any that accuses nobody
    certain: bool = True  # with all points the leg can be told
    sure: bool = True  # and with high confidence
    ports: frozenset[int] = frozenset()  # of the clients that are concerned; empty: all
    seconds: float = 14.0
    outside: tuple[tuple[str, int], ...] = ()

    def run(self) -> list[Tap]:
        """The capture points after the conversation, from the client to the server."""
        elements = list(self.elements())
        Run(elements, self.talks, self.seconds, dict(self.outside))
        return [element for element in elements if isinstance(element, Tap)]

    def leg(self, names: Sequence[str]) -> tuple[str | None, str | None] | None:
        """Between which of some points the packets end, in their direction."""
        return self._between(self.blamed, self.way, names)

    def ptb_leg(self, names: Sequence[str]) -> tuple[str | None, str | None] | None:
        """Between which of some points the PTBs end, in their direction; None if nobody of them saw any."""
        if self.ptb_dropped < 0:
            return None
        back: Way = "to_server" if self.way == "to_client" else "to_client"
        found = self._between(self.ptb_dropped, back, names)
        if found is None or None in found:
            return None
        # They come from the element to blame: a point beyond it never sees them.
        place = next(i for i, e in enumerate(self.elements()) if isinstance(e, Tap) and e.name == found[0])
        between = self.blamed < place < self.ptb_dropped or self.ptb_dropped < place < self.blamed
        return found if between else None

    def _between(self, index: int, way: Way, names: Sequence[str]) -> tuple[str | None, str | None] | None:
        if index < 0:
            return None
        before = after = None
        for place, element in enumerate(self.elements()):
            if not isinstance(element, Tap) or element.name not in names:
                continue
            if place < index:
                before = element.name
            elif after is None:
                after = element.name
        return (before, after) if way == "to_server" else (after, before)
