"""The second line of every report: what else the capture shows, beside the verdict."""

from __future__ import annotations

from analyzer.model.analysis import Analysis
from analyzer.model.seen import Seen
from analyzer.model.text import joined, plural, seconds
from analyzer.settings import TOLD_WAIT_NS

LEAST_SHARE = 0.01
"""Of the packets with data, sent again: less is everyday life."""


def also_seen(analysis: Analysis) -> str:
    """What else was seen, as a sentence; empty where nothing is worth one.

    Waiting and packets sent again are told of the flows without a sure problem: what was found says it of the others.
    """
    every, healthy = analysis.seen(), analysis.seen(healthy=True)
    if every is None or healthy is None:
        return ""
    parts = [*_waiting(healthy), *_resets(every), *_never_opened(every)]
    return f"Also seen: {'; '.join(parts)}." if parts else ""


def _waiting(seen: Seen) -> list[str]:
    parts = []
    if seen.resent >= LEAST_SHARE * seen.data_packets and seen.resent > 1:
        share = 100 * seen.resent / seen.data_packets
        parts.append(f"{share:.2g} % of the data packets were sent again ({seen.resent:,} of {seen.data_packets:,})")
    if seen.longest_stall is not None and seen.longest_stall * 1e9 >= TOLD_WAIT_NS:
        parts.append(f"a stall of at least {seconds(seen.longest_stall)} (stream {seen.stalled_stream})")
    if seen.ends_waiting:
        ends = "ends" if seen.ends_waiting == 1 else "end"
        parts.append(f"{plural(seen.ends_waiting, 'flow')} {ends} in a stall")
    return parts


def _resets(seen: Seen) -> list[str]:
    by = (("client", seen.reset_by_client), ("server", seen.reset_by_server))
    told = [f"{plural(count, 'flow')} reset by the {end}" for end, count in by if count]
    return [joined(told)] if told else []


def _never_opened(seen: Seen) -> list[str]:
    parts = []
    if seen.refused:
        parts.append(f"{plural(seen.refused, 'flow')} refused (RST to the SYN)")
    if seen.unanswered:
        parts.append(f"{plural(seen.unanswered, 'flow')} whose SYN has no answer in the capture")
    return parts
