"""What single frames prove of a stall, each in the words of a comment at that frame."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.evidence.controls import Control
from analyzer.evidence.segments import Segment, refs
from analyzer.model.statement import Statement
from analyzer.model.text import seconds_of
from analyzer.verdicts.stalled_facts import StalledFacts


def told_controls(facts: StalledFacts) -> list[tuple[str, Control]]:
    """What is told of other packets than the stuck segment, each with the part that it plays."""
    nothing = facts.passed is None
    found = (
        ("at its receiver", facts.arrived),
        ("refused", facts.refused),
        ("the peer", facts.peer_gone),
        ("control", facts.passed),
        ("control", facts.just_before if nothing else None),
        ("control", facts.before if nothing else None),
        ("fails as well", facts.failed),
        *(("as large", control) for control in (*facts.as_large, *facts.siblings_as_large)),
    )
    return [(part, control) for part, control in found if control is not None]


def parts_of(facts: StalledFacts) -> tuple[Statement, ...]:
    """The parts of all frames that a stall is told by, but for its PTBs."""
    return tuple(_parts(facts))


def _parts(facts: StalledFacts) -> Iterator[Statement]:
    series, size = facts.series, facts.stuck_segment.ip_len
    fate = _fate(facts)
    for number, sent in enumerate(series.tries, 1):
        what = f"super-segment with the {size}-byte segment" if sent.super_segment else f"{size}-byte segment"
        yield Statement(f"{what}, sent {number} of {len(series.tries)}, {fate}", (sent.ref,))
    for sent in series.changed:
        shape = f"{sent.ip_len} bytes{' without DF' if facts.stuck_segment.df and not sent.df else ''}"
        yield Statement(f"bytes of the {size}-byte segment, sent as {shape}", (sent.ref,))
    if series.acked_by is not None:
        yield Statement(f"acknowledges the bytes of the {size}-byte segment", (series.acked_by.ref,))
    for part, control in told_controls(facts):
        yield Statement(f"{part}: {control.noted}", control.frames)
    if facts.window is not None and facts.window.ref.frame:
        state = "closed" if facts.window_closed else "open"
        yield Statement(f"receive window {state}: {facts.window.size} bytes", (facts.window.ref,))
    for other in _others(facts):
        what = "super-segment" if other.super_segment else "segment"
        yield Statement(f"{other.ip_len}-byte {what}, lost as well", (other.ref,))


def _fate(facts: StalledFacts) -> str:
    series, new = facts.series, facts.fell_back
    if new is not None:
        smaller = new.ip_len < facts.stuck_segment.ip_len
        return f"acknowledged only when sent {f'as {new.ip_len} bytes' if smaller else 'without DF'}"
    if series.acked_by is None:
        return "acknowledged later" if series.acked else "never acknowledged"
    return f"acknowledged after {seconds_of(series.waited_ns)}"


def _others(facts: StalledFacts) -> list[Segment]:
    """Segments as large that were lost, beside the stuck one."""
    own = {sent.ref for sent in facts.series.tries}
    return [sent for sent in facts.large_lost if sent.ref not in own]


def evidence_of(facts: StalledFacts) -> tuple[Statement, ...]:
    """The statements on which a verdict about a stall rests."""
    series = facts.series
    rows = [
        Statement(f"the segment of {series.stuck_segment.ip_len} bytes and its retransmissions", refs(series.tries))
    ]
    if series.changed:
        rows.append(Statement("the same bytes sent in another shape", refs(series.changed)))
    if series.acked_by is not None:
        rows.append(Statement("acknowledged", (series.acked_by.ref,)))
    rows += [Statement(control.text, control.frames) for _, control in told_controls(facts)]
    if facts.about:
        rows.append(Statement("PTBs", tuple(p.ref for p in facts.about)))
    return tuple(rows)
