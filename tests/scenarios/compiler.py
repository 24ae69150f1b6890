"""From the lines of a timeline to packets: what a line does not say follows from those before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tests.builders import (
    ACK,
    FIN,
    ICMP,
    ICMPV6,
    RST,
    SACK_PERMITTED,
    SYN,
    TCP,
    frag_needed,
    ip,
    mss,
    sack,
    tcp,
    timestamps,
    too_big,
    window_scale,
    with_header_sum,
    with_tcp_sum,
)
from tests.scenarios.packets import Drawn, Host, Record, Sent, filler
from tests.scenarios.words import NS, Attributes, Line, NotationError, Range, View

START = 1_700_000_000 * NS
SPACING = 12_000  # ns between packets written at one time: a gigabit Ethernet's
TOGETHER = 500_000  # ns within which packets written at one time arrive; they are acknowledged together


class Compiler:
    """Turns a scenario into packets. One is made for each use; nothing is kept between uses."""

    def __init__(self, name: str, lines: Sequence[Line], directives: Sequence[str], *, mirrored: bool = False) -> None:
        self.name = name
        self.lines = lines
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
        for line in directives:
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
                raise NotationError(f"unknown directive {' '.join(words)!r} in {self.name!r}")

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
            for position, line in enumerate(self.lines)
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
                raise NotationError(f"{self.name!r}: {wrong or ack} did not arrive ({received}): {line}")
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
                raise NotationError(f"{self.name!r}: {size} bytes pass a path MTU of {limit}: {line}")

    def _ptb(self, ts: int, line: Line, a: Attributes) -> Sent:
        if a.ptb is None or not a.ranges:
            raise NotationError(f"a PTB needs the range that it quotes: {line}")
        me = self.hosts(line.flow)[line.dst]
        quoted = me.packets.get(a.ranges[0])
        if quoted is None:
            raise NotationError(f"{a.ranges[0]} was never sent as one packet: {line}")
        if ts < me.sent_at[a.ranges[0]] + self.delay // 2:
            raise NotationError(f"{self.name!r}: the PTB comes before the router has the packet: {line}")
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


def _touches(span: Range, ranges: list[Range] | None) -> bool:
    return any(left < span[1] and span[0] < right for left, right in ranges or ())
