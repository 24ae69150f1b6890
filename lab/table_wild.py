"""Troubles of other networks without a limit of sizes: filters of any payload, outages, dead flows, absent hosts.

Each stands beside a twin whose packets all arrive. None of them may be called a black hole.
"""

from __future__ import annotations

from typing import Any

from lab.conversations import WITH_TAIL, ask, pushes, small_talk
from lab.filters import PayloadFilter
from lab.hazards import ContentFilter, Hazard, LinkDown, RandomLoss
from lab.headers import RST
from lab.mishaps import BitErrors, FalseWarning, LoseControl
from lab.outages import ForgottenFlow, OutageAtLarge
from lab.truths import NO_BLACK_HOLE, OK, at_both_ends
from lab.vocabulary import Capture, Fact, Flow, Path, Say, Scenario, Verdicts

_PROBING = {"net.ipv4.tcp_mtu_probing": "1"}
_MARKER = b"EICAR-LIKE-PATTERN"
_TALK = small_talk(2, every=0.2) + ask(WITH_TAIL)
# Whether a payload, the flow or the path is the matter, nobody can tell from one flow; sizes are not.
_FILTERED: Verdicts = ("content_drop", "dead_path", "stall", "inconclusive")
_HANGS: Verdicts = ("stall", "dead_path", "inconclusive", "loss")
_LOST: Verdicts = ("loss", "ok", "stall", "inconclusive")
_FINE: Verdicts = ("ok", "loss")
_BEYOND: Verdicts = (*NO_BLACK_HOLE, "zero_window")
_RETRANSMITS: tuple[Fact, ...] = ("retransmissions",)


def _wild(
    name: str,
    shows: str,
    *hazards: Hazard,
    back: tuple[Hazard, ...] = (),
    rtt: float = 0.02,
    sender: Verdicts = _FINE,
    receiver: Verdicts = _BEYOND,
    facts: tuple[Fact, ...] = (),
    ptb: Verdicts = (),
    **settings: Any,
) -> Scenario:
    settings.setdefault("flows", (Flow(talk=_TALK, ends="hangs" if sender == _FILTERED else "completes"),))
    settings.setdefault("captures", at_both_ends(sender, receiver, facts_sender=facts, ptb=ptb))
    settings.setdefault("seconds", 16.0)
    return Scenario(
        name=f"wild_{name}",
        shows=shows,
        path_mtu=1500,
        path=Path(round_trip=rtt, hazards=hazards, hazards_back=back),
        **settings,
    )


_PUSHED = (*ask(WITH_TAIL), *pushes(8, every=1.0))
_PAYLOADS = (
    _wild(
        "payload_filter_tail",
        "every packet with payload of the reply is dropped, its small tail as well; bare ACKs pass",
        PayloadFilter(port=8080, first=3),
        sender=_FILTERED,
    ),
    _wild(
        "payload_filter_pushes",
        "payload is dropped from the fifth packet on; small messages sent later vanish as well, bare ACKs pass",
        PayloadFilter(port=8080, first=5),
        sender=_FILTERED,
        flows=(
            Flow(
                talk=(
                    *small_talk(2, every=0.2),
                    Say(speaker="client", size=180, after=0.1),
                    Say(speaker="server", size=WITH_TAIL, heard=False),
                    *(Say(speaker="server", size=200, after=1.0, heard=False),) * 8,
                    Say(speaker="server", size=200),
                ),
                ends="hangs",
            ),
        ),
    ),
    _wild(
        "payload_filter_without_df",
        "as the first, with DF clear: no fragment was lost, all payload was",
        PayloadFilter(port=8080, first=3),
        sender=_FILTERED,
        flows=(Flow(talk=_TALK, ends="hangs", without_df=True),),
    ),
    _wild(
        "payload_filter_upload_ipv6",
        "every packet with payload of an upload is dropped after the first small one, IPv6",
        PayloadFilter(port=8080, first=2),
        sender=_FILTERED,
        data="upload",
        family=6,
        flows=(
            Flow(
                talk=(
                    Say(speaker="server", size=90),
                    Say(speaker="client", size=100),
                    Say(speaker="client", size=5 * 1428 + 300, after=0.3),
                    Say(speaker="server", size=60),
                ),
                ends="hangs",
            ),
        ),
    ),
    _wild(
        "payload_filter_elsewhere",
        "twin: the filter dislikes another port",
        PayloadFilter(port=8099),
        sender=OK,
        flows=(Flow(talk=(*_TALK, *_PUSHED)),),
    ),
    _wild(
        "payload_filter_elsewhere_without_df",
        "twin with DF clear: all arrives",
        PayloadFilter(port=8099),
        sender=("no_df",),
        receiver=("no_df", "ok", "loss"),
        flows=(Flow(talk=_TALK, without_df=True),),
    ),
)

_AFTER_A_SECOND = (*small_talk(2, every=0.2), *ask(WITH_TAIL)[:1], Say(speaker="server", size=WITH_TAIL, after=0.6))
_WITH_PROBING: dict[str, Any] = {"sysctls": _PROBING, "sender": _HANGS, "facts": _RETRANSMITS, "seconds": 30.0}


def _outage(seconds: float, shows: str) -> Scenario:
    return _wild(
        f"outage_{seconds:g}s_probing",
        shows,
        OutageAtLarge(min_payload=1000, seconds=seconds),
        **_WITH_PROBING,
    )


_BOTH_WAYS = LinkDown(since=0.9, until=6.0)
_OUTAGES = (
    _outage(1, "nothing of the server arrives for one second from the reply on; tcp_mtu_probing=1"),
    _outage(4, "the same for four seconds: the sender has begun to shrink before it ends"),
    _outage(9, "the same for nine seconds: what arrives then is small, for the sender shrank in vain"),
    _wild(
        "outage_both_ways_probing",
        "five seconds without anything in either direction; tcp_mtu_probing=1",
        _BOTH_WAYS,
        back=(_BOTH_WAYS,),
        **{**_WITH_PROBING, "flows": (Flow(talk=_AFTER_A_SECOND),)},
    ),
    _wild("no_outage_probing", "twin: no outage", sender=OK, sysctls=_PROBING, flows=(Flow(talk=_AFTER_A_SECOND),)),
)

_MARKED_TALK = (
    *small_talk(2, every=0.2),
    *ask(20_000),
    Say(speaker="client", size=180, after=0.5),
    Say(speaker="server", size=1200, content=_MARKER + b" and so on ...", after=0.1),
    Say(speaker="server", size=4 * 1448 + 200, heard=False),
)
_CONTENT_HANGS = (Flow(talk=_MARKED_TALK, ends="hangs"),)
_DIES = LinkDown(since=1.6)
_PUSH = Say(speaker="server", size=WITH_TAIL, after=0.3, heard=False)
_DYING_TALK = (*small_talk(2, every=0.2), *ask(40_000), *(_PUSH,) * 12, Say(speaker="server", size=100))
_WARNINGS = (
    _wild(
        "forged_ptb_path_dies",
        "a PTB that quotes a wrong sequence number beside a path that dies later for everything",
        FalseWarning(above=1400, said_mtu=1400, limit=2, ptb="sequence"),
        _DIES,
        back=(_DIES,),
        sender=("dead_path", "stall", "inconclusive"),
        ptb=("ignored", "sequence"),
        flows=(Flow(talk=_DYING_TALK, ends="hangs"),),
    ),
    _wild(
        "stale_ptb_path_dies",
        "a PTB that is heeded though nothing is too large, then a path that dies for everything",
        FalseWarning(above=1400, said_mtu=1400, limit=1),
        _DIES,
        back=(_DIES,),
        sender=("dead_path", "stall", "inconclusive", "pmtud_ok"),
        ptb=("accepted",),
        flows=(Flow(talk=_DYING_TALK, ends="hangs"),),
    ),
    _wild(
        "forged_ptb_content_drop",
        "a PTB that quotes a wrong sequence number, and later one payload that is dropped for ever",
        FalseWarning(above=1400, said_mtu=1400, limit=2, ptb="sequence"),
        ContentFilter(marker=_MARKER),
        sender=("content_drop", "stall", "inconclusive"),
        ptb=("ignored", "sequence"),
        flows=_CONTENT_HANGS,
    ),
    _wild(
        "stale_ptb_content_drop",
        "a PTB that is heeded though nothing is too large, and later one payload that is dropped for ever",
        FalseWarning(above=1400, said_mtu=1400, limit=1),
        ContentFilter(marker=_MARKER),
        sender=("content_drop", "stall", "inconclusive"),
        ptb=("accepted",),
        flows=_CONTENT_HANGS,
    ),
    _wild(
        "forged_ptb_alone",
        "twin: a PTB that quotes a wrong sequence number, and nothing else is wrong",
        FalseWarning(above=1400, said_mtu=1400, limit=2, ptb="sequence"),
        sender=_FINE,
        ptb=("ignored", "sequence"),
        flows=(Flow(talk=_DYING_TALK),),
    ),
    _wild(
        "content_drop_poor_resets",
        "one payload is dropped, and every copy of it is answered with a RST outside of the window",
        ContentFilter(marker=_MARKER, action="poor_reset"),
        sender=("content_drop", "stall", "inconclusive"),
        facts=("reset",),
        flows=_CONTENT_HANGS,
    ),
    _wild("content_passes", "twin: the same payload passes", flows=(Flow(talk=_MARKED_TALK),), sender=OK),
)

_LIVE_TALK = (*ask(30_000), *small_talk(1, every=0.5)) * 12
_DEATHS = (
    _wild(
        "one_flow_dies",
        "a device forgets one flow, whose packets all vanish; another flow of the pair goes on with large and small",
        ForgottenFlow(port=8080, since=1.5),
        back=(ForgottenFlow(port=8080, since=1.5),),
        flows=(
            Flow(port=8080, talk=_DYING_TALK, ends="hangs"),
            Flow(port=8081, talk=_LIVE_TALK),
        ),
        captures=(
            Capture(
                role="sender",
                accept=("dead_path", "stall", "inconclusive"),
                flows={8080: ("dead_path", "stall", "inconclusive"), 8081: _FINE},
            ),
            Capture(role="receiver", accept=_BEYOND, flows={8080: _BEYOND, 8081: _FINE}),
        ),
    ),
    _wild(
        "no_flow_dies",
        "twin: both flows live",
        sender=OK,
        flows=(
            Flow(port=8080, talk=_DYING_TALK),
            Flow(port=8081, talk=_LIVE_TALK),
        ),
    ),
    _wild(
        "peer_gone_rst_filtered",
        "the client closes before the reply; its kernel refuses the reply with RSTs that a firewall drops",
        back=(LoseControl(flags=RST, times=10_000),),
        sender=_HANGS,
        facts=("retransmissions", "closed_before_large"),
        flows=(
            Flow(
                talk=(
                    *small_talk(2, every=0.2),
                    Say(speaker="client", size=180, after=0.1),
                    Say(speaker="server", size=WITH_TAIL, after=1.0),
                ),
                client_patience=1.0,
                ends="breaks",
            ),
        ),
    ),
    _wild(
        "peer_waits",
        "twin: the client waits for the reply",
        back=(LoseControl(flags=RST, times=10_000),),
        sender=OK,
        flows=(
            Flow(
                talk=(
                    *small_talk(2, every=0.2),
                    Say(speaker="client", size=180, after=0.1),
                    Say(speaker="server", size=WITH_TAIL, after=1.0),
                )
            ),
        ),
    ),
)

_ANY = (Flow(talk=(*small_talk(3, every=0.2), *ask(60_000)), ends="any"),)
_LOSSES = (
    _wild(
        "loss_50_percent",
        "half of the server's packets are lost, whatever their size",
        RandomLoss(rate=0.5, seed=71),
        sender=_LOST,
        facts=_RETRANSMITS,
        flows=_ANY,
        seconds=30.0,
    ),
    _wild(
        "bit_errors_1e4",
        "one bit in ten thousand is wrong: seven of ten full segments are lost, one of three hundred small ones in ten",
        BitErrors(rate=1e-4, seed=72),
        back=(BitErrors(rate=1e-4, seed=73),),
        sender=_LOST,
        facts=_RETRANSMITS,
        flows=_ANY,
        seconds=30.0,
    ),
    _wild(
        "bit_errors_1e6",
        "twin: one bit in a million is wrong",
        BitErrors(rate=1e-6, seed=74),
        sender=_FINE,
        flows=(Flow(talk=(*small_talk(3, every=0.2), *ask(60_000))),),
    ),
    _wild(
        "rtt_2s_loss",
        "a round trip of two seconds, 8 % of the packets are lost",
        RandomLoss(rate=0.08, seed=75),
        back=(RandomLoss(rate=0.08, seed=76),),
        rtt=2.0,
        sender=_LOST,
        facts=_RETRANSMITS,
        flows=_ANY,
        seconds=50.0,
    ),
    _wild(
        "rtt_2s",
        "twin: a round trip of two seconds, nothing is lost",
        rtt=2.0,
        sender=_FINE,
        flows=(Flow(talk=_TALK),),
        seconds=40.0,
    ),
)

WILD: tuple[Scenario, ...] = (*_PAYLOADS, *_OUTAGES, *_WARNINGS, *_DEATHS, *_LOSSES)
