"""Hosts that refuse large packets which arrived: no matter of the path."""

from __future__ import annotations

from lab.conversations import TAIL_4, TALK_THEN_TAIL, ask, small_talk
from lab.mishaps import Damage
from lab.patterns import size_limit
from lab.truths import ARRIVES, FINE, OK
from lab.vocabulary import Capture, Flow, Say, Scenario, Verdicts

# What arrives and is then refused by the very host: no matter of the path.
_REFUSED: Verdicts = ("stall", "inconclusive", "loss", "content_drop", "dead_path", "not_exercised")
_WRONG: Verdicts = ("blackhole", "blackhole_probable", "content_drop", "stall")

SCENARIOS: tuple[Scenario, ...] = (
    size_limit(
        "host_drops_large",
        "the receiver's own firewall drops large packets, behind the point of capture",
        1400,
        host_rules={"client": "meta length > 1400 drop"},
        receiver=_REFUSED,
        arrives=True,
        path_mtu_also=1500,
    ),
    size_limit(
        "host_drops_large_upload_ipv6",
        "the same at a server that receives an upload, IPv6",
        1400,
        host_rules={"server": "meta length > 1400 drop"},
        receiver=_REFUSED,
        arrives=True,
        path_mtu_also=1500,
        family=6,
        data="upload",
        talk=(Say(speaker="server", size=90), Say(speaker="client", size=TAIL_4), Say(speaker="server", size=60)),
    ),
    size_limit(
        "host_takes_all",
        "twin: the receiver's firewall drops nothing that was sent",
        1500,
        host_rules={"client": "meta length > 1500 drop"},
        sender=OK,
        receiver=FINE,
    ),
    size_limit(
        "wrong_checksums",
        "large packets arrive with a wrong checksum, and the receiver's kernel drops them; whole packets recorded",
        1400,
        Damage(rate=1.0, above=1400),
        path_mtu_also=1500,
        captures=(
            Capture(role="sender", accept=_WRONG, snap_length=2000),
            Capture(role="receiver", accept=_REFUSED, snap_length=2000, facts=(*ARRIVES, "wrong_checksum")),
        ),
        flows=(Flow(talk=TALK_THEN_TAIL, ends="hangs"),),
    ),
    size_limit(
        "few_wrong_checksums",
        "twin: one large packet in twenty arrives with a wrong checksum",
        1500,
        Damage(rate=0.05, above=1400, seed=5),
        sender=FINE,
        receiver=(*FINE, "stall"),
        talk=(*small_talk(2, every=0.2), *ask(90_000)),
    ),
)
