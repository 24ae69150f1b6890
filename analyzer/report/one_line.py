"""What is told on one line: of a capture its name and the answer, of a damaged one how far it was read."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.model.analysis import Analysis, CaptureFile
from analyzer.model.text import capture_name, extent, plural, printable
from analyzer.report.verdict_text import headline

MOST_LINES = 20
"""Damaged files that are told one by one."""


def line_of(analysis: Analysis) -> str:
    """The name of the capture and the answer; where it was compared with a later one, whether the fix worked."""
    if analysis.later is None:
        return f"{capture_name(analysis.files)}: {headline(analysis)}"
    from analyzer.report.changes import answer

    return f"{capture_name(analysis.files)} and {capture_name(analysis.later.files)}: {answer(analysis.changes)}"


def damage(analysis: Analysis) -> Iterator[str]:
    """A line for each file that could not be read to its end; of very many, for the first, and how many more."""
    damaged = [file for file in analysis.files if file.damaged_at is not None]
    yield from map(_damage, damaged[:MOST_LINES])
    if len(damaged) > MOST_LINES:
        yield f"{plural(len(damaged) - MOST_LINES, 'more file')} could not be read to their ends"


def _damage(file: CaptureFile) -> str:
    rest = "; these were analysed" if file.packets else ""
    return f"{printable(file.path)} {extent(file)}{rest}"
