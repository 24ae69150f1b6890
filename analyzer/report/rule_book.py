"""All rules that may decide about a flow, whichever table they stand in: what explains verdicts goes by this list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analyzer.points.rules import POINTS
from analyzer.verdicts.conversation_rules import UDP
from analyzer.verdicts.rule import Rule
from analyzer.verdicts.stalled_rules import STALLED
from analyzer.verdicts.unjudged_rules import UNJUDGED
from analyzer.verdicts.unstalled_rules import UNSTALLED

TABLES: Mapping[str, Sequence[Rule[Any]]] = {
    "unjudged": UNJUDGED,
    "stalled": STALLED,
    "unstalled": UNSTALLED,
    "points": POINTS,
    "udp": UDP,
}
"""The tables by their names."""

RULES: tuple[Rule[Any], ...] = tuple(rule for table in TABLES.values() for rule in table)
BY_ID: Mapping[str, Rule[Any]] = {rule.id: rule for rule in RULES}
