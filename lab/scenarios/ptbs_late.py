"""PTBs that come late or seldom, and several narrow hops in a row, of which the last may be silent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lab.conversations import TAIL_DOWNLOAD, WITHOUT_TAIL, ask
from lab.hazards import Hazard, NarrowHop
from lab.patterns import RECOVERS, size_limit
from lab.ptb_patterns import ptb_answered, ptb_heeded, ptb_useful
from lab.settings import PROBING
from lab.truths import FINE, PMTUD_OK, PMTUD_OK_AT_RECEIVER, PMTUD_WORKS, RECOVERED_BEYOND, at_both_ends
from lab.vocabulary import Flow, Path, Scenario, Verdicts

_TWO_HOPS: tuple[Hazard, ...] = (NarrowHop(mtu=1450, ptb="plain"), NarrowHop(mtu=1350))
_TWO: dict[str, Any] = {"ptb": ("accepted",), "seconds": 24.0}
_TWO_PROBING: dict[str, Any] = {**_TWO, **RECOVERS, "sysctls": PROBING}
_TOLD_LATE: Verdicts = ("pmtud_ok", "blackhole_recovered")
# Those that come when the quoted bytes are acknowledged already lie outside of the window.
_WHEN_TOLD_LATE: Verdicts = ("accepted", "ignored", "sequence")

_LOST = (
    ptb_answered(
        "told_at_the_fourth",
        "the first seven PTBs are lost, then one gets through, IPv6, 1334",
        1334,
        "plain",
        hop=NarrowHop(mtu=1334, ptb="plain", silent_first=7),
        family=6,
        ends="completes",
        captures=at_both_ends(
            ("pmtud_ok", "blackhole_recovered"),
            ("ok", "pmtud_ok", "loss", "blackhole_suspected", "blackhole_recovered"),
            ptb=("accepted",),
            why="an episode that a PTB ends",
        ),
    ),
    ptb_heeded(
        "ptb_rate_limited",
        "only the first large packet is answered",
        NarrowHop(mtu=1400, ptb="plain", limit=1),
        flows=(Flow(talk=ask(WITHOUT_TAIL)),),
    ),
    ptb_heeded(
        "ptb_late",
        "the first PTBs are lost; one gets through after a second and more of retransmissions",
        NarrowHop(mtu=1400, ptb="plain", silent_first=9),
        captures=at_both_ends(
            ("pmtud_ok", "blackhole_recovered"),
            ("ok", "pmtud_ok", "loss", "blackhole_suspected", "blackhole_recovered"),
            ptb=("accepted",),
            why="an episode that a PTB ends",
        ),
    ),
    ptb_useful(
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
    ptb_useful(
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
)

_SECONDS_LATE = (
    size_limit(
        "ptb_3s_late",
        "every PTB takes three seconds",
        1400,
        NarrowHop(mtu=1400, ptb="plain", answers_after=3.0),
        sender=_TOLD_LATE,
        facts=("late_ptb",),
        receiver=RECOVERED_BEYOND,
        ptb=_WHEN_TOLD_LATE,
    ),
    size_limit(
        "ptb_3s_late_ipv6",
        "the same over IPv6",
        1400,
        NarrowHop(mtu=1400, ptb="plain", answers_after=3.0),
        sender=_TOLD_LATE,
        facts=("late_ptb",),
        receiver=RECOVERED_BEYOND,
        ptb=_WHEN_TOLD_LATE,
        family=6,
    ),
    size_limit(
        "ptb_in_time",
        "twin: the PTB comes at once",
        1400,
        NarrowHop(mtu=1400, ptb="plain"),
        sender=PMTUD_OK,
        receiver=(*FINE, "pmtud_ok", "not_exercised"),
        ptb=("accepted",),
    ),
)

_SEVERAL_HOPS = (
    replace(
        ptb_answered("told_three_times", "", 1340, "plain", ends="completes", data="upload", accept=PMTUD_OK),
        shows="three hops in a row, each narrower than the one before and each with its own PTB: 1480, 1400, 1340",
        path=Path(
            round_trip=0.044,
            hazards=tuple(NarrowHop(mtu=mtu, ptb="plain") for mtu in (1480, 1400, 1340)),
        ),
    ),
    ptb_useful(
        "told_twice_ipv6",
        "two narrow hops, each with its own PTB: 1460, then 1310, IPv6",
        NarrowHop(mtu=1460, ptb="plain"),
        NarrowHop(mtu=1310, ptb="plain"),
        family=6,
    ),
    size_limit("two_hops", "the first narrow hop says so, the second one does not", 1350, *_TWO_HOPS, **_TWO),
    size_limit("two_hops_ipv6", "the same over IPv6", 1350, *_TWO_HOPS, family=6, **_TWO),
    size_limit("two_hops_offloads", "the same with segmentation offload", 1350, *_TWO_HOPS, offloads=True, **_TWO),
    size_limit("two_hops_probing", "the same with tcp_mtu_probing=1", 1350, *_TWO_HOPS, **_TWO_PROBING),
    size_limit("two_hops_probing_ipv6", "the same over IPv6", 1350, *_TWO_HOPS, family=6, **_TWO_PROBING),
    size_limit(
        "two_hops_probing_offloads", "with segmentation offload", 1350, *_TWO_HOPS, offloads=True, **_TWO_PROBING
    ),
    size_limit(
        "first_hop_alone",
        "twin: the only narrow hop says so",
        1450,
        _TWO_HOPS[0],
        sender=PMTUD_OK,
        receiver=(*FINE, "pmtud_ok", "not_exercised"),
        ptb=("accepted",),
    ),
    Scenario(
        name="pmtud_ok_two_hops",
        shows="two narrow hops, each with its own PTB: 1450, then 1400",
        path_mtu=1400,
        path=Path(
            hazards=(NarrowHop(mtu=1450, ptb="plain"), NarrowHop(mtu=1400, ptb="plain")),
        ),
        flows=TAIL_DOWNLOAD,
        captures=PMTUD_WORKS,
    ),
)

SCENARIOS: tuple[Scenario, ...] = (*_LOST, *_SECONDS_LATE, *_SEVERAL_HOPS)
