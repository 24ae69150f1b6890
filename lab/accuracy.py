"""`accuracy`: what the analyzer says of every labelled capture, beside what is true."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.accuracy_page import FirstSight, Pair, first_sights_from_json, first_sights_to_json, page
from lab.catalogue import GROUPS
from lab.judging import Answer, Bracket, FlowAnswer, Judgement, judge
from lab.poorer import kept_section

_ROOT = Path(__file__).resolve().parents[1]
_FIRST_SIGHT = Path(__file__).with_name("first_sight.json")
_ELSEWHERE = Path(__file__).with_name("elsewhere.md")  # written by people: no recording gives it


def main(arguments: list[str]) -> int:
    """Read truth.json and the captures beside it, write the page."""
    options = _parse(arguments)
    labels = options.captures / "truth.json"
    truth = json.loads(labels.read_text()) if labels.exists() else {}
    for facts in truth.values():  # a row may have moved to another group since the recording
        facts["group"] = GROUPS.get(facts["scenario"], facts["group"])
    first_sights = first_sights_from_json(_FIRST_SIGHT.read_text())
    missing = [name for name in truth if not (options.captures / name).exists()]
    obstacle = ""
    if not truth:
        obstacle = f"{labels}: no labelled captures; `python -m lab --out {options.captures}` makes them"
    elif missing:
        obstacle = f"{options.captures}: missing captures: {', '.join(missing)}"
    elif options.first_sight in {sight.name for sight in first_sights}:
        obstacle = f"{_FIRST_SIGHT.name}: a first result of the {options.first_sight} is kept already"
    elif options.first_sight and all(facts["group"] != "held_out" for facts in truth.values()):
        obstacle = f"{labels}: nothing in it is held out"
    if obstacle:
        print(f"lab: {obstacle}", file=sys.stderr)
        return 2
    judgements = {name: _judge(options.captures, name, facts) for name, facts in truth.items()}
    pairs = [_pair(options.captures, truth, scenario) for scenario in _given_together(truth)]
    if options.first_sight:
        first_sights = (*first_sights, FirstSight.of(options.first_sight, judgements))
        _FIRST_SIGHT.write_text(first_sights_to_json(first_sights))
    options.out.write_text(page(truth, judgements, pairs, first_sights, kept_section(), _ELSEWHERE.read_text()))
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m lab accuracy",
        description="Run the analyzer on recorded captures and compare its answers with their truth.json.",
    )
    parser.add_argument("--captures", type=Path, default=Path("captures"), help="directory of captures and truth.json")
    parser.add_argument("--out", type=Path, default=_ROOT / "docs" / "accuracy.md", help="page to write")
    parser.add_argument(
        "--first-sight",
        metavar="NAME",
        help="keep the held-out result as the first one of the blind set NAME, before anybody has seen a result",
    )
    return parser.parse_args(arguments)


def _judge(directory: Path, name: str, facts: Mapping[str, Any]) -> Judgement:
    from analyzer.model.verdicts import VERDICTS

    return judge(name, facts, _answer(directory / name), VERDICTS)


def _answer(*paths: Path) -> Answer:
    import analyzer

    analysis = analyzer.analyze([str(path) for path in paths])
    flows = []
    for flow in analysis.all_flows:
        said = None
        if flow.direction is not None:
            mtu = flow.path_mtu
            ends = {"source": flow.sender.ip, "destination": flow.receiver.ip}
            said = Bracket(**ends, at_least=mtu.at_least, at_most=mtu.at_most, exact=mtu.exact)
        ptbs = tuple((ptb.effect, ptb.reason) for ptb in flow.ptb)
        flows.append(FlowAnswer(port=flow.server.port, verdict=flow.verdict, bracket=said, ptbs=ptbs))
    paths_said = tuple(
        Bracket(
            source=path.src,
            destination=path.dst,
            at_least=path.at_least,
            at_most=path.at_most,
            exact=path.exact,
        )
        for path in analysis.all_paths
    )
    return Answer(flows=tuple(flows), paths=paths_said)


def _given_together(truth: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return sorted({facts["scenario"] for facts in truth.values() if facts.get("together")})


def _pair(directory: Path, truth: Mapping[str, Mapping[str, Any]], scenario: str) -> Pair:
    """Both captures of one incident in one analysis; either host's truth will do for its flows."""
    names = sorted(name for name, facts in truth.items() if facts["scenario"] == scenario)
    allowed = {verdict for name in names for verdict in truth[name]["accept"]}
    answer = _answer(*(directory / name for name in names))
    return Pair(
        captures=tuple(names),
        allowed=tuple(sorted(allowed)),
        got=tuple(flow.verdict for flow in answer.flows),
    )
