"""Calls that are passed on unread. A scheduler of Dask unpacks what tasks are made of, and packs it again.

That would load the analysis into it, with all that it needs, before the first task, and cost it time with each.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any


def sealed(function: Callable[..., Any], *arguments: object) -> bytes:
    """A call, for `opened`."""
    return pickle.dumps((function, arguments), pickle.HIGHEST_PROTOCOL)


def opened(call: bytes, *inputs: object) -> Any:
    """What a sealed call returns; `inputs`, results of other tasks, are its last arguments."""
    function, arguments = pickle.loads(call)  # noqa: S301 - Dask's tasks are pickles themselves
    return function(*arguments, *inputs)
