"""Blind set: black holes under everyday applications, each with its twin."""

from __future__ import annotations

from dataclasses import replace

from lab.conversations import Talk, ask, small_talk, tls, upload
from lab.table_seen_holes import FULL_4, FULL_6, hole_and_twin
from lab.truths import (
    BLACK_HOLE,
    BLACK_HOLE_BY_ACK,
    HOLE,
    NEVER_SHOWN,
    OK,
    PMTUD_OK,
    PMTUD_OK_AT_RECEIVER,
    TOO_SMALL,
    at_both_ends,
)
from lab.vocabulary import Capture, Flow, Path, Say, Scenario, Verdicts

_UPLOAD_UNSEEN: Verdicts = ("inconclusive", "not_exercised", "blackhole_suspected")
_TAIL_4, _TAIL_6 = 5 * FULL_4 + 300, 5 * FULL_6 + 300


def _client(size: int, after: float = 0.0, *, heard: bool = True) -> Say:
    return Say(speaker="client", size=size, after=after, heard=heard)


def _server(size: int, after: float = 0.0, *, heard: bool = True) -> Say:
    return Say(speaker="server", size=size, after=after, heard=heard)


_SMTP: Talk = (
    _server(60),
    *(
        message
        for size, answer in ((22, 190), (38, 24), (33, 24), (6, 40))
        for message in (_client(size), _server(answer))
    ),
    _client(38_000),
    _server(33),
)
_GIT: Talk = (
    _server(41),
    _client(38),
    _server(1080),
    _client(1150),
    *(_client(120, 0.2), _server(460)) * 3,
    _client(6 * FULL_6 + 500, 0.3),
    _server(70),
)
_NFS: Talk = (
    *small_talk(6, every=0.15, request=140, reply=112),
    *(_client(140, heard=False),) * 3,
    _server(32_900),
    _server(240),
    _server(32_900),
)
_HTTP2: Talk = (
    _client(400),
    _server(90),
    _client(60, 0.2, heard=False),
    *(_server(size, heard=False) for size in (700, 1100, 4 * 1460 + 200, 300)),
    _server(90),
)
_PROXIED: Talk = (_client(210, 0.1), _server(39), *tls(hello=517, flight=3 * FULL_4 + 856))
_WEBSOCKET: Talk = (
    *(_server(130, 0.35),) * 14,
    _server(2 * FULL_4 + 4, 0.35),
    *(_server(130, 0.35),) * 8,
)
_DUPLEX: Talk = (
    *small_talk(3, every=0.2),
    _client(_TAIL_4, 0.2, heard=False),
    _server(_TAIL_4, 0.2, heard=False),
    _server(60),
)
_FTP_CONTROL: Talk = small_talk(14, every=0.8, request=30, reply=48)
_ROWS: Talk = (*small_talk(2, every=0.2), _client(150, 0.2), *(_server(200, 0.01),) * 40, _client(60), _server(30_000))
_IMAP: Talk = (*small_talk(5, every=0.2, request=40, reply=300), _client(36), _server(9 * FULL_4))
_KAFKA: Talk = (*(_client(900, 0.3), _server(64)) * 7, _client(8 * FULL_4 + 72, 0.3), _server(64))
_SHELL: Talk = (
    *(_client(36, 0.1), _server(36)) * 15,
    _client(36, 0.2),
    _server(2 * FULL_6 + 180, heard=False),
    *(_client(36, 0.5),) * 4,
    _server(36),
)
_PULLS = tuple(
    Flow(port=8080 + n, start=0.15 * n, talk=ask(900) + ask(120_000 + 1000 * n), ends="hangs") for n in range(8)
)
_RETRIES = tuple(
    Flow(talk=ask(300) + ask(_TAIL_4), start=2.4 * n, client_patience=2.2, client_aborts=True, ends="breaks")
    for n in range(6)
)

_RETRY_LOOP, _RETRY_LOOP_CURED = hole_and_twin(
    "retry_loop",
    "a client that loses patience after two seconds and tries again from a new port, six times, path MTU 1368",
    1368,
    "ptb",
    flows=_RETRIES,
    sender=BLACK_HOLE_BY_ACK,
    receiver=("blackhole_suspected", "inconclusive"),
    seconds=20,
    twin_captures=at_both_ends(PMTUD_OK, PMTUD_OK_AT_RECEIVER, ptb=("accepted",)),
)

BLIND_APPLICATIONS: tuple[Scenario, ...] = (
    *hole_and_twin(
        "smtp_body",
        "SMTP: the dialogue passes, the body of 38 kB does not, path MTU 1436",
        1436,
        "ptb",
        data="upload",
        talk=_SMTP,
        sender=BLACK_HOLE_BY_ACK,
        receiver=_UPLOAD_UNSEEN,
        seconds=16,
    ),
    *hole_and_twin(
        "git_push",
        "a push over SSH: negotiation passes, the pack does not, IPv6, BBR, path MTU 1412",
        1412,
        "clamp",
        data="upload",
        family=6,
        talk=_GIT,
        congestion="bbr",
    ),
    *hole_and_twin(
        "nfs_reads",
        "hosts with jumbo frames and pipelined reads over a switch that passes 1500",
        1500,
        "ptb",
        lan_mtu=9000,
        talk=_NFS,
        seconds=18,
    ),
    *hole_and_twin(
        "http2_streams",
        "small and large frames of several streams on one connection, no timestamps, path MTU 1446",
        1446,
        "wide",
        talk=_HTTP2,
        sysctls={"net.ipv4.tcp_timestamps": "0"},
    ),
    *hole_and_twin(
        "proxy_connect",
        "a proxy answers CONNECT, then the certificates through it get stuck at 1382",
        1382,
        "clamp",
        flows=(Flow(port=3128, talk=_PROXIED, ends="hangs"),),
    ),
    *hole_and_twin(
        "websocket_fifteenth",
        "a server pushes small messages; the fifteenth is two segments and four bytes, path MTU 1452",
        1452,
        "ptb",
        talk=_WEBSOCKET,
        seconds=20,
    ),
    *hole_and_twin(
        "duplex_hang",
        "both ends of one connection send at once into 1380, each way",
        1380,
        "ptb",
        talk=_DUPLEX,
        captures=at_both_ends(BLACK_HOLE, BLACK_HOLE),
        twin_captures=tuple(Capture(role=role, accept=PMTUD_OK, ptb=("accepted",)) for role in ("sender", "receiver")),
    ),
    *hole_and_twin(
        "ftp_data",
        "the data connection hangs at 1418 while the control connection goes on",
        1418,
        "wide",
        flows=(
            Flow(port=8021, talk=_FTP_CONTROL),
            Flow(port=8020, start=1.5, talk=small_talk(1, every=0.1) + ask(80_000), ends="hangs"),
        ),
        captures=(
            Capture(role="sender", accept=BLACK_HOLE, flows={8020: BLACK_HOLE, 8021: TOO_SMALL}),
            Capture(role="receiver", accept=NEVER_SHOWN, flows={8020: NEVER_SHOWN, 8021: TOO_SMALL}),
        ),
        twin_captures=tuple(
            Capture(role=role, accept=OK, flows={8020: OK, 8021: TOO_SMALL}) for role in ("sender", "receiver")
        ),
        seconds=16,
    ),
    _RETRY_LOOP,
    replace(_RETRY_LOOP_CURED, flows=tuple(replace(flow, ends="completes") for flow in _RETRIES)),
    *hole_and_twin(
        "many_rows_then_blob",
        "forty rows one by one, then a blob of 30 kB, IPv6, no SACK, path MTU 1374",
        1374,
        "ptb",
        family=6,
        talk=_ROWS,
        sysctls={"net.ipv4.tcp_sack": "0"},
        sender=BLACK_HOLE_BY_ACK,
        receiver=NEVER_SHOWN,
        seconds=18,
    ),
    *hole_and_twin(
        "imap_literal",
        "a mail of exactly nine full segments over PPPoE, path MTU 1492",
        1492,
        "clamp",
        talk=_IMAP,
        sender=BLACK_HOLE_BY_ACK,
        receiver=NEVER_SHOWN,
    ),
    *hole_and_twin(
        "eighth_batch",
        "seven small batches are acknowledged, the eighth of 12 kB is not, segmentation offload, path MTU 1428",
        1428,
        "ptb",
        data="upload",
        offloads=True,
        path=Path(kind="veth", mtu=1428),
        talk=_KAFKA,
        sender=BLACK_HOLE_BY_ACK,
        receiver=_UPLOAD_UNSEEN,
    ),
    *hole_and_twin(
        "key_shares_one_way",
        "a ClientHello of 1850 bytes into 1390; the way back is wide",
        1390,
        "wide",
        data="upload",
        path=Path(mtu=1390, mtu_back=1500, round_trip=0.04),
        talk=tls(hello=1850, flight=5000),
    ),
    *hole_and_twin(
        "shell_listing",
        "keystrokes, then a listing of three segments; the user goes on typing, IPv6, path MTU 1400",
        1400,
        "clamp",
        family=6,
        talk=_SHELL,
    ),
    *hole_and_twin(
        "eight_pulls",
        "eight downloads of layers at once, each after a small manifest, path MTU 1360",
        1360,
        "clamp",
        flows=_PULLS,
        captures=at_both_ends(BLACK_HOLE_BY_ACK, NEVER_SHOWN),
        seconds=20,
    ),
    *hole_and_twin(
        "one_way_of_two",
        "downloads work and uploads hang: 1300 from the client, 1500 to it",
        1300,
        "wide",
        data="upload",
        path=Path(mtu=1300, mtu_back=1500, round_trip=0.03),
        flows=(
            Flow(port=8080, talk=(ask(30_000) + small_talk(1, every=0.5)) * 3),
            Flow(port=8081, start=0.4, talk=upload(_TAIL_4), ends="hangs"),
        ),
        captures=(
            Capture(role="sender", accept=BLACK_HOLE, flows={8080: OK, 8081: BLACK_HOLE}),
            Capture(role="receiver", accept=HOLE, flows={8080: OK, 8081: HOLE}),
        ),
        twin_captures=at_both_ends(OK, OK),
    ),
)
