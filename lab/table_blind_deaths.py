"""Blind set, look-alikes: paths, hosts, middleboxes and links that die, forget or come back at any moment."""

from __future__ import annotations

from lab.conversations import ask, pushes, small_talk, upload
from lab.edits import EndAfterRetransmissions, EndAfterSeconds
from lab.hazards import Bottleneck, LinkDown
from lab.outages import ForgottenFlow, OutageAfterBytes, OutageAtLarge
from lab.table_seen_holes import FULL_4, FULL_6
from lab.truths import DEAD_OR_UNEXPLAINED, LOSS, NO_BLACK_HOLE, OK, at_both_ends
from lab.vocabulary import Capture, Flow, Node, Path, Say, Scenario, Verdicts

_TAIL_4, _TAIL_6 = 5 * FULL_4 + 300, 5 * FULL_6 + 300
_SMALL = small_talk(3, every=0.2)
_SLOW = Bottleneck(bytes_per_second=90_000, queue=60_000)
_OR_SMALL: Verdicts = (*DEAD_OR_UNEXPLAINED, "not_exercised", "loss")
_UNANSWERED: Verdicts = ("not_exercised", "inconclusive", "dead_path", "stall")
_QUIET: Verdicts = ("inconclusive", "not_exercised")
_BACK: Verdicts = ("loss", "stall")
_FORGETS: dict[Node, dict[str, str]] = {
    "server_router": {
        "net.netfilter.nf_conntrack_tcp_timeout_established": "3",
        "net.netfilter.nf_conntrack_tcp_loose": "0",
    }
}
_STATEFUL: dict[Node, str] = {"server_router": "ct state invalid drop"}


def _down(since: float, until: float = float("inf")) -> Path:
    """Both directions."""
    down = (LinkDown(since=since, until=until),)
    return Path(round_trip=0.03, hazards=down, hazards_back=down)


_DEATHS = (
    Scenario(
        name="dies_at_first_large_beside_pushes",
        shows="from the first large segment on everything to the client is lost; small pushes of another flow as well",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(OutageAtLarge(),)),
        flows=(
            Flow(port=8080, talk=_SMALL + ask(_TAIL_4), ends="hangs"),
            Flow(port=8081, talk=pushes(30, every=0.4), ends="hangs"),
        ),
        seconds=14,
        captures=(
            Capture(role="sender", accept=DEAD_OR_UNEXPLAINED, flows={8080: DEAD_OR_UNEXPLAINED, 8081: _OR_SMALL}),
            Capture(role="receiver", accept=NO_BLACK_HOLE, flows={8080: NO_BLACK_HOLE, 8081: (*NO_BLACK_HOLE,)}),
        ),
    ),
    Scenario(
        name="dies_at_first_large_then_reconnects",
        shows="from the first large segment on all to the client is lost; it tries new connections in vain, IPv6",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.03, hazards=(OutageAtLarge(),)),
        flows=(
            Flow(port=8080, talk=_SMALL + ask(_TAIL_6), client_patience=4.0, ends="breaks"),
            Flow(port=8081, start=4.5, talk=ask(300), ends="hangs"),
            Flow(port=8082, start=5.5, talk=ask(300), ends="hangs"),
        ),
        seconds=14,
        captures=(
            Capture(
                role="sender",
                accept=DEAD_OR_UNEXPLAINED,
                flows={8080: DEAD_OR_UNEXPLAINED, 8081: _UNANSWERED, 8082: _UNANSWERED},
                why="the small SYN+ACKs of the later connections get no answer either",
            ),
        ),
    ),
    Scenario(
        name="client_switched_off_before_push",
        shows="the client is switched off just before the server's first large push",
        path_mtu=1500,
        path=_down(1.55),
        flows=(
            Flow(
                talk=(*pushes(4, every=0.3), Say(speaker="server", size=_TAIL_4, after=0.7), *pushes(4, every=0.5)),
                ends="hangs",
            ),
        ),
        seconds=14,
        captures=at_both_ends(DEAD_OR_UNEXPLAINED, _QUIET, why="the small last segment is lost as well"),
    ),
    Scenario(
        name="server_switched_off_in_upload",
        shows="the server is switched off after 40 kB of an IPv6 upload, SACK off",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(round_trip=0.03, hazards=(_SLOW, OutageAfterBytes(payload=40_000))),
        sysctls={"net.ipv4.tcp_sack": "0"},
        flows=(Flow(talk=upload(250_000), ends="hangs"),),
        seconds=14,
        captures=at_both_ends(DEAD_OR_UNEXPLAINED, NO_BLACK_HOLE, facts_sender=("retransmissions", "large_delivered")),
    ),
    Scenario(
        name="dead_and_given_up",
        shows="the path dies after 80 kB and the sender, with tcp_retries2=3, gives up soon",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(_SLOW, OutageAfterBytes(payload=80_000))),
        sysctls={"net.ipv4.tcp_retries2": "3"},
        flows=(Flow(talk=_SMALL + ask(300_000), ends="breaks"),),
        seconds=25,
        captures=at_both_ends(DEAD_OR_UNEXPLAINED, NO_BLACK_HOLE, facts_sender=("large_delivered",)),
    ),
    Scenario(
        name="dies_under_small_pushes",
        shows="a connection of small messages whose path dies; what the server pushes gets no answer",
        path_mtu=1500,
        path=_down(2.0),
        flows=(Flow(talk=small_talk(2, every=0.3) + pushes(30, every=0.3), keepalive_seconds=1, ends="any"),),
        seconds=14,
        captures=at_both_ends(
            ("dead_path", "stall", "inconclusive", "not_exercised"),
            ("dead_path", "stall", "inconclusive", "not_exercised"),
        ),
    ),
    Scenario(
        name="dies_between_two_large",
        shows="the path dies between the second and the third large reply, IPv6; recordings of many lengths",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.03, hazards=(OutageAfterBytes(payload=2 * _TAIL_6 + 100),)),
        flows=(Flow(talk=(ask(_TAIL_6) + small_talk(1, every=0.3, reply=50)) * 5, ends="hangs"),),
        seconds=16,
        captures=(
            Capture(role="sender", accept=DEAD_OR_UNEXPLAINED, facts=("retransmissions", "large_delivered")),
            Capture(
                role="sender",
                label="two",
                accept=(*DEAD_OR_UNEXPLAINED, "loss", "ok"),
                edits=(EndAfterRetransmissions(2, min_payload=1000),),
                trust=False,
            ),
            Capture(
                role="sender",
                label="five",
                accept=DEAD_OR_UNEXPLAINED,
                edits=(EndAfterRetransmissions(5, min_payload=1000),),
                trust=False,
            ),
            Capture(role="receiver", accept=NO_BLACK_HOLE),
        ),
    ),
)

_FORGETTING = (
    Scenario(
        name="conntrack_forgets_before_upload",
        shows="a firewall's connection tracking forgets an idle connection; the first large message is invalid to it",
        path_mtu=1500,
        data="upload",
        path=Path(round_trip=0.03),
        rules=_STATEFUL,
        node_sysctls=_FORGETS,
        flows=(Flow(talk=(*_SMALL, Say(speaker="client", size=_TAIL_4, after=6.0)), ends="hangs"),),
        seconds=20,
        captures=at_both_ends(DEAD_OR_UNEXPLAINED, _QUIET, why="the small last segment gets no answer either"),
    ),
    Scenario(
        name="conntrack_forgets_after_large_ipv6",
        shows="connection tracking forgets an idle connection that had moved large replies; the next request is lost",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.03),
        rules=_STATEFUL,
        node_sysctls=_FORGETS,
        flows=(
            Flow(
                talk=(*ask(_TAIL_6), Say(speaker="client", size=180, after=6.0), Say(speaker="server", size=400)),
                ends="hangs",
            ),
            Flow(port=8081, start=8.0, talk=ask(_TAIL_6)),
        ),
        seconds=18,
        captures=(
            Capture(role="sender", accept=OK, flows={8080: OK, 8081: OK}, why="the client's request never comes here"),
            Capture(
                role="receiver",
                accept=(*NO_BLACK_HOLE,),
                flows={8080: ("dead_path", "stall", "inconclusive", "content_drop", "ok"), 8081: OK},
            ),
        ),
    ),
    Scenario(
        name="conntrack_remembers",
        shows="the same firewall and shorter pauses: all is well",
        path_mtu=1500,
        data="upload",
        path=Path(round_trip=0.03),
        rules=_STATEFUL,
        node_sysctls=_FORGETS,
        flows=(Flow(talk=(*_SMALL, Say(speaker="client", size=_TAIL_4, after=1.2), Say(speaker="server", size=60))),),
        captures=at_both_ends(OK, OK),
    ),
    Scenario(
        name="half_open_answered_with_rst",
        shows="a device resets the next request after a pause, as a rebooted server does",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards_back=(ForgottenFlow(port=8080, since=2.5, action="reset"),)),
        flows=(
            Flow(
                talk=(
                    *_SMALL,
                    *ask(_TAIL_4),
                    Say(speaker="client", size=180, after=3.0),
                    Say(speaker="server", size=900),
                ),
                ends="breaks",
            ),
            Flow(port=8081, start=5.0, talk=ask(_TAIL_4)),
        ),
        captures=(
            Capture(role="sender", accept=OK, flows={8080: OK, 8081: OK}, facts=("reset",)),
            Capture(role="receiver", accept=OK, flows={8080: OK, 8081: OK}, facts=("reset",)),
        ),
    ),
    Scenario(
        name="port_blocked_mid_download",
        shows="a firewall begins to drop one port in the middle of its download, IPv6; another port goes on",
        path_mtu=1500,
        family=6,
        path=Path(
            round_trip=0.03,
            hazards=(_SLOW, ForgottenFlow(port=8080, since=1.5)),
            hazards_back=(ForgottenFlow(port=8080, since=1.5),),
        ),
        flows=(
            Flow(port=8080, talk=ask(300_000), ends="hangs"),
            Flow(port=8081, start=2.5, talk=(ask(20_000) + small_talk(1, every=0.5)) * 6),
        ),
        seconds=14,
        captures=(
            Capture(
                role="sender",
                accept=(*DEAD_OR_UNEXPLAINED, "content_drop"),
                flows={8080: (*DEAD_OR_UNEXPLAINED, "content_drop"), 8081: LOSS},
                facts=("large_delivered",),
            ),
            Capture(role="receiver", accept=NO_BLACK_HOLE, flows={8080: NO_BLACK_HOLE, 8081: LOSS}),
        ),
    ),
)

_FLAPS = (
    Scenario(
        name="flap_3_s_at_first_large",
        shows="for three seconds from the first large segment of an upload on everything to the server is lost",
        path_mtu=1500,
        data="upload",
        path=Path(round_trip=0.03, hazards=(OutageAtLarge(seconds=3.0),)),
        flows=(Flow(talk=_SMALL + upload(_TAIL_4)),),
        seconds=20,
        captures=(
            *at_both_ends(_BACK, (*LOSS, "stall", "inconclusive"), facts_sender=("retransmissions",)),
            Capture(
                role="sender",
                label="cut",
                accept=(*DEAD_OR_UNEXPLAINED, "loss"),
                edits=(EndAfterRetransmissions(3, min_payload=1000),),
                trust=False,
                why="the small last segment is lost as well",
            ),
        ),
    ),
    Scenario(
        name="flap_8_s_at_first_large_ipv6",
        shows="for eight seconds from the first of many full segments on everything to the client is lost, IPv6, BBR",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.03, hazards=(OutageAtLarge(seconds=8.0),)),
        flows=(Flow(talk=_SMALL + ask(60_000), congestion_control="bbr"),),
        seconds=40,
        captures=at_both_ends(_BACK, (*LOSS, "stall", "inconclusive"), facts_sender=("retransmissions",)),
    ),
    Scenario(
        name="link_down_12_s_three_flows",
        shows="the link is down for twelve seconds under a download, an upload and a chat",
        path_mtu=1500,
        path=Path(
            round_trip=0.03,
            hazards=(_SLOW, LinkDown(since=1.5, until=13.5)),
            hazards_back=(_SLOW, LinkDown(since=1.5, until=13.5)),
        ),
        flows=(
            Flow(port=8080, talk=ask(250_000)),
            Flow(port=8081, talk=upload(200_000)),
            Flow(port=8082, talk=small_talk(6, every=0.6)),
        ),
        seconds=60,
        captures=tuple(
            Capture(
                role=role,
                accept=(*LOSS, "stall"),
                flows={8080: (*LOSS, "stall"), 8081: (*LOSS, "stall"), 8082: ("not_exercised", "loss", "stall")},
            )
            for role in ("sender", "receiver")
        ),
    ),
    Scenario(
        name="three_flaps",
        shows="the link is away three times, for two to four seconds, IPv6 download",
        path_mtu=1500,
        family=6,
        path=Path(
            round_trip=0.03,
            hazards=(_SLOW, *(LinkDown(since=at, until=at + n) for at, n in ((1.0, 2.0), (6.0, 3.0), (12.0, 4.0)))),
            hazards_back=tuple(LinkDown(since=at, until=at + n) for at, n in ((1.0, 2.0), (6.0, 3.0), (12.0, 4.0))),
        ),
        flows=(Flow(talk=_SMALL + ask(600_000), ends="any"),),
        seconds=40,
        captures=(
            *at_both_ends(_BACK, (*LOSS, "stall"), facts_sender=("retransmissions", "large_delivered")),
            *(
                Capture(
                    role="sender",
                    label=f"{seconds}_s",
                    accept=NO_BLACK_HOLE,
                    edits=(EndAfterSeconds(seconds),),
                    trust=False,
                    why="large packets got through before",
                )
                for seconds in (2, 3, 8, 15)
            ),
        ),
    ),
    Scenario(
        name="link_down_15_s_upload",
        shows="the link is down for fifteen seconds in an upload",
        path_mtu=1500,
        data="upload",
        path=Path(
            round_trip=0.03,
            hazards=(_SLOW, LinkDown(since=1.2, until=16.2)),
            hazards_back=(LinkDown(since=1.2, until=16.2),),
        ),
        flows=(Flow(talk=upload(220_000)),),
        seconds=60,
        captures=at_both_ends(_BACK, (*LOSS, "stall"), facts_sender=("retransmissions", "large_delivered")),
        together=True,
    ),
)

_ENDS = (
    Scenario(
        name="client_killed_in_download",
        shows="the reader of a download loses patience and resets the connection, IPv6",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.03, hazards=(_SLOW,)),
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
            Flow(port=8080, start=2.0, talk=_SMALL + ask(_TAIL_4)),
        ),
        captures=tuple(
            Capture(role=role, accept=OK, flows={8080: OK, 8090: _UNANSWERED}) for role in ("sender", "receiver")
        ),
    ),
)

BLIND_DEATHS: tuple[Scenario, ...] = (*_DEATHS, *_FORGETTING, *_FLAPS, *_ENDS)
