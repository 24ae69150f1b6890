"""The flows of an analysis: a sequence that makes most of them only when somebody asks.

A capture may hold a million connections, of which a few have a problem. What every report needs of the others, their
verdict, is a number in a table; a `Flow` with its words and frames takes a thousand times as much.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, overload

import numpy as np

if TYPE_CHECKING:
    from analyzer.findings import Flow

KEPT = 10_000
"""Flows that are kept once they were made; of a larger capture the others are made again each time, unless something
is recorded of them: those take longer to make, and the bound on what is recorded is one on their number."""


class Owner(Protocol):
    """What the flows are part of."""

    def adopt(self, flow: Flow) -> None:
        """Make `flow` know it."""


class FlowList(Sequence["Flow"]):
    """Flows in order of their stream numbers, as immutable as a tuple of them.

    Args:
        streams: their stream numbers, ascending.
        codes: index in `verdicts` of each flow's verdict.
        verdicts: the names of all verdicts.
        made: flows that exist already, by stream number.
        make: makes the flow of a stream number.
    """

    def __init__(
        self,
        streams: np.ndarray[Any, Any],
        codes: np.ndarray[Any, Any],
        verdicts: Sequence[str],
        made: dict[int, Flow],
        make: Callable[[int], Flow],
    ) -> None:
        self.streams = streams
        self._codes = codes
        self._verdicts = verdicts
        self._made = dict(made)
        self._make = make
        self._room = KEPT
        self._owner: Owner | None = None

    def belong_to(self, owner: Owner) -> None:
        """Hand every flow to `owner.adopt` before anybody else sees it. Only the first owner counts."""
        if self._owner is None:
            self._owner = owner
            for flow in self._made.values():
                owner.adopt(flow)

    def counts(self) -> Counter[str]:
        """How many flows have each verdict; without the verdicts that none has."""
        numbers = np.bincount(self._codes, minlength=len(self._verdicts)).tolist()
        return Counter({verdict: count for verdict, count in zip(self._verdicts, numbers, strict=True) if count})

    def having(self, verdicts: Collection[str]) -> list[Flow]:
        """The flows whose verdict is one of `verdicts`."""
        wanted = np.array([verdict in verdicts for verdict in self._verdicts])
        return [self[index] for index in np.flatnonzero(wanted[self._codes]).tolist()]

    def find(self, stream: int) -> Flow | None:
        """The flow with this stream number, or None."""
        index = int(np.searchsorted(self.streams, stream))
        return self[index] if index < len(self.streams) and self.streams[index] == stream else None

    def __len__(self) -> int:
        return len(self.streams)

    @overload
    def __getitem__(self, index: int) -> Flow: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Flow, ...]: ...
    def __getitem__(self, index: int | slice) -> Flow | tuple[Flow, ...]:
        """One flow, or a tuple of some."""
        if isinstance(index, slice):
            return tuple(self._flow(int(stream)) for stream in self.streams[index])
        return self._flow(int(self.streams[index]))

    def __iter__(self) -> Iterator[Flow]:
        return (self._flow(stream) for stream in self.streams.tolist())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (FlowList, tuple)):
            return NotImplemented
        return len(self) == len(other) and all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # as all that compares by its content and is large

    def __repr__(self) -> str:
        return f"<{len(self):,} flows: {dict(self.counts())}>"

    def _flow(self, stream: int) -> Flow:
        flow = self._made.get(stream)
        if flow is None:
            flow = self._make(stream)
            if self._owner is not None:
                self._owner.adopt(flow)
            if flow.timeline is not None:
                self._made[stream] = flow
            elif self._room:
                self._room -= 1
                self._made[stream] = flow
        return flow
