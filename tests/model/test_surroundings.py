"""What went well beside a finding."""

from __future__ import annotations

from dataclasses import replace

from analyzer.model.finding import findings_of
from analyzer.model.path import Path
from analyzer.model.surroundings import Beside, Surroundings
from tests.report.factory import make_analysis, make_flow


def path(src: str, dst: str, at_least: int | None, *streams: int, verdict: str = "ok") -> Path:
    return Path(src, dst, at_least, None, None, verdict, (), streams)


def beside(*paths: Path, verdict: str = "blackhole") -> Beside | None:
    analysis = make_analysis([make_flow(0, verdict)])  # from 10.0.2.2 to 10.0.1.2, where 1500 bytes are lost
    (finding,) = findings_of(analysis.problems)
    return Surroundings(paths).beside(finding)


def test_other_hosts_of_the_same_networks_that_carried_as_much() -> None:
    found = beside(path("10.0.2.3", "10.0.1.2", 1500, 4, 5), path("10.0.2.2", "10.0.1.9", 9000, 5, 6))
    assert found == Beside(pairs=2, flows=3, crossed=1500)


def test_what_says_nothing_about_it() -> None:
    smaller = path("10.0.2.3", "10.0.1.2", 1499, 4)
    unknown = path("10.0.2.3", "10.0.1.3", None, 4)
    elsewhere = path("10.0.3.3", "10.0.1.2", 1500, 4)
    backwards = path("10.0.1.2", "10.0.2.3", 1500, 4)
    its_own = path("10.0.2.2", "10.0.1.2", 1500, 0, 7)
    assert beside(smaller, unknown, elsewhere, backwards, its_own) is None
    assert beside() is None


def test_where_size_is_no_matter_healthy_paths_count() -> None:
    found = beside(
        path("10.0.2.3", "10.0.1.2", 1500, 4),
        path("10.0.2.4", "10.0.1.2", None, 5, verdict="loss"),
        verdict="dead_path",
    )
    assert found == Beside(pairs=1, flows=1, crossed=None)


def test_ipv6_networks_are_64_bits_long() -> None:
    flow = make_flow(0)
    flow = replace(
        flow, client=flow.client._replace(ip="2001:db8:1::2"), server=flow.server._replace(ip="2001:db8:2::2")
    )
    (finding,) = findings_of(make_analysis([flow]).problems)
    near = path("2001:db8:2::77", "2001:db8:1:0:5::", 1500, 3)
    far = path("2001:db8:2:1::77", "2001:db8:1::9", 1500, 3)
    assert Surroundings([near]).beside(finding) == Beside(1, 1, 1500)
    assert Surroundings([far]).beside(finding) is None
