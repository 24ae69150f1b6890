"""The picture of a capture as an image: PNG, SVG or PDF."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from analyzer.model.analysis import Analysis
from analyzer.report.figures.own_settings import load_matplotlib
from analyzer.report.wishes import Wishes


class ImageReport:
    """All flows at a glance, and the findings over time."""

    def files(self, analysis: Analysis, target: Path, wishes: Wishes) -> dict[Path, Iterable[bytes]]:
        """The one file; its suffix says which kind of image."""
        load_matplotlib(alone=wishes.alone)
        from analyzer.report.figures.capture_picture import timelines_image

        return {target: [timelines_image(analysis, target.suffix.lower().removeprefix("."))]}
