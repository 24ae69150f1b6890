"""What was found about one flow: its verdict, the sizes, and the statements and frames that they rest on.

Sizes are IP total lengths in bytes as on the wire, times int64 nanoseconds since the epoch, frame
numbers Wireshark's (from 1 within their file). Field names are those of the JSON where it has them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from analyzer.model.seen_sizes import SeenSizes
from analyzer.model.statement import Fix, FrameRef, RuledOut, Statement
from analyzer.model.wire_sizes import LEAST_V6_MTU

if TYPE_CHECKING:
    import numpy as np

    from analyzer.model.points import Located


class Endpoint(NamedTuple):
    """One end of a TCP connection; `ip` in the usual text form."""

    ip: str
    port: int


class PathMtu(NamedTuple):
    """The path MTU lies in [at_least, at_most]; None: nothing known. `exact` from a valid PTB only."""

    at_least: int | None = None
    at_most: int | None = None
    exact: int | None = None

    def on_links_of(self, address: str) -> PathMtu:
        """The bracket as people are told it: that of an IPv6 path begins at 1280 at least (RFC 8200 5)."""
        if ":" not in address or self.at_most is None or self.at_most < LEAST_V6_MTU:
            return self
        return self._replace(at_least=max(self.at_least or 0, LEAST_V6_MTU))


LEAST_TOLD = 0.005
"""Seconds below which a report would write "0.00 s"."""


class Stalled(NamedTuple):
    """The segment that did not get through: its transmissions (the first is the original, where captured)."""

    frames: tuple[FrameRef, ...]
    first_frame: FrameRef
    ip_len: int
    payload_len: int
    seq: int  # as on the wire
    df: bool
    retransmissions: int
    seconds: float  # from its first transmission until it was ACKed, or until the capture's last packet of it
    first_time: int  # ns: its first transmission
    last_time: int  # and its last one

    @property
    def waited(self) -> bool:
        """Whether a report has a time to tell: of one packet, whose original is not in the capture, it has none."""
        return self.seconds >= LEAST_TOLD


class Ptb(NamedTuple):
    """An ICMP frag-needed or ICMPv6 packet-too-big about this flow."""

    frame: FrameRef
    router: str
    mtu: int
    effect: str  # "accepted" or "ignored"
    reason: str | None  # why ignored: checksum, tuple, sequence, mtu_zero, mtu_not_smaller, below_1280, host


class Encapsulation(NamedTuple):
    """What carries the flow's packets where they were captured; sizes of the flow are those inside."""

    layers: tuple[str, ...]  # outermost first
    overhead: int  # bytes from the start of the outermost header to the IP header inside
    also_bare: bool  # packets were captured outside of it, too


class Vantage(NamedTuple):
    """Where a flow was captured, and a clause that says why."""

    where: str  # client (at it or on its link), server, between or unknown
    because: str


@dataclass(frozen=True, slots=True)
class Flow:
    """One TCP connection, or UDP conversation, and what became of it."""

    stream: int  # as Wireshark numbers tcp.stream, of UDP udp.stream
    client: Endpoint  # who opened the connection, or sent the first packet seen
    server: Endpoint
    verdict: str  # one of VERDICTS
    confidence: str  # high, medium, low
    direction: str | None  # client_to_server, server_to_client: the direction that the verdict is about
    path_mtu: PathMtu  # in that direction
    stalled: Stalled | None  # the segment that did not get through
    ptb: tuple[Ptb, ...]  # PTBs about this flow
    ruled_out: tuple[RuledOut, ...]  # other causes, and what speaks against them
    explanation: str  # the verdict in words
    evidence: tuple[Statement, ...]  # each with the frames it rests on
    packet_count: int  # TCP packets in the capture
    bytes: int  # sum of their IP total lengths
    first_time: int  # ns
    last_time: int
    file: int = 0  # index in `Analysis.files`, where it starts
    first_frame: int = 0
    """Frame number of the first packet, in `file`."""
    rests_on: tuple[FrameRef, ...] = ()  # frames that the explanation rests on, where no stalled segment has them
    named: tuple[FrameRef, ...] = ()  # frames that the explanation names itself
    parts: tuple[Statement, ...] = ()
    """What single frames of `evidence` prove, in the words of a comment at that frame."""
    rule: str = ""
    """Id of the rule that decided, as in `docs/verdicts.md`: "stalled/blackhole"."""
    located: Located | None = None
    """Where its large packets get lost, as several capture points prove together."""
    fixes: tuple[Fix, ...] = ()  # commands: first those that prove the fault, then the cures
    encapsulation: Encapsulation | None = None
    vantage: Vantage = Vantage("unknown", "")  # noqa: RUF009 - an immutable tuple
    timeline: np.ndarray[Any, Any] | None = field(default=None, repr=False, compare=False)
    """Recorded packets, dtype `flows.flow_tables.PACKET`, in capture order; None where none were recorded."""
    header_bytes: np.ndarray[Any, Any] | None = field(default=None, repr=False, compare=False)
    """First bytes of the packets in `timeline`, from the IP header on, as `flows.flow_tables.State` keeps them."""
    arrived: bool = False
    """What hangs is seen to have arrived at its receiver, so that the path carries it."""
    client_side: int = 0
    """`side` value of the client's packets in `timeline`."""
    retransmissions: int = 0
    """Segments that were sent again, by either end, as far as the capture shows."""
    longest_stall: float | None = None
    """The longest time that something waited which was sent again, seconds: from its first transmission until it was
    ACKed, or until its last one. None where nothing was, or nothing of it was recorded."""
    mss: tuple[int | None, int | None] = (None, None)
    """What client and server announced, bytes; None where that was not captured."""
    round_trips: tuple[int, int] = (0, 0)
    """From a packet of side 0 and 1 in `timeline` to its answer at the capture point, ns; 0 where unknown."""
    window_scales: tuple[int, int] = (0, 0)
    """Window scale shifts of the packets of side 0 and 1 in `timeline`."""
    protocol: str = "tcp"
    """Or what a UDP conversation speaks, as far as that is known: dns, radius, ike, nfs, dtls, quic, tftp,
    sip; else udp."""
    seen: SeenSizes | None = field(default=None, repr=False, compare=False)
    """The datagrams of a UDP conversation in trouble, to be drawn."""

    @property
    def sender(self) -> Endpoint:
        """The end whose large packets the verdict is about (the server where no direction is named)."""
        return self.client if self.direction == "client_to_server" else self.server

    @property
    def receiver(self) -> Endpoint:
        """The other end."""
        return self.server if self.direction == "client_to_server" else self.client

    @property
    def round_trip(self) -> float | None:
        """The shortest round trip between the ends, seconds; None where that of one of them is not known."""
        return sum(self.round_trips) / 1e9 if all(self.round_trips) else None

    @property
    def duration(self) -> float:
        """From its first packet to its last one, seconds."""
        return (self.last_time - self.first_time) / 1e9

    @property
    def version(self) -> int:
        """4 or 6."""
        return 6 if ":" in self.client.ip else 4

    @property
    def display_filter(self) -> str:
        """Wireshark display filter for the flow."""
        return f"{'tcp' if self.protocol == 'tcp' else 'udp'}.stream eq {self.stream}"
