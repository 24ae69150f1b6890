"""How many addresses this process may take (`ulimit -v`): asked before something large, never for a small capture."""

from __future__ import annotations

import math


def address_limit() -> float:
    """Bytes of addresses that the process may have in all; infinity where there is no limit, or nobody to ask."""
    try:
        import resource  # not on Windows
    except ImportError:
        return math.inf
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return math.inf if limit == resource.RLIM_INFINITY else limit
