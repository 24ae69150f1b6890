from __future__ import annotations

import pytest

from analyzer.errors import UsageError
from analyzer.model.verdicts import VERDICTS
from analyzer.report.explain import explanation
from analyzer.report.rule_book import RULES
from analyzer.report.verdict_text import WORDS


@pytest.mark.parametrize("verdict", VERDICTS)
def test_each_verdict_is_explained_by_what_the_tool_goes_by(verdict: str) -> None:
    lines = explanation(verdict)
    text = " ".join(" ".join(lines).split())
    assert text.startswith(f"{verdict}: {WORDS[verdict].title} {WORDS[verdict].meaning} How it looks By the rule ")
    for rule in RULES:
        if rule.verdict == verdict:
            assert rule.id in text
            assert all(each.words in text for each in (*rule.requires, *rule.excludes))
    assert ", on on " not in text
    assert "None" not in text
    assert "<" not in text.partition("What to do")[2].replace("</dev/null", "").replace(">", "")


def test_fixes_are_those_of_the_platform() -> None:
    text = "\n".join(explanation("blackhole", ["junos"]))
    assert "set interfaces" in text or "tcp-mss" in text
    assert "sysctl" not in text


def test_no_verdict() -> None:
    with pytest.raises(UsageError, match=r"--explain 'blackhol' is no verdict; verdicts are blackhole, "):
        explanation("blackhol")
