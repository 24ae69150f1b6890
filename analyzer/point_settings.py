"""The thresholds by which several capture points are joined, each once, as in `settings`; nobody need change them."""

from __future__ import annotations

EARLY_NS = 50_000_000
"""A packet that seems to arrive so much earlier than most others is another copy: no clock and no queue does that."""

TELLING_NS = 20_000
"""Round trips between two places that are shorter tell nothing about their order."""

ROUNDED_NS = 2_000
"""What a round trip of four times in microseconds may be off, since they are cut, ns."""

DRIFT_SPAN_NS = 120_000_000_000
"""A drift is looked for in captures that last longer."""

LEAST_DRIFT = 2e-6
"""A drift below this is within what timestamps and queues make."""

TRANSIT_NS = 3_000_000_000
"""A packet is not longer on its way between two places, as far as clocks are known."""

MOST_BY_CHANCE = 0.1
"""Of datagrams that are no larger than what crossed, so many may be missing: loss, or gaps of a capture."""

ROUGH_NS = 2_000_000
"""What times may be off beyond the doubt of the clocks: packets wait before they are stamped."""

LEAST_LOST = 3
"""Packets above some size that must be lost, and none cross, before size is thought of: MAX_PROBES of RFC 8899."""

LEAST_SURE = 4
"""And so many, of two segments, before it is sure."""

LEG_CHANCE = 0.01
"""Losses that are expected by chance more often than this prove nothing."""

LEAST_LOST_NS = 1_000_000_000
"""What a single segment must be lost for, ns."""

SLACK_NS = 50_000_000
"""What packets may be late, beyond the doubt of the clocks, before they are missing in a capture."""

SILENT_NS = 2_000_000_000
"""A capture that falls silent so shortly before something is lost fell silent because of it, and did not end."""

LEAST_SMALL_TRIES = 2
"""Smaller packets that must be lost, and none cross, before everything is said to end on a leg."""

LEAST_STUCK = 2
"""Copies of the stalled segment that must vanish on a leg before it is named."""

DRAWN_BEFORE_NS = 1_000_000_000
"""From how long before the first loss on packets are kept to be drawn of each end of a leg, ns."""
