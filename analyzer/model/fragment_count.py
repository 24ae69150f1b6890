"""What became of fragmented datagrams at the capture point. Emits `FragmentCount`."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.model.statement import FrameRef

PROTOCOLS = {1: "icmp", 4: "ipip", 6: "tcp", 17: "udp", 41: "6in4", 47: "gre", 50: "esp", 58: "icmpv6", 89: "ospf"}
"""IP protocols that are told by name; others by their number."""


def protocol_name(number: int) -> str:
    """The name of an IP protocol: "udp", "protocol-132"."""
    return PROTOCOLS.get(number, f"protocol-{number}")


@dataclass(frozen=True, slots=True)
class FragmentCount:
    """The fragmented datagrams of one protocol from one address to another."""

    src: str
    dst: str
    protocol: str
    point: int  # capture point, 0 where there is one
    complete: int
    first_only: int
    later_only: int
    partial: int  # the first fragment and some others
    overlapping: int  # of all these, those with fragments that hold the same bytes
    gave_up: int  # for which the receiver told that its time to put it together was exceeded
    whole: int  # unfragmented packets beside them
    frames: tuple[FrameRef, ...]  # of those that are not complete, and of what tells that the receiver gave up; or some
    verdict: str | None  # fragment_loss, inconclusive, or None: nothing is concluded

    @property
    def datagrams(self) -> int:
        """How many were fragmented."""
        return self.complete + self.incomplete

    @property
    def incomplete(self) -> int:
        """How many of them are not complete here."""
        return self.first_only + self.later_only + self.partial
