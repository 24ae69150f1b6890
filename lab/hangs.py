"""Which flows hang on a large packet in a capture taken at its sender: read from the bytes, by a few plain rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from lab.capture_file import CaptureFile
from lab.headers import ACK, RST, SYN, TCP, Packet

_TRANSMISSIONS = 4
_HANGS_NS = 3_000_000_000
_Timed = tuple[int, Packet]  # (ns, packet)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang:
    """The head of a stream that was sent again and again, too large each time, and not acknowledged meanwhile."""

    seq: int
    transmissions: int
    first_ns: int
    last_ns: int
    large_segments: int  # different ones that were sent and not acknowledged, the head included
    acknowledged_later: bool
    small_delivered: bool  # something small of the flow or of its pair arrived meanwhile
    window_closed: bool
    peer_gone: bool  # a RST was seen before the end of it

    @property
    def proves_a_hole(self) -> bool:
        """Long enough, often enough, with something small that got through, and the receiver was willing."""
        long_enough = self.last_ns - self.first_ns >= _HANGS_NS and self.transmissions >= _TRANSMISSIONS
        return long_enough and self.small_delivered and not self.window_closed and not self.peer_gone


class Streams:
    """The packets of one capture, sorted by what its host sent and what it received, by (host's, peer's) port."""

    def __init__(self, recorded: CaptureFile, host: str, peer: str) -> None:
        self.sent: dict[tuple[int, int], list[_Timed]] = defaultdict(list)
        self.received: dict[tuple[int, int], list[_Timed]] = defaultdict(list)
        for _, record, packet in recorded.packets():
            if packet.protocol != TCP:
                continue
            if (packet.source, packet.destination) == (host, peer):
                self.sent[packet.source_port, packet.destination_port].append((record.time_ns, packet))
            elif (packet.source, packet.destination) == (peer, host):
                self.received[packet.destination_port, packet.source_port].append((record.time_ns, packet))

    def hang(self, ports: tuple[int, int], mtu: int, told: int = 1 << 16) -> Hang | None:
        """The longest one of a stream of this host, or None: packets above `mtu` do not get through.

        Those above `told` do not count: a PTB says why they are lost.
        """
        copies: dict[int, list[int]] = defaultdict(list)
        for at, packet in self.sent[ports]:
            if packet.payload_len and mtu < packet.ip_len <= told:
                copies[packet.seq].append(at)
        candidates = [self._hang(ports, mtu, seq, times) for seq, times in copies.items() if len(times) > 1]
        return max((hang for hang in candidates if hang), key=lambda hang: hang.last_ns - hang.first_ns, default=None)

    def _hang(self, ports: tuple[int, int], mtu: int, seq: int, times: list[int]) -> Hang | None:
        answers = [(at, packet) for at, packet in self.received[ports] if packet.flags & ACK]
        first_ack = min((at for at, packet in answers if _behind(packet.ack, seq) > 0), default=None)
        within = [at for at in times if first_ack is None or at <= first_ack]
        if len(within) < 2:
            return None
        first, last = within[0], within[-1]
        meanwhile = [packet for at, packet in answers if first < at <= last]
        if any(packet.ack != seq and _behind(packet.ack, seq) <= 0 for packet in meanwhile[-1:]):
            return None  # not the head: something before it is missing as well
        return Hang(
            seq=seq,
            transmissions=len(within),
            first_ns=first,
            last_ns=last,
            large_segments=len(
                {
                    packet.seq
                    for at, packet in self.sent[ports]
                    if at <= last and packet.ip_len > mtu and _behind(packet.seq, seq) >= 0
                }
            ),
            acknowledged_later=first_ack is not None,
            small_delivered=self._answered(ports, mtu, seq, first, last)
            or any(self._delivered(other, mtu, first, last) for other in self.sent if other != ports),
            window_closed=any(not packet.window for packet in meanwhile),
            peer_gone=any(packet.flags & RST for _, packet in _until(last, self.received[ports])),
        )

    def _answered(self, ports: tuple[int, int], mtu: int, seq: int, first: int, last: int) -> bool:
        """The receiver reacts, with the same cumulative ACK, to something small behind the head."""
        small = [
            at
            for at, packet in self.sent[ports]
            if packet.payload_len and packet.ip_len <= mtu and _behind(packet.seq, seq) > 0
        ]
        if not small:
            return False
        return any(
            not packet.payload_len and packet.ack == seq and (packet.has_sack or at > small[0])
            for at, packet in self.received[ports]
            if max(first, small[0]) < at <= last and packet.flags & (ACK | SYN | RST) == ACK
        )

    def _delivered(self, ports: tuple[int, int], mtu: int, first: int, last: int) -> bool:
        """Another flow's small packet was sent in this time and then acknowledged."""
        for at, packet in self.sent[ports]:
            if first < at <= last and packet.payload_len and packet.ip_len <= mtu:
                end = packet.seq + packet.payload_len
                earlier = [answer for then, answer in self.received[ports] if then <= at and answer.flags & ACK]
                later = [answer for then, answer in self.received[ports] if at < then <= last and answer.flags & ACK]
                new = not any(_behind(answer.ack, end) >= 0 for answer in earlier)
                if new and any(_behind(answer.ack, end) >= 0 for answer in later):
                    return True
        return False


def _until(end: int, packets: Iterable[_Timed]) -> list[_Timed]:
    return [(at, packet) for at, packet in packets if at <= end]


def _behind(number: int, other: int) -> int:
    """How far a sequence number lies behind another one; negative: before it."""
    return (number - other + 2**31) % 2**32 - 2**31
