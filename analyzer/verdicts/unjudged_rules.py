"""What keeps a flow from being judged at all, as rules like any other: they come before both tables."""

from __future__ import annotations

from analyzer.verdicts.rule import Condition, Rule, checked, low

NOT_IN_ORDER = "flow/not-in-order"
TOO_MUCH = "flow/too-much"
TOO_MANY = "capture/too-much"
"""Ids of the rules, and the facts that they go by: what keeps a flow from being judged."""


class UnjudgedRule(Rule[str]):
    """A rule for what is not judged; its words are the flow's own."""


UNJUDGED: tuple[UnjudgedRule, ...] = checked(
    (
        UnjudgedRule(
            id=NOT_IN_ORDER,
            verdict="inconclusive",
            requires=(Condition("its packets are not in the order of their times", lambda why: why == NOT_IN_ORDER),),
            confidence=low,
            words=str,
        ),
        UnjudgedRule(
            id=TOO_MUCH,
            verdict="inconclusive",
            requires=(Condition("judging it takes more work than one flow is given", lambda why: why == TOO_MUCH),),
            confidence=low,
            words=str,
        ),
        UnjudgedRule(
            id=TOO_MANY,
            verdict="inconclusive",
            requires=(
                Condition(
                    "more flows or UDP conversations, each with another trouble, come before it than are judged of a "
                    "compressed capture of this size",
                    lambda why: why == TOO_MANY,
                ),
            ),
            confidence=low,
            words=str,
        ),
    )
)
