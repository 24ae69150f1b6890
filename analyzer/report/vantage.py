"""Where on the path a capture was taken, as far as its packets tell."""

from __future__ import annotations

import numpy as np

from analyzer.report.text import plural
from analyzer.results import SIZE_PROBLEMS, Flow

INITIAL_TTLS = (64, 128, 255)
"""What hosts send with: Linux and macOS 64, Windows 128, routers and some others 255."""

MOST_HOPS = 30
"""More hops than that, and the TTL was another to begin with."""

BEFORE, BEHIND = "before", "behind"


def side_of_narrow_part(flow: Flow) -> str:
    """BEFORE (on the sender's side), BEHIND, or empty where the verdict does not tell.

    Where packets that got lost later are in the capture, it was taken before they got lost.
    """
    if flow.verdict == "blackhole_suspected":
        return BEHIND
    return BEFORE if flow.verdict in SIZE_PROBLEMS or flow.ptb else ""


def hops(flow: Flow, *, from_sender: bool) -> int | None:
    """Routers between an end and the capture point, by the TTL that its packets had left; None: unknown."""
    rows = flow.timeline
    if rows is None or not len(rows):
        return None
    sender = flow.client_side if flow.direction == "client_to_server" else 1 - flow.client_side
    ttls = rows["ttl"][rows["side"] == (sender if from_sender else 1 - sender)]
    if not len(ttls):
        return None
    left = int(np.median(ttls))
    count = min((initial - left for initial in INITIAL_TTLS if initial >= left), default=None)
    return count if count is not None and left > 0 and count <= MOST_HOPS else None


def capture_point(flow: Flow) -> str:
    """A sentence on where the capture was taken; empty where nothing is known."""
    side = side_of_narrow_part(flow)
    near, end = ("sender", flow.sender) if side != BEHIND else ("receiver", flow.receiver)
    count = hops(flow, from_sender=side != BEHIND)
    if count is None:
        place = ""
    elif count == 0:
        place = f"at the {near} {end.ip} or on its link"
    else:
        place = f"{plural(count, 'hop')} from the {near} {end.ip}"
    relation = {BEFORE: "before the narrow part", BEHIND: "behind the narrow part"}.get(side, "")
    told = [part for part in (relation, f"{place}, by TTL" if place else "") if part]
    return f"Captured {': '.join(told)}." if told else ""
