"""Filters that drop every payload of a flow, small ones as well."""

from __future__ import annotations

from lab.conversations import TAIL_4, TALK_THEN_TAIL, ask, pushes, small_talk
from lab.filters import PayloadFilter
from lab.patterns import trouble
from lab.truths import FILTERED, OK
from lab.vocabulary import Flow, Say, Scenario

_PUSHED = (*ask(TAIL_4), *pushes(8, every=1.0))

SCENARIOS: tuple[Scenario, ...] = (
    trouble(
        "payload_filter_tail",
        "every packet with payload of the reply is dropped, its small tail as well; bare ACKs pass",
        PayloadFilter(port=8080, first=3),
        sender=FILTERED,
    ),
    trouble(
        "payload_filter_pushes",
        "payload is dropped from the fifth packet on; small messages sent later vanish as well, bare ACKs pass",
        PayloadFilter(port=8080, first=5),
        sender=FILTERED,
        flows=(
            Flow(
                talk=(
                    *small_talk(2, every=0.2),
                    Say(speaker="client", size=180, after=0.1),
                    Say(speaker="server", size=TAIL_4, heard=False),
                    *(Say(speaker="server", size=200, after=1.0, heard=False),) * 8,
                    Say(speaker="server", size=200),
                ),
                ends="hangs",
            ),
        ),
    ),
    trouble(
        "payload_filter_without_df",
        "as the first, with DF clear: no fragment was lost, all payload was",
        PayloadFilter(port=8080, first=3),
        sender=FILTERED,
        flows=(Flow(talk=TALK_THEN_TAIL, ends="hangs", without_df=True),),
    ),
    trouble(
        "payload_filter_upload_ipv6",
        "every packet with payload of an upload is dropped after the first small one, IPv6",
        PayloadFilter(port=8080, first=2),
        sender=FILTERED,
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
    trouble(
        "payload_filter_elsewhere",
        "twin: the filter dislikes another port",
        PayloadFilter(port=8099),
        sender=OK,
        flows=(Flow(talk=(*TALK_THEN_TAIL, *_PUSHED)),),
    ),
    trouble(
        "payload_filter_elsewhere_without_df",
        "twin with DF clear: all arrives",
        PayloadFilter(port=8099),
        sender=("no_df",),
        receiver=("no_df", "ok", "loss"),
        flows=(Flow(talk=TALK_THEN_TAIL, without_df=True),),
    ),
)
