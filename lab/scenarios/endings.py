"""Processes that are killed, peers that leave or refuse."""

from __future__ import annotations

from lab.conversations import SMALL_TALK, TAIL_4, ask, small_talk
from lab.headers import RST
from lab.mishaps import LoseControl
from lab.patterns import trouble
from lab.settings import SLOWER_LINE
from lab.truths import HANGS, LOSS, NO_BLACK_HOLE, OK, UNANSWERED, at_both_ends
from lab.vocabulary import Capture, Flow, Path, Say, Scenario

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="client_killed_in_download",
        shows="the reader of a download loses patience and resets the connection, IPv6",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.03, hazards=(SLOWER_LINE,)),
        flows=(Flow(talk=ask(400_000), client_patience=1.5, client_aborts=True, ends="breaks"),),
        captures=at_both_ends(LOSS, LOSS, facts=("reset",), facts_sender=("large_delivered",)),
    ),
    Scenario(
        name="client_killed_in_upload",
        shows="the client's process is killed after 50 kB of an upload: FIN",
        path_mtu=1500,
        data="upload",
        path=Path(round_trip=0.03),
        flows=(
            Flow(
                talk=(Say(speaker="server", size=90), Say(speaker="client", size=90_000, cut_after=50_000)),
                ends="breaks",
            ),
        ),
        captures=at_both_ends(("ok", "loss"), ("ok", "loss"), facts_sender=("large_delivered",)),
    ),
    Scenario(
        name="refused_and_retried",
        shows="a client is refused four times, then a large reply comes from another port",
        path_mtu=1500,
        path=Path(round_trip=0.03),
        flows=(
            *(Flow(port=8090, start=0.3 * n, talk=ask(100), listening=False, ends="breaks") for n in range(4)),
            Flow(port=8080, start=2.0, talk=SMALL_TALK + ask(TAIL_4)),
        ),
        captures=tuple(
            Capture(role=role, accept=OK, flows={8080: OK, 8090: UNANSWERED}) for role in ("sender", "receiver")
        ),
    ),
    Scenario(
        name="server_killed",
        shows="the server's process is killed after 30 kB of a reply of 100 kB: its kernel sends a FIN",
        path_mtu=1500,
        path=Path(round_trip=0.03),
        flows=(
            Flow(
                talk=(Say(speaker="client", size=180), Say(speaker="server", size=100_000, cut_after=30_000)),
                ends="breaks",
            ),
        ),
        captures=at_both_ends(OK, OK, facts_sender=("large_delivered",)),
    ),
    Scenario(
        name="server_aborts_ipv6",
        shows="the server aborts in the first flight of a large reply: a RST, and nothing more, IPv6",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.06),
        flows=(
            Flow(
                talk=(
                    *small_talk(3, every=0.2),
                    Say(speaker="client", size=180),
                    Say(speaker="server", size=100_000, cut_after=9_000, cut_by="rst"),
                ),
                ends="breaks",
            ),
        ),
        captures=at_both_ends(NO_BLACK_HOLE, NO_BLACK_HOLE, facts=("reset",)),
    ),
    trouble(
        "peer_gone_rst_filtered",
        "the client closes before the reply; its kernel refuses the reply with RSTs that a firewall drops",
        back=(LoseControl(flags=RST, times=10_000),),
        sender=HANGS,
        facts=("retransmissions", "closed_before_large"),
        flows=(
            Flow(
                talk=(
                    *small_talk(2, every=0.2),
                    Say(speaker="client", size=180, after=0.1),
                    Say(speaker="server", size=TAIL_4, after=1.0),
                ),
                client_patience=1.0,
                ends="breaks",
            ),
        ),
    ),
    trouble(
        "peer_waits",
        "twin: the client waits for the reply",
        back=(LoseControl(flags=RST, times=10_000),),
        sender=OK,
        flows=(
            Flow(
                talk=(
                    *small_talk(2, every=0.2),
                    Say(speaker="client", size=180, after=0.1),
                    Say(speaker="server", size=TAIL_4, after=1.0),
                )
            ),
        ),
    ),
)
