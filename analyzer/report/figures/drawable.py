"""Which diagnoses have a figure, and what it is called: known before anything is drawn."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.model.trouble import Trouble
from analyzer.report import labels
from analyzer.report.diagnosis import Diagnosis
from analyzer.report.figures.drawn_packets import is_drawable


def drawable_of(diagnoses: Iterable[Diagnosis]) -> list[Diagnosis]:
    """Those of which a figure can be drawn: packets of their flow were recorded, or datagrams show them."""
    return [
        each
        for each in diagnoses
        if (each.flow is not None and is_drawable(each.flow)) or (each.trouble is not None and has_sizes(each.trouble))
    ]


def has_sizes(trouble: Trouble) -> bool:
    """Whether datagrams are known that show it."""
    return trouble.seen is not None and bool(trouble.seen.datagrams or trouble.seen.fragmented)


def name_of(diagnosis: Diagnosis) -> str:
    """What the figure of a diagnosis shows, in a few words."""
    if diagnosis.flow is not None:
        return labels.timeline(diagnosis.flow.stream)
    trouble = diagnosis.trouble
    fragments = trouble is not None and trouble.seen is not None and bool(trouble.seen.fragmented)
    return labels.datagrams(diagnosis.shown_by, fragments=fragments)


def file_suffix(diagnosis: Diagnosis) -> str:
    """Tells the file of its figure from others: "stream-3", "udp-3", "finding-A"."""
    trouble = diagnosis.trouble
    if diagnosis.flow is not None:
        return f"stream-{diagnosis.flow.stream}"
    if trouble is not None and trouble.example is not None:
        return f"udp-{trouble.example}"
    return f"finding-{diagnosis.finding}"
