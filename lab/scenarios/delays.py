"""Packets that are late, overtaken or doubled."""

from __future__ import annotations

from lab.conversations import BEFORE_LARGE, DOWNLOAD, SMALL_TALK, TAIL_4, ask, small_talk, upload
from lab.edits import EndAfterRetransmissions
from lab.hazards import Duplication, RandomLoss, Reordering
from lab.mishaps import DelayBetween
from lab.patterns import mishap
from lab.settings import BARE
from lab.truths import DEAD_OR_UNEXPLAINED, HEAVY_LOSS, LOSS, at_both_ends
from lab.vocabulary import Capture, Flow, Path, Scenario

_DELAYS = (
    mishap(
        "delay_spike",
        "for a second everything to the client takes 1.9 s longer; nothing is lost",
        Path(round_trip=0.03, hazards=(DelayBetween(since=0.7, until=1.7, seconds=1.9),)),
        Flow(talk=SMALL_TALK + ask(TAIL_4) + small_talk(2, every=0.3)),
    ),
    Scenario(
        name="delay_of_six_seconds",
        shows="from before the first large reply on everything to the client takes six seconds; nothing is lost",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(DelayBetween(since=0.75, until=3.5, seconds=6.0),)),
        flows=(Flow(talk=SMALL_TALK + ask(TAIL_4) + small_talk(2, every=0.3)),),
        seconds=30,
        captures=(
            *at_both_ends(HEAVY_LOSS, HEAVY_LOSS, facts_sender=("retransmissions",)),
            Capture(
                role="sender",
                label="cut",
                accept=(*DEAD_OR_UNEXPLAINED, "loss"),
                edits=(EndAfterRetransmissions(3, min_payload=1000),),
                trust=False,
                why="the small last segment is not acknowledged either",
            ),
        ),
    ),
)

_ORDER = (
    Scenario(
        name="overtaken_without_sack",
        shows="one packet in six is overtaken by those of the next 30 ms, no SACK",
        path_mtu=1500,
        path=Path(round_trip=0.04, hazards=(Reordering(rate=0.16, delay=0.03, seed=928),)),
        flows=(Flow(talk=SMALL_TALK + ask(200_000)),),
        sysctls=BARE,
        seconds=20,
        captures=at_both_ends(LOSS, LOSS),
    ),
    Scenario(
        name="everything_twice",
        shows="the network delivers every packet twice, both directions, IPv6",
        path_mtu=1500,
        family=6,
        path=Path(
            round_trip=0.03,
            hazards=(Duplication(rate=1.0, delay=0.012, seed=1),),
            hazards_back=(Duplication(rate=1.0, delay=0.012, seed=2),),
        ),
        flows=(Flow(talk=SMALL_TALK + ask(150_000)),),
        seconds=20,
        captures=at_both_ends(LOSS, LOSS),
    ),
    Scenario(
        name="reordering",
        shows="one packet in ten is overtaken by those of the next 5 ms",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(Reordering(rate=0.1, delay=0.005, seed=2),)),
        flows=DOWNLOAD,
        captures=at_both_ends(LOSS, LOSS),
    ),
    Scenario(
        name="duplicates_on_path",
        shows="the network delivers one packet in five twice",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(Duplication(rate=0.2, seed=2),)),
        flows=DOWNLOAD,
        captures=at_both_ends(LOSS, LOSS),
    ),
    Scenario(
        name="overtaken_ipv6",
        shows="three packets in ten are overtaken by those of the next 40 ms, an IPv6 upload",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(round_trip=0.05, hazards=(Reordering(rate=0.3, delay=0.04, seed=8),)),
        flows=(Flow(talk=upload(200_000)),),
        seconds=20,
        captures=at_both_ends(LOSS, LOSS),
    ),
    Scenario(
        name="duplicated_and_lost",
        shows="the network delivers two packets in five twice and loses 3 %",
        path_mtu=1500,
        path=Path(
            round_trip=0.03,
            hazards=(Duplication(rate=0.4, delay=0.02, seed=4), RandomLoss(rate=0.03, seed=361)),
        ),
        flows=(Flow(talk=BEFORE_LARGE + ask(200_000)),),
        seconds=20,
        captures=at_both_ends(LOSS, LOSS),
    ),
)

SCENARIOS: tuple[Scenario, ...] = (*_DELAYS, *_ORDER)
