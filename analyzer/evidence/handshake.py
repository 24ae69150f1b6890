"""What the handshake tells of the way: how long an answer takes from either end."""

from __future__ import annotations

from typing import Any

import numpy as np

Column = np.ndarray[Any, Any]


def handshake_trips(flows: Any) -> tuple[Column, Column]:
    """From the client's packets to their answers at the capture point, and from the server's, ns; 0 where unknown.

    Args:
        flows: rows of the flow table, or one of them.
    """
    # Karn: of several SYNs the last one was answered, or an earlier one late.
    there = _difference(flows["syn_last_ts"], flows["syn_ack_ts"])
    return there, _difference(flows["syn_ack_last_ts"], flows["ack_ts"])


def _difference(earlier: Any, later: Any) -> Column:
    return np.where((earlier != 0) & (later != 0), later - earlier, 0)
