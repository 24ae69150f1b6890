"""All scenarios and scripts of `lab/scenarios/`, each with its group out of `groups.toml`.

Every row has one group, and every name there has a row: else this module cannot be imported.
"""

from __future__ import annotations

import importlib
import pkgutil
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import get_args

from lab import scenarios
from lab.scripted import Script
from lab.vocabulary import Group, Scenario

_GROUPS = Path(__file__).with_name("groups.toml")


def read_groups(text: str) -> dict[str, Group]:
    """The group of each name; no name may stand twice, and no group may be unknown."""
    lists = tomllib.loads(text)
    known: tuple[Group, ...] = get_args(Group)
    if lists.keys() - set(known):
        raise ValueError(f"no such group: {', '.join(sorted(lists.keys() - set(known)))}")
    _refuse("in two places", _doubled([name for names in lists.values() for name in names]))
    return {name: group for group in known for name in lists.get(group, ())}


def check_names(rows: list[str], groups: Mapping[str, Group]) -> None:
    """Refuse rows of one name, rows without a group and groups of rows that are not there."""
    _refuse("two rows of one name", _doubled(rows))
    _refuse("without a group", set(rows) - groups.keys())
    _refuse("a group, but no row", groups.keys() - set(rows))


def _doubled(names: list[str]) -> set[str]:
    return {name for name, times in Counter(names).items() if times > 1}


def _refuse(what: str, names: set[str]) -> None:
    if names:
        raise ValueError(f"{_GROUPS.name}: {what}: {', '.join(sorted(names))}")


def _rows() -> tuple[list[Scenario], list[Script]]:
    """Those of all files, in the order of the files' names."""
    recorded: list[Scenario] = []
    scripted: list[Script] = []
    for file in pkgutil.iter_modules(scenarios.__path__):
        module = importlib.import_module(f"{scenarios.__name__}.{file.name}")
        recorded += getattr(module, "SCENARIOS", ())
        scripted += getattr(module, "SCRIPTS", ())
    return recorded, scripted


_RECORDED, _SCRIPTED = _rows()
GROUPS = read_groups(_GROUPS.read_text())
check_names([*(row.name for row in _RECORDED), *(row.name for row in _SCRIPTED)], GROUPS)
SCENARIOS: tuple[Scenario, ...] = tuple(replace(row, group=GROUPS[row.name]) for row in _RECORDED)
SCRIPTS: tuple[Script, ...] = tuple(replace(row, group=GROUPS[row.name]) for row in _SCRIPTED)
