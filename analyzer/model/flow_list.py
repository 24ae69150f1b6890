"""The flows of an analysis: a sequence that makes most of them only when somebody asks.

A capture may hold a million connections, of which a few have a problem. What every report needs of the others, their
verdict, is a number in a table; a `Flow` with its words and frames takes a thousand times as much.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

import numpy as np

from analyzer.model.brief import Brief, brief_of
from analyzer.model.flow import Flow
from analyzer.model.statement import Statement
from analyzer.model.verdicts import VERDICTS, rank

KEPT = 10_000
"""Flows that are kept once they were made; of a larger capture the others are made again each time."""

FEW = 1_000
"""Flows of which each is made for its brief; of more, the briefs come in bulk."""


F_co = TypeVar("F_co", bound=Flow, covariant=True)
G = TypeVar("G", bound=Flow)

Reason = Callable[[int, str], Statement]
"""Says why the flow of a stream number has not a certain verdict."""


class FlowList(Sequence[F_co], Generic[F_co]):
    """Flows in order of their stream numbers, as immutable as a tuple of them.

    Args:
        streams: their stream numbers, ascending.
        codes: index in `verdicts` of each flow's verdict.
        verdicts: the names of all verdicts.
        made: flows that exist already, by stream number.
        make: makes the flow of a stream number.
        reason: says why the flow of a stream number has not a certain verdict, other than its own.
        briefs: of flows that need not be made for it.
        many: gives the briefs of flows in bulk, by stream number, some 10 times as fast as making each.
        traits: what they show beside their verdicts, dtype `model.seen.TRAITS`, one a flow; None where unknown.
    """

    def __init__(
        self,
        streams: np.ndarray[Any, Any],
        codes: np.ndarray[Any, Any],
        verdicts: Sequence[str],
        made: Mapping[int, F_co],
        make: Callable[[int], F_co],
        reason: Reason | None = None,
        briefs: Mapping[int, Brief] | None = None,
        many: Callable[[Sequence[int]], Mapping[int, Brief]] | None = None,
        traits: np.ndarray[Any, Any] | None = None,
    ) -> None:
        self.streams = streams
        self.traits = traits
        self._codes = codes
        self._verdicts = verdicts
        self._made = dict(made)
        self._make = make
        self._reason = reason
        self._briefs = dict(briefs or {})
        self._many = many
        self._room = KEPT

    @classmethod
    def of(cls, flows: Sequence[F_co]) -> FlowList[F_co]:
        """Flows that exist already, in order of their stream numbers."""
        codes = np.array([rank(flow.verdict) for flow in flows], np.int64)
        streams = np.array([flow.stream for flow in flows], np.int64)
        return cls(streams, codes, VERDICTS, {flow.stream: flow for flow in flows}, _no_such_flow)

    def mapped(self, change: Callable[[F_co], G]) -> FlowList[G]:
        """The same flows, each as `change` makes it when somebody asks; their streams and verdicts must stay."""
        return FlowList(
            self.streams,
            self._codes,
            self._verdicts,
            {},
            _Changed(self, change),
            self._reason,
            self._briefs,
            self._many,
            self.traits,
        )

    def revised(self, flows: Mapping[int, F_co], also: Callable[[Reason], Reason] | None = None) -> FlowList[F_co]:
        """The same flows, but for some that something else is known of, by stream number.

        `also` makes of what says why flows have not other verdicts something that knows about these as well.
        """
        reason = also(self._reason) if also is not None and self._reason is not None else self._reason
        codes = self._codes.copy()
        codes[np.searchsorted(self.streams, list(flows))] = [rank(flow.verdict) for flow in flows.values()]
        briefs = {stream: brief for stream, brief in self._briefs.items() if stream not in flows}
        made = {**self._made, **flows}
        return FlowList(self.streams, codes, self._verdicts, made, self._make, reason, briefs, self._many, self.traits)

    def why_not(self, stream: int, verdict: str) -> Statement | None:
        """What the flow with this stream number lacks to have `verdict`; None if it has it, or nobody can tell.

        Raises:
            KeyError: there is no such flow.
        """
        flow = self.find(stream)
        if flow is None:
            raise KeyError(stream)
        return None if flow.verdict == verdict or self._reason is None else self._reason(stream, verdict)

    def counts(self) -> Counter[str]:
        """How many flows have each verdict; without the verdicts that none has."""
        numbers = np.bincount(self._codes, minlength=len(self._verdicts)).tolist()
        return Counter({verdict: count for verdict, count in zip(self._verdicts, numbers, strict=True) if count})

    def streams_with(self, verdicts: Collection[str]) -> list[int]:
        """Stream numbers of the flows whose verdict is one of `verdicts`."""
        wanted = np.array([verdict in verdicts for verdict in self._verdicts])
        found: list[int] = self.streams[wanted[self._codes]].tolist()
        return found

    def brief(self, stream: int) -> Brief:
        """What is to be known of one of the list's flows to choose among them."""
        return self._briefs.get(stream) or brief_of(self.made(stream))

    def briefs_with(self, verdicts: Collection[str]) -> list[tuple[int, Brief]]:
        """The briefs of the flows whose verdict is one of `verdicts`, with their stream numbers."""
        streams = self.streams_with(verdicts)
        if self._many is not None:
            missing = [stream for stream in streams if stream not in self._briefs and stream not in self._made]
            if len(missing) > FEW:
                self._briefs.update(self._many(missing))
        return [(stream, self.brief(stream)) for stream in streams]

    def having(self, verdicts: Collection[str]) -> list[F_co]:
        """The flows whose verdict is one of `verdicts`."""
        return [self.made(stream) for stream in self.streams_with(verdicts)]

    def find(self, stream: int) -> F_co | None:
        """The flow with this stream number, or None."""
        index = int(np.searchsorted(self.streams, stream))
        return self[index] if index < len(self.streams) and self.streams[index] == stream else None

    def __len__(self) -> int:
        return len(self.streams)

    @overload
    def __getitem__(self, index: int) -> F_co: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[F_co, ...]: ...
    def __getitem__(self, index: int | slice) -> F_co | tuple[F_co, ...]:
        """One flow, or a tuple of some."""
        if isinstance(index, slice):
            return tuple(self.made(int(stream)) for stream in self.streams[index])
        return self.made(int(self.streams[index]))

    def __iter__(self) -> Iterator[F_co]:
        return (self.made(stream) for stream in self.streams.tolist())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (FlowList, tuple)):
            return NotImplemented
        return len(self) == len(other) and all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # as all that compares by its content and is large

    def __repr__(self) -> str:
        return f"<{len(self):,} flows: {dict(self.counts())}>"

    def made(self, stream: int) -> F_co:
        """The flow with this stream number, which is one of the list's."""
        flow = self._made.get(stream)
        if flow is None:
            flow = self._make(stream)
            if self._room:
                self._room -= 1
                self._made[stream] = flow
        return flow


@dataclass(frozen=True)
class _Changed(Generic[F_co, G]):
    """Makes the flow of a stream number out of that of another list. No closure: lists can be pickled."""

    flows: FlowList[F_co]
    change: Callable[[F_co], G]

    def __call__(self, stream: int) -> G:
        return self.change(self.flows.made(stream))


def _no_such_flow(stream: int) -> Any:
    raise KeyError(stream)
