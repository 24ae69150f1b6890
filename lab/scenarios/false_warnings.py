"""PTBs about nothing, forged or stale, beside troubles that have nothing to do with sizes."""

from __future__ import annotations

from lab.conversations import CONTENT_HANGS, EICAR_LIKE, PUSHING_TALK
from lab.hazards import ContentFilter, LinkDown
from lab.mishaps import FalseWarning
from lab.patterns import trouble
from lab.truths import FINE
from lab.vocabulary import Flow, Scenario

_DIES = LinkDown(since=1.6)

SCENARIOS: tuple[Scenario, ...] = (
    trouble(
        "forged_ptb_path_dies",
        "a PTB that quotes a wrong sequence number beside a path that dies later for everything",
        FalseWarning(above=1400, said_mtu=1400, limit=2, ptb="sequence"),
        _DIES,
        back=(_DIES,),
        sender=("dead_path", "stall", "inconclusive"),
        ptb=("ignored", "sequence"),
        flows=(Flow(talk=PUSHING_TALK, ends="hangs"),),
    ),
    trouble(
        "stale_ptb_path_dies",
        "a PTB that is heeded though nothing is too large, then a path that dies for everything",
        FalseWarning(above=1400, said_mtu=1400, limit=1),
        _DIES,
        back=(_DIES,),
        sender=("dead_path", "stall", "inconclusive", "pmtud_ok"),
        ptb=("accepted",),
        flows=(Flow(talk=PUSHING_TALK, ends="hangs"),),
    ),
    trouble(
        "forged_ptb_content_drop",
        "a PTB that quotes a wrong sequence number, and later one payload that is dropped for ever",
        FalseWarning(above=1400, said_mtu=1400, limit=2, ptb="sequence"),
        ContentFilter(marker=EICAR_LIKE),
        sender=("content_drop", "stall", "inconclusive"),
        ptb=("ignored", "sequence"),
        flows=CONTENT_HANGS,
    ),
    trouble(
        "stale_ptb_content_drop",
        "a PTB that is heeded though nothing is too large, and later one payload that is dropped for ever",
        FalseWarning(above=1400, said_mtu=1400, limit=1),
        ContentFilter(marker=EICAR_LIKE),
        sender=("content_drop", "stall", "inconclusive"),
        ptb=("accepted",),
        flows=CONTENT_HANGS,
    ),
    trouble(
        "forged_ptb_alone",
        "twin: a PTB that quotes a wrong sequence number, and nothing else is wrong",
        FalseWarning(above=1400, said_mtu=1400, limit=2, ptb="sequence"),
        sender=FINE,
        ptb=("ignored", "sequence"),
        flows=(Flow(talk=PUSHING_TALK),),
    ),
)
