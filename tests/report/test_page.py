from __future__ import annotations

from dataclasses import fields, replace

import pytest

from analyzer.knowledge.overheads import consistent_with
from analyzer.model.flow import Endpoint, PathMtu, Vantage
from analyzer.model.verdicts import VERDICTS
from analyzer.report.page import page_of
from analyzer.report.verdict_text import SETTING_WORDS
from analyzer.settings import Settings
from tests.report.factory import make_analysis, make_file, make_flow


def test_every_setting_is_explained_with_its_unit() -> None:
    assert set(SETTING_WORDS) == {field.name for field in fields(Settings)}
    settings = {setting.name: setting.value for setting in page_of(make_analysis()).settings}
    assert settings["episode_span"] == "1 s"
    assert settings["exercised_bytes"] == "1,281 bytes"
    assert settings["capture_loss"] == "1 %"
    changed = make_analysis(settings=Settings(hole_ns=500_000_000))
    assert {s.name: s.value for s in page_of(changed).settings}["hole"] == "0.5 s"


def test_the_glossary_explains_the_verdicts_used_and_no_others() -> None:
    page = page_of(make_analysis([make_flow(0, "ok"), make_flow(1), make_flow(2)]))
    assert [term.verdict for term in page.glossary] == ["blackhole", "ok"]
    everything = page_of(make_analysis([make_flow(i, verdict) for i, verdict in enumerate(VERDICTS)]))
    assert [term.verdict for term in everything.glossary] == list(VERDICTS)


def test_the_picture_is_of_the_gravest_size_problem() -> None:
    page = page_of(make_analysis([make_flow(0, "zero_window"), make_flow(1, "fragment_loss"), make_flow(2)]))
    assert page.picture is not None
    assert (page.picture.sender, page.picture.receiver, page.picture.label) == ("10.0.2.2", "10.0.1.2", "1400..1499")
    assert page.picture.captured == "before"
    assert page.picture.lost == "1500-byte packets vanish, 1400-byte packets arrive"
    behind = page_of(make_analysis([make_flow(0, "blackhole_suspected")])).picture
    assert behind is not None
    assert behind.captured == "behind"


@pytest.mark.parametrize(
    ("verdict", "size", "told"),
    [
        ("blackhole", PathMtu(None, 1499), "1500-byte packets vanish"),
        ("blackhole", PathMtu(1400), "large packets vanish, 1400-byte packets arrive"),
        ("blackhole_recovered", PathMtu(1400, 1499), "1500-byte packets vanished, 1400-byte packets arrived"),
        ("blackhole_suspected", PathMtu(472, 1499), "nothing above 472 bytes arrives"),
        ("blackhole_suspected", PathMtu(None, 1499), "large packets do not arrive"),
        ("ptb_ignored", PathMtu(None, None, 1400), "1500-byte packets are too big, as a router said"),
    ],
)
def test_the_picture_claims_no_more_than_was_seen(verdict: str, size: PathMtu, told: str) -> None:
    page = page_of(make_analysis([make_flow(0, verdict, path_mtu=size)]))
    assert page.picture is not None
    assert page.picture.lost == told


def test_no_picture_where_no_size_is_known() -> None:
    for verdict in ("zero_window", "stall", "dead_path", "not_exercised"):
        assert page_of(make_analysis([make_flow(0, verdict)])).picture is None


def test_a_healthy_path_is_drawn_without_a_narrow_part() -> None:
    page = page_of(make_analysis([make_flow(0, "not_exercised"), make_flow(1, "ok")]))
    assert page.picture is not None
    assert not page.picture.narrow
    assert page.picture.description == "Path from 10.0.2.2 to 10.0.1.2: path MTU >= 1400 bytes."
    assert page_of(make_analysis([make_flow(0, "dead_path"), make_flow(1, "ok")])).picture is None


def test_the_picture_is_of_the_path_that_the_headline_names() -> None:
    others = [make_flow(i, client=Endpoint(f"10.{ip}.1.1", 40000)) for i, ip in enumerate((7, 8, 8, 9))]
    page = page_of(make_analysis(others))
    assert page.picture is not None
    assert "from 10.0.2.2 to 10.8.1.1, 10.7.1.1 and 1 more" in page.document.headline
    assert page.picture.receiver == "10.8.1.1"  # where most of them go


def test_what_a_size_is_consistent_with_is_named_or_counted() -> None:
    tight = page_of(make_analysis([make_flow(0, path_mtu=PathMtu(1415, 1420))])).picture
    assert tight is not None
    assert tight.consistent.startswith("Consistent with 1420: WireGuard")
    wide = page_of(make_analysis([make_flow(0, path_mtu=PathMtu(800, 1499))])).picture
    assert wide is not None
    assert wide.consistent == (
        f"Too wide to name a tunnel ({len(consistent_with(800, 1499, None))} candidates): Measure tells."
    )


def test_capture_loss_is_a_share_of_the_acknowledged_data() -> None:
    def told(unseen: int, seen: int) -> str:
        analysis = make_analysis()
        totals = replace(analysis.totals, unseen_bytes=unseen, payload_bytes=seen)
        return {fact.name: fact.value for fact in page_of(replace(analysis, totals=totals)).facts}["Capture loss"]

    assert told(0, 1000) == "none noticed: all TCP data that was acknowledged is in the capture"
    assert told(30, 970).startswith("30 bytes of TCP data (3.0 %)")
    assert told(1, 10**6).startswith("1 byte of TCP data (less than 0.1 %)")


def test_the_capture_point_is_told_as_far_as_it_is_known() -> None:
    def told(verdict: str, where: str) -> str:
        picture = page_of(make_analysis([make_flow(0, verdict, vantage=Vantage(where, "so it is"))])).picture
        assert picture is not None
        return picture.point

    assert told("blackhole", "server") == "Captured before the narrow part, next to the server 10.0.2.2."
    assert told("blackhole_suspected", "client") == ("Captured behind the narrow part, next to the client 10.0.1.2.")
    assert told("ptb_ignored", "between") == "Captured before the narrow part, between the two hosts."
    assert told("blackhole", "unknown") == "Captured before the narrow part."


def test_what_the_capture_says_of_itself_is_told() -> None:
    file = make_file(filters=("tcp port 443\x1b",), dropped=1200)
    facts = {fact.name: fact.value for fact in page_of(make_analysis(files=[file])).facts}
    assert facts["Dropped"] == "1,200 packets, as the capturing host says"
    assert facts["Capture filter"] == r"tcp port 443\x1b"
    assert "Dropped" not in {fact.name for fact in page_of(make_analysis()).facts}
