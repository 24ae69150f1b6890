"""The tool itself: its name, its version (here, and nowhere else), and the version of its JSON."""

from __future__ import annotations

NAME = "pmtu-analyze"

__version__ = "0.1.0"

SCHEMA = "pmtu-analyze/1"
"""Version of the JSON: what it holds is only ever added to."""
