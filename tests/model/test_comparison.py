"""Did the fix work? Answers for pairs of samples, and every reason by hand."""

from __future__ import annotations

import json
from functools import cache
from itertools import product
from pathlib import Path

import jsonschema
import pytest

import analyzer
from analyzer.cli.main import main
from analyzer.model.analysis import Analysis
from analyzer.model.comparison import _reason, compared, finding_changes, outcome_of
from analyzer.model.flow import Endpoint, Flow, PathMtu
from analyzer.model.path import OUTCOMES, REASONS, PathState
from analyzer.model.path import Path as NetworkPath
from analyzer.model.verdicts import SIZE_PROBLEMS, VERDICTS
from analyzer.redaction.addresses import Anonymizer
from analyzer.report.changes import answer, change_table
from analyzer.report.formats.json_report import schema_text, to_json_dict
from analyzer.tables.selection import narrow
from tests.reading import SAMPLE_FOLDER
from tests.report.factory import make_analysis, make_flow

BLACKHOLE = "tunnel_blackhole_at_server"
ROUTE = "203.0.113.10 -> 192.0.2.10"


@cache
def sample(name: str) -> analyzer.Analysis:
    return analyzer.analyze(SAMPLE_FOLDER / f"{name}.pcap")


PAIRS = [
    (BLACKHOLE, "tunnel_pmtud_ok_at_server", "pmtud", f"Fixed: {ROUTE} lost packets of 1500 bytes"),
    (BLACKHOLE, "tunnel_mss_clamped_at_server", "smaller", f"Fixed: {ROUTE} lost packets of 1500 bytes"),
    (BLACKHOLE, BLACKHOLE, "still", f"Not fixed: {ROUTE} still loses packets of 1500 bytes (black hole)."),
    (BLACKHOLE, "recovered_by_mtu_probing_at_server", "recovers", f"Changed: {ROUTE} lost packets of"),
    (BLACKHOLE, "ptb_ignored_by_host_at_server", "still", f"Not fixed: {ROUTE} still loses packets above 1400 bytes"),
    (BLACKHOLE, "zero_window_at_server", "other_problem", f"Changed: {ROUTE} lost packets of 1500 bytes"),
    (
        BLACKHOLE,
        "random_loss_at_server",
        "larger",
        f"Fixed: {ROUTE} lost packets of 1500 bytes (black hole); 15",
    ),
    ("tso_blackhole_at_server", "tso_pmtud_ok_at_server", "pmtud", "Fixed: "),
    (
        "ipv6_upload_blackhole_at_client",
        "ipv6_upload_pmtud_ok_at_client",
        "pmtud",
        "Fixed: 2001:db8:c::10 -> 2001:db8:5::10 lost packets of 1500 bytes (black hole); PMTUD works now",
    ),
    (
        "ipv6_upload_pmtud_ok_at_client",
        "ipv6_upload_blackhole_at_client",
        "appeared",
        "New problem: 2001:db8:c::10 -> ",
    ),
    (BLACKHOLE, "ipv6_upload_pmtud_ok_at_client", "absent", "Cannot tell: the second capture holds nothing from 203"),
    ("zero_window_at_server", "tunnel_pmtud_ok_at_server", "healthy", f"Fixed: {ROUTE} had trouble (zero window)"),
    ("tunnel_pmtud_ok_at_server", "tunnel_pmtud_ok_at_server", "none", "No problem in either capture"),
]


@pytest.mark.parametrize(("before", "after", "reason", "answer"), PAIRS, ids=[f"{p[0]} {p[1]}" for p in PAIRS])
def test_pairs_of_samples(before: str, after: str, reason: str, answer: str) -> None:
    comparison = analyzer.compare(sample(before), sample(after))
    assert comparison.changes[0].reason == reason
    assert comparison.outcome == REASONS[reason]
    assert comparison.headline.startswith(answer), comparison.headline
    assert repr(comparison) == comparison.headline


def make_path(
    verdict: str, src: str = "10.0.2.2", dst: str = "10.0.1.2", *, at_most: int | None = None, exact: int | None = None
) -> NetworkPath:
    limit = at_most if at_most is not None or verdict not in SIZE_PROBLEMS else 1499
    return NetworkPath(src, dst, 1400, limit, exact, verdict, (), (0,))


def with_paths(flows: list[Flow], *paths: NetworkPath) -> Analysis:
    return make_analysis(flows, all_paths=paths)


def state(verdict: str, at_least: int | None = None, at_most: int | None = None) -> PathState:
    return PathState(verdict, PathMtu(at_least, at_most), 1)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (state("blackhole", 1400, 1499), state("ok", 1500), "larger"),
        (state("blackhole", 1400, 1499), state("loss", 1500), "larger"),
        (state("blackhole", 1400, 1499), state("not_exercised", 1500), "larger"),  # pinged
        (state("blackhole", 1400, 1499), state("inconclusive", 1500), "larger"),
        (state("blackhole", 1400, 1499), state("ok", 1499), "smaller"),
        (state("blackhole", 1400, 1499), state("ok"), "size_unknown"),
        (state("blackhole", 1400, 1499), state("inconclusive", 1400), "undecided"),
        (state("blackhole", 1400, 1499), state("not_exercised", 552), "not_sent"),
        (state("blackhole", 1400, 1499), state("no_df", 1400), "without_df"),
        (state("blackhole", 1400, 1499), state("blackhole_probable", 1400, 1499), "still"),
        (state("blackhole_recovered", 1400, 1499), state("blackhole_recovered", 1400, 1499), "still"),
        (state("blackhole_recovered", 1400, 1499), state("blackhole", 1400, 1499), "still"),
        (state("blackhole", 1400, 1499), state("dead_path"), "other_problem"),
        (state("blackhole_suspected", 552), state("ok", 1500), "smaller"),  # how large the lost ones were is not known
        (state("dead_path"), state("not_exercised"), "not_sent"),
        (state("dead_path"), state("inconclusive"), "undecided"),
        (state("dead_path"), state("blackhole", 1, 1499), "other_problem"),
        (state("inconclusive"), state("ok", 1500), "unknown_before"),
        (state("ok", 1500), None, "none"),
        (None, state("blackhole", 1400, 1499), "appeared"),
        (None, state("ok", 1500), "none"),
        (state("stall"), None, "absent"),
    ],
)
def test_every_reason(before: PathState | None, after: PathState | None, reason: str) -> None:
    assert _reason(before, after) == reason


def test_every_pair_of_verdicts_makes_a_sentence() -> None:
    seen = set()
    for was, now in product([*VERDICTS, None], [*VERDICTS, None]):
        before, after = (
            with_paths([make_flow(0, verdict)], make_path(verdict)) if verdict else with_paths([])
            for verdict in (was, now)
        )
        changes = compared(before, after).changes
        assert outcome_of(changes) in OUTCOMES
        assert answer(changes).endswith(".")
        assert "None" not in answer(changes)
        seen |= {change.reason for change in changes}
    assert seen >= set(REASONS) - {"larger", "size_unknown"}


def test_both_directions_are_told_and_the_worst_comes_first() -> None:
    """Uploads are cured, downloads are not."""
    there, back = make_path("blackhole"), make_path("blackhole", src="10.0.1.2", dst="10.0.2.2")
    cured = make_path("pmtud_ok", src="10.0.1.2", dst="10.0.2.2", at_most=1400, exact=1400)
    changes = compared(with_paths([make_flow(0)], back, there), with_paths([make_flow(0)], cured, there)).changes
    assert [change.reason for change in changes] == ["still", "pmtud"]
    assert answer(changes) == (
        "Not fixed: 10.0.2.2 -> 10.0.1.2 still loses packets of 1500 bytes (black hole). Of the other paths: 1 fixed."
    )


def test_a_direction_that_nobody_could_judge_is_no_news_beside_a_problem() -> None:
    unknown = make_path("inconclusive", src="10.0.1.2", dst="10.0.2.2")
    before = with_paths([make_flow(0)], make_path("blackhole"), unknown)
    after = with_paths([make_flow(0, "ok")], make_path("ok"), unknown)
    assert [change.reason for change in compared(before, after).changes] == ["smaller"]


def test_only_the_paths_that_were_asked_for() -> None:
    before = narrow(sample(BLACKHOLE), streams=[1])
    after = sample("ipv6_upload_blackhole_at_client")
    assert [change.reason for change in compared(before, after).changes] == ["absent"]


def test_the_json_and_its_schema(tmp_path: Path) -> None:
    target = tmp_path / "c.json"
    pair = [str(SAMPLE_FOLDER / f"{name}.pcap") for name in (BLACKHOLE, "tunnel_mss_clamped_at_server")]
    assert main([pair[0], "--compare", pair[1], "-o", str(target)]) == 0
    written = json.loads(target.read_text())
    jsonschema.Draft202012Validator(json.loads(schema_text())).validate(written)
    comparison = written["comparison"]
    assert comparison["outcome"] == "fixed"
    assert comparison["paths"] == [
        {
            "src": "203.0.113.10",
            "dst": "192.0.2.10",
            "outcome": "fixed",
            "reason": "smaller",
            "before": {
                "verdict": "blackhole",
                "path_mtu": {"at_least": 472, "at_most": 1499, "exact": None},
                "flows": 3,
            },
            "after": {"verdict": "ok", "path_mtu": {"at_least": 1420, "at_most": None, "exact": None}, "flows": 3},
            "text": comparison["answer"].removeprefix("Fixed: "),
        }
    ]
    assert comparison["after"]["flows"] == to_json_dict(sample("tunnel_mss_clamped_at_server"))["flows"]
    plain = to_json_dict(sample(BLACKHOLE))
    assert {key: value for key, value in written.items() if key not in ("comparison", "capture")} == {
        key: value for key, value in plain.items() if key != "capture"
    }


@pytest.mark.parametrize("suffix", [".html", ".md"])
def test_pages_start_with_the_answer(suffix: str, tmp_path: Path) -> None:
    target = tmp_path / f"c{suffix}"
    comparison = analyzer.compare(sample(BLACKHOLE), sample("tunnel_pmtud_ok_at_server"))
    comparison.save(target)
    text = target.read_text()
    answer, first = text.index("Fixed: "), text.index("The first capture")
    table = text.index("pmtud_ok")
    assert answer < table < first
    assert "tunnel_pmtud_ok_at_server.pcap" in text


def test_the_terminal_starts_with_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    pair = [str(SAMPLE_FOLDER / f"{name}.pcap") for name in (BLACKHOLE, "tunnel_pmtud_ok_at_server")]
    assert main([pair[0], "--compare", pair[1]]) == 0
    name, *lines = capsys.readouterr().out.splitlines()
    assert name == f"{pair[0]}:"  # as the output is no terminal
    assert lines[0].startswith(f"Fixed: {ROUTE} lost packets of 1500 bytes (black")
    compared = lines.index("Compared with tunnel_pmtud_ok_at_server.pcap:")
    assert lines[compared + 1 : compared + 4] == [
        f"{ROUTE}: fixed",
        "  before     blackhole  472..1499",
        "  after      pmtud_ok   1420",
    ]


def test_fail_on_is_about_the_second_capture() -> None:
    bad, good = (str(SAMPLE_FOLDER / f"{name}.pcap") for name in (BLACKHOLE, "tunnel_pmtud_ok_at_server"))
    assert main([bad, "--compare", good, "--fail-on", "blackhole"]) == 0
    assert main([good, "--compare", bad, "--fail-on", "blackhole"]) == 1


def test_both_are_mapped_alike() -> None:
    pair = [SAMPLE_FOLDER / f"{name}.pcap" for name in (BLACKHOLE, "tunnel_pmtud_ok_at_server")]
    comparison = analyzer.compare(*pair, anonymizer=Anonymizer())
    assert [change.reason for change in comparison.changes] == ["pmtud"]
    assert "203.0.113.10" not in comparison.headline
    assert [each.files[0].path for each in (comparison.before, comparison.after)] == [
        "capture-1.pcap",
        "capture-2.pcap",
    ]


# Findings.


def of_paths(*verdicts: str, first: int = 0) -> Analysis:
    """A capture of one server and a client in another network for each verdict."""
    flows = [
        make_flow(i, verdict, client=Endpoint(f"10.{first + i}.1.2", 40000), path_mtu=PathMtu(1400, 1499))
        for i, verdict in enumerate(verdicts)
    ]
    paths = [
        NetworkPath(flow.sender.ip, flow.receiver.ip, 1400, 1499, None, flow.verdict, (), (flow.stream,))
        for flow in flows
    ]
    return make_analysis(flows, all_paths=tuple(paths))


def test_a_finding_is_as_its_worst_path() -> None:
    before = of_paths("blackhole", "blackhole", "blackhole")
    after = of_paths("pmtud_ok", "blackhole", "pmtud_ok")
    (change,) = finding_changes(compared(before, after))
    assert (change.finding.id, change.paths, change.alike, change.outcome) == ("A", 3, 1, "not_fixed")
    (change,) = finding_changes(compared(before, of_paths("pmtud_ok", "pmtud_ok", "pmtud_ok")))
    assert (change.paths, change.alike, change.outcome) == (3, 3, "fixed")
    (row,) = change_table(compared(before, after), after).findings
    assert row.sentence.endswith("-> 10.0.1.2, 10.1.1.2 +1: not fixed on 1 of 3 paths")


def test_a_finding_that_only_the_later_capture_has_is_new() -> None:
    before, after = of_paths("blackhole"), of_paths("pmtud_ok", "dead_path")
    changes = finding_changes(compared(before, after))
    assert [(c.finding.verdict, c.outcome) for c in changes] == [("dead_path", "new_problem"), ("blackhole", "fixed")]
    rows = change_table(compared(before, after), after).findings
    assert [row.finding for row in rows] == ["", "A"]
    told = to_json_dict(compared(before, after))["comparison"]["findings"]
    assert [(each["before"], each["after"]) for each in told] == [(None, "A"), ("A", None)]


def test_findings_are_told_where_they_say_more_than_the_paths() -> None:
    before, after = of_paths("blackhole"), of_paths("pmtud_ok")
    assert change_table(compared(before, after), after).findings == ()
    assert finding_changes(before) == ()
