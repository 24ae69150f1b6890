"""What is said, with what it rests on: frames, statements, and steps to be taken."""

from __future__ import annotations

from typing import Literal, NamedTuple

FixKind = Literal["confirm", "measure", "fix", "check"]
"""What a step is for: it shows the fault, finds the size, cures it, or shows that it is cured."""


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


class Command(NamedTuple):
    """One line to be typed, and what introduces it: empty, or "or: " and the like for an alternative."""

    lead: str
    line: str


class Fix(NamedTuple):
    """A step to be taken: commands or a setting, where to apply it, and why."""

    kind: FixKind
    where: str
    commands: tuple[Command, ...]  # none where no command does it
    why: str
    platform: str
    source: str  # where it is documented: one URL, or several separated by a space
    short: str = ""  # a cure in a few words: "clamp the MSS"; empty for other steps
    step: str = ""  # which step it is, as `knowledge` names it

    @property
    def command(self) -> str:
        """The commands, one a line, alternatives as comments of a shell."""
        return "\n".join(f"# {each.lead}{each.line}" if each.lead else each.line for each in self.commands)
