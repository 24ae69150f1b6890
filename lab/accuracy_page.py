"""The text of docs/accuracy.md, from judgements: the same judgements always give the same page."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.judging import ACCUSATIONS, Judged, Judgement

_VANTAGES = ("sender", "before", "after", "receiver", "underlay")
_COLUMNS = (
    "blackhole",
    "blackhole_probable",
    "blackhole_suspected",
    "blackhole_recovered",
    "ptb_ignored",
    "pmtud_ok",
    "fragment_loss",
    "content_drop",
    "zero_window",
    "dead_path",
    "loss",
    "stall",
    "ok",
    "no_df",
    "not_exercised",
    "inconclusive",
)
_MANY = 5  # a truth of so many verdicts only says what it must not be called
_HEAD = """# Accuracy

This page is written by a program: `python -m lab accuracy --captures DIR` runs the analysis on every
capture that the laboratory recorded into `DIR` (`python -m lab --out DIR`) and compares the answers with
the truth. The truth of a capture is the set of verdicts that an honest reader at that point may give. It comes from the
configuration of the network and the traffic, is checked against the recording by the laboratory's own few lines, and
never from what the tool says.

- **Held out**: scenarios that were written, recorded and labelled by somebody who had not read the rules (but the
  README with its limits, and the definitions of the verdicts), and before the tool was run on any of them. No rule may
  be changed because of them; once one is, they belong to the others.
- **The others**: scenarios on which rules and thresholds were chosen, and those that were held out earlier and have
  been looked at since. What the tool said of each blind set when it first met it is kept under "First runs".

A capture counts once for its worst flow or, where the truth differs between flows, once for each server port.
"""
_TOGETHER = """## Two captures of one incident

Captures of both hosts, given to the tool together. The clocks of some of the hosts are wrong. A verdict is right if it
is right at one of the two hosts.

| captures | flows | verdicts | right |
|---|---|---|---|
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two captures of one incident in one analysis."""

    captures: tuple[str, ...]
    allowed: tuple[str, ...]
    got: tuple[str, ...]

    @property
    def right(self) -> bool:
        return bool(self.got) and set(self.got) <= set(self.allowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstSight:
    """The result on one blind set before any rule was changed because of it."""

    name: str
    captures: int
    scenarios: int
    verdicts: int
    right: int
    false_accusations: tuple[str, ...]
    wrong: tuple[str, ...]
    brackets: int
    missed: tuple[str, ...]
    inexact: tuple[str, ...]
    remarks: tuple[str, ...] = ()  # by people: who was right, and which labels were corrected afterwards

    @classmethod
    def of(cls, name: str, judgements: Mapping[str, Judgement]) -> FirstSight:
        """As the held-out scenarios, the blind set of this name, stand now."""
        mine = [judgement for judgement in judgements.values() if _group(judgement) == "held_out"]
        verdicts = [verdict for judgement in mine for verdict in judgement.verdicts]
        return cls(
            name=name,
            captures=len(mine),
            scenarios=len({verdict.capture.split(".")[0] for verdict in verdicts}),
            verdicts=len(verdicts),
            right=sum(verdict.right for verdict in verdicts),
            false_accusations=tuple(_miss(verdict) for verdict in verdicts if verdict.false_accusation),
            wrong=tuple(_miss(verdict) for verdict in verdicts if not verdict.right),
            brackets=sum(judgement.brackets for judgement in mine),
            missed=tuple(text for judgement in mine for text in judgement.missed),
            inexact=tuple(text for judgement in mine for text in judgement.inexact),
        )

    @classmethod
    def from_dict(cls, kept: dict[str, Any]) -> FirstSight:
        facts: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in kept.items()}
        return cls(**facts)


def first_sights_to_json(sights: Sequence[FirstSight]) -> str:
    """All first results that are kept, the oldest first."""
    return json.dumps([asdict(sight) for sight in sights], indent=1) + "\n"


def first_sights_from_json(text: str) -> tuple[FirstSight, ...]:
    """The inverse of `first_sights_to_json`."""
    return tuple(FirstSight.from_dict(kept) for kept in json.loads(text))


def page(
    truth: Mapping[str, Mapping[str, Any]],
    judgements: Mapping[str, Judgement],
    pairs: Sequence[Pair],
    first_sights: Sequence[FirstSight],
    poorer: str = "",
    elsewhere: str = "",
) -> str:
    """The whole page; `poorer` is the section on poorer captures, `elsewhere` that on captures of others."""
    scenarios: dict[str, set[str]] = {}
    for facts in truth.values():
        scenarios.setdefault("held_out" if facts["group"] == "held_out" else "others", set()).add(facts["scenario"])
    parts = [_HEAD]
    for key, title in (("held_out", "Held out"), ("others", "The others")):
        mine = [
            judgement for judgement in judgements.values() if (_group(judgement) == "held_out") == (key == "held_out")
        ]
        if mine:
            parts.append(_group_section(title, len(scenarios[key]), mine))
        if key == "held_out" and first_sights:
            parts += ["## First runs\n", *map(_first_section, first_sights)]
    if pairs:
        rows = "".join(_pair_row(pair) for pair in pairs)
        parts.append(_TOGETHER + rows)
    parts += [section for section in (poorer, elsewhere) if section]
    return "\n".join(parts)


def confusion(verdicts: Iterable[Judged]) -> list[str]:
    """Markdown rows: truth down, answers across; wrong ones in bold after a plus sign."""
    right: Counter[tuple[str, str]] = Counter()
    wrong: Counter[tuple[str, str]] = Counter()
    for verdict in verdicts:
        (right if verdict.right else wrong)[_row(verdict.allowed), verdict.got] += 1
    seen = right.keys() | wrong.keys()
    columns = sorted({got for _, got in seen}, key=_column_rank)
    rows = sorted({row for row, _ in seen}, key=_column_rank)
    lines = ["| truth | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    for row in rows:
        cells = [_cell(right[row, column], wrong[row, column]) for column in columns]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return lines


def _group_section(title: str, scenarios: int, judgements: list[Judgement]) -> str:
    verdicts = [verdict for judgement in judgements for verdict in judgement.verdicts]
    wrong = [verdict for verdict in verdicts if not verdict.right]
    false = [verdict for verdict in verdicts if verdict.false_accusation]
    missed = [text for judgement in judgements for text in judgement.missed]
    inexact = [text for judgement in judgements for text in judgement.inexact]
    ptbs = [text for judgement in judgements for text in judgement.misjudged_ptbs]
    lines = [
        f"## {title}",
        "",
        f"{scenarios} scenarios, {len(judgements)} captures, {len(verdicts)} verdicts: "
        f"**{len(verdicts) - len(wrong)} right ({_percent(len(verdicts) - len(wrong), len(verdicts))})**.",
        "",
        "| | |",
        "|---|---:|",
        *(
            f"| {name} | {count} |"
            for name, count in (
                ("false `blackhole*` or `ptb_ignored`", len(false)),
                ("brackets of the path MTU given", sum(judgement.brackets for judgement in judgements)),
                ("... that miss the true path MTU", len(missed)),
                ("`exact` that is not", len(inexact)),
                ("PTBs found for a flow", sum(judgement.ptbs for judgement in judgements)),
                ("... judged otherwise than the configuration allows", len(ptbs)),
            )
        ),
        "",
        "Rows are the truth (where several verdicts are allowed, the first of them; `not the path MTU` where only a "
        "size problem is forbidden), columns the answers; wrong answers are **bold**.",
        "",
    ]
    for vantage in _VANTAGES:
        here = [verdict for verdict in verdicts if verdict.vantage == vantage]
        if here:
            right = sum(verdict.right for verdict in here)
            lines += [f"### {title}: {vantage} ({right} of {len(here)} right)", "", *confusion(here), ""]
    lines += _list(f"### {title}: every wrong verdict", [_miss(verdict) for verdict in wrong])
    lines += _list(f"### {title}: brackets that miss the path MTU", missed)
    lines += _list(f"### {title}: `exact` that is not", inexact)
    lines += _list(f"### {title}: PTBs judged otherwise", ptbs)
    return "\n".join(lines)


def _first_section(first: FirstSight) -> str:
    title = first.name[:1].upper() + first.name[1:]
    lines = [
        f"### {title}, first run",
        "",
        "Before any rule was changed because of it: "
        f"**{first.right} of {first.verdicts} verdicts right ({_percent(first.right, first.verdicts)})** on "
        f"{first.captures} captures of {first.scenarios} scenarios; {len(first.false_accusations)} false "
        f"`blackhole*` or `ptb_ignored`; {len(first.missed)} of {first.brackets} brackets missed the true path MTU; "
        f"`exact` was wrong {len(first.inexact)} times.",
        "",
    ]
    lines += _list(f"#### {title}: every wrong verdict", first.wrong)
    lines += _list(f"#### {title}: brackets that missed the path MTU", first.missed)
    lines += _list(f"#### {title}: `exact` that was not", first.inexact)
    lines += _list(f"#### {title}: who was right", first.remarks)
    return "\n".join(lines)


def _list(title: str, texts: Sequence[str]) -> list[str]:
    return [title, "", *(f"- {text}" for text in texts), ""] if texts else []


def _pair_row(pair: Pair) -> str:
    got = ", ".join(f"{count} {verdict}" for verdict, count in sorted(Counter(pair.got).items()))
    return f"| {', '.join(pair.captures)} | {len(pair.got)} | {got} | {'yes' if pair.right else '**no**'} |\n"


def _miss(verdict: Judged) -> str:
    return f"{verdict.where}: expected {' or '.join(verdict.allowed)}, got {verdict.got}"


def _group(judgement: Judgement) -> str:
    return judgement.verdicts[0].group if judgement.verdicts else ""


def _row(allowed: tuple[str, ...]) -> str:
    if len(allowed) >= _MANY and not ACCUSATIONS & set(allowed):
        return "not the path MTU"
    return allowed[0]


def _column_rank(name: str) -> tuple[int, str]:
    return (_COLUMNS.index(name) if name in _COLUMNS else len(_COLUMNS), name)


def _cell(right: int, wrong: int) -> str:
    plain, bold = str(right) if right else "", f"**{wrong}**" if wrong else ""
    return " + ".join(filter(None, (plain, bold)))


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "none"
