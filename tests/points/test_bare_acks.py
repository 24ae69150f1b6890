"""A sender that has nothing but full-size segments to send: only its bare ACKs show that smaller packets cross.

Then a link that is narrow and a device that drops data of any size leave the same packets at every point.
"""

from __future__ import annotations

import pytest

from lab.simulated.cases import CASES
from lab.simulated.judging import analysed
from lab.simulated.later_cases import LATER, UNDECIDABLE
from lab.simulated.path import capture_of

TWINS = [("bulk", "bulk_data_filter"), ("first_large", "first_large_data_filter")]


@pytest.mark.parametrize(("hole", "twin"), TWINS)
def test_the_twins_cannot_be_told_apart_so_none_of_them_is_sure(hole: str, twin: str) -> None:
    one, two = ([capture_of(tap) for tap in UNDECIDABLE[name].run()] for name in (hole, twin))
    assert one == two
    taps = UNDECIDABLE[hole].run()
    for some in (taps, taps[::3], taps[1:3], taps[2:]):
        flow = analysed(some).flow(0)
        assert flow.verdict == "blackhole"
        assert flow.confidence == "medium"


def test_what_crossed_only_before_is_said_so() -> None:
    taps = UNDECIDABLE["bulk"].run()
    told = analysed(taps[::3]).flow(0).explanation
    assert told.startswith(
        "Packets of 1500 bytes are lost between server.pcap and client.pcap: 752 crossed before, since then packets "
        "without data did, 1500 did not ("
    )


def test_where_no_data_ever_crossed_the_leg_is_not_called_narrow() -> None:
    taps = UNDECIDABLE["first_large"].run()
    found = analysed(taps)
    flow = found.flow(0)
    assert flow.located is not None
    assert "packets without data crossed, up to 60 bytes, none with data did" in flow.explanation
    assert all(leg.ends != "size" for path in found.all_paths for leg in path.legs)


def test_where_smaller_data_fails_as_well_the_size_is_not_blamed() -> None:
    for name in ("bulk_no_data_at_all", "bulk_plain"):
        taps = LATER[name].run()
        for some in (taps, taps[::3], taps[1:3]):
            assert all(flow.located is None for flow in analysed(some).all_flows)


def test_smaller_data_since_the_first_loss_makes_it_sure() -> None:
    taps = CASES["silent_middle"].run()
    flow = analysed(taps[::3]).flow(0)
    assert (flow.verdict, flow.confidence) == ("blackhole", "high")
