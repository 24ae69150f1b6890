"""How the capture was taken, as far as it says so itself, and how much less sure that makes a verdict."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from analyzer.capture.capture_filter import excludes_icmp
from analyzer.model.analysis import CaptureFile
from analyzer.model.verdicts import those
from analyzer.settings import Settings

RESTS_ON_NO_PTB = those(lambda verdict: verdict.ptb == "none")
"""Verdicts that would be another if a PTB had been there to see."""


class CaptureQuality(NamedTuple):
    """What the capturing host lost, and what its filter kept out."""

    dropped: int
    packets: int
    icmp_filter: str | None
    """A filter of every input that lets no ICMP through, None where ICMP could be captured."""
    filters: tuple[str, ...] = ()
    """All capture filters that the inputs name."""

    def notes(self) -> list[str]:
        """What the user should know before reading any verdict."""
        notes = []
        if self.dropped:
            notes.append(f"The capturing host says that it lost {self.dropped} packets.")
        if self.icmp_filter is not None:
            notes.append(
                f"The capture filter ({self.icmp_filter}) lets no ICMP through, so PTBs were not captured. "
                "Capture with: tcp or icmp or icmp6"
            )
        return notes

    def confidence(self, verdict: str, confidence: str, settings: Settings) -> str:
        """The confidence under these conditions: never more than before."""
        lossy = self.dropped > settings.capture_loss * (self.packets + self.dropped)
        blind = self.icmp_filter is not None and verdict in RESTS_ON_NO_PTB
        return "medium" if confidence == "high" and (lossy or blind) else confidence


def quality_of(files: Iterable[CaptureFile], packets: int) -> CaptureQuality:
    """The conditions of a capture of these files, which hold `packets` packets together."""
    files = tuple(files)
    dropped = sum(file.dropped for file in files)
    without = [text for file in files for text in file.filters if excludes_icmp(text)]
    every = all(file.filters and all(excludes_icmp(text) for text in file.filters) for file in files)
    filters = tuple(text for file in files for text in file.filters)
    return CaptureQuality(dropped, packets, without[0] if every and without else None, filters)
