"""The two hosts of a conversation, each a small TCP: flights, ACKs with SACK, timers, PTBs heeded or not."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from lab.headers import ACK, FIN, PSH, SYN, TCP, Packet, build_ip, build_tcp, read_packet, tcp_adds_up
from lab.simulated.elements import known

Send = Callable[[bytes], None]
Wait = Callable[[float, Callable[[], None]], None]


@dataclass
class Stack:
    """How a host behaves."""

    mss: int = 1460
    ttl: int = 64
    timestamps: bool = True
    sack: bool = True
    heeds_ptb: bool = True
    falls_back: int = 0  # retransmissions of one segment after which it goes on with 1024 bytes; 0: never
    df: bool = True
    identifies: bool = True  # IPv4 identifications count up; else they are 0
    window_shut_after: int = 0  # bytes after which the reader stops; 0: never
    takes_damaged: bool = False
    first_timer: float = 0.22


@dataclass
class Host:
    """One end. Sequence numbers here count from the initial one."""

    address: str
    port: int
    peer: tuple[str, int]
    stack: Stack
    send: Send
    wait: Wait
    clock: Callable[[], float]
    isn: int
    opens: bool
    established: bool = False
    una: int = 0
    nxt: int = 0
    end: int = 0  # bytes written, SYN counted
    peer_mss: int = 536
    limit: int = 1 << 16  # largest IP packet, after a PTB or a fallback
    window: int = 64_000
    cwnd: int = 10
    received: int = 0  # next number expected of the peer
    peer_isn: int = -1
    others: list[tuple[int, int]] = field(default_factory=list)  # received out of order
    sacked: list[tuple[int, int]] = field(default_factory=list)
    copies: int = 0
    timer: int = 0  # number of the timer that counts
    wait_time: float = 0.0
    echo: int = 0
    ident: int = 0
    duplicates: int = 0
    recovering: int = 0
    writes: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ident = self.isn % 40_000 + 7
        self.wait_time = self.stack.first_timer

    @property
    def headers(self) -> int:
        return (20 if "." in self.address else 40) + 20 + (12 if self.stack.timestamps else 0)

    @property
    def payload(self) -> int:
        size = min(self.peer_mss, self.stack.mss)
        base = size - (12 if self.stack.timestamps else 0)
        return max(min(base, self.limit - self.headers), 8)

    # Sending.

    def open(self) -> None:
        self.emit(0, b"", SYN)
        self.nxt = self.end = 1
        self.arm()

    def write(self, count: int) -> None:
        """The application writes."""
        self.writes.append(count)
        self.end += count
        if self.established:
            self.flow()

    def flow(self) -> None:
        """Send what may be sent; each write ends with a segment of its own."""
        edges = []
        at = 1
        for count in self.writes:
            at += count
            edges.append(at)
        while self.nxt < self.end and self.nxt - self.una < min(self.window, self.cwnd * self.payload):
            edge = next(e for e in edges if e > self.nxt)
            size = min(self.payload, edge - self.nxt)
            if self.nxt - self.una + size > self.window:
                break
            self.data(self.nxt, size)
            self.nxt += size
        self.arm()

    def data(self, start: int, size: int) -> None:
        self.emit(start, self.bytes_of(start, size), ACK | PSH)

    def bytes_of(self, start: int, size: int) -> bytes:
        first = start // 32
        stream = b"".join(
            hashlib.sha256(f"{self.address}{n}".encode()).digest() for n in range(first, (start + size) // 32 + 1)
        )
        return stream[start - first * 32 :][:size]

    def emit(self, start: int, payload: bytes, flags: int) -> None:
        options = b""
        if flags & SYN:
            options = b"\x02\x04" + self.stack.mss.to_bytes(2) + (b"\x04\x02" if self.stack.sack else b"\x01\x01")
            if self.stack.timestamps:
                options += b"\x08\x0a" + struct.pack("!II", self.now_ms(), self.echo)
            options += b"\x01\x03\x03\x07"
        elif self.stack.timestamps:
            options = b"\x01\x01\x08\x0a" + struct.pack("!II", self.now_ms(), self.echo)
        if self.others and self.stack.sack and flags & ACK and not payload:
            blocks = self.others[-3:][::-1]
            options += b"\x01\x01\x05" + bytes([2 + 8 * len(blocks)])
            options += b"".join(struct.pack("!II", *((e + self.peer_isn) & 0xFFFFFFFF for e in b)) for b in blocks)
        self.ident = self.ident % 65_535 + 1
        open_for = self.stack.window_shut_after
        window = 500 if not open_for or self.received < open_for else 0
        segment = build_tcp(
            self.address,
            self.peer[0],
            (self.port, self.peer[1]),
            seq=self.isn + start,
            ack=self.peer_isn + self.received if flags & ACK else 0,
            flags=flags,
            window=window if not flags & SYN else 64_000,
            options=options,
            payload=payload,
        )
        self.send(
            build_ip(
                self.address,
                self.peer[0],
                TCP,
                segment,
                ttl=self.stack.ttl,
                df=self.stack.df,
                identification=self.ident if self.stack.identifies else 0,
            )
        )

    def now_ms(self) -> int:
        return int(self.clock() * 1000) + self.isn % 100_000

    # Timers.

    def arm(self) -> None:
        self.timer += 1
        mine = self.timer
        if self.una < self.nxt:
            self.wait(self.wait_time, lambda: self.expired(mine))

    def expired(self, mine: int) -> None:
        if mine != self.timer or self.una >= self.nxt:
            return
        self.copies += 1
        self.wait_time = min(self.wait_time * 2, 60.0)
        self.cwnd = 1
        if self.stack.falls_back and self.copies > self.stack.falls_back:
            self.limit = 1024 + self.headers
        self.again()
        self.arm()

    def again(self) -> None:
        """Send the oldest byte that is not acknowledged once more, and what is one segment with it."""
        if self.una == 0:
            self.emit(0, b"", SYN if self.opens else SYN | ACK)
            return
        if self.window == 0:
            self.emit(self.una - 1, b"", ACK)
            return
        stop = min([start for start, _ in self.sacked if start > self.una], default=self.nxt)
        edge, at = self.nxt, 1
        for count in self.writes:
            at += count
            if at > self.una:
                edge = at
                break
        self.data(self.una, min(self.payload, stop - self.una, edge - self.una))

    # Receiving.

    def take(self, data: bytes) -> None:
        seen = known(data)
        if seen.is_ptb:
            self.told(data)
        elif seen.protocol == TCP and (self.stack.takes_damaged or tcp_adds_up(data, seen)):
            self.segment(seen, data)

    def told(self, data: bytes) -> None:
        at = 28 if "." in self.address else 48
        quoted = read_packet(data[at:])
        if not self.stack.heeds_ptb or quoted is None:
            return
        if (quoted.source, quoted.source_port) != (self.address, self.port) or quoted.destination != self.peer[0]:
            return
        mtu = int.from_bytes(data[at - 4 : at]) & (0xFFFF if at == 28 else 0xFFFFFFFF)
        if 68 <= mtu < self.limit:
            self.limit = mtu
            self.again()
            self.arm()

    def segment(self, seen: Packet, data: bytes) -> None:
        options = data[seen.transport_at + 20 : seen.transport_at + (data[seen.transport_at + 12] >> 4) * 4]
        if seen.flags & SYN:
            self.peer_isn = seen.seq
            self.peer_mss = int.from_bytes(options[2:4])
            self.received = 1
        self.note_time(options)
        if seen.flags & SYN and not seen.flags & ACK:
            self.emit(0, b"", SYN | ACK)
            self.nxt = self.end = max(self.end, 1)
            self.arm()
            return
        if seen.flags & ACK:
            self.acknowledged(seen, options)
        if seen.flags & SYN or seen.payload_len or seen.flags & FIN:
            self.arrived(seen)

    def note_time(self, options: bytes) -> None:
        at = options.find(b"\x08\x0a")
        if at >= 0:
            self.echo = int.from_bytes(options[at + 2 : at + 6])

    def acknowledged(self, seen: Packet, options: bytes) -> None:
        ack = (seen.ack - self.isn) & 0xFFFFFFFF
        self.window = seen.window << (0 if seen.flags & SYN else 7)
        at = options.find(b"\x01\x01\x05")
        self.sacked = []
        if at >= 0:
            for place in range(at + 4, at + 2 + options[at + 3], 8):
                left, right = struct.unpack_from("!II", options, place)
                self.sacked.append(((left - self.isn) & 0xFFFFFFFF, (right - self.isn) & 0xFFFFFFFF))
        if self.una < ack <= self.nxt:
            self.una = ack
            self.copies = 0
            self.duplicates = 0
            self.wait_time = self.stack.first_timer
            self.cwnd = min(self.cwnd + 1, 20)
            if not self.established:
                self.established = True
                if self.opens:
                    self.emit(self.nxt, b"", ACK) if not seen.flags & SYN else None
            if self.una < self.recovering:
                self.again()
            self.flow()
        elif ack == self.una < self.nxt and self.sacked and not seen.payload_len:
            self.duplicates += 1
            if self.duplicates == 3:
                self.recovering = self.nxt
                self.again()
        elif self.window and self.nxt < self.end:
            self.flow()

    def arrived(self, seen: Packet) -> None:
        if not seen.flags & SYN:
            start = (seen.seq - self.peer_isn) & 0xFFFFFFFF
            if start >= 1 << 31:
                return
            stop = start + seen.payload_len + (1 if seen.flags & FIN else 0)
            shut = self.stack.window_shut_after
            if not shut or self.received < shut:
                self.others = merged([*self.others, (start, stop)])
                while self.others and self.others[0][0] <= self.received:
                    self.received = max(self.received, self.others.pop(0)[1])
        else:
            self.established = True if self.opens else self.established
        self.emit(self.nxt, b"", ACK)


def merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The ranges, those that touch as one."""
    out: list[tuple[int, int]] = []
    for start, stop in sorted(ranges):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], stop))
        else:
            out.append((start, stop))
    return out
