"""Middleboxes that forget one flow or block it, while others go on."""

from __future__ import annotations

from lab.conversations import PUSHING_TALK, SMALL_TALK, TAIL_4, TAIL_6, ask, small_talk, upload
from lab.outages import ForgottenFlow
from lab.patterns import trouble
from lab.settings import SLOWER_LINE, SLOWER_LINE_SHORT_QUEUE
from lab.truths import DEAD_OR_UNEXPLAINED, FINE, LOSS, NO_BLACK_HOLE, NO_BLACK_HOLE_BEYOND, OK, QUIET, at_both_ends
from lab.vocabulary import Capture, Flow, Node, Path, Say, Scenario

_FORGETS: dict[Node, dict[str, str]] = {
    "server_router": {
        "net.netfilter.nf_conntrack_tcp_timeout_established": "3",
        "net.netfilter.nf_conntrack_tcp_loose": "0",
    }
}
_STATEFUL: dict[Node, str] = {"server_router": "ct state invalid drop"}
_LIVE_TALK = (*ask(30_000), *small_talk(1, every=0.5)) * 12

_NAT = (
    Scenario(
        name="nat_forgets_after_success",
        shows="a NAT forgets an idle connection that moved large replies; the next one gets nowhere",
        path_mtu=1500,
        path=Path(
            round_trip=0.03,
            hazards=(ForgottenFlow(port=8080, since=3.0),),
            hazards_back=(ForgottenFlow(port=8080, since=3.0),),
        ),
        flows=(
            Flow(
                talk=(*ask(TAIL_4), Say(speaker="server", size=TAIL_4, after=4.0)),
                ends="hangs",
            ),
            Flow(port=8081, start=5.0, talk=ask(20_000)),
        ),
        seconds=16,
        captures=(
            Capture(
                role="sender",
                accept=(*DEAD_OR_UNEXPLAINED, "content_drop"),
                flows={8080: (*DEAD_OR_UNEXPLAINED, "content_drop"), 8081: OK},
                why="packets as large got through before on this connection, and later on another",
            ),
            Capture(role="receiver", accept=NO_BLACK_HOLE, flows={8080: NO_BLACK_HOLE, 8081: OK}),
        ),
    ),
    Scenario(
        name="nat_forgets_before_large",
        shows="a NAT forgets an idle connection right before the first large message of an upload",
        path_mtu=1500,
        data="upload",
        path=Path(
            round_trip=0.03,
            hazards=(ForgottenFlow(port=8080, since=2.0),),
            hazards_back=(ForgottenFlow(port=8080, since=2.0),),
        ),
        flows=(Flow(talk=(*small_talk(2, every=0.3), Say(speaker="client", size=TAIL_4, after=3.0)), ends="hangs"),),
        seconds=18,
        captures=at_both_ends(
            DEAD_OR_UNEXPLAINED,
            ("inconclusive", "not_exercised"),
            why="the small last segment and its tail-loss probe are not acknowledged either",
        ),
    ),
    Scenario(
        name="nat_resets_mid_transfer",
        shows="a NAT that lost its state resets both ends of an IPv6 upload",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(
            round_trip=0.03, hazards=(SLOWER_LINE_SHORT_QUEUE, ForgottenFlow(port=8080, since=1.5, action="reset"))
        ),
        flows=(Flow(talk=upload(300_000), ends="breaks"),),
        captures=at_both_ends(NO_BLACK_HOLE, NO_BLACK_HOLE, facts=("reset",), facts_sender=("large_delivered",)),
    ),
)

_CONNTRACK = (
    Scenario(
        name="conntrack_forgets_before_upload",
        shows="a firewall's connection tracking forgets an idle connection; the first large message is invalid to it",
        path_mtu=1500,
        data="upload",
        path=Path(round_trip=0.03),
        rules=_STATEFUL,
        node_sysctls=_FORGETS,
        flows=(Flow(talk=(*SMALL_TALK, Say(speaker="client", size=TAIL_4, after=6.0)), ends="hangs"),),
        seconds=20,
        captures=at_both_ends(DEAD_OR_UNEXPLAINED, QUIET, why="the small last segment gets no answer either"),
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
                talk=(*ask(TAIL_6), Say(speaker="client", size=180, after=6.0), Say(speaker="server", size=400)),
                ends="hangs",
            ),
            Flow(port=8081, start=8.0, talk=ask(TAIL_6)),
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
        flows=(
            Flow(talk=(*SMALL_TALK, Say(speaker="client", size=TAIL_4, after=1.2), Say(speaker="server", size=60))),
        ),
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
                    *SMALL_TALK,
                    *ask(TAIL_4),
                    Say(speaker="client", size=180, after=3.0),
                    Say(speaker="server", size=900),
                ),
                ends="breaks",
            ),
            Flow(port=8081, start=5.0, talk=ask(TAIL_4)),
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
            hazards=(SLOWER_LINE, ForgottenFlow(port=8080, since=1.5)),
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

_ONE_OF_TWO = (
    trouble(
        "one_flow_dies",
        "a device forgets one flow, whose packets all vanish; another flow of the pair goes on with large and small",
        ForgottenFlow(port=8080, since=1.5),
        back=(ForgottenFlow(port=8080, since=1.5),),
        flows=(
            Flow(port=8080, talk=PUSHING_TALK, ends="hangs"),
            Flow(port=8081, talk=_LIVE_TALK),
        ),
        captures=(
            Capture(
                role="sender",
                accept=("dead_path", "stall", "inconclusive"),
                flows={8080: ("dead_path", "stall", "inconclusive"), 8081: FINE},
            ),
            Capture(role="receiver", accept=NO_BLACK_HOLE_BEYOND, flows={8080: NO_BLACK_HOLE_BEYOND, 8081: FINE}),
        ),
    ),
    trouble(
        "no_flow_dies",
        "twin: both flows live",
        sender=OK,
        flows=(
            Flow(port=8080, talk=PUSHING_TALK),
            Flow(port=8081, talk=_LIVE_TALK),
        ),
    ),
)

SCENARIOS: tuple[Scenario, ...] = (*_NAT, *_CONNTRACK, *_ONE_OF_TWO)
