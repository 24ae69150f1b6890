"""What a verdict means, without a capture: its meaning, the conditions of its rules, what to do about it.

All of it is what the tool itself goes by; `docs/verdicts.md` has examples besides.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from analyzer.knowledge.fixes import fixes_for
from analyzer.model.flow import PathMtu
from analyzer.report.reasons import check_verdict
from analyzer.report.rule_book import RULES
from analyzer.report.verdict_text import WORDS
from analyzer.verdicts.rule import EVERYTHING, Rule, told_confidence

WIDTH = 80

SENDER, RECEIVER = "SENDER", "RECEIVER"
"""What stands in commands instead of addresses, which only a capture tells."""


def explanation(verdict: str, platforms: Sequence[str] = ()) -> list[str]:
    """What a verdict means, how it looks and what to do, as lines.

    Args:
        verdict: one of `VERDICTS`.
        platforms: as in `Settings`.

    Raises:
        UsageError: there is no such verdict, or no such platform.
    """
    check_verdict(verdict, "--explain")
    words = WORDS[verdict]
    lines = [f"{verdict}: {words.title}", *_wrapped(words.meaning, "  ")]
    lines += ["", "How it looks"]
    for rule in RULES:
        if rule.verdict == verdict:
            lines += _conditions(rule)
    lines += ["", "What to do"]
    steps = fixes_for(
        verdict, sender_ip=SENDER, receiver_ip=RECEIVER, path_mtu=PathMtu(), version=4, platforms=platforms
    )
    if not steps:
        lines.append("  nothing: it is no problem of the path MTU")
    for step in steps:
        lines += _wrapped(f"{step.kind.capitalize()}, {step.where}: {step.why}.", "  - ")
        for command in step.commands:
            lines.append(f"      {command.lead}{command.line}")
    return lines


def _conditions(rule: Rule[Any]) -> Iterator[str]:
    yield from _wrapped(f"By the rule {rule.id}, confidence {told_confidence(rule)}:", "  ")
    if not rule.requires and not rule.excludes:
        yield "  - what is left when no other rule of its table applies"
    for each in rule.requires:
        yield from _wrapped(each.words, "  - ")
    for each in rule.excludes:
        yield from _wrapped(f"not where {each.words}", "  - ")
    earlier = ", ".join(each for each in rule.yields_to if each != EVERYTHING)
    if earlier:
        yield from _wrapped(f"where they apply, {earlier} decide first", "  - ")


def _wrapped(text: str, lead: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=lead, subsequent_indent=" " * len(lead), break_long_words=False)
