"""Look-alikes: paths that die or pause, and ends that wait, must never be called a black hole."""

from __future__ import annotations

from lab.conversations import WITH_TAIL, WITHOUT_TAIL, ask, pushes, small_talk
from lab.hazards import (
    Bottleneck,
    LinkDown,
)
from lab.truths import (
    DEAD_OR_UNEXPLAINED,
    LOSS,
    NO_BLACK_HOLE,
    OK,
    SILENT,
    ZERO_WINDOW,
    at_both_ends,
)
from lab.vocabulary import Capture, Flow, Path, Say, Scenario

_SLOW = Bottleneck(bytes_per_second=100_000, queue=60_000)
_INTERRUPTED = (
    Scenario(
        name="dead_path_bulk",
        shows="the path dies under a download; nothing small is ever sent again",
        path_mtu=None,
        path=Path(hazards=(_SLOW, LinkDown(since=1.5)), hazards_back=(LinkDown(since=1.5),)),
        flows=(Flow(talk=ask(400_000), ends="hangs"),),
        seconds=16,
        captures=at_both_ends(
            DEAD_OR_UNEXPLAINED,
            (*NO_BLACK_HOLE,),
            why="to the sender this looks the same as a path that narrows in flight; but as large ones got through",
        ),
    ),
    Scenario(
        name="dead_path_small",
        shows="the path dies under a connection that never sent anything large",
        path_mtu=None,
        path=Path(hazards=(LinkDown(since=2.5),), hazards_back=(LinkDown(since=2.5),)),
        flows=(Flow(talk=pushes(12, every=0.5), ends="hangs"),),
        seconds=16,
        captures=at_both_ends(("dead_path", "not_exercised"), ("inconclusive", "not_exercised", "ok")),
    ),
    Scenario(
        name="dead_path_before_large",
        shows="the path happens to die right before the first large message of an upload",
        path_mtu=None,
        data="upload",
        path=Path(hazards=(LinkDown(since=1.0),), hazards_back=(LinkDown(since=1.0),)),
        flows=(
            Flow(
                talk=(
                    *small_talk(2, every=0.2),
                    Say(speaker="client", size=WITH_TAIL, after=1.5),
                ),
                ends="hangs",
            ),
        ),
        seconds=16,
        captures=at_both_ends(
            ("dead_path", "stall", "inconclusive"),
            ("inconclusive", "not_exercised"),
            why="the small last segment and its tail-loss probe are not acknowledged either",
        ),
    ),
    Scenario(
        name="dead_path_before_bulk",
        shows="the path happens to die right before the full segments of an upload",
        path_mtu=None,
        data="upload",
        path=Path(hazards=(LinkDown(since=1.0),), hazards_back=(LinkDown(since=1.0),)),
        flows=(
            Flow(
                talk=(
                    *small_talk(2, every=0.2),
                    Say(speaker="client", size=WITHOUT_TAIL, after=1.5),
                ),
                ends="hangs",
            ),
        ),
        seconds=16,
        captures=at_both_ends(
            ("dead_path", "stall", "inconclusive", "blackhole_probable"),
            ("inconclusive", "not_exercised"),
            why="nothing small is sent after the path died: nobody can tell this capture from a "
            "black hole, so probable is as far as anybody may go",
        ),
    ),
    Scenario(
        name="link_down_10_s",
        shows="the link is down for ten seconds in the middle of a download, then all is well",
        path_mtu=1500,
        path=Path(
            hazards=(_SLOW, LinkDown(since=1.5, until=11.5)),
            hazards_back=(LinkDown(since=1.5, until=11.5),),
        ),
        flows=(Flow(talk=ask(250_000)),),
        seconds=40,
        captures=at_both_ends(("loss", "stall"), (*LOSS, "stall", "inconclusive")),
    ),
    Scenario(
        name="link_down_at_first_reply",
        shows="the link is down for ten seconds just when the first large reply is sent",
        path_mtu=1500,
        path=Path(
            hazards=(LinkDown(since=1.0, until=11.0),),
            hazards_back=(LinkDown(since=2.6, until=11.0),),
        ),
        flows=(
            Flow(
                talk=(
                    *small_talk(2, every=0.2),
                    Say(speaker="client", size=180, after=1.5),
                    Say(speaker="server", size=WITH_TAIL),
                ),
            ),
        ),
        seconds=40,
        captures=at_both_ends(("loss", "stall", "dead_path"), NO_BLACK_HOLE),
    ),
)

_WAITING = (
    Scenario(
        name="zero_window_long",
        shows="the reader is away for twenty seconds: window probes with growing gaps",
        path_mtu=1500,
        path=Path(round_trip=0.03),
        flows=(
            Flow(
                talk=(
                    Say(speaker="client", size=180),
                    Say(speaker="server", size=100_000, reader_pauses=20.0),
                ),
                receive_buffer=16_384,
            ),
        ),
        seconds=40,
        captures=at_both_ends(ZERO_WINDOW, ZERO_WINDOW),
    ),
    Scenario(
        name="zero_window_upload",
        shows="a server that does not read an upload, IPv6; the capture ends meanwhile",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(round_trip=0.03),
        flows=(
            Flow(
                talk=(
                    Say(speaker="server", size=90),
                    Say(speaker="client", size=300_000, reader_pauses=60.0),
                ),
                receive_buffer=16_384,
                ends="hangs",
            ),
        ),
        seconds=14,
        captures=at_both_ends(ZERO_WINDOW, ZERO_WINDOW),
    ),
    Scenario(
        name="silent_application",
        shows="the server thinks for eight seconds before it replies",
        path_mtu=1500,
        path=Path(round_trip=0.03),
        flows=(
            Flow(
                talk=(
                    Say(speaker="client", size=180),
                    Say(speaker="server", size=WITH_TAIL, after=8.0),
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
                    Say(speaker="server", size=WITH_TAIL, after=60.0),
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
        name="keep_alives",
        shows="an idle connection with keep-alive probes every two seconds",
        path_mtu=1500,
        path=Path(round_trip=0.03),
        flows=(
            Flow(
                talk=(*ask(WITH_TAIL), Say(speaker="client", size=50, after=12.0)),
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
                talk=(*ask(WITH_TAIL), Say(speaker="client", size=50, after=30.0)),
                keepalive_seconds=2,
                ends="hangs",
            ),
        ),
        seconds=14,
        captures=at_both_ends((*NO_BLACK_HOLE,), (*NO_BLACK_HOLE,)),
    ),
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
)

INTERRUPTIONS: tuple[Scenario, ...] = (*_INTERRUPTED, *_WAITING)
