"""What a timeline is compiled to: packets on their way, the hosts that send them, and what a capture holds of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.builders import ETHERNET, Packet, ethernet, ip, pcap, with_header_sum
from tests.scenarios.words import Range


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


def capture_of(records: list[Record], snap: int = 262144) -> bytes:
    """A pcap file of some records."""
    return pcap((Packet(record.ts, record.frame) for record in records), link=ETHERNET, snap=snap)


def filler(start: int, length: int) -> bytes:
    """Payload that depends on the sequence number only, so that a retransmission carries the same bytes."""
    pattern = bytes((start + i) * 7 & 0xFF for i in range(min(length, 256)))
    return (pattern * (length // 256 + 1))[:length]
