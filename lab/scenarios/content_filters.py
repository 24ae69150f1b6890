"""Packets that are dropped or reset for their content, whatever their size."""

from __future__ import annotations

from typing import Literal

from lab.conversations import (
    CONTENT_HANGS,
    CONTENT_TALK,
    EICAR_LIKE,
    FULL_4,
    FULL_6,
    SIGNATURE,
    SMALL_TALK,
    TAIL_6,
    ask,
    marked,
    small_talk,
    upload,
)
from lab.hazards import ContentFilter
from lab.patterns import trouble
from lab.truths import CONTENT_DROP, CONTENT_DROP_AT_RECEIVER, DEAD_OR_UNEXPLAINED, NO_BLACK_HOLE, OK, at_both_ends
from lab.vocabulary import Capture, Flow, Path, Say, Scenario, Verdicts

_MARKED = Say(speaker="server", size=1448, content=EICAR_LIKE + b" and so on ...")
_LAST_SMALL: Verdicts = ("content_drop", "stall", "dead_path", "inconclusive")
_TEST_STRING = b"X5O!P%-LIKE-TEST-STRING"


def _marked(speaker: Literal["client", "server"], size: int, after: float = 0.0) -> Say:
    return Say(speaker=speaker, size=size, content=_TEST_STRING.ljust(size, b"."), after=after)


_ONE_SEGMENT = (
    Scenario(
        name="content_drop_first",
        shows="the first large segment of a connection is dropped for its content, those behind it arrive",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(ContentFilter(marker=EICAR_LIKE),)),
        flows=(
            Flow(
                talk=(
                    Say(speaker="client", size=180),
                    _MARKED,
                    Say(speaker="server", size=4 * 1448 + 200),
                ),
                ends="hangs",
            ),
        ),
        seconds=14,
        captures=at_both_ends(CONTENT_DROP, (*CONTENT_DROP_AT_RECEIVER, "blackhole_suspected")),
    ),
    Scenario(
        name="content_drop_other_flow",
        shows="a reply of one dropped segment, while another connection moves large segments",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(ContentFilter(marker=EICAR_LIKE),)),
        flows=(
            Flow(port=8080, talk=(ask(30_000) + small_talk(1, every=1.0)) * 8),
            Flow(
                port=8081,
                start=1.0,
                talk=(*small_talk(1, every=0.2), Say(speaker="client", size=180), _MARKED),
                ends="hangs",
            ),
        ),
        seconds=14,
        captures=(
            Capture(
                role="sender",
                accept=("content_drop", "stall"),
                flows={8080: OK, 8081: ("content_drop", "stall")},
                why="as large ones pass in the other flow of the same pair",
            ),
        ),
    ),
    Scenario(
        name="content_drop_upload_ipv6",
        shows="an upload of which one segment is dropped for its content, IPv6",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(round_trip=0.03, hazards=(ContentFilter(marker=EICAR_LIKE),)),
        flows=(
            Flow(
                talk=(
                    Say(speaker="server", size=90),
                    Say(speaker="client", size=2 * 1428),
                    Say(speaker="client", size=1428, content=EICAR_LIKE + b" and so on ...", after=0.2),
                    Say(speaker="client", size=5 * 1428),
                ),
                ends="hangs",
            ),
        ),
        seconds=14,
        captures=at_both_ends(CONTENT_DROP, CONTENT_DROP_AT_RECEIVER),
    ),
)

_BESIDE_OTHERS = (
    Scenario(
        name="small_query_dropped",
        shows="a query of 120 bytes is dropped for its content; the next ones and large uploads arrive, IPv6",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(round_trip=0.03, hazards=(ContentFilter(marker=SIGNATURE),)),
        flows=(
            Flow(
                talk=(
                    *upload(TAIL_6),
                    marked("client", 120, 0.3),
                    Say(speaker="client", size=3 * FULL_6),
                    Say(speaker="client", size=90, after=0.2),
                ),
                ends="hangs",
            ),
        ),
        seconds=14,
        captures=at_both_ends(CONTENT_DROP, CONTENT_DROP_AT_RECEIVER),
    ),
    Scenario(
        name="first_large_dropped",
        shows="the first full segment of a reply is dropped for its content, two more and a small one arrive",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(ContentFilter(marker=SIGNATURE),)),
        sysctls={"net.ipv4.tcp_timestamps": "0"},
        flows=(
            Flow(
                talk=(
                    *SMALL_TALK,
                    Say(speaker="client", size=180, after=0.1),
                    marked("server", 1460),
                    Say(speaker="server", size=2 * 1460 + 200),
                ),
                ends="hangs",
            ),
        ),
        seconds=14,
        captures=at_both_ends(CONTENT_DROP, CONTENT_DROP_AT_RECEIVER),
    ),
    Scenario(
        name="mid_size_dropped_beside_large",
        shows="a message of 700 bytes is dropped for its content, nothing is behind it; others move full ones",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(ContentFilter(marker=SIGNATURE),)),
        flows=(
            Flow(port=8080, talk=(ask(20_000) + small_talk(1, every=0.8)) * 10),
            Flow(
                port=8081,
                start=0.5,
                talk=(*small_talk(2, every=0.2), Say(speaker="client", size=180, after=0.1), marked("server", 700)),
                ends="hangs",
            ),
        ),
        seconds=16,
        captures=(
            Capture(
                role="sender",
                accept=_LAST_SMALL,
                flows={8080: OK, 8081: _LAST_SMALL},
                why="larger packets of the same two hosts get through meanwhile",
            ),
            Capture(role="receiver", accept=(*NO_BLACK_HOLE,), flows={8080: OK, 8081: NO_BLACK_HOLE}),
        ),
    ),
    Scenario(
        name="large_dropped_then_nothing_behind",
        shows="one full segment is dropped for its content after four others arrived, and nothing is behind it, IPv6",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.03, hazards=(ContentFilter(marker=SIGNATURE),)),
        flows=(
            Flow(
                talk=(*ask(4 * FULL_6), Say(speaker="client", size=180, after=0.3), marked("server", FULL_6)),
                ends="hangs",
            ),
        ),
        seconds=14,
        captures=at_both_ends(
            (*DEAD_OR_UNEXPLAINED, "content_drop"), NO_BLACK_HOLE, why="as large ones arrived before"
        ),
    ),
    Scenario(
        name="small_message_dropped",
        shows="a message of 500 bytes is dropped for its content, full segments behind it arrive",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(ContentFilter(marker=_TEST_STRING),)),
        flows=(
            Flow(
                talk=(
                    *ask(2 * FULL_4),
                    Say(speaker="client", size=180, after=0.3),
                    _marked("server", 500),
                    Say(speaker="server", size=4 * FULL_4 + 100),
                ),
                ends="hangs",
            ),
        ),
        seconds=14,
        captures=at_both_ends(CONTENT_DROP, CONTENT_DROP_AT_RECEIVER),
    ),
    Scenario(
        name="hello_blocked_ipv6",
        shows="a ClientHello of 517 bytes is dropped for its content, IPv6: no path may be that narrow",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(round_trip=0.05, hazards=(ContentFilter(marker=_TEST_STRING),)),
        flows=(
            Flow(
                talk=(_marked("client", 517, after=0.1), Say(speaker="server", size=4000)),
                ends="hangs",
            ),
        ),
        seconds=14,
        captures=at_both_ends(
            ("stall", "dead_path", "inconclusive", "content_drop", "not_exercised"),
            ("not_exercised", "inconclusive"),
            why="589 bytes are less than IPv6 allows as a path MTU",
            why_receiver="a connection on which the client says nothing",
        ),
    ),
    Scenario(
        name="upload_dropped_beside_other",
        shows="one segment of an upload is dropped for its content; those behind it and another upload go on",
        path_mtu=1500,
        data="upload",
        path=Path(round_trip=0.03, hazards=(ContentFilter(marker=_TEST_STRING),)),
        sysctls={"net.ipv4.tcp_timestamps": "0"},
        flows=(
            Flow(port=8080, talk=(upload(20_000) + small_talk(1, every=1.0)) * 6),
            Flow(
                port=8081,
                start=0.5,
                talk=(
                    Say(speaker="server", size=90),
                    Say(speaker="client", size=2 * 1460, after=0.2),
                    _marked("client", 1460, after=0.3),
                    Say(speaker="client", size=3 * 1460 + 200),
                ),
                ends="hangs",
            ),
        ),
        seconds=14,
        captures=(
            Capture(role="sender", accept=CONTENT_DROP, flows={8080: OK, 8081: CONTENT_DROP}),
            Capture(role="receiver", accept=CONTENT_DROP_AT_RECEIVER, flows={8080: OK, 8081: CONTENT_DROP_AT_RECEIVER}),
        ),
    ),
)

_RESETS = (
    Scenario(
        name="reset_for_its_content",
        shows="a middlebox resets an upload at one message, IPv6",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(round_trip=0.03, hazards=(ContentFilter(marker=SIGNATURE, action="reset"),)),
        flows=(
            Flow(
                talk=(*SMALL_TALK, marked("client", 2 * FULL_6 + 90, 0.2), Say(speaker="server", size=60)),
                ends="breaks",
            ),
        ),
        captures=at_both_ends(NO_BLACK_HOLE, NO_BLACK_HOLE, facts=("reset",)),
    ),
    Scenario(
        name="middlebox_reset",
        shows="a middlebox answers one large reply with RSTs to both ends",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(ContentFilter(marker=EICAR_LIKE, action="reset"),)),
        flows=(
            Flow(
                talk=(*small_talk(3, every=0.2), Say(speaker="client", size=180), _MARKED),
                ends="breaks",
            ),
        ),
        captures=at_both_ends(NO_BLACK_HOLE, NO_BLACK_HOLE, facts=("reset",)),
    ),
    trouble(
        "content_drop_poor_resets",
        "one payload is dropped, and every copy of it is answered with a RST outside of the window",
        ContentFilter(marker=EICAR_LIKE, action="poor_reset"),
        sender=("content_drop", "stall", "inconclusive"),
        facts=("reset",),
        flows=CONTENT_HANGS,
    ),
    trouble("content_passes", "twin: the same payload passes", flows=(Flow(talk=CONTENT_TALK),), sender=OK),
)

SCENARIOS: tuple[Scenario, ...] = (*_ONE_SEGMENT, *_BESIDE_OTHERS, *_RESETS)
