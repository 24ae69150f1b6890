"""A conversation with losses: who sends again what, and acknowledges how much, is remembered from step to step."""

from __future__ import annotations

from analyzer.flows.flow_tables import State
from tests.builders import ACK, CLIENT, SERVER, SYN, Packet, frag_needed, ipv4, mss, pcap, sack, tcp
from tests.reading import skim
from tests.talk import MS, Talk


class LossyTalk:
    """A server that sends to a client, written as a capture beside the server or behind a loss."""

    def __init__(self, announced: int | None = 1460) -> None:
        self.talk = Talk(client_base=0, server_base=0, ports=(4000, 80))
        self.ms = 0.0
        self.next = 1
        self.asked = 1
        self.una = 1
        self.sent: list[tuple[int, int]] = []  # first byte and bytes of what may be sent again
        self.unseen: list[tuple[int, int]] = []
        self.packets: list[Packet] = []
        options = mss(announced) if announced else b""
        self.client(flags=SYN, seq=0, options=options)
        self.server(0, 0, flags=SYN | ACK, options=options)
        self.client()

    def wait(self, ms: float) -> None:
        self.ms += ms

    def client(self, *, size: int = 0, options: bytes = b"", flags: int = ACK, seq: int | None = None) -> None:
        seq = self.asked if seq is None else seq
        self.packets.append(
            self.talk.from_client(self.ms, bytes(size), seq=seq, ack=self.una, flags=flags, options=options)
        )
        self.asked += size

    def server(self, seq: int, size: int, *, df: bool = True, flags: int = ACK, options: bytes = b"") -> None:
        fields = {"seq": seq, "ack": self.asked, "flags": flags, "options": options}
        self.packets.append(self.talk.from_server(self.ms, bytes(size), ip={"df": df}, **fields))

    def send(self, size: int, *, df: bool = True, seen: bool = True) -> None:
        (self.sent if seen else self.unseen).append((self.next, size))
        if seen:
            self.server(self.next, size, df=df)
        self.next += size

    def again(self, index: int, *, size: int = 0, df: bool = True) -> None:
        pending = [each for each in self.sent if each[0] + each[1] > self.una] or self.sent[-1:]
        for seq, whole in pending[index % len(pending) :][:1] if pending else []:
            self.server(seq, size or whole, df=df)

    def late(self, size: int) -> None:
        """Bytes that did not pass here before, or a part of them."""
        if self.unseen:
            seq, whole = self.unseen.pop(0)
            self.server(seq, min(size, whole))
            if size < whole:
                self.server(seq + size, whole - size)
            self.sent.append((seq, whole))

    def ack(self, back: int, *, selective: bool = False) -> None:
        """Acknowledge all but the last `back` segments; or, of these, all but the first."""
        ends = sorted(seq + size for seq, size in (*self.sent, *self.unseen))
        upto = ends[-1 - back] if back < len(ends) else self.una
        if selective and upto < self.next:
            following = min((end for end in ends if end > upto), default=self.next)
            self.client(options=sack((following, self.next)) if following < self.next else b"")
            return
        self.una = max(self.una, upto)
        self.client()

    def other(self) -> None:
        """A packet of somebody else: the capture goes on."""
        self.packets.append(self.talk.from_server(self.ms, b"x", sport=9, dport=9, seq=1000, ack=0))

    def state(self) -> State:
        return skim(pcap(self.packets)).state

    def lose(self, *gaps: float, size: int = 1460) -> None:
        """A segment is lost, and sent again after each of these gaps, the last time with success."""
        self.send(size)
        for gap in gaps:
            self.wait(gap)
            self.again(0)
        self.wait(10)
        self.ack(0)
        self.wait(10)

    def stream(self, count: int, size: int = 1460) -> None:
        for _ in range(count):
            self.send(size)
            self.wait(1)
        self.wait(10)
        self.ack(0)
        self.wait(10)

    def router(self, quoted: bytes) -> None:
        message = ipv4(frag_needed(1400, quoted), src="198.51.100.1", dst=SERVER, protocol=1)
        self.packets.append(Packet(self.talk.start + round(self.ms * MS), message))

    def quote(self, *, port: int) -> bytes:
        """The segment to be sent next, as a router may quote it."""
        return ipv4(tcp(bytes(1460), sport=80, dport=port, seq=self.next, ack=1), src=SERVER, dst=CLIENT)
