"""Did the recording do what the scenario says? Loud when it did not.

These checks read the capture with their own few lines and ask only for facts that the
configuration promises: the big packet exists, it is repeated, a PTB is there or is not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise

from lab.capture_file import CaptureFile, inside_tunnel, ip_of
from lab.headers import ACK, FIN, RST, SYN, TCP, Packet, tcp_adds_up
from lab.network import ADDRESSES, LaboratoryError
from lab.vocabulary import Capture, Fact, Scenario

_REPEATING = ("content_drop", "dead_path", "fragment_loss")
_HANGING = ("blackhole", "blackhole_probable", "ptb_ignored", "blackhole_recovered")
_HANGING_FOR_EVER = _HANGING[:3]
_THROUGH = ("ok", "loss", "pmtud_ok", "no_df")
_LARGE = 1280
_LATE_NS = 2_000_000_000


def check_outcomes(scenario: Scenario, ended: dict[int, str]) -> None:
    """Every conversation ended as its flow says."""
    for index, flow in enumerate(scenario.flows):
        if flow.ends not in ("any", ended[index]):
            raise LaboratoryError(f"the flow to port {flow.port} {ended[index]}, it should have ended so: {flow.ends}")


def check_capture(scenario: Scenario, capture: Capture, recorded: CaptureFile, name: str) -> None:
    """The facts behind the truth are in the file."""
    if scenario.path.kind in ("vxlan", "ipip", "gre") and capture.role == "underlay":
        recorded = inside_tunnel(recorded)
    if not any(recorded.packets()):
        raise LaboratoryError(f"{name}: not one IP packet was recorded")
    if not capture.trust or (capture.role == "underlay" and scenario.path.kind == "tunnel"):
        return
    facts = _Facts(scenario, recorded)
    for complaint in facts.complaints(capture):
        raise LaboratoryError(f"{name}: {complaint}")


def first_gaps(recorded: CaptureFile) -> dict[tuple[int, int], int]:
    """When (ns) the first data came that left a gap behind them, by (source port, destination port)."""
    ends: dict[tuple[int, int], int] = {}
    gaps: dict[tuple[int, int], int] = {}
    for _, record, packet in recorded.packets():
        syn = bool(packet.flags & SYN)
        if packet.protocol != TCP or not (packet.payload_len or syn):
            continue
        ports = packet.source_port, packet.destination_port
        behind = (packet.seq - ends.get(ports, packet.seq)) % 2**32
        if not syn and 0 < behind < 2**31:
            gaps.setdefault(ports, record.time_ns)
        if syn or behind < 2**31:  # a retransmission does not move the end back
            ends[ports] = (packet.seq + packet.payload_len + syn) % 2**32
    return gaps


class _Facts:
    def __init__(self, scenario: Scenario, recorded: CaptureFile) -> None:
        self.scenario = scenario
        self.recorded = recorded
        addresses = ADDRESSES[scenario.family]
        ends = (addresses.server, addresses.client)
        self.sender, self.receiver = ends if scenario.data == "download" else ends[::-1]
        self.packets = packets = [packet for _, _, packet in recorded.packets()]
        self.data = [p for p in packets if p.source == self.sender and p.payload_len]
        self.acks: dict[tuple[int, int], set[int]] = defaultdict(set)
        for packet in packets:
            if packet.source == self.receiver and packet.flags & ACK:
                self.acks[packet.source_port, packet.destination_port].add(packet.ack)
        self.path_mtu = scenario.path_mtu or 0
        self.most_copies = _most_copies(self.data)
        self.most_copies_too_big = _most_copies([p for p in self.data if p.ip_len > self.path_mtu])

    def complaints(self, capture: Capture) -> list[str]:
        found = []
        verdict, at_sender = capture.accept[0], capture.role in ("sender", "before")
        ptbs = sum(1 for packet in self.packets if packet.is_ptb)
        if capture.ptb and not ptbs:
            found.append("no PTB was recorded")
        if ptbs and not capture.ptb:
            found.append("a PTB was recorded where none should be")
        if at_sender and verdict in _HANGING and self.most_copies_too_big < 3:
            found.append(f"the large segment is there {self.most_copies_too_big} times only")
        if at_sender and verdict in ("blackhole", "ptb_ignored") and not self._has_df():
            found.append("the large packets do not have DF set")
        if at_sender and verdict in _HANGING_FOR_EVER and self._too_big_acked():
            found.append("a packet above the path MTU was acknowledged")
        if at_sender and verdict in _THROUGH and self._sent_large() and not self._holds("large_delivered"):
            found.append("nothing large was acknowledged")
        if at_sender and verdict in _REPEATING and self.most_copies < 3:
            found.append(f"the head of the stream is there {self.most_copies} times only")
        if verdict in ("fragment_loss", "no_df") and self._has_df():
            found.append("large packets have DF set")
        if verdict == "blackhole_suspected" and not self._receiver_sees_hole():
            found.append("the receiver shows no hole: neither SACK nor a duplicate ACK nor a gap")
        if verdict == "zero_window" and not self._zero_window():
            found.append("the window never closes")
        found += [f"missing in it: {fact}" for fact in capture.facts if not self._holds(fact)]
        if verdict == "not_exercised" and any(p.ip_len > _LARGE and p.protocol == TCP for p in self.packets):
            found.append("a packet of more than 1280 bytes was sent")
        return found

    def _holds(self, fact: Fact) -> bool:
        if fact == "retransmissions":
            return self.most_copies > 1
        if fact == "large_delivered":
            return any(p.ip_len > _LARGE and self._acked(p) for p in self.data)
        if fact == "super_segments":
            return any(p.ip_len > self.path_mtu for p in self.data)
        if fact == "sequence_wraps":
            return any(b.seq < a.seq - 2**31 for a, b in pairwise(self.data))
        if fact == "two_syns":
            syns = {(p.source_port, p.seq) for p in self.packets if p.flags & (SYN | ACK) == SYN}
            return len(syns) > len({port for port, _ in syns})
        if fact == "too_large_delivered":
            return any(self._acked(p) for p in self.data if p.ip_len > self.path_mtu)
        if fact == "wrong_checksum":
            return _has_wrong_checksum(self.recorded)
        if fact == "constant_gaps":
            return _constant_gaps(self._timed(lambda p: p.source == self.sender and p.payload_len > 0))
        if fact == "late_ptb":
            ptbs = self._timed(lambda p: p.is_ptb)
            large = self._timed(lambda p: p.source == self.sender and p.ip_len > self.path_mtu)
            return bool(ptbs and large) and ptbs[0][0] - large[0][0] >= _LATE_NS
        if fact == "closed_before_large":
            fins = self._timed(lambda p: p.source == self.receiver and p.flags & FIN > 0)
            large = self._timed(lambda p: p.source == self.sender and p.ip_len > _LARGE)
            return bool(fins and large) and fins[0][0] < large[0][0]
        return any(p.flags & RST for p in self.packets)

    def _timed(self, chosen: Callable[[Packet], bool]) -> list[tuple[int, Packet]]:
        return [(record.time_ns, packet) for _, record, packet in self.recorded.packets() if chosen(packet)]

    def _sent_large(self) -> bool:
        return any(p.ip_len > _LARGE for p in self.data)

    def _acked(self, sent: Packet) -> bool:
        """Some ACK of the receiver covers its last byte."""
        acks = self.acks.get((sent.destination_port, sent.source_port))
        end = sent.seq + sent.payload_len
        return any(0 <= (ack - end) % 2**32 < 2**31 for ack in acks or ())

    def _too_big_acked(self) -> bool:
        if self.scenario.path_mtu_also is not None:
            return False  # too big for one path, or at one time, only
        return any(self._acked(p) for p in self.data if p.ip_len > self.path_mtu)

    def _has_df(self) -> bool:
        return any(p.df for p in self.data if p.ip_len > self.path_mtu)

    def _receiver_sees_hole(self) -> bool:
        acks = [p for p in self.packets if p.source == self.receiver and not p.payload_len]
        repeated = any((a.ack, a.window, a.source_port) == (b.ack, b.window, b.source_port) for a, b in pairwise(acks))
        return repeated or any(p.has_sack for p in acks) or bool(first_gaps(self.recorded))

    def _zero_window(self) -> bool:
        return any(
            not p.window
            for p in self.packets
            if p.protocol == TCP and p.source == self.receiver and not p.flags & (RST | SYN)
        )


def _most_copies(data: list[Packet]) -> int:
    """How often the most repeated segment was sent, whatever its length each time."""
    copies: dict[tuple[int, int, int], int] = defaultdict(int)
    for packet in data:
        copies[packet.source_port, packet.destination_port, packet.seq] += 1
    return max(copies.values(), default=0)


def _has_wrong_checksum(recorded: CaptureFile) -> bool:
    """Some TCP segment that is there as a whole does not add up."""
    for _, record, packet in recorded.packets():
        data = ip_of(recorded.link_type, record.data)[: packet.ip_len]
        whole = len(data) == packet.ip_len and packet.protocol == TCP and not packet.fragment
        if whole and not tcp_adds_up(data, packet):
            return True
    return False


def _constant_gaps(data: list[tuple[int, Packet]]) -> bool:
    """Four successive copies of the most repeated segment are equally far apart, a tenth more or less."""
    times: dict[tuple[int, int], list[int]] = defaultdict(list)
    for at, packet in data:
        times[packet.source_port, packet.seq].append(at)
    most: list[int] = max(times.values(), key=lambda copies: (len(copies), copies), default=[])
    gaps = [b - a for a, b in pairwise(most)]
    return any(max(three) < 1.1 * min(three) for three in zip(gaps, gaps[1:], gaps[2:], strict=False))
