"""First blind set: PTBs that help and PTBs that do not, with other sizes, directions and neighbours."""

from __future__ import annotations

from typing import Any, Literal

from lab.conversations import ask, small_talk, upload
from lab.handmade import Kind
from lab.hazards import NarrowHop
from lab.table_seen_holes import FULL_4, FULL_6
from lab.truths import BLACK_HOLE, HOLE, PMTUD_OK, PMTUD_OK_AT_RECEIVER, PTB_IGNORED, at_both_ends
from lab.vocabulary import Capture, Direction, Flow, Path, Scenario, Verdicts

_OR_HOLE: Verdicts = ("ptb_ignored", "blackhole")


def _flows(family: Literal[4, 6], data: Direction, ends: Literal["hangs", "completes"]) -> tuple[Flow, ...]:
    size = 4 * (FULL_4 if family == 4 else FULL_6) + 350
    talk = small_talk(3, every=0.25) + ask(size) if data == "download" else upload(size)
    return (Flow(talk=talk, ends=ends),)


def _useless(
    name: str,
    shows: str,
    mtu: int,
    kind: Kind,
    reasons: Verdicts,
    *,
    said: int | None = None,
    family: Literal[4, 6] = 4,
    data: Direction = "download",
    accept: Verdicts = PTB_IGNORED,
    why: str = "",
    **settings: Any,
) -> Scenario:
    settings.setdefault("captures", at_both_ends(accept, HOLE, ptb=("ignored", *reasons), why=why))
    return Scenario(
        name=name,
        shows=shows,
        path_mtu=mtu,
        family=family,
        data=data,
        path=Path(round_trip=0.036, hazards=(NarrowHop(mtu=mtu, ptb=kind, said_mtu=said),)),
        flows=_flows(family, data, "hangs"),
        seconds=14,
        **settings,
    )


def _useful(
    name: str,
    shows: str,
    *hops: NarrowHop,
    family: Literal[4, 6] = 4,
    data: Direction = "download",
    **settings: Any,
) -> Scenario:
    settings.setdefault("captures", at_both_ends(PMTUD_OK, PMTUD_OK_AT_RECEIVER, ptb=("accepted",)))
    settings.setdefault("flows", _flows(family, data, "completes"))
    return Scenario(
        name=name,
        shows=shows,
        path_mtu=min(hop.mtu for hop in hops),
        family=family,
        data=data,
        path=Path(round_trip=0.036, hazards=hops),
        seconds=14,
        **settings,
    )


_USELESS = (
    _useless(
        "zero_ipv6_upload",
        "ICMPv6 PTBs with MTU 0 answer an upload into a path of 1350",
        1350,
        "plain",
        ("mtu_zero", "below_1280"),
        said=0,
        family=6,
        data="upload",
    ),
    _useless(
        "says_9000",
        "the PTB says 9000 where only 1330 pass",
        1330,
        "plain",
        ("mtu_not_smaller",),
        said=9000,
    ),
    _useless(
        "says_1440_ipv6",
        "the PTB says 1440 where only 1300 pass: obeyed once, then stuck, IPv6 upload",
        1300,
        "plain",
        ("mtu_not_smaller", "accepted"),
        said=1440,
        family=6,
        data="upload",
        accept=_OR_HOLE,
        why="the first PTB is obeyed, the next ones say nothing new",
    ),
    _useless(
        "says_1000_ipv6",
        "an IPv6 hop of 1296 says 1000, which hosts must ignore",
        1296,
        "plain",
        ("below_1280",),
        said=1000,
        family=6,
        data="upload",
    ),
    _useless(
        "bad_checksum_offloads",
        "PTBs with a wrong checksum, an upload with segmentation offload into 1372",
        1372,
        "bad_checksum",
        ("checksum",),
        data="upload",
        offloads=True,
        captures=at_both_ends(
            PTB_IGNORED,
            ("blackhole_suspected", "inconclusive"),
            ptb=("ignored", "checksum", "host"),
            why="the snap length cuts the PTB, so its checksum cannot be verified here",
        ),
    ),
    _useless(
        "out_of_window_upload",
        "the quoted sequence number is out of the window, an upload into 1410, no timestamps",
        1410,
        "sequence",
        ("sequence",),
        data="upload",
        sysctls={"net.ipv4.tcp_timestamps": "0"},
    ),
    _useless(
        "nat_ports_ipv6",
        "a NAT left its port in the quote, IPv6, path MTU 1392",
        1392,
        "ports",
        ("tuple",),
        family=6,
        accept=_OR_HOLE,
    ),
    _useless(
        "nat_addresses_upload",
        "a NAT left its address in the quote, an upload into 1434",
        1434,
        "addresses",
        ("tuple",),
        data="upload",
        accept=_OR_HOLE,
    ),
    _useless(
        "sibling_ipv6",
        "the PTBs that come are about another host's flow, IPv6 upload into 1364",
        1364,
        "sibling",
        ("tuple",),
        family=6,
        data="upload",
        accept=_OR_HOLE,
        why="no PTB for this flow is in the capture",
    ),
    _useless(
        "own_firewall_ipv6",
        "the server's own firewall drops the PTBs, IPv6, path MTU 1346",
        1346,
        "plain",
        ("host",),
        family=6,
        icmp_dropped_at=("server",),
    ),
    _useless(
        "in_own_name",
        "PTBs whose source is the sender itself: Linux takes them for forged",
        1404,
        "own_source",
        ("host",),
        accept=_OR_HOLE,
    ),
    Scenario(
        name="ptb_lost_at_firewall_ipv6",
        shows="a firewall between router and server drops the PTBs, IPv6, path MTU 1408; the router still shows them",
        path_mtu=1408,
        family=6,
        firewall=True,
        icmp_dropped_at=("server_firewall",),
        path=Path(mtu=1408, round_trip=0.03),
        flows=_flows(6, "download", "hangs"),
        seconds=14,
        captures=(
            Capture(role="sender", accept=BLACK_HOLE),
            Capture(role="before", accept=PTB_IGNORED, ptb=("ignored", "host")),
            Capture(role="after", accept=HOLE),
        ),
    ),
)

_USEFUL = (
    _useful(
        "told_upload_ipv6",
        "a correct PTB for an IPv6 upload into 1350",
        NarrowHop(mtu=1350, ptb="plain"),
        family=6,
        data="upload",
    ),
    _useful("told_1330", "a correct PTB: 1330", NarrowHop(mtu=1330, ptb="plain")),
    _useful(
        "told_in_eight_bytes_ipv6",
        "a PTB that quotes 8 bytes of TCP, IPv6",
        NarrowHop(mtu=1312, ptb="eight_bytes"),
        family=6,
    ),
    Scenario(
        name="told_296",
        shows="a path of 296 says so: Linux goes down to 552 only, but clears DF there, and the router cuts",
        path_mtu=296,
        path=Path(mtu=296, round_trip=0.036),
        flows=_flows(4, "download", "completes"),
        captures=at_both_ends(
            ("pmtud_ok", "no_df"),
            ("ok", "pmtud_ok", "loss", "not_exercised", "no_df", "inconclusive"),
            ptb=("accepted",),
            why_receiver="what arrives are fragments",
        ),
    ),
    _useful(
        "told_too_little",
        "a router says 296 where 1372 pass: Linux goes down to 552 and clears DF",
        NarrowHop(mtu=1372, ptb="plain", said_mtu=296),
        captures=at_both_ends(
            ("pmtud_ok", "no_df"),
            ("ok", "pmtud_ok", "loss", "not_exercised", "no_df"),
            ptb=("accepted",),
            why="what gets through afterwards has DF clear, so nothing in this capture refutes the router",
        ),
        path_mtu_also=296,
    ),
    _useful(
        "told_twice_ipv6",
        "two narrow hops, each with its own PTB: 1460, then 1310, IPv6",
        NarrowHop(mtu=1460, ptb="plain"),
        NarrowHop(mtu=1310, ptb="plain"),
        family=6,
    ),
    _useful(
        "told_late_upload",
        "the first eight PTBs are lost, then one gets through, an upload into 1376",
        NarrowHop(mtu=1376, ptb="plain", silent_first=8),
        data="upload",
        captures=at_both_ends(
            ("pmtud_ok", "blackhole_recovered"),
            ("ok", "pmtud_ok", "loss", "blackhole_suspected", "blackhole_recovered"),
            ptb=("accepted",),
            why="an episode that a PTB ends",
        ),
    ),
    _useful(
        "told_once_for_three",
        "three downloads at once; only the first large packet is answered, and the kernel remembers it for all",
        NarrowHop(mtu=1388, ptb="plain", limit=1),
        flows=tuple(Flow(port=8080 + n, start=0.3 * n, talk=ask(300) + ask(40_000)) for n in range(3)),
        captures=at_both_ends(
            PMTUD_OK,
            PMTUD_OK_AT_RECEIVER,
            ptb=("accepted",),
        ),
    ),
    _useful(
        "told_offloads_upload",
        "a correct PTB for an upload of 150 kB with segmentation offload into 1458",
        NarrowHop(mtu=1458, ptb="plain"),
        data="upload",
        offloads=True,
        flows=(Flow(talk=upload(150_000), congestion_control="bbr"),),
    ),
    _useful(
        "told_and_cut_ipv6",
        "a correct ICMPv6 PTB, recorded with snap lengths around the 110 bytes that its quote needs",
        NarrowHop(mtu=1282, ptb="plain"),
        family=6,
        captures=(
            Capture(role="sender", label="112", accept=PMTUD_OK, ptb=("accepted",), snap_length=112),
            Capture(
                role="sender",
                label="108",
                accept=("pmtud_ok", "ok", "inconclusive", "loss"),
                ptb=("accepted",),
                snap_length=108,
                trust=False,
                why="two of the four bytes of the quoted sequence number are missing",
            ),
            Capture(
                role="sender",
                label="72",
                accept=("pmtud_ok", "ok", "inconclusive", "loss", "stall"),
                ptb=("accepted",),
                snap_length=72,
                trust=False,
                why="the quoted addresses are cut",
            ),
        ),
    ),
)

SEEN_PTBS: tuple[Scenario, ...] = (*_USELESS, *_USEFUL)
