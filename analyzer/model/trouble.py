"""What pings, UDP probes, PTBs and fragments show by themselves, without a TCP flow. Emits `Trouble`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from analyzer.model.flow import PathMtu
from analyzer.model.points import Located
from analyzer.model.seen_sizes import SeenSizes
from analyzer.model.statement import Fix, FrameRef, RuledOut, Statement

Kind = Literal["pings", "probes", "ptbs", "fragments", "udp", "tunnels"]


SHOWN_BY = {
    "pings": "pings",
    "probes": "UDP probes",
    "ptbs": "PTBs",
    "fragments": "fragments",
    "udp": "UDP",
    "tunnels": "tunnel",
}
"""What shows a trouble that no flow shows, by its kind."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something wrong in one direction between two addresses, told by packets of no TCP flow."""

    kind: Kind  # what shows it
    protocol: str  # of the packets that do not get through: "icmp", "udp", "esp"
    verdict: str
    confidence: str
    sender: str  # address of the end whose packets it is about
    receiver: str
    path_mtu: PathMtu
    lost: int | None  # bytes of IP: the smallest packet that did not get through
    headline: str  # a sentence
    explanation: str
    rests_on: tuple[FrameRef, ...]
    evidence: tuple[Statement, ...]
    ruled_out: tuple[RuledOut, ...]
    fixes: tuple[Fix, ...]
    first_time: int  # ns: of the packets that did not get through
    last_time: int
    reason: str | None = None  # why PTBs have no effect
    ptbs: tuple[FrameRef, ...] = ()  # those that have none
    streams: tuple[int, ...] = ()  # of UDP, the conversations that show it
    example: int | None = None  # of these, the one that shows it best
    rule_id: str = ""  # of UDP, the rule that decided
    located: Located | None = None  # where its large packets get lost, as several capture points prove together
    seen: SeenSizes | None = field(default=None, repr=False, compare=False)
    """The datagrams that show it, to be drawn; None where it is not about datagrams."""

    @property
    def rule(self) -> str:
        """Id of what decided: "pings/blackhole"."""
        return self.rule_id or f"{self.kind}/{self.verdict}"

    @property
    def shown_by(self) -> str:
        """What shows it: "pings", "UDP probes", "PTBs", "fragments", "udp 3"."""
        return f"udp {self.example}" if self.example is not None else SHOWN_BY[self.kind]

    @property
    def frames(self) -> list[FrameRef]:
        """All frames that speak for it."""
        found = {*self.rests_on, *(ref for each in self.evidence for ref in each.frames)}
        return sorted(found | {ref for each in self.ruled_out for ref in each.frames})

    @property
    def display_filter(self) -> str:
        """Wireshark's, for its packets."""
        if self.example is not None:
            return f"udp.stream eq {self.example}"
        six = ":" in self.sender
        ends = " and ".join(f"{'ipv6' if six else 'ip'}.addr eq {ip}" for ip in (self.sender, self.receiver))
        if self.kind == "tunnels":
            return f"{ends} and esp"
        if self.kind == "probes":
            return f"{ends} and udp"  # ICMP errors quote it, so that they are among them
        if self.kind == "pings":
            return f"{ends} and {'icmpv6' if six else 'icmp'}"
        if self.kind == "ptbs":
            return f"{ends} and {'icmpv6.type eq 2' if six else 'icmp.type eq 3 and icmp.code eq 4'}"
        part = "ipv6.fraghdr" if six else "(ip.flags.mf eq 1 or ip.frag_offset gt 0)"
        return f"{ends} and {part}"
