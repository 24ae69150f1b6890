from __future__ import annotations

import pytest

from analyzer.report.vantage import capture_point, hops, side_of_narrow_part
from analyzer.results import Flow
from tests.report.factory import make_flow, make_timeline


def seen(verdict: str, server_ttl: int, client_ttl: int) -> Flow:
    rows = make_timeline()
    rows["ttl"] = client_ttl
    rows["ttl"][rows["side"] == 1] = server_ttl
    return make_flow(0, verdict, timeline=rows)


@pytest.mark.parametrize(
    ("ttl", "count"), [(64, 0), (63, 1), (128, 0), (117, 11), (255, 0), (250, 5), (60, 4), (20, None), (0, None)]
)
def test_hops_are_what_is_missing_from_a_usual_ttl(ttl: int, count: int | None) -> None:
    assert hops(seen("blackhole", ttl, 99), from_sender=True) == count


def test_the_capture_point_is_told_from_the_near_end() -> None:
    assert capture_point(seen("blackhole", 64, 57)) == (
        "Captured before the narrow part: at the sender 10.0.2.2 or on its link, by TTL."
    )
    assert capture_point(seen("blackhole_suspected", 57, 63)) == (
        "Captured behind the narrow part: 1 hop from the receiver 10.0.1.2, by TTL."
    )
    assert capture_point(seen("stall", 62, 1)) == "Captured 2 hops from the sender 10.0.2.2, by TTL."
    assert capture_point(make_flow(0, "stall")) == ""
    assert capture_point(make_flow(0, "blackhole")) == "Captured before the narrow part."


def test_verdicts_that_are_not_about_a_size_have_no_narrow_part() -> None:
    assert side_of_narrow_part(make_flow(0, "zero_window")) == ""
