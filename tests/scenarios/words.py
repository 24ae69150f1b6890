"""The words of the notation: capture points, expectations, lines of a timeline, and what stands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from tests.builders import ACK, FIN, PSH, RST, SYN

NS = 1_000_000_000
ACCUSING = frozenset({"blackhole", "blackhole_probable", "blackhole_suspected", "blackhole_recovered", "ptb_ignored"})
"""Verdicts that blame the path for a size or a host for ignoring a PTB: never to be said of a healthy flow."""

EXPECT = re.compile(r"^expect at ([CSM])([^:]*): (.*)$")
Range = tuple[int, int]


class NotationError(Exception):
    """The scenario contradicts the notation or itself."""


def parse_range(token: str) -> Range:
    """`1:1449`."""
    left, right = token.split(":")
    return int(left), int(right)


@dataclass(frozen=True)
class View:
    """Where, when and how the conversation is captured."""

    point: str = "S"
    since: float = 0.0
    until: float = 1e9
    only: str = ""  # "S>C": packets of that direction; "tcp": no ICMP
    snap: int = 262144
    twice: bool = False  # every packet captured twice, 8 us apart, as a SPAN port does
    vlan: int | None = None
    mirrored: bool = False  # client and server exchange their addresses and ports

    @staticmethod
    def parse(point: str, words: list[str]) -> View:
        """`from 0.5 until 2.0 only S>C snap 96 twice`."""
        view = View(point)
        while words:
            match words.pop(0):
                case "from":
                    view = replace(view, since=float(words.pop(0)))
                case "until":
                    view = replace(view, until=float(words.pop(0)))
                case "only":
                    view = replace(view, only=words.pop(0))
                case "snap":
                    view = replace(view, snap=int(words.pop(0)))
                case "twice":
                    view = replace(view, twice=True)
                case word:
                    raise NotationError(f"unknown view {word!r}")
        return view


@dataclass
class Expectation:
    """What the tool must say of one flow in one view."""

    text: str
    view: View
    flow: str
    verdicts: frozenset[str]
    confidence: str | None = None
    direction: str | None = None
    bracket: tuple[int | None, int | None] | None = None
    exact: int | None = None
    stalled: int | None = None
    retransmissions: int | None = None
    seconds: tuple[float, float] | None = None
    reason: str | None = None
    says: str | None = None
    xfail: str | None = None

    @property
    def accuses(self) -> bool:
        """True if the expected verdict blames size or host."""
        return bool(self.verdicts & ACCUSING)

    @staticmethod
    def parse(line: str) -> Expectation:
        """Read an `expect` line.

        `expect at S [b] until 1.0: blackhole|stall high s>c 752..1499 exact 1400 stalled 1500 reason host`;
        also `retransmissions N`, `seconds 2.9..3.1`, `says WORD` (in the explanation). Either end of a bracket may
        be left out (nothing known): `752..`.
        """
        found = EXPECT.match(line)
        if not found:
            raise NotationError(line)
        where, what = found.group(2).split(), found.group(3).split()
        flow = where.pop(0)[1:-1] if where and where[0].startswith("[") else ""
        out = Expectation(line, View.parse(found.group(1), where), flow, frozenset(what.pop(0).split("|")))
        while what:
            match what.pop(0):
                case "high" | "medium" | "low" as word:
                    out.confidence = word
                case "s>c":
                    out.direction = "server_to_client"
                case "c>s":
                    out.direction = "client_to_server"
                case "exact":
                    out.exact = int(what.pop(0))
                case "stalled":
                    out.stalled = int(what.pop(0))
                case "retransmissions":
                    out.retransmissions = int(what.pop(0))
                case "reason":
                    out.reason = what.pop(0)
                case "says":
                    out.says = what.pop(0)
                case "seconds":
                    low, high = what.pop(0).split("..")
                    out.seconds = float(low), float(high)
                case word if ".." in word:
                    low, high = word.split("..")
                    out.bracket = int(low) if low else None, int(high) if high else None
                case word:
                    raise NotationError(f"unknown expectation {word!r}")
        return out


@dataclass(frozen=True)
class Line:
    """One line of the timeline, with the times at which it happens."""

    times: tuple[str, ...]
    src: str
    dst: str
    flow: str
    body: str


@dataclass
class Attributes:
    """The words of a timeline line."""

    flags: int = 0
    acks: list[int] = field(default_factory=list)
    ranges: list[Range] = field(default_factory=list)
    sack: list[Range] = field(default_factory=list)
    lost: list[Range] | None = None  # [] means all of it
    unseen: list[Range] | None = None
    by: int = 0
    gso: int = 0
    whole: bool = False
    window: int | None = None
    df: bool = True
    ttl: int | None = None
    ident: int | None = None
    seq: int | None = None
    mss: int | None = None
    late: int = 0
    keepalive: int | None = None
    zero_length: bool = False
    ptb: int | None = None
    quote: int = 0
    badsum: bool = False
    natport: int | None = None
    natip: str | None = None
    quoteseq: int | None = None
    router: str | None = None
    forged: bool = False  # ACK and SACK numbers need not be true

    @staticmethod
    def parse(text: str, turn: int) -> Attributes:
        """Read a line's words; `turn` counts the times of the line from 0 (for `step`)."""
        a = Attributes()
        words = text.replace(",", " ").split()
        step = turn * int(words[words.index("step") + 1]) if "step" in words else 0
        while words:
            match words.pop(0):
                case "syn":
                    a.flags |= SYN
                case "syn+ack":
                    a.flags |= SYN | ACK
                case "fin":
                    a.flags |= FIN
                case "rst":
                    a.flags |= RST
                case "push":
                    a.flags |= PSH
                case "ack":
                    a.flags |= ACK
                    while words and words[0].isdigit():
                        a.acks.append(int(words.pop(0)) + step)
                case "data" | "of":
                    a.ranges = [(left + step, right + step) for left, right in _take_ranges(words)]
                case "sack" | "dsack":
                    a.sack += [(left + step, right + step) for left, right in _take_ranges(words)]
                case "lost":
                    a.lost = _take_ranges(words)
                case "unseen":
                    a.unseen = _take_ranges(words)
                case "keepalive":
                    a.keepalive = int(words.pop(0)) if words and words[0].isdigit() else 0
                case "nodf":
                    a.df = False
                case "whole":
                    a.whole = True
                case "zerolen":
                    a.zero_length = True
                case "forged":
                    a.forged = True
                case "badsum":
                    a.badsum = True
                case "late":
                    a.late = round(float(words.pop(0)) * NS)
                case "router":
                    a.router = words.pop(0)
                case "natip":
                    a.natip = words.pop(0)
                case "step":
                    words.pop(0)
                case name if name in _NUMBERS:
                    setattr(a, _NUMBERS[name], int(words.pop(0)))
                case word:
                    raise NotationError(f"unknown word {word!r} in {text!r}")
        return a

    def pieces(self) -> Iterator[Range]:
        """The ranges, cut `by` so many bytes."""
        for left, right in self.ranges:
            size = self.by or right - left
            for start in range(left, right, size):
                yield start, min(start + size, right)


_NUMBERS = {
    "by": "by",
    "gso": "gso",
    "win": "window",
    "ttl": "ttl",
    "id": "ident",
    "seq": "seq",
    "mss": "mss",
    "ptb": "ptb",
    "quote": "quote",
    "natport": "natport",
    "quoteseq": "quoteseq",
}


def _take_ranges(words: list[str]) -> list[Range]:
    found = []
    while words and ":" in words[0]:
        found.append(parse_range(words.pop(0)))
    return found
