"""What several capture points say together, as plain data: the points, their clocks, and the legs between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from analyzer.model.statement import FrameRef, Statement

Ends = Literal["size", "content", "all", "damaged"]


class Clock(NamedTuple):
    """How a point's clock stands to that of point 0, seconds."""

    offset_s: float | None  # to be added to this point's times to give those of point 0; None: unknown
    uncertainty_s: float | None  # the true offset is no farther away; None: packets of one direction only, or none
    drift_ppm: float = 0.0  # how much faster this clock runs, in millionths


class CapturePoint(NamedTuple):
    """A place where packets were captured."""

    number: int
    files: tuple[int, ...]  # indexes in `Analysis.files`
    interface: str | None  # where a file holds several interfaces that are points of their own
    clock: Clock
    interface_number: int | None = None  # that of the interface in its file


@dataclass(frozen=True, slots=True)
class Leg:
    """Two neighbouring points of a direction, and what became of the packets that left one for the other."""

    start: int  # number of a point
    end: int
    at_least: int | None  # largest packet that crossed, bytes of IP; where the leg is narrow, since it is
    at_most: int | None  # one less than the smallest of which none crossed; None where size does not matter
    lost: int  # packets that never reached `end`: where the leg is narrow those above `at_least`, else all
    of: int  # of so many that left `start`
    ends: Ends | None  # what ends here; None: nothing, or ordinary loss
    segments: int = 0  # different segments among the lost ones that prove it
    sure: bool = False  # two of them, or one that crossed when it was cut smaller
    ptb_lost: bool = False  # PTBs about this direction were seen beyond, and got lost on their way back over this leg
    mss_clamped: bool = False  # the MSS of SYNs of this direction is lowered here
    df_cleared: bool = False
    fragmented: bool = False
    translated: bool = False  # addresses or ports
    altered: int = 0  # packets that arrived with a wrong checksum which they had not before
    missed: int = 0  # packets that crossed, but are not in the capture of `end`
    frames: tuple[FrameRef, ...] = ()  # of the lost packets at `start`, the first few


class SeenPacket(NamedTuple):
    """A packet with data at one end of the leg on which others get lost."""

    ts: int  # by the clock of the first point, ns
    ip_len: int  # bytes; 0 where segmentation offload hides the sizes on the wire
    lost: bool  # it never came to the other end


class Located(NamedTuple):
    """Where packets above some size get lost."""

    between: tuple[int | None, int | None]  # in their direction; None: before the first point, behind the last
    crossed: int | None  # bytes of IP
    lost: int | None
    frames: tuple[FrameRef, ...]
    ptb_lost_between: tuple[int, int] | None  # in the direction of the PTB
    told: Statement  # the same as a sentence
    names: tuple[str, str] = ("", "")  # of the points that it is between, where there are two
    seen: tuple[tuple[SeenPacket, ...], tuple[SeenPacket, ...]] = ((), ())  # what these saw around the loss
    datagrams: int = 0  # that were lost, where they are no segments


@dataclass(frozen=True, slots=True)
class DirectionLegs:
    """The legs of one direction of a flow, in the order of the path."""

    src: str
    dst: str
    order: tuple[int, ...]  # numbers of the points that saw it
    legs: tuple[Leg, ...]
