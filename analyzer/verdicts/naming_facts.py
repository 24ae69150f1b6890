"""What facts of both kinds have in common: a direction, and the frames that sentences about it name."""

from __future__ import annotations

from dataclasses import dataclass, field

from analyzer.evidence.direction import Direction
from analyzer.evidence.segments import frame_of
from analyzer.model.statement import FrameRef


@dataclass
class NamingFacts:
    """Facts about one direction that know which frames were named in words about them."""

    direction: Direction
    named: list[FrameRef] = field(default_factory=list, init=False, repr=False)
    """Frames that sentences named, in order."""

    def name(self, ref: FrameRef) -> str:
        """A frame as sentences name it."""
        self.named.append(ref)
        return self.direction.name(ref)

    def frame(self, frame_id: int) -> str:
        """As `name`, of a frame that a table names."""
        return self.name(frame_of(frame_id))
