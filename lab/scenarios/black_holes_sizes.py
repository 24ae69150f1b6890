"""Black holes: path MTUs, directions, families."""

from __future__ import annotations

from lab.conversations import FULL_4, SMALL_TALK, TAIL_4, WITHOUT_TAIL, ask, small_talk, upload
from lab.hazards import NarrowHop
from lab.patterns import black_hole, hole_and_twin
from lab.settings import ROUTERS
from lab.truths import (
    BLACK_HOLE,
    BLACK_HOLE_BY_ACK,
    BLACK_HOLE_WITHOUT_CONTROL,
    HOLE,
    NEVER_SHOWN,
    NOTHING_ASKED,
    OK,
    at_both_ends,
)
from lab.vocabulary import Capture, Flow, Path, Scenario

_JUMBO_WITH_TAIL = 3 * 8948 + 300

_SIZES = (
    black_hole("mtu_576", "path MTU 576, the smallest that IPv4 hosts must take", 576),
    black_hole("mtu_1006", "path MTU 1006 (SLIP's old value)", 1006),
    black_hole("mtu_1280", "path MTU 1280, IPv4", 1280),
    black_hole("mtu_1280_ipv6", "path MTU 1280, the IPv6 minimum", 1280, family=6, rtt=0.05),
    black_hole("mtu_1320", "path MTU 1320, tunnel in a tunnel", 1320, rtt=0.04),
    black_hole("mtu_1454", "path MTU 1454", 1454, rtt=0.01),
    black_hole("mtu_1476", "path MTU 1476, as behind GRE", 1476, rtt=0.08),
    black_hole("mtu_1492", "path MTU 1492, as behind PPPoE", 1492),
    black_hole("mtu_1492_ipv6", "path MTU 1492, as behind PPPoE, IPv6", 1492, family=6),
    black_hole("mtu_1496", "path MTU 1496: a link that has no room for one VLAN tag", 1496, rtt=0.0),
    black_hole(
        "jumbo_8500",
        "jumbo frames of 9001 bytes into a path of 8500",
        8500,
        lan_mtu=9001,
        talk=small_talk(2, every=0.2) + ask(_JUMBO_WITH_TAIL),
    ),
    black_hole(
        "jumbo_into_1500",
        "jumbo frames of 9000 bytes into an ordinary path of 1500",
        1500,
        lan_mtu=9000,
        talk=small_talk(2, every=0.2) + ask(_JUMBO_WITH_TAIL),
    ),
    black_hole(
        "jumbo_switch",
        "jumbo hosts behind a switch of MTU 1500 on one segment: no router, no ICMP at all",
        1500,
        lan_mtu=9000,
        path=Path(mtu=9000, round_trip=0.0005, hazards=(NarrowHop(mtu=1500),)),
        talk=small_talk(2, every=0.2) + ask(_JUMBO_WITH_TAIL),
    ),
    black_hole(
        "single_segment",
        "the reply is one segment: the only packet that is too large",
        1400,
        talk=small_talk(2, every=0.2) + ask(1448),
        captures=at_both_ends(BLACK_HOLE_BY_ACK, NEVER_SHOWN),
    ),
    black_hole(
        "just_too_large",
        "a reply in one packet that is a single byte too large",
        1400,
        talk=small_talk(2, every=0.2) + ask(1400 - 52 + 1),
        captures=at_both_ends(BLACK_HOLE_BY_ACK, NEVER_SHOWN),
    ),
)

_WITH_TWINS = (
    *hole_and_twin(
        "one_way_of_two",
        "downloads work and uploads hang: 1300 from the client, 1500 to it",
        1300,
        "wide",
        data="upload",
        path=Path(mtu=1300, mtu_back=1500, round_trip=0.03),
        flows=(
            Flow(port=8080, talk=(ask(30_000) + small_talk(1, every=0.5)) * 3),
            Flow(port=8081, start=0.4, talk=upload(TAIL_4), ends="hangs"),
        ),
        captures=(
            Capture(role="sender", accept=BLACK_HOLE, flows={8080: OK, 8081: BLACK_HOLE}),
            Capture(role="receiver", accept=HOLE, flows={8080: OK, 8081: HOLE}),
        ),
        twin_captures=at_both_ends(OK, OK),
    ),
    *hole_and_twin(
        "jumbo_without_scaling",
        "jumbo frames without window scaling into a path of 3000",
        3000,
        "ptb",
        lan_mtu=9000,
        talk=SMALL_TALK + ask(3 * 8948 + 700),
        sysctls={"net.ipv4.tcp_window_scaling": "0"},
    ),
    *hole_and_twin(
        "mtu_576_download",
        "a path of 576 bytes, the smallest that every IPv4 host must take",
        576,
        "clamp",
        talk=SMALL_TALK + ask(TAIL_4),
    ),
    *hole_and_twin(
        "satellite_1408",
        "a satellite's RTT of 620 ms, path MTU 1408",
        1408,
        "wide",
        path=Path(mtu=1408, round_trip=0.62),
        talk=small_talk(2, every=0.3) + ask(TAIL_4),
        seconds=30,
    ),
    *hole_and_twin(
        "jumbo_into_fddi",
        "jumbo frames of 9000 bytes into a path of 4352",
        4352,
        "ptb",
        lan_mtu=9000,
        talk=small_talk(2, every=0.2) + ask(4 * 8948 + 500),
    ),
    *hole_and_twin(
        "jumbo_8951_upload",
        "an upload of jumbo frames of 9001 bytes into an overlay of 8951, IPv6",
        8951,
        "wide",
        lan_mtu=9001,
        data="upload",
        family=6,
        talk=upload(3 * 8929 + 400),
    ),
    *hole_and_twin(
        "mtu_1488_single",
        "a reply of one segment that is twelve bytes too large for a path of 1488",
        1488,
        "wide",
        talk=small_talk(4, every=0.3) + ask(FULL_4),
        sender=BLACK_HOLE_BY_ACK,
        receiver=NEVER_SHOWN,
    ),
)

_DIRECTIONS = (
    black_hole(
        "upload_with_tail",
        "an upload whose small last segment arrives",
        1400,
        data="upload",
        talk=upload(TAIL_4),
    ),
    black_hole(
        "upload_without_tail",
        "an upload of full segments only: nothing small follows them",
        1400,
        data="upload",
        talk=upload(WITHOUT_TAIL),
        captures=at_both_ends(BLACK_HOLE_WITHOUT_CONTROL, NOTHING_ASKED),
    ),
    black_hole(
        "download_without_tail",
        "a download of full segments only, IPv4",
        1400,
        talk=ask(WITHOUT_TAIL),
        seconds=20,
        captures=at_both_ends(BLACK_HOLE_BY_ACK, NEVER_SHOWN),
    ),
    black_hole(
        "download_without_tail_ipv6",
        "a download of full segments only, IPv6",
        1420,
        family=6,
        talk=ask(WITHOUT_TAIL),
        captures=at_both_ends(BLACK_HOLE_BY_ACK, NEVER_SHOWN),
    ),
    black_hole(
        "both_directions",
        "a large request that arrives, as it fits, and a large reply that does not",
        1400,
        path=Path(mtu=1400, mtu_back=1500, round_trip=0.03),
        talk=ask(TAIL_4, request=4000),
    ),
    black_hole(
        "long_hang",
        "thirty seconds of a hang: eight copies of the head",
        1420,
        seconds=32,
        rtt=0.05,
    ),
    black_hole("no_delay", "the same with no delay at all: veth only", 1400, rtt=0.0),
    black_hole(
        "slow_round_trip",
        "RTT 80 ms, IPv6 upload",
        1400,
        rtt=0.08,
        family=6,
        data="upload",
        talk=upload(TAIL_4),
        seconds=20,
    ),
    Scenario(
        name="both_directions_hang",
        shows="an upload and a download of the same two hosts hang, at hops of 1350 and 1394 bytes",
        path_mtu=1350,
        data="upload",
        path=Path(mtu=1350, mtu_back=1394, round_trip=0.03),
        icmp_dropped_at=ROUTERS,
        flows=(
            Flow(port=8080, talk=upload(TAIL_4), ends="hangs"),
            Flow(port=8081, start=0.5, talk=small_talk(2, every=0.2) + ask(TAIL_4), ends="hangs"),
        ),
        seconds=14,
        captures=(
            Capture(role="sender", accept=BLACK_HOLE, flows={8080: BLACK_HOLE, 8081: HOLE}),
            Capture(role="receiver", accept=BLACK_HOLE, flows={8080: HOLE, 8081: BLACK_HOLE}),
        ),
    ),
)

SCENARIOS: tuple[Scenario, ...] = (*_SIZES, *_WITH_TWINS, *_DIRECTIONS)
