"""ICMP messages that a packet was too big: which flow they are about, and whether they could help.

Emits `PtbSeen`. Tests in the order in which a host applies them: checksum, the quoted connection, the
quoted sequence number (RFC 5927 4.1), the MTU (RFC 1191, RFC 8201 4).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from analyzer.evidence.segments import Segment
from analyzer.model.statement import FrameRef
from analyzer.model.wire_sizes import LEAST_V4_MTU, LEAST_V6_MTU

CHECKSUM_WRONG = 2


class PtbSeen(NamedTuple):
    """One PTB, its quote compared with the flow at that time."""

    ref: FrameRef
    ts: int
    version: int
    router: str
    target: str  # whom it was sent to
    mtu: int
    checksum_wrong: bool
    quoted_len: int
    quoted_df: bool
    quoted_src: str
    quoted_dst: str
    quoted_ports: tuple[int, int] | None
    quoted_seq: int | None  # unwrapped where the flow is known, else as on the wire
    flow: int  # -1: no flow has the quoted endpoints
    side: int
    una: int  # of the quoted direction at that time, -1 unknown
    snd_max: int
    quoted_echo: tuple[int, int] | None = None  # identifier and sequence number of a ping that was too big
    quoted_id: int = -1  # IPv4 identification of the quoted packet, -1 none
    quoted_port: int | None = None  # source port: the quote may end behind it
    quoted_protocol: int = -1
    quoted_transport: bytes = b""  # what it quotes behind the IP header
    overhead: int = 0  # the quoted packet carries the flow's in so many bytes: sent to the tunnel's end

    @property
    def is_valid(self) -> bool:
        """Whether a host that knows the quoted packet would go by it."""
        return not self.checksum_wrong and LEAST_V4_MTU <= self.mtu < self.quoted_len

    @property
    def defect(self) -> str | None:
        """Why a host discards it by itself, or None."""
        if self.checksum_wrong:
            return "checksum"
        if self.flow < 0:
            return "tuple"
        if self.quoted_seq is not None and self.una >= 0 and not self.una <= self.quoted_seq < self.snd_max:
            return "sequence"
        if self.version == 6 and self.mtu < LEAST_V6_MTU:
            return "below_1280"
        if self.version == 4 and self.mtu < LEAST_V4_MTU:
            return "mtu_zero"
        if self.mtu >= self.quoted_len > 0:
            return "mtu_not_smaller"
        return None

    def quotes(self, segment: Segment) -> bool:
        """True if it can be this packet that it quotes: no packet sent so far has another identification or size."""
        if segment.ts > self.ts or not segment.data:
            return False
        if self.quoted_id > 0 and segment.ip_id > 0:
            # Offload counts on from the captured packet's number for those it is cut into.
            return 0 <= (self.quoted_id - segment.ip_id) & 0xFFFF <= segment.payload // 256
        same = self.quoted_seq is not None and segment.seq & 0xFFFFFFFF == self.quoted_seq & 0xFFFFFFFF
        return same or segment.ip_len == self.quoted_len

    @property
    def plausible(self) -> bool:
        """True if nothing speaks against the sender obeying it."""
        return self.defect is None


MOST_STEPS = 32
"""Steps by which a path is told to be narrower: links of different MTUs are fewer than that."""


def steps_down(ptbs: Iterable[PtbSeen]) -> tuple[PtbSeen, ...]:
    """Of PTBs in order of time those that name less than all before them; of too many the first and the last."""
    found: list[PtbSeen] = []
    for ptb in ptbs:
        if ptb.plausible and (not found or ptb.mtu < found[-1].mtu):
            found.append(ptb)
    return tuple(found if len(found) <= MOST_STEPS else [*found[: MOST_STEPS // 2], *found[-MOST_STEPS // 2 :]])
