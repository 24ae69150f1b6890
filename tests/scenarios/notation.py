"""A timeline notation for TCP conversations: it reads like a figure in an RFC and compiles to a capture.

    === a stuck full-size segment beside a small one that arrives is a black hole
    mtu S>C 1420                                        # the truth: larger packets with DF must be marked lost
    0.000            C > S  syn
    0.010            S > C  syn+ack
    0.020            C > S  ack
    0.021            C > S  data 1:518
    0.031            S > C  data 1:2897 by 1448 lost    # two packets of 1448 bytes, both dropped on the way
    0.031            S > C  data 2897:3597
    0.041            C > S  ack 1 sack 2897:3597
    0.25 0.68 1.5    S > C  data 1:1449 lost            # sent again at each of these times
    expect at S: blackhole high s>c 752..1499
    expect at C: blackhole_suspected

Times are seconds at the *sender* of the packet; it arrives `delay` later. Numbers are relative as Wireshark
shows them (the first data byte is 1), ranges are `first:next`, sizes payload. One timeline can be looked at from
several points: `at S`, `at C`, or `at M` beside the server's router, before anything is lost in either direction.

Kinds of packet, to be combined: `syn` `ack N...` `data A:B...` `fin` `rst` `keepalive [bytes]`, and
`ptb MTU of A:B` (from `R`). What the line does not say follows from the lines before: ACK number, window,
IP-ID, timestamps. Attributes: `by N` cut into packets of N bytes; `gso N` one super-segment that the NIC cuts
(`whole`: nobody cuts it before the narrow hop); `step N` numbers grow by N with each time of the line; `sack`
`dsack` ranges; `win N`; `lost [ranges]` dropped on the way; `unseen [ranges]` arrives, but the capture missed it;
`late S` seconds; `nodf` `id N` `ttl N` `seq N` `mss N` `push` `zerolen`. Of a PTB: `router IP` `quote BYTES`
(of TCP) `badsum` `natport N` `natip IP` `quoteseq N`. `[x]` behind the hosts names another connection.

Directives: see `Scenario.directive`. Expectations and words of a line: `tests/scenarios/words.py`; from there to
packets: `compiler.py` and `packets.py`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from tests.builders import TCP
from tests.scenarios.compiler import Compiler
from tests.scenarios.packets import Record
from tests.scenarios.words import NS, Expectation, Line, NotationError, View

LINE = re.compile(r"^((?:\d+\.\d+\s+)+)([CSR]) ?([<>]) ?([CSR])(?: \[(\w+)\])?\s+(.*)$")


class Scenario:
    """One claim: a timeline and what is expected of it."""

    def __init__(self, name: str, above: Scenario | None) -> None:
        self.name = name
        self.is_twin = name.startswith("twin:")
        self.lines: list[Line] = []
        self.expectations: list[Expectation] = []
        self.alike_until: float = 0.0  # prefixes that end earlier cannot be told from a real black hole
        self.alike_without: set[str] = set()  # nor can the capture without the packets sent at these times
        self.unsteady: dict[str, str] = {}  # capture point: why cuts and gaps still mislead the tool there
        self.directives: list[str] = []
        self._above = above

    # Reading

    def read(self, raw: str) -> None:
        """Take in one line of the file."""
        line = raw.split("  #", maxsplit=1)[0].strip()
        if not line or line.startswith("#"):
            return
        found = LINE.match(line)
        if found:
            times, left, arrow, right, flow, body = found.groups()
            src, dst = (left, right) if arrow == ">" else (right, left)
            self.lines.append(Line(tuple(times.split()), src, dst, flow or "", body))
        elif line.startswith("expect "):
            self.expectations.append(Expectation.parse(line))
        elif line.startswith("xfail: "):
            self.expectations[-1].xfail = line.removeprefix("xfail: ")
        else:
            self.directive(line)

    def directive(self, line: str) -> None:
        """Take in a line that is neither timeline nor expectation.

        `as above [until T]`, `with A -> B`, `omit T...`: the scenario before this one, changed;
        `indistinguishable until T: why`, `indistinguishable without T...: why`: cuts and gaps after which nobody
        could tell; `unsteady at S: why`: a known gap of the tool, cuts and gaps mislead it;
        `handshake [x] at T`, `ipv6`, `delay 10 ms` (one way), `hops N`, `mtu S>C 1420` (the truth, `?` unstated),
        `mss [C|S] N|none`, `isn C|S N`, `ttl C|S N`, `no sack|timestamps|wscale|ids`,
        `flow x port|client|server VALUE`.
        """
        words = line.split()
        match words:
            case ["as", "above", *rest]:
                self._copy(float(rest[1]) if rest else 1e9)
            case ["with", *_]:
                old, new = line.removeprefix("with ").split(" -> ")
                self._replace(old.strip(), new.strip())
            case ["omit", *times]:
                self.lines = [
                    replace(each, times=tuple(t for t in each.times if t not in times)) for each in self.lines
                ]
            case ["handshake", *rest]:
                flow = rest.pop(0)[1:-1] if rest and rest[0].startswith("[") else ""
                self._handshake(flow, float(rest[1]) if rest else 0.0)
            case ["indistinguishable", "until", time, *_]:
                self.alike_until = float(time.rstrip(":"))
            case ["indistinguishable", "without", *_]:
                self.alike_without |= set(line.split(":", maxsplit=1)[0].split()[2:])
            case ["unsteady", "at", point, *_]:
                self.unsteady[point.rstrip(":")] = line.split(": ", 1)[1]
            case _:
                self.directives.append(line)

    def _copy(self, until: float) -> None:
        if self._above is None:
            raise NotationError("nothing above")
        self.directives = [*self._above.directives, *self.directives]
        for line in self._above.lines:
            times = tuple(t for t in line.times if float(t) < until)
            if times:
                self.lines.append(replace(line, times=times))

    def _replace(self, old: str, new: str) -> None:
        changed = [
            replace(line, body=re.sub(rf"(?<![\w.]){re.escape(old)}(?![\w.])", new, line.body)) for line in self.lines
        ]
        if changed == self.lines:
            raise NotationError(f"{old!r} does not occur above")
        self.lines = changed

    def _handshake(self, flow: str, at: float) -> None:
        delay = self._compiler().delay / NS
        for number, (src, dst, body) in enumerate((("C", "S", "syn"), ("S", "C", "syn+ack"), ("C", "S", "ack 1"))):
            self.lines.append(Line((f"{at + number * delay:.6f}",), src, dst, flow, body))

    # Looking

    def _compiler(self, *, mirrored: bool = False) -> Compiler:
        return Compiler(self.name, self.lines, self.directives, mirrored=mirrored)

    def records(self, view: View) -> list[Record]:
        """The packets that a capture at the view's point holds, in the order of their times there."""
        return list(self._compiler(mirrored=view.mirrored).records(view))

    def truth(self) -> dict[str, int]:
        """The true path MTU by direction ("S>C"), where the scenario states it."""
        return self._compiler().truth

    def flow_order(self, view: View) -> list[str]:
        """Tags of the connections in the order in which the view meets them: their stream numbers."""
        order: list[str] = []
        for record in self.records(view):
            if record.sent.near[0].proto == TCP and record.sent.flow not in order:
                order.append(record.sent.flow)
        return order


def parse_scenarios(text: str) -> list[Scenario]:
    """The scenarios of a text, in order."""
    scenarios: list[Scenario] = []
    for line in text.splitlines():
        if line.startswith("=== "):
            above = scenarios[-1] if scenarios else None
            scenarios.append(Scenario(line.removeprefix("=== ").strip(), above))
        elif scenarios:
            scenarios[-1].read(line)
    return scenarios


def load_scenarios(folder: Path) -> dict[str, list[Scenario]]:
    """All scenarios beside this file, by file name."""
    return {path.stem: parse_scenarios(path.read_text()) for path in sorted(folder.glob("*.txt"))}
