"""Black holes by the shape of what is said: growing, pipelined, both ways, in several connections."""

from __future__ import annotations

from dataclasses import replace

from lab.conversations import (
    FULL_4,
    FULL_6,
    TAIL_4,
    WITHOUT_TAIL,
    Talk,
    ask,
    from_client,
    from_server,
    pushes,
    small_talk,
)
from lab.patterns import black_hole, hole_and_twin
from lab.truths import (
    BLACK_HOLE,
    BLACK_HOLE_BY_ACK,
    BLACK_HOLE_WITHOUT_CONTROL,
    HOLE,
    NEVER_SHOWN,
    NOTHING_ASKED,
    OK_OR_SMALL,
    PMTUD_OK,
    PMTUD_OK_AT_RECEIVER,
    TOO_SMALL,
    UPLOAD_UNSEEN,
    at_both_ends,
)
from lab.vocabulary import Capture, Flow, Path, Say, Scenario, Verdicts

_WEBSOCKET: Talk = (
    *(from_server(130, 0.35),) * 14,
    from_server(2 * FULL_4 + 4, 0.35),
    *(from_server(130, 0.35),) * 8,
)
_DUPLEX: Talk = (
    *small_talk(3, every=0.2),
    from_client(TAIL_4, 0.2, heard=False),
    from_server(TAIL_4, 0.2, heard=False),
    from_server(60),
)
_ROWS: Talk = (
    *small_talk(2, every=0.2),
    from_client(150, 0.2),
    *(from_server(200, 0.01),) * 40,
    from_client(60),
    from_server(30_000),
)
_KAFKA: Talk = (*(from_client(900, 0.3), from_server(64)) * 7, from_client(8 * FULL_4 + 72, 0.3), from_server(64))
_PULLS = tuple(
    Flow(port=8080 + n, start=0.15 * n, talk=ask(900) + ask(120_000 + 1000 * n), ends="hangs") for n in range(8)
)
_RETRIES = tuple(
    Flow(talk=ask(300) + ask(TAIL_4), start=2.4 * n, client_patience=2.2, client_aborts=True, ends="breaks")
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


_MESSAGES = (
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
        "eighth_batch",
        "seven small batches are acknowledged, the eighth of 12 kB is not, segmentation offload, path MTU 1428",
        1428,
        "ptb",
        data="upload",
        offloads=True,
        path=Path(kind="veth", mtu=1428),
        talk=_KAFKA,
        sender=BLACK_HOLE_BY_ACK,
        receiver=UPLOAD_UNSEEN,
    ),
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
    black_hole(
        "keep_alive_hangs",
        "a kept-alive connection works for ten seconds and hangs at its first large reply",
        1420,
        talk=small_talk(10, every=1.0) + ask(TAIL_4),
        seconds=28,
    ),
)

_SEVERAL_CONNECTIONS = (
    _RETRY_LOOP,
    replace(_RETRY_LOOP_CURED, flows=tuple(replace(flow, ends="completes") for flow in _RETRIES)),
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
        twin_captures=at_both_ends(OK_OR_SMALL, OK_OR_SMALL),
    ),
    black_hole(
        "many_flows",
        "six connections: those with small replies finish, those with large ones hang",
        1400,
        flows=tuple(
            Flow(
                port=8080 + n,
                start=0.4 * n,
                talk=small_talk(3, every=0.3) + ask(TAIL_4 if n % 2 else 900),
                ends="hangs" if n % 2 else "completes",
            )
            for n in range(6)
        ),
        captures=(
            Capture(
                role="sender",
                accept=BLACK_HOLE,
                flows={8080 + n: BLACK_HOLE if n % 2 else TOO_SMALL for n in range(6)},
            ),
            Capture(
                role="receiver",
                accept=HOLE,
                flows={8080 + n: HOLE if n % 2 else TOO_SMALL for n in range(6)},
            ),
        ),
    ),
    black_hole(
        "bulk_beside_pushes",
        "full segments only, but another connection of the pair keeps getting small ones through",
        1400,
        flows=(
            Flow(port=8080, talk=pushes(10, every=1.0)),
            Flow(port=8081, start=1.0, talk=ask(WITHOUT_TAIL), ends="hangs"),
        ),
        captures=(
            Capture(
                role="sender",
                accept=BLACK_HOLE,
                flows={8080: TOO_SMALL, 8081: BLACK_HOLE},
            ),
            Capture(
                role="receiver",
                accept=NEVER_SHOWN,
                flows={8080: TOO_SMALL, 8081: NEVER_SHOWN},
            ),
        ),
    ),
)

SCENARIOS: tuple[Scenario, ...] = (*_MESSAGES, *_SEVERAL_CONNECTIONS)
