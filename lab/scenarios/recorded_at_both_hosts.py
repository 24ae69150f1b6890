"""Captures of both hosts that are also read as one, with clocks that differ."""

from __future__ import annotations

from dataclasses import replace

from lab.conversations import TAIL_4, TAIL_6, ask, small_talk, upload
from lab.edits import ClockOff
from lab.hazards import RandomLoss
from lab.outages import OutageAfterBytes
from lab.patterns import hole_and_twin
from lab.truths import DEAD_OR_UNEXPLAINED, LOSS, NO_BLACK_HOLE, at_both_ends
from lab.vocabulary import Flow, Path, Scenario


def _both(pair: tuple[Scenario, ...], seconds: float) -> tuple[Scenario, ...]:
    """Both hosts' captures are also read as one, with the receiver's clock wrong."""
    return tuple(
        replace(
            scenario,
            together=True,
            captures=tuple(
                replace(capture, edits=(ClockOff(seconds),)) if capture.role == "receiver" else capture
                for capture in scenario.captures
            ),
        )
        for scenario in pair
    )


SCENARIOS: tuple[Scenario, ...] = (
    *_both(
        hole_and_twin(
            "both_hosts_ipv6",
            "a download into 1316 recorded at both hosts, the client's clock 12 s fast, IPv6",
            1316,
            "ptb",
            family=6,
            talk=small_talk(3, every=0.3) + ask(TAIL_6),
        ),
        12.0,
    ),
    *_both(
        hole_and_twin(
            "both_hosts_upload",
            "an upload into 1462 recorded at both hosts, the server's clock 40 ms slow",
            1462,
            "clamp",
            data="upload",
            talk=upload(TAIL_4),
        ),
        -0.04,
    ),
    *_both(
        (
            Scenario(
                name="both_hosts_lossy",
                shows="4 % loss recorded at both hosts, the client's clock 0.9 s slow",
                path_mtu=1500,
                path=Path(round_trip=0.04, hazards=(RandomLoss(rate=0.04, seed=942),)),
                flows=(Flow(talk=small_talk(2, every=0.2) + ask(150_000)),),
                seconds=20,
                captures=at_both_ends((*LOSS, "stall"), (*LOSS, "stall")),
            ),
            Scenario(
                name="both_hosts_dead",
                shows="a path that dies after 50 kB recorded at both hosts, the client's clock 0.9 s slow, IPv6",
                path_mtu=1500,
                family=6,
                path=Path(round_trip=0.04, hazards=(OutageAfterBytes(payload=50_000),)),
                flows=(Flow(talk=small_talk(2, every=0.2) + ask(150_000), ends="hangs"),),
                seconds=14,
                captures=at_both_ends(DEAD_OR_UNEXPLAINED, NO_BLACK_HOLE, facts_sender=("large_delivered",)),
            ),
        ),
        -0.9,
    ),
    *_both(
        hole_and_twin(
            "two_captures",
            "a download into 1424 recorded at both ends, with the client's clock 1.7 s fast",
            1424,
            "ptb",
            talk=small_talk(3, every=0.3) + ask(TAIL_4),
        ),
        1.7,
    ),
    *_both(
        hole_and_twin(
            "two_captures_ipv6_upload",
            "an IPv6 upload into 1368 recorded at both ends, with the server's clock 0.35 s slow",
            1368,
            "wide",
            data="upload",
            family=6,
            talk=upload(TAIL_6),
        ),
        -0.35,
    ),
)
