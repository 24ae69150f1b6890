"""Colours of the figures, light and dark, after Okabe and Ito: told apart by colour-blind readers.

No meaning rests on colour alone: markers differ too, and groups carry their names.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from analyzer.model.verdicts import TABLE, Verdict


@dataclass(frozen=True, slots=True)
class Theme:
    """A colour for each role. No two roles of a theme share one: reports in HTML tell them apart by it."""

    paper: str
    ink: str
    muted: str
    grid: str
    delivered: str
    lost: str
    acked: str
    sacked: str
    window: str
    ptb: str
    band: str  # where the path MTU lies
    hole: str  # verdict groups of the overview, from here on
    ignored: str
    hung: str
    unsure: str
    healthy: str

    def roles(self) -> dict[str, str]:
        """Colour by role."""
        return asdict(self)


LIGHT = Theme(
    paper="#ffffff",
    ink="#1f2328",
    muted="#5c6570",
    grid="#e4e6e9",
    delivered="#0072b2",
    lost="#c84e00",
    acked="#00875f",
    sacked="#7d8500",
    window="#9aa1a9",
    ptb="#a2327a",
    band="#e3a008",
    hole="#c74d01",
    ignored="#a2337b",
    hung="#b88205",
    unsure="#8a929b",
    healthy="#0073b3",
)

DARK = Theme(
    paper="#15181d",
    ink="#e6e9ed",
    muted="#a3abb5",
    grid="#2b3038",
    delivered="#58b4ea",
    lost="#ff8a4c",
    acked="#2fcb9b",
    sacked="#c3cc4f",
    window="#7a828c",
    ptb="#e48ac2",
    band="#f0b93a",
    hole="#ff8b4d",
    ignored="#e48bc3",
    hung="#e9bc4f",
    unsure="#8c949e",
    healthy="#59b5eb",
)


def group_of(verdict: Verdict) -> str:
    """The role that colours a verdict in the overview."""
    if verdict.accuses:
        return "hole"
    if verdict.kind == "problem":
        return "ignored" if verdict.ptb == "some" else "hung"
    return "unsure" if verdict.kind == "undecided" or verdict.tone == "plain" else "healthy"


GROUPS = {verdict.name: group_of(verdict) for verdict in TABLE}
