"""`drawn-check`: what the analyzer says of drawn scenarios, held against what their configuration allows."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.drawn_truth import FOUND, SIZE_VERDICTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What was said of one flow."""

    port: int  # the server's
    verdict: str
    confidence: str | None = None
    direction: str | None = None
    at_least: int | None = None
    at_most: int | None = None
    exact: int | None = None

    def holds(self, mtu: int) -> bool:
        """Whether what was said of the path MTU allows this one."""
        return (self.at_least or 0) <= mtu <= (self.at_most or 1 << 16) and self.exact in (None, mtu)


@dataclass(slots=True)
class Tally:
    """What is wrong, in words for people, and the counts beside it."""

    flows: int = 0
    false_accusations: list[str] = field(default_factory=list)
    wrong_brackets: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    undecidable: list[str] = field(default_factory=list)  # blamed on sizes, not surely, where a filter drops payload
    missed: list[str] = field(default_factory=list)  # black holes that the sender's capture shows
    visible: int = 0
    found_as: Counter[str] = field(default_factory=Counter)

    @property
    def failed(self) -> bool:
        return bool(self.false_accusations or self.wrong_brackets)

    def lines(self) -> Iterable[str]:
        """The report."""
        yield f"flows judged: {self.flows}"
        found = self.visible - len(self.missed)
        share = f"{found / self.visible:.1%}" if self.visible else "none there"
        ways = ", ".join(f"{verdict} {count}" for verdict, count in sorted(self.found_as.items()))
        yield f"visible black holes found at the sender: {found} of {self.visible} ({share})"
        if ways:
            yield f"  as: {ways}"
        for title, complaints in (
            ("missed black holes", self.missed),
            ("false accusations", self.false_accusations),
            ("brackets that do not hold the true path MTU", self.wrong_brackets),
            (
                "undecidable: a filter of payload, called a limit of sizes with less than high confidence",
                self.undecidable,
            ),
            ("verdicts outside of `accept`", self.outside),
        ):
            yield f"{title}: {len(complaints)}"
            yield from (f"  {complaint}" for complaint in complaints)


def main(arguments: list[str]) -> int:
    """Judge every capture of a directory; 1 with a false accusation or a wrong bracket."""
    parser = argparse.ArgumentParser(
        prog="python -m lab drawn-check",
        description="Run the analyzer on drawn scenarios and compare with their truth.json.",
    )
    parser.add_argument("captures", type=Path, help="directory of captures and truth.json")
    options = parser.parse_args(arguments)
    labels = options.captures / "truth.json"
    if not labels.exists():
        print(f"lab: {labels}: no labelled captures; `python -m lab drawn --out {options.captures}`", file=sys.stderr)
        return 2
    tally = Tally()
    for name, facts in json.loads(labels.read_text()).items():
        compare(tally, name, facts, _ask(options.captures / name))
    print("\n".join(tally.lines()))
    return 1 if tally.failed else 0


def compare(tally: Tally, capture: str, facts: Mapping[str, Any], answers: Iterable[Said]) -> None:
    """Add what was said of one capture."""
    unmet = dict(facts["flows"])
    for said in answers:
        truth = facts["flows"].get(str(said.port))
        if truth is None:
            tally.outside.append(f"{capture}, port {said.port}: {said.verdict}, where no flow is")
            continue
        unmet.pop(str(said.port), None)
        tally.flows += 1
        where = f"{capture}, port {said.port}: {said.verdict} ({said.confidence}), truly {facts['shows']}"
        undecidable = is_undecidable(said, truth)
        if undecidable:
            tally.undecidable.append(where)
        elif accuses_falsely(said.verdict, truth):
            tally.false_accusations.append(where)
        elif said.verdict not in truth["accept"]:
            tally.outside.append(f"{where}; allowed: {', '.join(truth['accept'])}")
        if truth["black_hole_visible_at_sender"]:
            tally.visible += 1
            if said.verdict in FOUND:
                tally.found_as[said.verdict] += 1
            else:
                tally.missed.append(where)
        mtus = _true_mtus(said, truth)
        if mtus and not undecidable and not any(said.holds(mtu) for mtu in mtus):
            exact = f", exact {said.exact}" if said.exact is not None else ""
            bracket = f"{said.at_least or '?'}..{said.at_most or '?'}{exact}"
            tally.wrong_brackets.append(f"{where}: {bracket}, truly {' or '.join(map(str, mtus))}")
    tally.outside += [f"{capture}, port {port}: no flow" for port in unmet]


def is_undecidable(said: Said, truth: Mapping[str, Any]) -> bool:
    """Whether the capture may leave it open what drops the packets, and the answer says so by its confidence.

    A device that drops payload whatever its size shows itself only once something smaller is tried. Who is blamed for
    a size all the same must not be blamed surely.
    """
    filtered = {"payload_filter", "content_filter"} & set(truth["troubles"])
    return bool(filtered) and said.verdict in ("blackhole", "blackhole_probable") and said.confidence != "high"


def accuses_falsely(verdict: str, truth: Mapping[str, Any]) -> bool:
    """It blames sizes where none is limited, a payload where none is filtered, or a reader that reads."""
    if verdict in SIZE_VERDICTS:
        return not truth["size_limit"] and verdict not in truth["accept"]
    return verdict in ("content_drop", "zero_window") and verdict not in truth["accept"]


def _true_mtus(said: Said, truth: Mapping[str, Any]) -> list[int]:
    if said.direction is None:
        return []
    mtus: list[int] = truth["path_mtu" if said.direction == truth["data"] else "path_mtu_back"]
    return mtus


def _ask(path: Path) -> list[Said]:
    import analyzer

    return [
        Said(
            port=flow.server.port,
            verdict=flow.verdict,
            confidence=flow.confidence,
            direction=flow.direction,
            at_least=flow.path_mtu.at_least,
            at_most=flow.path_mtu.at_most,
            exact=flow.path_mtu.exact,
        )
        for flow in analyzer.analyze(str(path)).all_flows
    ]
