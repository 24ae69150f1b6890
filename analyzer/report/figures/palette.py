"""Colours of the figures, light and dark: told apart by colour-blind readers.

Of any two that mean something in one plot (`TOGETHER`) the difference by CIEDE2000 is at least `LEAST_DIFFERENCE`, for
usual eyes and as Machado, Oliveira and Fernandes (2009) simulate complete deuteranopia and protanopia; found by search
from the colours of Okabe and Ito. No meaning rests on colour alone: marks differ too, and groups carry their names.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from analyzer.model.verdicts import TABLE, Verdict

LEAST_DIFFERENCE = 14.0
"""Delta E by CIEDE2000; 2 to 3 is what can just be seen of large areas side by side, marks need far more."""

TOGETHER = (
    ("ink", "delivered", "lost", "acked", "sacked", "window", "ptb", "unsure", "band"),
    ("ink", "hole", "ignored", "hung", "unsure", "healthy"),
)
"""Roles that mean something in one plot: of a flow, and of all flows. Paper, grid and muted lines are the ground."""


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
    delivered="#0b6fae",
    lost="#c84e00",
    acked="#00875f",
    sacked="#4c4c2e",
    window="#5d9ad0",
    ptb="#9c2870",
    band="#e3a008",
    hole="#b34500",
    ignored="#9f2e72",
    hung="#ca8700",
    unsure="#8a9199",
    healthy="#0073b3",
)

DARK = Theme(
    paper="#15181d",
    ink="#e6e9ed",
    muted="#a3abb5",
    grid="#2b3038",
    delivered="#52bffe",
    lost="#da8051",
    acked="#2ecc9b",
    sacked="#f8fea8",
    window="#5f6b7a",
    ptb="#d280ae",
    band="#f8bb00",
    hole="#d97e4d",
    ignored="#fda4a5",
    hung="#f8c750",
    unsure="#7f8177",
    healthy="#58b5eb",
)


def group_of(verdict: Verdict) -> str:
    """The role that colours a verdict in the overview."""
    if verdict.accuses:
        return "hole"
    if verdict.kind == "problem":
        return "ignored" if verdict.ptb == "some" else "hung"
    return "unsure" if verdict.kind == "undecided" or verdict.tone == "plain" else "healthy"


GROUPS = {verdict.name: group_of(verdict) for verdict in TABLE}
