"""Profiles: each case is in the thorough run, each kind in the everyday one."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

from tests import profiles


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({}, "everyday"),
        ({"CI": ""}, "everyday"),
        ({"CI": "false"}, "everyday"),
        ({"CI": "true"}, "thorough"),
        ({"CI": "1", "HYPOTHESIS_PROFILE": "everyday"}, "everyday"),
        ({"HYPOTHESIS_PROFILE": "thorough"}, "thorough"),
        ({"HYPOTHESIS_PROFILE": ""}, "everyday"),
    ],
)
def test_the_environment_chooses(environment: dict[str, str], name: str) -> None:
    assert profiles.chosen(environment) == name


@pytest.fixture(params=[profiles.EVERYDAY, profiles.THOROUGH])
def profile(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(profiles, "share", lambda: profiles.SHARE[request.param])
    return request.param


def test_examples_scale(profile: str) -> None:
    counts = [profiles.examples(most).max_examples for most in (5, 20, 400)]
    assert counts == ([5, 10, 100] if profile == profiles.EVERYDAY else [5, 20, 400])


@pytest.mark.parametrize("one_in", [2, 3, 4])
def test_of_pairs_every_row_and_every_column_is_in_the_sample(one_in: int) -> None:
    sample = [divmod(n, one_in) for n in range(one_in * one_in) if profiles.is_in_sample(n, one_in)]
    assert sorted(row for row, _ in sample) == list(range(one_in))
    assert sorted(column for _, column in sample) == list(range(one_in))


class Case:
    """What the selection asks of a collected test."""

    def __init__(self, nodeid: str, **marks: tuple[int, ...]) -> None:
        self.nodeid = nodeid
        self.marks = marks

    def get_closest_marker(self, name: str) -> Any:
        return SimpleNamespace(args=self.marks[name]) if name in self.marks else None


CASES: list[Any] = [
    Case("a.py::test_plain"),
    Case("a.py::test_long", thorough=()),
    *(Case(f"a.py::test_many[{n}]", sampled=(3,)) for n in range(6)),
    *(Case(f"b.py::test_many[{n}]", sampled=(2,)) for n in range(4)),
]


def test_cases_are_left_out_every_day_only(profile: str) -> None:
    run, left_out = profiles.select(CASES)
    assert sorted(case.nodeid for case in run + left_out) == sorted(case.nodeid for case in CASES)
    some = [0, 2, 7, 8, 11]  # the plain one, the first of its first row, the last of its second
    assert run == ([CASES[n] for n in some] if profile == profiles.EVERYDAY else CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.nodeid)
def test_who_asks_for_one_case_gets_it(profile: str, case: Any) -> None:
    assert profiles.select([case]) == ([case], [])


def test_this_run_has_the_profile_that_was_asked_for(request: pytest.FixtureRequest) -> None:
    option = request.config.getoption("--hypothesis-profile")
    assert profiles.share() == profiles.SHARE[option or profiles.chosen(os.environ)]
