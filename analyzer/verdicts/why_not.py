"""Why a flow has not some other verdict: the first condition that the nearest of that verdict's rules lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from analyzer.evidence.direction import Conversation
from analyzer.evidence.effort import TooMuchError
from analyzer.evidence.segments import refs
from analyzer.model.statement import FrameRef, Statement
from analyzer.settings import Settings
from analyzer.verdicts.judge import Judgement, cases_of
from analyzer.verdicts.rule import Rule, decide
from analyzer.verdicts.stalled_rules import STALLED
from analyzer.verdicts.unjudged_rules import NOT_IN_ORDER, TOO_MANY, TOO_MUCH
from analyzer.verdicts.unstalled_rules import UNSTALLED


class _Lack(NamedTuple):
    elsewhere: bool  # not in the direction that the flow's verdict is about
    left: int  # conditions that are left to check, this one counted
    statement: Statement


def why_not(verdict: str, conversation: Conversation, judged: Judgement, settings: Settings) -> Statement:
    """What `verdict` lacks, with the frames that show it; `judged` is the flow's own verdict, another one."""
    if conversation.disordered:
        return Statement(
            f"{NOT_IN_ORDER}: the packets are not in the order of their times", judged.tell().evidence[0].frames
        )
    if judged.rule in (TOO_MUCH, TOO_MANY):
        return Statement(f"{judged.rule}: this flow takes too much work to judge", _all(judged))
    conversation.directions[0].effort.renew()
    try:
        lacks = list(_lacks(verdict, conversation, judged, settings))
    except TooMuchError:
        return Statement(f"{TOO_MUCH}: to compare all its runs with that verdict takes too much work", _all(judged))
    if lacks:
        return min(lacks, key=lambda lack: lack[:2]).statement
    names = " and ".join(rule.id for rule in STALLED if rule.verdict == verdict)
    return Statement(
        f"{names}: no segment was sent again so often, or so long, that it counts as stalled", _all(judged)
    )


def _lacks(verdict: str, conversation: Conversation, judged: Judgement, settings: Settings) -> Iterator[_Lack]:
    for direction in conversation.directions:
        cases = cases_of(direction, conversation, settings)
        elsewhere = direction.side != judged.side
        for facts in cases.stalled:
            for lack in _of_table(STALLED, verdict, facts, refs(facts.series.tries), judged):
                yield lack._replace(elsewhere=elsewhere)
        for lack in _of_table(UNSTALLED, verdict, cases.unstalled, _all(judged), judged):
            yield lack._replace(elsewhere=elsewhere)


def _of_table(
    table: Sequence[Rule[Any]], verdict: str, facts: object, frames: tuple[FrameRef, ...], judged: Judgement
) -> Iterator[_Lack]:
    for rule in (rule for rule in table if rule.verdict == verdict):
        unmet = rule.unmet(facts, frames)
        if unmet is not None:
            yield _Lack(False, unmet.left, Statement(f"{rule.id} {unmet.words}", unmet.frames))
            continue
        decided = decide(table, facts)
        if decided is rule:
            words = f"applies as well, but what {judged.rule} tells is graver"
            yield _Lack(False, 0, Statement(f"{rule.id} {words}", _all(judged) or frames))
        else:
            yield _Lack(False, 0, Statement(f"{rule.id} would apply, but {decided.id} comes before it", frames))


def _all(judged: Judgement) -> tuple[FrameRef, ...]:
    return tuple(frame for statement in judged.tell().evidence for frame in statement.frames)
