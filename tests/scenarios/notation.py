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

Directives: see `Scenario.directive`. Expectations: see `Expectation.parse`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.builders import (
    ACK,
    ETHERNET,
    FIN,
    ICMP,
    ICMPV6,
    PSH,
    RST,
    SACK_PERMITTED,
    SYN,
    TCP,
    Packet,
    ethernet,
    frag_needed,
    ip,
    mss,
    pcap,
    sack,
    tcp,
    timestamps,
    too_big,
    window_scale,
    with_header_sum,
    with_tcp_sum,
)

NS = 1_000_000_000
START = 1_700_000_000 * NS
SPACING = 12_000  # ns between packets written at one time: a gigabit Ethernet's
TOGETHER = 500_000  # ns within which packets written at one time arrive; they are acknowledged together
ACCUSING = frozenset({"blackhole", "blackhole_probable", "blackhole_suspected", "blackhole_recovered", "ptb_ignored"})
"""Verdicts that blame the path for a size or a host for ignoring a PTB: never to be said of a healthy flow."""

LINE = re.compile(r"^((?:\d+\.\d+\s+)+)([CSR]) ?([<>]) ?([CSR])(?: \[(\w+)\])?\s+(.*)$")
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


@dataclass(frozen=True)
class Drawn:
    """One packet in bytes, but for the TTL that it has where it is captured."""

    src: str
    dst: str
    proto: int
    body: bytes
    ident: int
    df: bool
    ttl: int
    fixed_ttl: bool = False
    zero_length: bool = False
    lost: bool = False

    def frame(self, hops: int, vlan: int | None = None) -> bytes:
        """The frame as captured `hops` routers away from its sender."""
        ttl = self.ttl if self.fixed_ttl else self.ttl - hops
        packet = ip(
            self.body,
            src=self.src,
            dst=self.dst,
            protocol=self.proto,
            ttl=ttl,
            ident=self.ident,
            df=self.df,
            length=0 if self.zero_length else None,
        )
        return ethernet(packet if ":" in self.src else with_header_sum(packet), vlan=vlan)


@dataclass(frozen=True)
class Sent:
    """A packet on its way: as its sender's capture sees it, and as the path sees it."""

    ts: int
    src: str
    dst: str
    flow: str
    near: tuple[Drawn, ...]
    far: tuple[Drawn, ...]
    late: int = 0
    unseen: bool = False
    written_at: str = ""  # the time as the scenario writes it


@dataclass
class Host:
    """One end of one connection while its timeline is compiled."""

    address: str
    port: int
    isn: int
    next: int = 0  # relative number of the next new byte
    arrived: list[tuple[int, int, int]] = field(default_factory=list)  # (time, first, next) of the peer's bytes
    window: int = 65535
    wscale: int | None = 7
    mss: int | None = 1460
    sack: bool = True
    timestamps: bool = True
    clock: int = 0
    heard: list[tuple[int, int]] = field(default_factory=list)  # (arrival, TSval) of the peer's packets
    packets: dict[Range, Drawn] = field(default_factory=dict)
    sent_at: dict[Range, int] = field(default_factory=dict)

    def has(self, first: int, following: int, ts: int) -> int:
        """How far the peer's bytes from `first` on have arrived at `ts`, `following` at most."""
        for _, left, right in sorted((a for a in self.arrived if a[0] <= ts), key=lambda a: a[1:]):
            if left <= first < right:
                first = right
        return min(first, following)


@dataclass(frozen=True)
class Record:
    """One captured packet."""

    ts: int
    frame: bytes
    sent: Sent


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
        delay = Compiler(self).delay / NS
        for number, (src, dst, body) in enumerate((("C", "S", "syn"), ("S", "C", "syn+ack"), ("C", "S", "ack 1"))):
            self.lines.append(Line((f"{at + number * delay:.6f}",), src, dst, flow, body))

    # Looking

    def records(self, view: View) -> list[Record]:
        """The packets that a capture at the view's point holds, in the order of their times there."""
        return list(Compiler(self, mirrored=view.mirrored).records(view))

    def truth(self) -> dict[str, int]:
        """The true path MTU by direction ("S>C"), where the scenario states it."""
        return Compiler(self).truth

    def flow_order(self, view: View) -> list[str]:
        """Tags of the connections in the order in which the view meets them: their stream numbers."""
        order: list[str] = []
        for record in self.records(view):
            if record.sent.near[0].proto == TCP and record.sent.flow not in order:
                order.append(record.sent.flow)
        return order


class Compiler:
    """Turns a scenario into packets. One is made for each use; nothing is kept between uses."""

    def __init__(self, scenario: Scenario, *, mirrored: bool = False) -> None:
        self.scenario = scenario
        self.mirrored = mirrored
        self.version = 4
        self.delay = 10_000_000
        self.hops = 3
        self.truth: dict[str, int] = {}
        self.settings: dict[str, list[tuple[str, ...]]] = {}
        self.ids = True
        self.ttl = {"C": 64, "S": 64, "R": 64}
        self.flows: dict[str, dict[str, Host]] = {}
        self.free: dict[str, int] = {}  # when each host's line is free again
        self.ident = {"C": 1000, "S": 40000, "R": 7}
        for line in scenario.directives:
            self._directive(line.split())

    def _directive(self, words: list[str]) -> None:
        match words:
            case ["ipv6"]:
                self.version = 6
            case ["delay", number, "ms"]:
                self.delay = round(float(number) * 1_000_000)
            case ["hops", number]:
                self.hops = int(number)
            case ["mtu", direction, "?"]:
                self.truth.pop(direction, None)
            case ["mtu", direction, number]:
                self.truth[direction] = int(number)
            case ["no", "ids"]:
                self.ids = False
            case ["ttl", host, number]:
                self.ttl[host] = int(number)
            case ["mss" | "isn" | "no" | "flow" as name, *rest]:
                self.settings.setdefault(name, []).append(tuple(rest))
            case _:
                raise NotationError(f"unknown directive {' '.join(words)!r} in {self.scenario.name!r}")

    def hosts(self, flow: str) -> dict[str, Host]:
        """Both ends of a connection."""
        if flow in self.flows:
            return self.flows[flow]
        v6 = self.version == 6
        mss = 1440 if v6 else 1460
        number = len(self.flows)
        c = Host("2001:db8:1::2" if v6 else "10.1.0.2", 40000 + number, 1_000_000 + number * 77_777, mss=mss)
        s = Host("2001:db8:2::2" if v6 else "10.2.0.2", 443, 5_000_000 + number * 33_333, mss=mss)
        c.clock, s.clock = 100_000, 700_000
        both = {"C": c, "S": s}
        for words in self.settings.get("mss", []):
            for name in words[:-1] or ("C", "S"):
                both[name].mss = None if words[-1] == "none" else int(words[-1])
        for name, value in self.settings.get("isn", []):
            both[name].isn = int(value)
        for words in self.settings.get("no", []):
            for name in words[1:] or ("C", "S"):
                if words[0] == "wscale":
                    both[name].wscale = None
                else:
                    setattr(both[name], words[0], False)
        for tag, what, value in self.settings.get("flow", []):
            if tag == flow:
                if what == "port":
                    c.port = int(value)
                else:
                    both[what[0].upper()].address = value
        if self.mirrored:
            c.address, s.address = s.address, c.address
            c.port, s.port = s.port, c.port + 10_000
        self.flows[flow] = both
        return both

    # Sending

    def sent(self) -> Iterator[Sent]:
        """All packets of the scenario in the order of their sending."""
        moments = [
            (round(float(time) * NS), position, turn, time, line)
            for position, line in enumerate(self.scenario.lines)
            for turn, time in enumerate(line.times)
        ]
        for ts, _, turn, written, line in sorted(moments, key=lambda moment: moment[:3]):
            for sent in self._line(ts, turn, line):
                yield replace(sent, written_at=written)

    def _line(self, ts: int, turn: int, line: Line) -> Iterator[Sent]:
        attributes = Attributes.parse(line.body, turn)
        if attributes.ptb is not None:
            yield self._ptb(ts, line, attributes)
            return
        spans: list[Range | None] = [*attributes.pieces()] or [None]
        acks: list[int | None] = [*attributes.acks] or [None]
        for ack in acks:
            for span in spans:
                yield self._segment(ts, line, attributes, span, ack)

    def _segment(self, ts: int, line: Line, a: Attributes, span: Range | None, ack: int | None) -> Sent:
        both = self.hosts(line.flow)
        me, peer = both[line.src], both[line.dst]
        ts = self._turn(ts, line, me, a, ack)
        if a.window is not None:
            me.window = a.window
        number = self._ack_number(ts, line, me, a, ack)
        seq = me.next
        payload = 0
        if a.keepalive is not None:
            seq, payload = me.next - 1, a.keepalive
        if span is not None:
            seq, payload = span[0], span[1] - span[0]
        if a.seq is not None:
            seq = a.seq
        if a.flags & SYN:
            seq = 0
        if a.keepalive is None and not a.flags & RST:
            me.next = max(me.next, seq + payload + bool(a.flags & (SYN | FIN)))
        echo = max((tsval for arrival, tsval in me.heard if arrival <= ts), default=0)
        tsval = me.clock + ts // 1_000_000
        lost = a.lost == [] or (span is not None and not a.gso and _touches(span, a.lost))
        arrival = ts + self.delay + a.late
        if not lost:
            peer.heard.append((arrival, tsval))
        options = self._options(me, peer, a, tsval, echo)
        scaled = not a.flags & SYN and me.wscale is not None and peer.wscale is not None
        raw_window = me.window >> (me.wscale or 0) if scaled else me.window
        flags = a.flags if a.flags & (SYN | RST) else a.flags | ACK

        def draw(first: int, length: int, ident: int, *, whole: bool) -> Drawn:
            segment = tcp(
                filler(first, length),
                sport=me.port,
                dport=peer.port,
                seq=me.isn + first,
                ack=peer.isn + number if flags & ACK else 0,
                flags=flags,
                window=min(raw_window, 65535),
                options=options,
            )
            return Drawn(
                me.address,
                peer.address,
                TCP,
                with_tcp_sum(segment, me.address, peer.address),
                ident,
                a.df,
                self.ttl[line.src] if a.ttl is None else a.ttl,
                fixed_ttl=a.ttl is not None,
                zero_length=whole and a.zero_length,
                lost=lost or (a.lost is not None and _touches((first, first + length), a.lost)),
            )

        pieces = [(seq, payload)]
        if a.gso:
            pieces = [(p, min(a.gso, seq + payload - p)) for p in range(seq, seq + payload, a.gso)]
        ident = self._ident(line.src, a, len(pieces))
        near = draw(seq, payload, ident, whole=True)
        far = [near]
        if a.gso and not a.whole:
            far = [draw(p, n, ident + i, whole=False) for i, (p, n) in enumerate(pieces)]
        self._check_truth(line, near, far, a)
        for (first, length), drawn in zip(pieces if len(far) > 1 else [(seq, payload)], far, strict=True):
            extra = bool(a.flags & (SYN | FIN))
            if not drawn.lost and a.keepalive is None:
                peer.arrived.append((arrival, first, first + length + extra))
        me.packets[(seq, seq + payload)] = near
        me.sent_at.setdefault((seq, seq + payload), ts)
        unseen = a.unseen == [] or (span is not None and _touches(span, a.unseen))
        return Sent(ts, line.src, line.dst, line.flow, (near,), tuple(far), a.late, unseen)

    def _turn(self, ts: int, line: Line, me: Host, a: Attributes, ack: int | None) -> int:
        """When the packet leaves: after those written before it, and after what it acknowledges has come."""
        ts = max(ts, self.free.get(line.src, 0))
        for arrival in sorted(arrival for arrival, _, _ in me.arrived if ts < arrival <= ts + TOGETHER):
            sacked = all(me.has(left, right, ts) == right for left, right in a.sack)
            if ack is not None and me.has(0, ack, ts) == ack and sacked:
                break
            ts = arrival
        self.free[line.src] = ts + SPACING
        return ts

    def _ack_number(self, ts: int, line: Line, me: Host, a: Attributes, ack: int | None) -> int:
        """The relative ACK number; one that the line gives must be true, unless it is `forged`."""
        received = me.has(0, 1 << 40, ts)
        if not a.forged:
            wrong = [(left, right) for left, right in a.sack if me.has(left, right, ts) < right]
            if wrong or (ack is not None and ack > received):
                raise NotationError(f"{self.scenario.name!r}: {wrong or ack} did not arrive ({received}): {line}")
        return received if ack is None else ack

    def _options(self, me: Host, peer: Host, a: Attributes, tsval: int, echo: int) -> bytes:
        syn = bool(a.flags & SYN)
        answer = syn and bool(a.flags & ACK)
        has_timestamps = me.timestamps and (peer.timestamps or (syn and not answer)) and not a.flags & RST
        out = b""
        if syn:
            size = a.mss if a.mss is not None else me.mss
            out += (b"" if size is None else mss(size)) + (SACK_PERMITTED if me.sack else b"")
        if has_timestamps:
            out += timestamps(tsval, echo)
        if syn and me.wscale is not None:
            out += window_scale(me.wscale)
        if a.sack:
            out += sack(*((peer.isn + left, peer.isn + right) for left, right in a.sack))
        return out

    def _ident(self, host: str, a: Attributes, packets: int) -> int:
        if a.ident is not None:
            return a.ident
        if not self.ids:
            return 0
        first = self.ident[host]
        self.ident[host] = (first + packets) & 0xFFFF
        return first

    def _check_truth(self, line: Line, near: Drawn, far: list[Drawn], a: Attributes) -> None:
        limit = self.truth.get(f"{line.src}>{line.dst}")
        if limit is None or not near.df or a.gso:
            return
        for packet in far:
            size = len(packet.body) + (20 if self.version == 4 else 40)
            if size > limit and not packet.lost:
                raise NotationError(f"{self.scenario.name!r}: {size} bytes pass a path MTU of {limit}: {line}")

    def _ptb(self, ts: int, line: Line, a: Attributes) -> Sent:
        if a.ptb is None or not a.ranges:
            raise NotationError(f"a PTB needs the range that it quotes: {line}")
        me = self.hosts(line.flow)[line.dst]
        quoted = me.packets.get(a.ranges[0])
        if quoted is None:
            raise NotationError(f"{a.ranges[0]} was never sent as one packet: {line}")
        if ts < me.sent_at[a.ranges[0]] + self.delay // 2:
            raise NotationError(f"{self.scenario.name!r}: the PTB comes before the router has the packet: {line}")
        body = quoted.body
        if a.natport is not None:
            body = a.natport.to_bytes(2, "big") + body[2:]
        if a.quoteseq is not None:
            body = body[:4] + ((me.isn + a.quoteseq) % 2**32).to_bytes(4, "big") + body[8:]
        src = a.natip or quoted.src
        whole = ip(body, src=src, dst=quoted.dst, ttl=quoted.ttl - 1, ident=quoted.ident, df=quoted.df)
        header = 20 if self.version == 4 else 40
        limit = header + a.quote if a.quote else 548 if self.version == 4 else 1232
        router = a.router or ("192.0.2.1" if self.version == 4 else "2001:db8:ffff::1")
        if self.version == 4:
            proto, message = ICMP, frag_needed(a.ptb, with_header_sum(whole)[:limit])
        else:
            proto, message = ICMPV6, too_big(a.ptb, whole[:limit], src=router, dst=me.address)
        if a.badsum:
            message = message[:2] + bytes([message[2] ^ 0x55, message[3] ^ 0x55]) + message[4:]
        ident = self._ident("R", a, 1)
        drawn = Drawn(router, me.address, proto, message, ident, df=False, ttl=64, lost=a.lost == [])
        return Sent(ts, "R", line.dst, line.flow, (drawn,), (drawn,), a.late, a.unseen == [])

    # Capturing

    def records(self, view: View) -> Iterator[Record]:
        """What the capture point sees, in order."""
        found: list[Record] = []
        for sent in self.sent():
            if view.only in ("S>C", "C>S") and view.only != f"{sent.src}>{sent.dst}":
                continue
            if sent.unseen or (view.only == "tcp" and sent.near[0].proto != TCP):
                continue
            for number, (ts, hops, drawn) in enumerate(self._passing(sent, view.point)):
                if view.since <= ts / NS < view.until:
                    frame = drawn.frame(hops, view.vlan)
                    found.append(Record(START + ts + number * 1200, frame, sent))
                    if view.twice:
                        found.append(Record(START + ts + number * 1200 + 8_000, frame, sent))
        found.sort(key=lambda record: record.ts)
        yield from found

    def _passing(self, sent: Sent, point: str) -> Iterator[tuple[int, int, Drawn]]:
        """(time, hops from its sender, packet) of what passes the capture point."""
        if sent.src == "R":
            if point == "M":
                yield sent.ts, 0, sent.near[0]
            elif point == sent.dst and not sent.near[0].lost:
                yield sent.ts + self.delay // 2, 1, sent.near[0]
        elif point == sent.src:
            yield sent.ts, 0, sent.near[0]
        elif point == "M":
            for drawn in sent.far:
                yield sent.ts + self.delay // 2, 1, drawn
        else:
            for drawn in sent.far:
                if not drawn.lost:
                    yield sent.ts + self.delay + sent.late, self.hops, drawn


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


def _touches(span: Range, ranges: list[Range] | None) -> bool:
    return any(left < span[1] and span[0] < right for left, right in ranges or ())


def capture_of(records: list[Record], snap: int = 262144) -> bytes:
    """A pcap file of some records."""
    return pcap((Packet(record.ts, record.frame) for record in records), link=ETHERNET, snap=snap)


def filler(start: int, length: int) -> bytes:
    """Payload that depends on the sequence number only, so that a retransmission carries the same bytes."""
    pattern = bytes((start + i) * 7 & 0xFF for i in range(min(length, 256)))
    return (pattern * (length // 256 + 1))[:length]


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
