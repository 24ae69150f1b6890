"""Applications and hosts that say nothing: waiting, keep-alives, scans."""

from __future__ import annotations

from lab.conversations import SMALL_TALK, TAIL_4, TAIL_6, ask, small_talk
from lab.hazards import LinkDown
from lab.settings import ROUTERS
from lab.truths import NO_BLACK_HOLE, OK, SILENT, TOO_SMALL, UNANSWERED, at_both_ends
from lab.vocabulary import Capture, Flow, Path, Say, Scenario

_WAITING = (
    Scenario(
        name="silent_application",
        shows="the server thinks for eight seconds before it replies",
        path_mtu=1500,
        path=Path(round_trip=0.03),
        flows=(
            Flow(
                talk=(
                    Say(speaker="client", size=180),
                    Say(speaker="server", size=TAIL_4, after=8.0),
                ),
            ),
        ),
        seconds=20,
        captures=at_both_ends(OK, OK),
    ),
    Scenario(
        name="silent_for_ever",
        shows="the server takes the request and never replies",
        path_mtu=1500,
        path=Path(round_trip=0.03),
        flows=(
            Flow(
                talk=(
                    *small_talk(2, every=0.2),
                    Say(speaker="client", size=180),
                    Say(speaker="server", size=TAIL_4, after=60.0),
                ),
                ends="hangs",
            ),
        ),
        seconds=14,
        captures=at_both_ends(
            SILENT,
            SILENT,
            why_receiver="the request is acknowledged, then silence: from here it could also be a black hole",
        ),
    ),
    Scenario(
        name="thinks_in_the_middle",
        shows="the server sends half of its reply, thinks for nine seconds and sends the rest, IPv6",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.03),
        flows=(
            Flow(
                talk=(
                    Say(speaker="client", size=180),
                    Say(speaker="server", size=TAIL_6),
                    Say(speaker="server", size=TAIL_6, after=9.0),
                ),
                keepalive_seconds=3,
            ),
        ),
        seconds=20,
        captures=at_both_ends(OK, OK),
    ),
    Scenario(
        name="upload_never_answered",
        shows="the server takes a large upload and never says thanks",
        path_mtu=1500,
        data="upload",
        path=Path(round_trip=0.03),
        flows=(
            Flow(
                talk=(
                    Say(speaker="server", size=90),
                    Say(speaker="client", size=60_000),
                    Say(speaker="server", size=60, after=60.0),
                ),
                ends="hangs",
            ),
        ),
        seconds=12,
        captures=at_both_ends(
            (*OK, "inconclusive"),
            (*OK, "inconclusive"),
            why="packets of full size got through; whether an answer is due, nobody can tell",
        ),
    ),
    Scenario(
        name="small_question_never_answered_ipv6",
        shows="the server takes the third small request and never replies, keep-alives every two seconds, IPv6",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.03),
        flows=(
            Flow(
                talk=(
                    *small_talk(2, every=0.3),
                    Say(speaker="client", size=240),
                    Say(speaker="server", size=300, after=60.0),
                ),
                keepalive_seconds=2,
                ends="hangs",
            ),
        ),
        seconds=12,
        captures=at_both_ends(SILENT, SILENT),
    ),
)

_SILENCE = (
    Scenario(
        name="silent_after_small_login_ipv6",
        shows="a login dialogue after which the server says nothing for the rest of the recording, IPv6",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.03),
        flows=(
            Flow(
                talk=(*SMALL_TALK, Say(speaker="client", size=60), Say(speaker="server", size=5000, after=60.0)),
                ends="hangs",
            ),
        ),
        seconds=10,
        captures=at_both_ends(SILENT, SILENT),
    ),
    Scenario(
        name="long_think_before_large",
        shows="the server thinks for twelve seconds before its first large reply, keep-alives meanwhile",
        path_mtu=1500,
        path=Path(round_trip=0.03),
        flows=(
            Flow(
                talk=(*SMALL_TALK, Say(speaker="client", size=300), Say(speaker="server", size=TAIL_4, after=12.0)),
                keepalive_seconds=2,
            ),
        ),
        seconds=25,
        captures=at_both_ends(OK, OK),
    ),
    Scenario(
        name="client_silent_after_greeting",
        shows="the server greets and the client never speaks",
        path_mtu=1500,
        path=Path(round_trip=0.03),
        flows=(Flow(talk=(Say(speaker="server", size=120), Say(speaker="client", size=50, after=60.0)), ends="hangs"),),
        seconds=8,
        captures=at_both_ends(SILENT, SILENT),
    ),
    Scenario(
        name="hourly_chat",
        shows="pushes of 60 to 1200 bytes with pauses, never a large packet, on a path of 1300",
        path_mtu=1300,
        path=Path(mtu=1300, round_trip=0.03),
        icmp_dropped_at=ROUTERS,
        flows=(
            Flow(talk=tuple(Say(speaker="server", size=size, after=1.1) for size in (60, 700, 1200, 90, 1100, 1180))),
        ),
        captures=at_both_ends(TOO_SMALL, TOO_SMALL),
    ),
)

_KEEP_ALIVES = (
    Scenario(
        name="keep_alives",
        shows="an idle connection with keep-alive probes every two seconds",
        path_mtu=1500,
        path=Path(round_trip=0.03),
        flows=(
            Flow(
                talk=(*ask(TAIL_4), Say(speaker="client", size=50, after=12.0)),
                keepalive_seconds=2,
            ),
        ),
        seconds=20,
        captures=at_both_ends(OK, OK),
    ),
    Scenario(
        name="keep_alives_unanswered",
        shows="the path dies under an idle connection: only keep-alive probes remain",
        path_mtu=None,
        path=Path(hazards=(LinkDown(since=2.0),), hazards_back=(LinkDown(since=2.0),)),
        flows=(
            Flow(
                talk=(*ask(TAIL_4), Say(speaker="client", size=50, after=30.0)),
                keepalive_seconds=2,
                ends="hangs",
            ),
        ),
        seconds=14,
        captures=at_both_ends((*NO_BLACK_HOLE,), (*NO_BLACK_HOLE,)),
    ),
    Scenario(
        name="only_keep_alives",
        shows="an idle connection of small messages with keep-alive probes every second",
        path_mtu=1500,
        path=Path(round_trip=0.02),
        flows=(
            Flow(
                talk=(*small_talk(3, every=0.2), Say(speaker="client", size=60, after=9.0)),
                keepalive_seconds=1,
            ),
        ),
        seconds=16,
        captures=at_both_ends(TOO_SMALL, TOO_SMALL),
    ),
)

_SCANS = (
    Scenario(
        name="scans",
        shows="closed ports that answer with RST and filtered ports that do not answer",
        path_mtu=1500,
        path=Path(round_trip=0.03),
        rules={"server_router": "tcp dport 9000-9003 drop"},
        flows=tuple(
            Flow(
                port=port,
                talk=ask(100),
                listening=False,
                ends="hangs" if port >= 9000 else "breaks",
            )
            for port in (22, 23, 25, 443, 9000, 9001, 9002, 9003)
        ),
        seconds=10,
        captures=(
            Capture(role="sender", accept=("not_exercised", "inconclusive")),
            Capture(role="receiver", accept=("not_exercised", "inconclusive", "dead_path", "stall")),
        ),
    ),
    Scenario(
        name="never_connected",
        shows="SYNs arrive, everything to the client is lost from the beginning",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(LinkDown(since=0.0),)),
        flows=(Flow(talk=ask(TAIL_4), ends="hangs"), Flow(port=8081, talk=ask(TAIL_4), ends="hangs")),
        seconds=10,
        captures=at_both_ends(UNANSWERED, UNANSWERED),
    ),
    Scenario(
        name="scan_ipv6",
        shows="closed ports that answer with RST and filtered ports that do not answer, IPv6",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.02),
        rules={"server_router": "tcp dport 9100-9104 drop"},
        flows=tuple(
            Flow(port=port, talk=ask(100), listening=False, ends="hangs" if port >= 9100 else "breaks")
            for port in (21, 80, 110, 143, 993, 9100, 9101, 9102, 9103, 9104)
        ),
        seconds=8,
        captures=(
            Capture(role="sender", accept=UNANSWERED),
            Capture(role="receiver", accept=UNANSWERED),
        ),
    ),
    Scenario(
        name="syn_flood",
        shows="400 SYNs from hosts that are not there, beside one healthy download",
        path_mtu=1500,
        syn_flood=400,
        path=Path(round_trip=0.02),
        flows=(
            Flow(port=8080, talk=small_talk(1, every=0.1), ends="any"),
            Flow(port=8081, start=0.4, talk=small_talk(8, every=0.8) + ask(30_000)),
        ),
        seconds=14,
        captures=(Capture(role="sender", accept=OK, flows={8080: UNANSWERED, 8081: OK}),),
    ),
)

SCENARIOS: tuple[Scenario, ...] = (*_WAITING, *_SILENCE, *_KEEP_ALIVES, *_SCANS)
