"""Echo requests with DF beside TCP: those that find the path MTU, and those that need not."""

from __future__ import annotations

from lab.conversations import small_talk, upload
from lab.patterns import black_hole
from lab.truths import BLACK_HOLE, HOLE, OK, TOO_SMALL, at_both_ends
from lab.vocabulary import Capture, Flow, Path, Scenario

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="pings_and_chat_told",
        shows="small messages, and echo requests with DF of which those above 1404 bytes are answered with a PTB",
        path_mtu=1404,
        path=Path(mtu=1404, round_trip=0.02),
        flows=(Flow(talk=small_talk(9, every=0.3)),),
        pings=(84, 1500, 1404, 1405, 900),
        captures=(
            Capture(
                role="sender",
                accept=TOO_SMALL,
                ptb=("accepted", "ignored", "tuple"),
                why="the PTBs are about the echo requests, not about the connection",
            ),
            Capture(role="receiver", accept=TOO_SMALL),
        ),
    ),
    Scenario(
        name="pings_of_1500_pass",
        shows="echo requests of 1500 bytes come back while a chat goes on",
        path_mtu=1500,
        path=Path(round_trip=0.02),
        flows=(Flow(talk=small_talk(9, every=0.3)),),
        pings=(1500, 84, 1472, 1428),
        captures=at_both_ends(TOO_SMALL, TOO_SMALL),
    ),
    Scenario(
        name="pings_find_1372",
        shows="small messages only, and echo requests with DF of which those above 1372 bytes are lost",
        path_mtu=1372,
        path=Path(mtu=1372, round_trip=0.02),
        icmp_dropped_at=("server_router", "client_router"),
        flows=(Flow(talk=small_talk(8, every=0.3)),),
        pings=(84, 1372, 1500, 1373, 1420, 576),
        captures=at_both_ends(TOO_SMALL, TOO_SMALL),
    ),
    Scenario(
        name="pings_find_nothing",
        shows="a healthy upload and echo requests with DF that all come back",
        path_mtu=1500,
        data="upload",
        path=Path(round_trip=0.02),
        flows=(Flow(talk=upload(30_000) + small_talk(6, every=0.4)),),
        pings=(84, 1428, 1500, 1372),
        captures=at_both_ends(OK, OK),
    ),
    black_hole(
        "pings",
        "echo requests with DF narrow the path MTU down beside a hang: 1400 passes, 1420 does not",
        1400,
        pings=(84, 1280, 1500, 1400, 1420),
        captures=(
            Capture(role="sender", accept=BLACK_HOLE),
            Capture(role="receiver", accept=HOLE),
        ),
    ),
)
