"""How much the tests try: `everyday` is for whoever waits, `thorough` tries all there is.

The profile is thorough on CI (where the environment has `CI`) and with `HYPOTHESIS_PROFILE=thorough`, else everyday.
A test says how much is worth trying, and the profile takes its share of it:

@examples(500)              # with Hypothesis: 500 examples, a quarter of them every day
@pytest.mark.sampled(3)     # of the cases of a parametrised test one in three every day, spread over all of them
@pytest.mark.thorough       # left out every day: only where a test that is not left out covers the kind

Cases are not drawn by lot: it is the same ones each day. Who asks for one case by its name gets it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import settings

EVERYDAY, THOROUGH = "everyday", "thorough"
ALL = 100
"""Examples that Hypothesis tries by default."""
SHARE = {EVERYDAY: 0.25, THOROUGH: 1.0}
FEWEST = 10
"""Examples below which a test of properties tells little."""


def chosen(environment: Mapping[str, str]) -> str:
    """The profile that the environment asks for."""
    usual = THOROUGH if environment.get("CI", "").lower() not in ("", "0", "false") else EVERYDAY
    return environment.get("HYPOTHESIS_PROFILE") or usual


def load() -> None:
    """Make the profiles known to Hypothesis and load the one asked for. On CI they build on Hypothesis' own for CI.

    No test has a deadline: how long it takes says more of the machine than of the code.
    """
    for name, share in SHARE.items():
        settings.register_profile(name, parent=settings.default, max_examples=round(ALL * share), deadline=None)
    settings.load_profile(chosen(os.environ))


def share() -> float:
    """How much of everything the profile tries; follows `--hypothesis-profile`, too."""
    return float(settings().max_examples) / ALL


def examples(most: int, **more: Any) -> settings:
    """Hypothesis' settings for a test that tries so many examples in the thorough profile, without a deadline."""
    count = most if share() >= 1 else max(min(most, FEWEST), round(most * share()))
    return settings(max_examples=count, deadline=None, **more)


def is_in_sample(number: int, one_in: int) -> bool:
    """Whether a case is tried every day, by its number: one of each `one_in` in a row, each time another one of them.

    Cases that are pairs come in rows of one length; where that is `one_in`, the first three rows try each column once.
    """
    row, column = divmod(number, one_in)
    return (row + column) % one_in == 0


def select(items: Sequence[pytest.Item]) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """The collected tests that are run in this profile, and the others."""
    if share() >= 1:
        return list(items), []
    run: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    seen: Counter[str] = Counter()
    alone = len(items) == 1
    for item in items:
        sampled = item.get_closest_marker("sampled")
        wanted = alone or item.get_closest_marker("thorough") is None
        if sampled is not None:
            function = item.nodeid.partition("[")[0]
            wanted = wanted and is_in_sample(seen[function], *sampled.args)
            seen[function] += 1
        (run if wanted else left_out).append(item)
    return run, left_out
