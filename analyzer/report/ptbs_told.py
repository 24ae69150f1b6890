"""The PTBs about a flow, in a line for each router, MTU and effect; of very many the first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from analyzer.model.flow import Ptb
from analyzer.model.statement import FrameRef
from analyzer.model.text import plural, printable

PTB_REASONS = {
    "checksum": "its checksum is wrong",
    "tuple": "it quotes other addresses or ports",
    "sequence": "it quotes a sequence number outside the window",
    "mtu_zero": "it names no MTU",
    "mtu_not_smaller": "its MTU is no smaller than the packet",
    "below_1280": "its MTU is below 1280",
    "host": "valid, but the host did not heed it",
}

SHOWN = 64
"""Lines at most. A path has a few routers; thousands of them are made up, and each would take lines of the report."""


def ptbs_told(ptbs: Sequence[Ptb]) -> Iterator[tuple[str, tuple[FrameRef, ...]]]:
    """Sentences about PTBs, each with its frames."""
    groups: dict[tuple[str, int, str | None], list[Ptb]] = {}
    for ptb in ptbs:
        groups.setdefault((ptb.router, ptb.mtu, ptb.reason), []).append(ptb)
    for (router, mtu, reason), same in islice(groups.items(), SHOWN):
        why = f": {PTB_REASONS.get(reason, printable(reason))}" if reason else ""
        text = f"{plural(len(same), 'PTB')} from {router}, MTU {mtu}, {same[0].effect}{why}"
        yield text, tuple(ptb.frame for ptb in same)
    if len(groups) > SHOWN:
        more = [ptb for same in islice(groups.values(), SHOWN, None) for ptb in same]
        yield f"{plural(len(more), 'more PTB')} of other routers, MTUs or effects", tuple(ptb.frame for ptb in more[:1])
