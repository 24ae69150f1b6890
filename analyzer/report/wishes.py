"""What somebody may wish of a report beyond its format."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Wishes(NamedTuple):
    """How a report is to be written; each format heeds what concerns it."""

    plots: bool = True
    """Draw timelines into or beside the pages that have some."""
    keep_payload: bool = False
    """Leave the payload in the packets of an evidence capture."""
    notify: Callable[[str], None] | None = None
    """Called with a line for the user before something that takes long."""
    alone: bool = False
    """Nobody but reports draws in this process: matplotlib need not be set up as its user would have it."""
