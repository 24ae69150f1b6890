"""Segments that are lost several times by chance and then arrive as they are."""

from __future__ import annotations

from lab.conversations import (
    BEFORE_LARGE,
    FULL_4,
    FULL_6,
    SIGNATURE,
    SMALL_TALK,
    TAIL_4,
    TAIL_6,
    ask,
    marked,
    small_talk,
    upload,
)
from lab.edits import EndAfterRetransmissions
from lab.hazards import LoseData
from lab.mishaps import LoseMarked
from lab.patterns import mishap
from lab.truths import HEAVY_LOSS, LOSS, NO_BLACK_HOLE, at_both_ends
from lab.vocabulary import Capture, Flow, Path, Say, Scenario

SCENARIOS: tuple[Scenario, ...] = (
    mishap(
        "four_times_unlucky",
        "one full segment in the middle is lost four times and then arrives as it is",
        Path(round_trip=0.03, hazards=(LoseMarked(marker=SIGNATURE, times=4),)),
        Flow(
            talk=(
                *SMALL_TALK,
                *ask(2 * FULL_4),
                marked("server", FULL_4, 0.3),
                Say(speaker="server", size=3 * FULL_4 + 100),
            )
        ),
        accept=("loss", "stall", "content_drop"),
    ),
    mishap(
        "first_one_unlucky_ipv6",
        "the first full segment of an upload is lost five times, the ones behind it never, IPv6",
        Path(round_trip=0.03, hazards=(LoseMarked(marker=SIGNATURE, times=5),)),
        Flow(talk=(*SMALL_TALK, marked("client", FULL_6, 0.2), Say(speaker="client", size=3 * FULL_6 + 100))),
        data="upload",
        family=6,
        accept=("loss", "stall", "content_drop"),
    ),
    Scenario(
        name="unlucky_segment",
        shows="the only full segment is lost five times by chance and then gets through as it is",
        path_mtu=1500,
        path=Path(
            round_trip=0.03,
            hazards=(LoseData(which=frozenset({1, 2, 3, 4, 5}), min_payload=1000),),
        ),
        flows=(Flow(talk=small_talk(3, every=0.2) + ask(1448)),),
        seconds=20,
        captures=at_both_ends(("loss", "stall"), (*LOSS, "stall", "inconclusive")),
    ),
    Scenario(
        name="unlucky_flight",
        shows="a whole flight and the first retransmissions are lost by chance, then all is well",
        path_mtu=1500,
        path=Path(
            round_trip=0.03,
            hazards=(LoseData(which=frozenset(range(1, 10)), min_payload=1000),),
        ),
        flows=(Flow(talk=small_talk(3, every=0.2) + ask(TAIL_4)),),
        seconds=20,
        captures=at_both_ends(
            ("loss", "stall"),
            (*LOSS, "stall", "blackhole_suspected"),
            why_receiver="a hole of full segments that is filled seconds later at full size",
        ),
    ),
    Scenario(
        name="third_time_lucky",
        shows="the first large segment is lost three times, those behind it arrive; then it does, too, IPv6",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.03, hazards=(LoseData(which=frozenset({1, 6, 7}), min_payload=1000),)),
        flows=(Flow(talk=BEFORE_LARGE + ask(TAIL_6)),),
        seconds=20,
        captures=at_both_ends(HEAVY_LOSS, HEAVY_LOSS, facts_sender=("retransmissions",)),
    ),
    Scenario(
        name="unlucky_single_upload",
        shows="the only full segment of an upload is lost four times by chance and then gets through as it is",
        path_mtu=1500,
        data="upload",
        path=Path(round_trip=0.05, hazards=(LoseData(which=frozenset({1, 2, 3, 4}), min_payload=1000),)),
        flows=(Flow(talk=BEFORE_LARGE + upload(FULL_4)),),
        seconds=20,
        captures=(
            *at_both_ends(("loss", "stall"), (*LOSS, "stall", "inconclusive")),
            Capture(
                role="sender",
                label="cut",
                accept=NO_BLACK_HOLE,
                edits=(EndAfterRetransmissions(1, min_payload=1000),),
                trust=False,
                why="one retransmission is nothing unusual",
            ),
        ),
    ),
)
