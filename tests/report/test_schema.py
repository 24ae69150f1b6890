from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import analyzer
from analyzer.model.comparison import compared
from analyzer.model.path import Probe
from analyzer.model.statement import FrameRef
from analyzer.model.verdicts import VERDICTS
from analyzer.redaction.addresses import Anonymizer
from analyzer.report.formats.json_report import schema_text, to_json, to_json_dict
from tests.reading import CAPTURES
from tests.report.factory import make_analysis, make_file, make_flow

SCHEMA = json.loads(schema_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def strict(node: Any) -> Any:
    """The schema with no member allowed that it does not name: what we write must be told completely."""
    if isinstance(node, list):
        return [strict(each) for each in node]
    if not isinstance(node, dict):
        return node
    closed = {key: strict(value) for key, value in node.items()}
    if "properties" in node and "additionalProperties" not in node:
        closed["additionalProperties"] = False
    return closed


STRICT = jsonschema.Draft202012Validator(strict(SCHEMA))


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$defs"]["verdict"]["enum"] == list(VERDICTS)


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_every_sample(path: Path) -> None:
    STRICT.validate(json.loads(to_json(analyzer.analyze(path))))


def test_several_files_damage_probes_and_nothing_at_all() -> None:
    several = make_analysis(
        [make_flow(i, verdict) for i, verdict in enumerate(VERDICTS)],
        files=[make_file("a.pcap", damaged_at=3, problem="odd"), make_file("b.pcapng", format="pcapng")],
        notes=("a note",),
        selection="port 443",
    )
    probe = Probe(FrameRef(0, 3), 1500, FrameRef(1, 4), 1400)
    several = replace(several, all_paths=(replace(several.all_paths[0], probes=(probe,)),))
    STRICT.validate(to_json_dict(several))
    empty = make_analysis()
    STRICT.validate(to_json_dict(replace(empty, totals=type(empty.totals)(0, 0, 0, 0, {}, 0, {}))))


def test_a_comparison() -> None:
    both = compared(make_analysis([make_flow()]), make_analysis([make_flow(0, "ok")]))
    document = to_json_dict(both)
    assert document["comparison"]["outcome"] == "fixed"
    STRICT.validate(document)
    nothing = compared(make_analysis([make_flow()]), make_analysis())
    STRICT.validate(to_json_dict(nothing))


def test_an_anonymous_analysis() -> None:
    STRICT.validate(json.loads(to_json(analyzer.analyze(CAPTURES[0], anonymizer=Anonymizer()))))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("verdict", "broken"),
        ("direction", "up"),
        ("path_mtu", {"at_least": -1, "at_most": None, "exact": None}),
        ("stalled", {}),
        ("stream", -1),
        ("first_time", "yesterday"),
        ("ptb", [{"frame": 0}]),
    ],
)
def test_what_is_wrong_is_found(name: str, value: Any) -> None:
    document = to_json_dict(make_analysis([make_flow()]))
    assert VALIDATOR.is_valid(document)
    document["flows"][0][name] = value
    assert not VALIDATOR.is_valid(document)
