"""First blind set: black holes under traffic and on paths that the other tables do not have, each with its twin."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from lab.conversations import Talk, ask, small_talk, tls, upload
from lab.truths import (
    BLACK_HOLE,
    BLACK_HOLE_BY_ACK,
    BLACK_HOLE_WITHOUT_CONTROL,
    HOLE,
    HOLE_OR_NOTHING,
    NEVER_SHOWN,
    NOTHING_ASKED,
    OK,
    PMTUD_OK,
    PMTUD_OK_AT_RECEIVER,
    TOO_SMALL,
    at_both_ends,
)
from lab.vocabulary import Capture, Direction, Flow, Node, Path, Say, Scenario, Verdicts

Cure = Literal["ptb", "clamp", "wide"]
FULL_4, FULL_6 = 1448, 1428  # payload of full segments with timestamps on an MTU of 1500
ROUTERS: tuple[Node, ...] = ("server_router", "client_router")
_OK_OR_SMALL: Verdicts = ("ok", "not_exercised")


def clamp(mtu: int, family: int = 4, only: str = "") -> str:
    """The rule that makes both SYNs (or those that match `only`) ask for packets of `mtu` at most."""
    mss = mtu - (40 if family == 4 else 60)
    return f"{only} tcp flags & (syn | rst) == syn tcp option maxseg size set {mss}"


def hole_and_twin(
    name: str,
    shows: str,
    mtu: int,
    cure: Cure,
    *,
    talk: Talk = (),
    flows: tuple[Flow, ...] = (),
    data: Direction = "download",
    family: Literal[4, 6] = 4,
    sender: Verdicts = BLACK_HOLE,
    receiver: Verdicts = HOLE,
    captures: tuple[Capture, ...] = (),
    twin_captures: tuple[Capture, ...] = (),
    path: Path | None = None,
    congestion: str = "cubic",
    seconds: float = 14,
    **settings: Any,
) -> tuple[Scenario, Scenario]:
    """Routers that say nothing; and the same path cured by PTBs, a clamp or a wider hop."""
    path = path or Path(mtu=mtu, round_trip=0.024)
    flows = flows or (Flow(talk=talk, ends="hangs", congestion_control=congestion),)
    bad = Scenario(
        name=name,
        shows=shows,
        path_mtu=mtu,
        data=data,
        family=family,
        path=path,
        flows=flows,
        seconds=seconds,
        icmp_dropped_at=ROUTERS,
        captures=captures or at_both_ends(sender, receiver),
        **settings,
    )
    well = tuple(replace(flow, ends="completes") if flow.ends == "hangs" else flow for flow in flows)
    twin = replace(bad, name=f"{name}_cured", flows=well)
    if cure == "ptb":
        told = at_both_ends(PMTUD_OK, PMTUD_OK_AT_RECEIVER, ptb=("accepted",))
        twin = replace(twin, shows=f"{shows}; the PTB arrives", icmp_dropped_at=(), captures=told)
    elif cure == "clamp":
        fits = at_both_ends(OK, OK) if mtu > 1280 else at_both_ends(_OK_OR_SMALL, _OK_OR_SMALL)
        rules: dict[Node, str] = {"server_router": clamp(mtu, family)}
        twin = replace(twin, shows=f"{shows}; both SYNs are clamped", rules=rules, captures=fits)
    else:
        wide = replace(path, mtu=bad.lan_mtu, mtu_back=None)
        twin = replace(
            twin,
            shows=f"{shows}; the path is as wide as the rest",
            path=wide,
            path_mtu=bad.lan_mtu,
            captures=at_both_ends(OK, OK),
        )
    return bad, replace(twin, captures=twin_captures) if twin_captures else twin


def _growing(*replies: int) -> Talk:
    return tuple(message for reply in replies for message in ask(reply, request=130))


_PIPELINED: Talk = (
    *(Say(speaker="client", size=150, heard=False),) * 5,
    Say(speaker="server", size=300),
    Say(speaker="server", size=800),
    Say(speaker="server", size=2 * FULL_6 + 644),
    Say(speaker="server", size=310),
    Say(speaker="server", size=90),
)
_BOTH_WAYS: Talk = (
    *ask(200),
    Say(speaker="client", size=150_000, after=0.2, heard=False),
    Say(speaker="server", size=150_000, after=0.3, heard=False),
)
_KEYSTROKES: Talk = (Say(speaker="client", size=36, after=0.12), Say(speaker="server", size=36)) * 20
_PASTE: Talk = (*_KEYSTROKES, Say(speaker="client", size=4 * FULL_4 + 208, after=0.5), Say(speaker="server", size=36))
_QUERIES: Talk = tuple(
    message for number in range(25) for message in ask(100 + 37 * number % 600, request=90 + 5 * number)
)
_TENTH: Talk = (
    *(Say(speaker="client", size=410, after=0.5), Say(speaker="server", size=60)) * 9,
    Say(speaker="client", size=3 * FULL_6, after=0.8),
    Say(speaker="server", size=60),
)
_PARALLEL_REPLIES = (300, 900, 2 * FULL_4 + 4, 5000, 1200, 20_000, 1290, 640, 7 * FULL_4 + 90, 1100, 60, 4000)
_PARALLEL_FITS = tuple(size + 52 <= 1340 for size in _PARALLEL_REPLIES)


def _parallel(hole: dict[int, Verdicts]) -> dict[int, Verdicts]:
    """By port: those that fit, and those in `hole`."""
    small = {8080 + n: TOO_SMALL for n, fits in enumerate(_PARALLEL_FITS) if fits}
    return small | {8080 + n: hole.get(n, hole[-1]) for n, fits in enumerate(_PARALLEL_FITS) if not fits}


_FLIGHTS: Talk = (
    Say(speaker="server", size=120),
    Say(speaker="client", size=600, after=0.2),
    Say(speaker="client", size=1100, after=0.4),
    Say(speaker="client", size=7 * 1460 + 250, after=0.4),
    Say(speaker="client", size=900, after=0.8),
    Say(speaker="server", size=50),
)

_TRAFFIC = (
    *hole_and_twin(
        "growing_replies",
        "replies that grow from 120 bytes until one is too large for a path of 1380",
        1380,
        "ptb",
        talk=_growing(120, 350, 700, 1000, 1200, 1340, 200),
        sender=BLACK_HOLE_BY_ACK,
        receiver=NEVER_SHOWN,
    ),
    *hole_and_twin(
        "pipelined_requests",
        "five pipelined requests, of which the third has a large reply, IPv6, path MTU 1300",
        1300,
        "clamp",
        talk=_PIPELINED,
        family=6,
    ),
    *hole_and_twin(
        "bulk_both_ways",
        "large transfers in both directions at once; only the one to the client meets the narrow hop",
        1410,
        "wide",
        talk=_BOTH_WAYS,
        path=Path(mtu=1410, mtu_back=1500, round_trip=0.03),
        captures=(
            Capture(
                role="sender",
                accept=BLACK_HOLE_BY_ACK,
                why="the ACKs that the server sends for the upload get through",
            ),
            Capture(
                role="receiver",
                accept=NEVER_SHOWN,
                why="nothing of the download arrives; the sequence numbers of the ACKs betray it",
            ),
        ),
    ),
    *hole_and_twin(
        "ssh_paste",
        "keystrokes and their echoes, then one large paste by the client, path MTU 1330",
        1330,
        "ptb",
        data="upload",
        talk=_PASTE,
    ),
    *hole_and_twin(
        "tls_certificates",
        "a TLS-like handshake with nine kilobytes of certificates, IPv6, BBR, path MTU 1360",
        1360,
        "clamp",
        talk=tls(hello=1100, flight=9100),
        family=6,
        congestion="bbr",
    ),
    *hole_and_twin(
        "large_hello_ipv6",
        "a TLS-like ClientHello of two segments, IPv6, path MTU 1388",
        1388,
        "ptb",
        data="upload",
        talk=tls(hello=1900, flight=1000),
        family=6,
    ),
    *hole_and_twin(
        "database_result",
        "25 small queries and then one result of 120 kB, Reno, path MTU 1440",
        1440,
        "ptb",
        talk=_QUERIES + ask(120_000),
        congestion="reno",
        sender=BLACK_HOLE_BY_ACK,
        receiver=NEVER_SHOWN,
        seconds=18,
    ),
    *hole_and_twin(
        "tenth_message",
        "a kept-alive connection hangs at its tenth message: three full segments and no tail, IPv6 upload",
        1290,
        "wide",
        data="upload",
        talk=_TENTH,
        family=6,
        sender=BLACK_HOLE_WITHOUT_CONTROL,
        receiver=NOTHING_ASKED,
        seconds=22,
    ),
    *hole_and_twin(
        "parallel_sizes",
        "twelve connections at once with replies of 60 bytes to 20 kB, path MTU 1340",
        1340,
        "clamp",
        flows=tuple(
            Flow(port=8080 + n, start=0.05 * n, talk=ask(180) + ask(size), ends="completes" if fits else "hangs")
            for n, (size, fits) in enumerate(zip(_PARALLEL_REPLIES, _PARALLEL_FITS, strict=True))
        ),
        captures=(
            Capture(
                role="sender",
                accept=BLACK_HOLE,
                flows=_parallel({-1: BLACK_HOLE, 5: BLACK_HOLE_BY_ACK, 6: BLACK_HOLE_BY_ACK}),
                why="port 8085 sends full segments only, port 8086 a single one",
            ),
            Capture(
                role="receiver",
                accept=HOLE,
                flows=_parallel({-1: HOLE, 5: NEVER_SHOWN, 6: NEVER_SHOWN}),
            ),
        ),
        twin_captures=at_both_ends(_OK_OR_SMALL, _OK_OR_SMALL),
    ),
    *hole_and_twin(
        "upload_flights",
        "an upload in four flights, of which the third is large, no timestamps, path MTU 1472",
        1472,
        "ptb",
        data="upload",
        talk=_FLIGHTS,
        sysctls={"net.ipv4.tcp_timestamps": "0"},
    ),
    *hole_and_twin(
        "small_window",
        "a receiver that never offers more than some five segments, path MTU 1358",
        1358,
        "wide",
        flows=(Flow(talk=small_talk(3, every=0.2) + ask(60_000), receive_buffer=8_000, ends="hangs"),),
        sender=BLACK_HOLE_BY_ACK,
        receiver=NEVER_SHOWN,
        seconds=20,
        twin_captures=at_both_ends(("ok", "zero_window"), ("ok", "zero_window")),
    ),
)

_SIZES = (
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
        "mtu_620_no_sack",
        "an upload into a path of 620 bytes, Reno, no SACK",
        620,
        "clamp",
        data="upload",
        talk=upload(5 * FULL_4 + 300),
        congestion="reno",
        sysctls={"net.ipv4.tcp_sack": "0"},
        sender=BLACK_HOLE_BY_ACK,
        receiver=("blackhole_suspected", "inconclusive"),
    ),
    *hole_and_twin(
        "mtu_1464_offloads_upload",
        "segmentation offload, no delay, Reno upload, path MTU 1464",
        1464,
        "ptb",
        data="upload",
        offloads=True,
        path=Path(kind="veth", mtu=1464),
        talk=upload(5 * FULL_4 + 300),
        congestion="reno",
        captures=at_both_ends(BLACK_HOLE, HOLE_OR_NOTHING),
    ),
    *hole_and_twin(
        "mtu_1446_no_timestamps_ipv6",
        "no timestamps, IPv6, RTT 120 ms, path MTU 1446",
        1446,
        "clamp",
        family=6,
        path=Path(mtu=1446, round_trip=0.12),
        talk=small_talk(2, every=0.3) + ask(4 * 1440 + 350),
        sysctls={"net.ipv4.tcp_timestamps": "0"},
        seconds=18,
    ),
    *hole_and_twin(
        "vxlan_1410",
        "a VXLAN overlay of MTU 1410, an upload",
        1410,
        "ptb",
        data="upload",
        path=Path(kind="vxlan", mtu=1410),
        talk=upload(6 * FULL_4 + 420),
    ),
    *hole_and_twin(
        "tunnel_1372_offloads",
        "a tunnel of MTU 1372, segmentation offload, a long download",
        1372,
        "clamp",
        offloads=True,
        path=Path(kind="tunnel", mtu=1372, round_trip=0.05),
        talk=small_talk(2, every=0.3) + ask(50_000),
        sender=BLACK_HOLE_BY_ACK,
        receiver=NEVER_SHOWN,
        seconds=18,
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

SEEN_HOLES: tuple[Scenario, ...] = (*_TRAFFIC, *_SIZES)
