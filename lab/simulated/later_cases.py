"""Cases that came after the first version was complete: none of them was kept out of sight."""

from __future__ import annotations

from lab.headers import Packet
from lab.simulated.cases import ANY_HOLE, CASES, DOWN, Case, along, fine, hole, silent, single, talk
from lab.simulated.elements import Drop, Link, Tap, Way
from lab.simulated.path import Talk

BULK = (*DOWN[:5], ("server", 0.64, 40 * 1448), ("client", 2.5, 90), ("client", 5.0, 60))
"""As `DOWN`, but all that the server may send before it hears of the client again is of full size."""

ONE_WAY = ("router-a", "router-b")


def one_way_taps() -> dict[str, Tap]:
    """Routers of which the capture holds the server's packets only."""
    return {name: Tap(name, only="to_client") for name in ONE_WAY}


def server_data(since: float) -> Drop:
    """Drops all data of the server from some time on, whatever its size; bare ACKs pass."""

    def rule(seen: Packet, data: bytes, way: Way, now: float) -> bool:
        del data
        return way == "to_client" and now >= since and seen.payload_len > 0

    return Drop(rule)


def later_cases() -> list[Case]:
    """All of them, each hole before its twins."""
    pieces = along(
        None,
        lambda: [Drop(lambda seen, data, way, now: seen.fragment), Link(mtu_back=1400)],
        taps=one_way_taps,
    )
    return [
        hole(
            "fragments_one_direction",
            pieces,
            talks=talk(df=False),
            blamed=next(i for i, each in enumerate(pieces()) if isinstance(each, Drop)),
            verdicts=frozenset({"fragment_loss"}),
            sure=False,
        ),
        fine(
            "fragments_arrive_one_direction",
            along(None, single(lambda: Link(mtu_back=1400)), taps=one_way_taps),
            talks=talk(df=False),
        ),
        hole("bulk", along(None, single(silent)), talks=(Talk(BULK),), verdicts=ANY_HOLE, sure=False),
        fine("bulk_plain", along(), talks=(Talk(BULK),)),
        fine("bulk_no_data_at_all", along(None, lambda: [server_data(0.0), Link()]), talks=(Talk(BULK),)),
    ]


LATER = {case.name: case for case in later_cases()}
ALL = CASES | LATER

FIRST_LARGE = tuple(each for each in BULK if each[0] == "client" or each[2] > 1448)
UNDECIDABLE = {
    case.name: case
    for case in (
        hole("bulk", along(None, single(silent)), talks=(Talk(BULK),)),
        fine("bulk_data_filter", along(None, lambda: [server_data(0.62), Link()]), talks=(Talk(BULK),)),
        hole("first_large", along(None, single(silent)), talks=(Talk(FIRST_LARGE),)),
        fine("first_large_data_filter", along(None, lambda: [server_data(0.0), Link()]), talks=(Talk(FIRST_LARGE),)),
    )
}
"""Holes, each with a twin that drops data of any size: where no smaller data was sent, their packets are the same."""
