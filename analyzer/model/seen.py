"""What a capture shows of its flows beside their verdicts: data sent again, waiting, resets, connections never opened.

Verdicts answer one question. These are counts that say what else to look at, healthy flows included.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

TRAITS = np.dtype([("data_packets", "u4"), ("resent", "u4"), ("waited", "f8"), ("marks", "u1")])
"""What is kept of each flow: packets with data, and those of them that were sent again; the longest time in seconds
that such a one waited, from its first transmission to its last one (0: the flow is short, or nothing of it was
recorded); and the marks below."""

RESET_BY_CLIENT = 1
RESET_BY_SERVER = 2
"""An RST of that end came before any FIN: the connection was not closed in the usual way."""
REFUSED = 4  # the SYN was answered by an RST
UNANSWERED = 8  # nothing answered the SYN
ENDS_WAITING = 16  # what was sent last was sent again, and is not acknowledged when the capture ends


class Seen(NamedTuple):
    """Some flows taken together."""

    data_packets: int
    resent: int  # of `data_packets`
    longest_stall: float | None  # seconds; None where nothing waited
    stalled_stream: int | None  # whose stall that was
    reset_by_client: int  # flows
    reset_by_server: int
    refused: int
    unanswered: int
    ends_waiting: int


def seen_in(traits: np.ndarray[Any, Any], streams: np.ndarray[Any, Any]) -> Seen:
    """What some flows show.

    Args:
        traits: dtype TRAITS, one a flow.
        streams: their stream numbers.
    """
    marks = traits["marks"]

    def count(mark: int) -> int:
        return int(np.count_nonzero(marks & mark))

    longest = int(traits["waited"].argmax()) if len(traits) else -1
    waited = float(traits["waited"][longest]) if longest >= 0 else 0.0
    return Seen(
        data_packets=int(traits["data_packets"].sum()),
        resent=int(traits["resent"].sum()),
        longest_stall=waited or None,
        stalled_stream=int(streams[longest]) if waited else None,
        reset_by_client=count(RESET_BY_CLIENT),
        reset_by_server=count(RESET_BY_SERVER),
        refused=count(REFUSED),
        unanswered=count(UNANSWERED),
        ends_waiting=count(ENDS_WAITING),
    )
