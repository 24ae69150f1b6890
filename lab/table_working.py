"""No black hole, or one that the hosts got over: PMTUD, clamping, fallbacks, DF clear."""

from __future__ import annotations

from lab.conversations import WITH_TAIL, WITHOUT_TAIL, ask, small_talk, tls, upload
from lab.hazards import NarrowHop
from lab.truths import (
    BLACK_HOLE,
    HOLE,
    OK,
    PMTUD_OK,
    PMTUD_OK_AT_RECEIVER,
    RECOVERED,
    RECOVERED_AT_RECEIVER,
    at_both_ends,
)
from lab.vocabulary import Capture, Flow, Path, Scenario

_TALK_THEN_TAIL = (Flow(talk=small_talk(2, every=0.2) + ask(WITH_TAIL)),)
_ACCEPTED = ("accepted",)
_PMTUD_WORKS = at_both_ends(PMTUD_OK, PMTUD_OK_AT_RECEIVER, ptb=_ACCEPTED)
_NEVER_TOO_LARGE = at_both_ends(OK, OK)
_CLAMP_1360 = "tcp flags & (syn | rst) == syn tcp option maxseg size set 1360"
_CLAMP_TO_CLIENT = 'iifname "core" ' + _CLAMP_1360
_PROBING = {"net.ipv4.tcp_mtu_probing": "1"}
_PROBING_ALWAYS = {"net.ipv4.tcp_mtu_probing": "2"}

_PMTUD = (
    Scenario(
        name="pmtud_ok_576",
        shows="PMTUD down to 576 bytes",
        path_mtu=576,
        path=Path(mtu=576),
        flows=_TALK_THEN_TAIL,
        captures=_PMTUD_WORKS,
    ),
    Scenario(
        name="pmtud_ok_jumbo",
        shows="PMTUD from 9001 to 8500",
        path_mtu=8500,
        lan_mtu=9001,
        path=Path(mtu=8500),
        flows=(Flow(talk=small_talk(1, every=0.2) + ask(200_000)),),
        captures=_PMTUD_WORKS,
    ),
    Scenario(
        name="pmtud_ok_ipv6",
        shows="PMTUD over IPv6, a long download",
        path_mtu=1420,
        family=6,
        path=Path(mtu=1420, round_trip=0.04),
        flows=(Flow(talk=ask(150_000)),),
        captures=_PMTUD_WORKS,
    ),
    Scenario(
        name="pmtud_ok_upload",
        shows="PMTUD for an upload with segmentation offload",
        path_mtu=1400,
        data="upload",
        offloads=True,
        path=Path(mtu=1400),
        flows=(Flow(talk=upload(150_000)),),
        captures=_PMTUD_WORKS,
    ),
    Scenario(
        name="pmtud_ok_no_delay",
        shows="PMTUD with no delay at all, BBR",
        path_mtu=1450,
        path=Path(kind="veth", mtu=1450),
        flows=(Flow(talk=ask(WITHOUT_TAIL), congestion_control="bbr"),),
        captures=_PMTUD_WORKS,
    ),
    Scenario(
        name="pmtud_ok_vxlan",
        shows="PMTUD into a VXLAN overlay",
        path_mtu=1450,
        path=Path(kind="vxlan", mtu=1450),
        flows=_TALK_THEN_TAIL,
        captures=(
            *_PMTUD_WORKS,
            Capture(role="underlay", accept=PMTUD_OK_AT_RECEIVER, snap_length=192),
        ),
    ),
    Scenario(
        name="pmtud_ok_two_hops",
        shows="two narrow hops, each with its own PTB: 1450, then 1400",
        path_mtu=1400,
        path=Path(
            hazards=(NarrowHop(mtu=1450, ptb="plain"), NarrowHop(mtu=1400, ptb="plain")),
        ),
        flows=_TALK_THEN_TAIL,
        captures=_PMTUD_WORKS,
    ),
    Scenario(
        name="pmtud_ok_in_flight",
        shows="the path narrows in the middle of a kept-alive connection, PTB and all",
        path_mtu=1400,
        path_mtu_also=1500,
        path=Path(hazards=(NarrowHop(mtu=1400, ptb="plain", since=2.5),)),
        flows=(Flow(talk=(ask(WITH_TAIL) + small_talk(1, every=0.5)) * 6),),
        captures=_PMTUD_WORKS,
    ),
)

_CLAMPED = (
    Scenario(
        name="clamped_both_ways",
        shows="both SYNs are clamped to 1360",
        path_mtu=1400,
        path=Path(mtu=1400),
        icmp_dropped_at=("server_router", "client_router"),
        rules={"server_router": _CLAMP_1360},
        flows=(Flow(talk=ask(40_000, request=20_000)),),
        captures=_NEVER_TOO_LARGE,
    ),
    Scenario(
        name="clamped_one_way_healthy",
        shows="only the client's SYN is clamped; the data go the clamped way",
        path_mtu=1400,
        path=Path(mtu=1400),
        icmp_dropped_at=("server_router", "client_router"),
        rules={"server_router": _CLAMP_TO_CLIENT},
        flows=(Flow(talk=ask(40_000)),),
        captures=_NEVER_TOO_LARGE,
    ),
    Scenario(
        name="clamped_one_way_hangs",
        shows="only the client's SYN is clamped; the download works, the upload hangs",
        path_mtu=1400,
        data="upload",
        path=Path(mtu=1400),
        icmp_dropped_at=("server_router", "client_router"),
        rules={"server_router": _CLAMP_TO_CLIENT},
        flows=(Flow(talk=ask(40_000) + upload(WITH_TAIL), ends="hangs"),),
        seconds=14,
        captures=at_both_ends(BLACK_HOLE, HOLE),
    ),
    Scenario(
        name="clamped_ipv6",
        shows="both SYNs are clamped to 1360, IPv6 with a path MTU of 1420",
        path_mtu=1420,
        family=6,
        path=Path(mtu=1420),
        icmp_dropped_at=("server_router", "client_router"),
        rules={"server_router": _CLAMP_1360},
        flows=(Flow(talk=ask(40_000, request=20_000)),),
        captures=_NEVER_TOO_LARGE,
    ),
    Scenario(
        name="full_size_healthy",
        shows="a path of 1500 without any trouble, offloads on",
        path_mtu=1500,
        offloads=True,
        path=Path(round_trip=0.02),
        flows=(Flow(talk=tls(hello=517, flight=4200) + ask(100_000)),),
        captures=_NEVER_TOO_LARGE,
    ),
)

_FALLBACK = (
    Scenario(
        name="probing_download",
        shows="tcp_mtu_probing=1, a long download: nothing small behind the first flight",
        path_mtu=1420,
        path=Path(mtu=1420, round_trip=0.04),
        icmp_dropped_at=("server_router",),
        sysctls=_PROBING,
        flows=(Flow(talk=ask(WITHOUT_TAIL)),),
        seconds=20,
        captures=at_both_ends(
            RECOVERED,
            ("blackhole_recovered", "blackhole_suspected", "inconclusive", "not_exercised", "ok"),
            why_receiver="silence for four seconds, then small segments: nothing shows that larger ones were tried",
        ),
    ),
    Scenario(
        name="probing_upload_ipv6",
        shows="tcp_mtu_probing=1, IPv6 upload",
        path_mtu=1400,
        data="upload",
        family=6,
        path=Path(mtu=1400),
        icmp_dropped_at=("client_router",),
        sysctls=_PROBING,
        flows=(Flow(talk=upload(WITH_TAIL)),),
        seconds=15,
        captures=at_both_ends(RECOVERED, RECOVERED_AT_RECEIVER),
    ),
    Scenario(
        name="probing_offloads",
        shows="tcp_mtu_probing=1 with segmentation offload: sizes captured after the fallback are super-segments",
        path_mtu=1400,
        offloads=True,
        path=Path(mtu=1400),
        icmp_dropped_at=("server_router",),
        sysctls=_PROBING,
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(40_000)),),
        seconds=15,
        captures=at_both_ends(
            RECOVERED,
            ("blackhole_recovered", "blackhole_suspected", "inconclusive", "not_exercised", "ok"),
        ),
    ),
    Scenario(
        name="probing_twice",
        shows="tcp_mtu_probing=1 and a path MTU of 700: 1024 is still too large, 512 gets through",
        path_mtu=700,
        path=Path(mtu=700),
        icmp_dropped_at=("server_router",),
        sysctls=_PROBING,
        flows=_TALK_THEN_TAIL,
        seconds=30,
        captures=at_both_ends(RECOVERED, RECOVERED_AT_RECEIVER),
    ),
    Scenario(
        name="probing_always_upload",
        shows="tcp_mtu_probing=2: the client begins at 1024 and probes upwards; the probes that "
        "are too large are lost without harm",
        path_mtu=1400,
        data="upload",
        path=Path(mtu=1400, round_trip=0.02),
        icmp_dropped_at=("client_router",),
        sysctls=_PROBING_ALWAYS,
        flows=(Flow(talk=upload(400_000)),),
        captures=at_both_ends(
            ("ok", "loss", "not_exercised"),
            ("ok", "loss", "not_exercised"),
            why="only the probe is lost and the flow goes on within an RTT",
            facts_sender=("retransmissions",),
        ),
    ),
    Scenario(
        name="probing_always_download",
        shows="tcp_mtu_probing=2 on a server: Linux starts small only on connections that it opens",
        path_mtu=1400,
        path=Path(mtu=1400, round_trip=0.02),
        icmp_dropped_at=("server_router",),
        sysctls=_PROBING_ALWAYS,
        flows=_TALK_THEN_TAIL,
        seconds=15,
        captures=at_both_ends(RECOVERED, RECOVERED_AT_RECEIVER),
    ),
)

_NO_DF = (
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
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(WITH_TAIL), without_df=True, ends="hangs"),),
        seconds=14,
        captures=at_both_ends(("fragment_loss",), ("fragment_loss",))[:1],
    ),
)

WORKING: tuple[Scenario, ...] = (*_PMTUD, *_CLAMPED, *_FALLBACK, *_NO_DF)
