"""What all points say together, in words."""

from __future__ import annotations

import pytest

from analyzer.model.flow import Encapsulation, PathMtu
from analyzer.points.told import fixes_of
from tests.report.factory import make_flow


@pytest.mark.parametrize(
    ("inside", "first"),
    [
        (Encapsulation(("VXLAN",), 50, False), "set the MTU of the VXLAN tunnel to 1450"),
        (None, "let ICMP type 3 code 4 reach 10.0.2.2"),
    ],
)
def test_a_verdict_that_changed_keeps_the_tunnel_in_mind(inside: Encapsulation | None, first: str) -> None:
    flow = make_flow(0, "blackhole_suspected", encapsulation=inside)
    fixes = fixes_of(flow, "blackhole", PathMtu(472, 1499), ())
    assert next(fix.short for fix in fixes if fix.kind == "fix") == first


def test_where_nothing_changed_the_fixes_stay() -> None:
    flow = make_flow(0)
    assert fixes_of(flow, flow.verdict, flow.path_mtu, ()) is flow.fixes
