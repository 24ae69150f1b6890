"""DF clear: routers cut what is too large, and the fragments arrive or do not."""

from __future__ import annotations

from lab.conversations import TAIL_4, ask, small_talk, upload
from lab.hazards import FragmentFilter
from lab.truths import at_both_ends
from lab.vocabulary import Flow, Path, Scenario

_PLAIN_IP = {"net.ipv4.ip_no_pmtu_disc": "1"}

_DF_CLEAR = (
    Scenario(
        name="df_clear_delivered_upload",
        shows="DF clear, upload: the client's router fragments and all fragments arrive",
        path_mtu=1400,
        data="upload",
        path=Path(mtu=1400),
        flows=(Flow(talk=upload(30_000), without_df=True),),
        captures=at_both_ends(
            ("no_df",),
            ("no_df", "ok", "not_exercised"),
            why_receiver="what arrives are fragments",
        )[:1],
    ),
    Scenario(
        name="df_clear_full_path",
        shows="DF clear on a path where everything fits: large packets got through, without DF",
        path_mtu=1500,
        path=Path(mtu=1500),
        flows=(Flow(talk=ask(30_000), without_df=True),),
        captures=at_both_ends(("no_df",), ("no_df",)),
    ),
    Scenario(
        name="df_clear_lost_offloads",
        shows="DF clear, fragments dropped by the client's router, segmentation offload",
        path_mtu=1400,
        offloads=True,
        path=Path(mtu=1400),
        rules={"client_router": "ip frag-off & 0x3fff != 0 drop"},
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(TAIL_4), without_df=True, ends="hangs"),),
        seconds=14,
        captures=at_both_ends(("fragment_loss",), ("fragment_loss",))[:1],
    ),
)

_NO_PMTU_DISC = (
    Scenario(
        name="no_pmtu_disc_delivered",
        shows="ip_no_pmtu_disc=1: DF is clear, the router cuts packets to 1310 and the fragments arrive",
        path_mtu=1310,
        path=Path(mtu=1310),
        sysctls=_PLAIN_IP,
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(90_000)),),
        captures=at_both_ends(
            ("no_df",),
            ("no_df", "ok", "not_exercised", "inconclusive"),
            why_receiver="what arrives are fragments",
        )[:1],
    ),
    Scenario(
        name="no_pmtu_disc_filtered",
        shows="ip_no_pmtu_disc=1: DF is clear, the router cuts packets to 1310 and a firewall drops the fragments",
        path_mtu=1310,
        data="upload",
        path=Path(mtu=1310, hazards=(FragmentFilter(),)),
        sysctls=_PLAIN_IP,
        flows=(Flow(talk=upload(TAIL_4), ends="hangs"),),
        seconds=14,
        captures=at_both_ends(
            ("fragment_loss",),
            ("fragment_loss", "blackhole_suspected", "stall", "inconclusive"),
            why_receiver="a hole of full segments; only the small packets show that DF is clear",
        ),
    ),
)

SCENARIOS: tuple[Scenario, ...] = (*_DF_CLEAR, *_NO_PMTU_DISC)
