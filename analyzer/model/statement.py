"""What is said, with what it rests on: frames, statements, and steps to be taken."""

from __future__ import annotations

from typing import NamedTuple


class FrameRef(NamedTuple):
    """A frame: the index of its file in `Analysis.files`, and its number there."""

    file: int
    frame: int

    def name(self, *, several: bool) -> str:
        """`frame 7`, or `frame 7 of file 2` where there are several files (counted from 1, as given)."""
        return f"frame {self.frame} of file {self.file + 1}" if several else f"frame {self.frame}"


class Statement(NamedTuple):
    """A sentence about a flow, and the frames that it rests on."""

    text: str
    frames: tuple[FrameRef, ...]


class RuledOut(NamedTuple):
    """Another cause that the capture speaks against."""

    cause: str
    because: str
    frames: tuple[FrameRef, ...]


class Fix(NamedTuple):
    """A command or setting, where to apply it, and why.

    `command` may have several lines, those that start with `# or` being alternatives; it is empty where no
    command does it. `source` is where it is documented: one URL, or several separated by a space.
    """

    where: str
    command: str
    why: str
    platform: str
    source: str
