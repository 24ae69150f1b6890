"""The stuck segment in words, for the explanations of a stall."""

from __future__ import annotations

from analyzer.model.text import seconds_of, times
from analyzer.verdicts.stalled_facts import StalledFacts


def stuck(f: StalledFacts) -> str:
    """Which segment was sent how often, as the beginning of a sentence."""
    series, stuck_segment = f.series, f.stuck_segment
    df = "" if f.direction.version == 6 else (" with DF" if stuck_segment.df else " without DF")
    first = f.name(series.tries[0].ref)
    sent = f"first sent in {first}"
    if series.original is None:
        sent = f"its original is not in the capture, its first copy is {first}"
    within = f" within {seconds_of(series.span)}" if len(series.tries) > 1 else ""
    return (
        f"The segment of {stuck_segment.ip_len} bytes{df} ({sent}) was retransmitted "
        f"{times(series.retransmission_count)}{within}"
    )


def end(f: StalledFacts) -> str:
    """How that ended, as the rest of it."""
    ack = f.series.acked_by
    if ack is None:
        return "and was never acknowledged"
    smaller = ", sent smaller" if f.fell_back is not None and f.fell_back.ip_len < f.stuck_segment.ip_len else ""
    return f"until {f.name(ack.ref)} acknowledged it{smaller}"
