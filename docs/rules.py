"""Writes the conditions in `docs/verdicts.md` from the tables of rules: `python docs/rules.py`.

They stand in the section of each verdict, between two marks; all else on the page is written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from analyzer.model.verdicts import VERDICTS
from analyzer.report.rule_book import RULES
from analyzer.verdicts.rule import EVERYTHING, Rule, told_confidence

PAGE = Path(__file__).with_name("verdicts.md")
BEGIN, END = "<!-- rules: made by docs/rules.py -->", "<!-- end of rules -->"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def page(text: str) -> str:
    """The page with fresh conditions in the section of each verdict."""
    parts = re.split(r"(?m)^(?=## )", text)
    return "".join(_section(part) for part in parts)


def _section(part: str) -> str:
    found = re.match(r"## `(\w+)`", part)
    if found is None or found[1] not in VERDICTS:
        return part
    made = f"{BEGIN}\n{conditions(found[1])}\n{END}\n"
    if BEGIN in part:
        return re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}\n", lambda _: made, part, flags=re.DOTALL)
    head, told, rest = part.partition("**What to do.**")
    return f"{head}{made}\n{told}{rest}"


def conditions(verdict: str) -> str:
    """What gives a verdict, a list a rule."""
    rules = [rule for rule in RULES if rule.verdict == verdict]
    return "\n".join(["**Conditions.**", *(line for rule in rules for line in _rule(rule))])


def _rule(rule: Rule[Any]) -> Iterator[str]:
    yield f"\n`{rule.id}`, confidence {told_confidence(rule)}:\n"
    if not rule.requires and not rule.excludes:
        yield "- what is left when no other rule of its table applies"
        return
    yield from (f"- needs: {each.words}" for each in rule.requires)
    yield from (f"- not where: {each.words}" for each in rule.excludes)
    if EVERYTHING in rule.yields_to:
        yield "- any other rule of its table that applies decides first, if it stands before this one"
    elif rule.yields_to:
        yield f"- decide first, where they apply: {', '.join(f'`{each}`' for each in rule.yields_to)}"


if __name__ == "__main__":
    main()
