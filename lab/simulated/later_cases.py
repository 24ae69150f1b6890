"""Cases that came after the first version was complete: none of them was kept out of sight."""

from __future__ import annotations

import random
from functools import partial

from lab.headers import Packet
from lab.simulated.case import DOWN, Case
from lab.simulated.cases import (
    ANY_HOLE,
    CASES,
    NAT,
    OUTSIDE,
    along,
    dead,
    dropping_icmp,
    fine,
    hole,
    offload,
    silent,
    single,
    talk,
    talk6,
)  # fmt: skip
from lab.simulated.elements import Drop, Link, Tap, Way, clamp, renumbered
from lab.simulated.path import Talk

BULK = (*DOWN[:5], ("server", 0.64, 40 * 1448), ("client", 2.5, 90), ("client", 5.0, 60))
"""As `DOWN`, but all that the server may send before it hears of the client again is of full size."""

ASA = partial(renumbered, 1_234_567_890)
FOUR = tuple(Talk(DOWN, ports=(40_001 + i, 443), begins=0.05 * i) for i in range(4))

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
        hole("renumbered_before", along(lambda: [Link(), ASA()], single(silent))),
        hole("renumbered_behind", along(single(silent), lambda: [ASA(), Link()])),
        hole("renumbered_both_ways", along(lambda: [Link(), ASA(2_222_222_222)], single(silent))),
        hole("renumbered_clamped", along(lambda: [Link(), clamp(1460), ASA(7)], single(silent))),
        hole("renumbered_and_translated", along(lambda: [Link(), NAT, ASA(99_999)], single(silent)), outside=OUTSIDE),
        hole("renumbered_ipv6", along(lambda: [Link(), ASA()], single(lambda: silent(1380))), talks=talk6()),
        hole("renumbered_offload", along(lambda: [Link(), ASA()], single(silent), taps=offload)),
        hole(
            "renumbered_four_flows",
            along(lambda: [Link(), ASA()], single(silent)),
            talks=FOUR,
        ),
        hole(
            "renumbered_ptb_lost",
            (ptb_lost := along(lambda: [Link(), ASA()], single(lambda: Link(mtu_back=1400)), dropping_icmp)),
            ptb_dropped=next(i for i, each in enumerate(ptb_lost()) if isinstance(each, Drop)),
        ),
        hole(
            "renumbered_without_timestamps",
            along(lambda: [Link(), ASA()], single(silent)),
            talks=talk(timestamps=False),
        ),
        fine("renumbered_plain_without_timestamps", along(lambda: [Link(), ASA()]), talks=talk(timestamps=False)),
        fine("renumbered_plain", along(lambda: [Link(), ASA()])),
        fine("renumbered_plain_both_ways", along(lambda: [Link(), ASA(2_222_222_222)], None), talks=FOUR),
        fine("renumbered_translated_plain", along(lambda: [Link(), NAT, ASA(5)]), outside=OUTSIDE),
        fine(
            "renumbered_lossy",
            along(
                lambda: [Link(), ASA()],
                single(lambda: Link(loss=0.1, loss_back=0.1, random=random.Random(5))),
            ),
            talks=(Talk((*DOWN, ("server", 3.0, 40_000))),),
        ),
        fine("renumbered_dead", along(lambda: [Link(), ASA()], lambda: [dead(0.62), Link()]), kind="all", blamed=5),
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
