"""What chance makes of a run of losses: how much else of the direction was lost, and of what size.

Ordinary loss hits some segment several times in a row, sooner or later. And where bits are damaged, a packet is lost
the more often the longer it is, without any limit to its size.
"""

from __future__ import annotations

from typing import NamedTuple

from analyzer.evidence.direction import Direction
from analyzer.evidence.retransmissions import RetransmissionSeries
from analyzer.model.wire_sizes import LEAST_V6_MTU
from analyzer.settings import LEAST_SMALL_LOST, LEAST_SMALL_SENT

MOST_SMALL = LEAST_V6_MTU
"""IP length of a smaller packet, at most: every usual path carries it (RFC 8200 5 for IPv6)."""


class Losses(NamedTuple):
    """Transmissions of a direction beside the run: how many there were, and how many of them were lost."""

    sent: int  # data packets, each transmission counted
    lost: int
    large_sent: int  # of them, those as large as the stuck segment
    large_lost: int
    small_sent: int
    small_lost: int
    small_bytes: int  # mean IP length of the smaller ones
    tries: int  # transmissions of the stuck segment, all in vain
    head_bytes: int  # its IP length
    others_sent: int  # data packets of other flows between the two hosts that got as large ones through
    others_lost: int
    chances: int  # segments of all flows of the pair, which could have been as unlucky

    @property
    def rate(self) -> float:
        """Share of the packets as large as the stuck segment that were lost, or of all if that is more."""
        large = (self.large_lost + 0.5) / (self.large_sent + 1) if self.large_sent else 0.0
        return max(large, (self.lost + self.others_lost + 0.5) / (self.sent + self.others_sent + 1))

    @property
    def expected(self) -> float:
        """How many segments between the two hosts one expects to be lost as often in a row, at that rate."""
        return max(self.chances, 1) * self.rate**self.tries

    @property
    def expected_by_length(self) -> float:
        """How often one expects so many losses of the stuck segment, if each byte is damaged as in small packets."""
        if self.small_lost < LEAST_SMALL_LOST or self.small_sent < LEAST_SMALL_SENT or not self.small_bytes:
            return 0.0
        kept = 1 - min(self.small_lost / self.small_sent, 0.99)
        by_chance: float = (1 - kept ** (self.head_bytes / self.small_bytes)) ** self.tries
        return by_chance


def losses_beside(direction: Direction, series: RetransmissionSeries) -> Losses:
    """What became of the data packets of a direction other than the run's; of those not recorded, from the counters."""
    count = direction.count
    own = {id(segment) for segment in (series.first, *series.retransmissions)}
    sent = lost = large_sent = large_lost = small_sent = small_lost = small_bytes = 0
    end = series.over_ts(direction.ended_ts)
    for t in direction.sendings:
        segment = t.segment
        if id(segment) in own or segment.super_segment or segment.seq <= series.seq < segment.seq + segment.payload:
            continue
        in_vain = t.covered_by is None or t.lost
        # What is still open may yet arrive; and without SACK nobody knows what arrived behind the stuck bytes.
        if (
            in_vain
            and segment.ts >= series.first.ts
            and (not direction.selective or end - segment.ts < 2 * direction.rtt)
        ):
            continue
        sent, lost = sent + 1, lost + in_vain
        if segment.ip_len >= series.stuck_segment.ip_len:
            large_sent, large_lost = large_sent + 1, large_lost + in_vain
        elif segment.ip_len <= MOST_SMALL:
            small_sent, small_lost = small_sent + 1, small_lost + in_vain
            small_bytes += segment.ip_len
    others = (
        direction.siblings.losses(direction.row, series.stuck_segment.ip_len)
        if direction.siblings is not None
        else (0, 0, 0)
    )
    resent = max(0, count["resent"] - count["spurious"] - count["dsacks"] - len(series.retransmissions))
    sent, lost = max(sent, count["data_packets"] - len(own)), max(lost, resent)
    return Losses(
        sent=sent,
        lost=lost,
        large_sent=large_sent,
        large_lost=large_lost,
        small_sent=small_sent,
        small_lost=small_lost,
        small_bytes=small_bytes // small_sent if small_sent else 0,
        tries=len(series.tries),
        head_bytes=series.stuck_segment.ip_len,
        others_sent=others[0],
        others_lost=others[1],
        chances=sent - lost + others[2],
    )
