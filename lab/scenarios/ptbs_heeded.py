"""PMTUD as it should be: a PTB comes and is heeded."""

from __future__ import annotations

from lab.conversations import SMALL_TALK, TAIL_DOWNLOAD, WITHOUT_TAIL, ask, small_talk, upload
from lab.hazards import NarrowHop
from lab.ptb_patterns import ptb_answered, ptb_heeded, ptb_useful
from lab.truths import PMTUD_OK, PMTUD_OK_AT_RECEIVER, PMTUD_WORKS
from lab.vocabulary import Capture, Flow, Path, Scenario

_PMTUD = (
    Scenario(
        name="pmtud_ok_576",
        shows="PMTUD down to 576 bytes",
        path_mtu=576,
        path=Path(mtu=576),
        flows=TAIL_DOWNLOAD,
        captures=PMTUD_WORKS,
    ),
    Scenario(
        name="pmtud_ok_jumbo",
        shows="PMTUD from 9001 to 8500",
        path_mtu=8500,
        lan_mtu=9001,
        path=Path(mtu=8500),
        flows=(Flow(talk=small_talk(1, every=0.2) + ask(200_000)),),
        captures=PMTUD_WORKS,
    ),
    Scenario(
        name="pmtud_ok_ipv6",
        shows="PMTUD over IPv6, a long download",
        path_mtu=1420,
        family=6,
        path=Path(mtu=1420, round_trip=0.04),
        flows=(Flow(talk=ask(150_000)),),
        captures=PMTUD_WORKS,
    ),
    Scenario(
        name="pmtud_ok_upload",
        shows="PMTUD for an upload with segmentation offload",
        path_mtu=1400,
        data="upload",
        offloads=True,
        path=Path(mtu=1400),
        flows=(Flow(talk=upload(150_000)),),
        captures=PMTUD_WORKS,
    ),
    Scenario(
        name="pmtud_ok_no_delay",
        shows="PMTUD with no delay at all, BBR",
        path_mtu=1450,
        path=Path(kind="veth", mtu=1450),
        flows=(Flow(talk=ask(WITHOUT_TAIL), congestion_control="bbr"),),
        captures=PMTUD_WORKS,
    ),
)

_ROUTERS = (
    ptb_answered(
        "told_eight_bytes",
        "a PTB that quotes 8 bytes of TCP, an upload into 1378",
        1378,
        "eight_bytes",
        data="upload",
        ends="completes",
        accept=PMTUD_OK,
    ),
    Scenario(
        name="jumbo_told_1500",
        shows="hosts with jumbo frames, a hop of 1500 that says so, both directions, IPv6",
        path_mtu=1500,
        lan_mtu=9000,
        family=6,
        path=Path(mtu=1500, round_trip=0.02),
        flows=(Flow(talk=SMALL_TALK + ask(60_000) + upload(60_000)),),
        captures=tuple(Capture(role=role, accept=PMTUD_OK, ptb=("accepted",)) for role in ("sender", "receiver")),
    ),
    Scenario(
        name="remembered_from_before",
        shows="the first of three connections is told 1440, the others begin with what the host remembers, upload",
        path_mtu=1440,
        data="upload",
        path=Path(mtu=1440, round_trip=0.02),
        flows=tuple(Flow(port=8080 + n, start=1.2 * n, talk=upload(40_000)) for n in range(3)),
        captures=(
            Capture(
                role="sender",
                accept=PMTUD_OK,
                flows={8080: PMTUD_OK, 8081: ("ok", "pmtud_ok"), 8082: ("ok", "pmtud_ok")},
                ptb=("accepted",),
            ),
            Capture(
                role="receiver",
                accept=PMTUD_OK_AT_RECEIVER,
                flows={8080: PMTUD_OK_AT_RECEIVER, 8081: ("ok", "loss"), 8082: ("ok", "loss")},
            ),
        ),
    ),
    ptb_heeded("ptb_plain", "a correct PTB from the middle of the path", NarrowHop(mtu=1400, ptb="plain")),
    ptb_heeded(
        "ptb_plain_ipv6",
        "a correct ICMPv6 PTB from the middle of the path",
        NarrowHop(mtu=1400, ptb="plain"),
        family=6,
    ),
    ptb_heeded(
        "ptb_eight_bytes",
        "a PTB that quotes 8 bytes of TCP, as RFC 792 asks and no more",
        NarrowHop(mtu=1400, ptb="eight_bytes"),
    ),
    ptb_useful(
        "told_upload_ipv6",
        "a correct PTB for an IPv6 upload into 1350",
        NarrowHop(mtu=1350, ptb="plain"),
        family=6,
        data="upload",
    ),
    ptb_useful("told_1330", "a correct PTB: 1330", NarrowHop(mtu=1330, ptb="plain")),
    ptb_useful(
        "told_in_eight_bytes_ipv6",
        "a PTB that quotes 8 bytes of TCP, IPv6",
        NarrowHop(mtu=1312, ptb="eight_bytes"),
        family=6,
    ),
    ptb_useful(
        "told_offloads_upload",
        "a correct PTB for an upload of 150 kB with segmentation offload into 1458",
        NarrowHop(mtu=1458, ptb="plain"),
        data="upload",
        offloads=True,
        flows=(Flow(talk=upload(150_000), congestion_control="bbr"),),
    ),
)

SCENARIOS: tuple[Scenario, ...] = (*_PMTUD, *_ROUTERS)
