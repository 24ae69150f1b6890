"""Stacks that cannot be recorded here, as scripted timelines. See scripted.py for what they prove."""

from __future__ import annotations

from lab.scripted import Ack, Data, Ends, Event, Ptb, Script

_FULL = 1460


def flight(at: float, full: int = _FULL) -> tuple[Event, ...]:
    """Three full segments and a small one; the receiver's SACK shows that the small one arrived."""
    return (
        Data(at, 0, full),
        Data(at + 0.0001, full, full),
        Data(at + 0.0002, 2 * full, full),
        Data(at + 0.0003, 3 * full, 300),
        Ack(at + 0.03, 0, ((3 * full, 3 * full + 300),)),
    )


def again(*times: float, length: int = _FULL, df: bool = True) -> tuple[Event, ...]:
    """The first segment, again."""
    return tuple(Data(at, 0, length, df) for at in times)


def recut(at: float, piece: int, end: int, total: int, df: bool = True) -> tuple[Event, ...]:
    """The bytes up to `end` in pieces of `piece`, each ACKed; then everything up to `total` is."""
    events: list[Event] = []
    for offset in range(0, end, piece):
        length = min(piece, end - offset)
        acked = offset + length
        events += [
            Data(at, offset, length, df),
            Ack(at + 0.03, total if acked == end else acked),
        ]
        at += 0.031
    return (*events, Ends(at, total, "fin"))


# These stacks cut smaller at the second timeout already, so the hang is short: one retransmission at
# full size. Whoever demands three before he speaks of a black hole has to leave it unexplained.
_QUICKLY_RECOVERED = ("blackhole_recovered", "stall")
_QUICKLY = "a single retransmission at full size comes before the smaller ones"
_ALL = 3 * _FULL + 300

SCRIPTS: tuple[Script, ...] = (
    Script(
        name="scripted_macos_recovers",
        shows="macOS: at the second timeout DF is cleared and the MSS becomes 1200",
        path_mtu=1400,
        accept=_QUICKLY_RECOVERED,
        events=(*flight(1.0), *again(1.3), *recut(1.9, 1200, 3 * _FULL, _ALL, df=False)),
        why=_QUICKLY,
    ),
    Script(
        name="scripted_macos_reverts",
        shows="macOS: 1200 without DF is lost as well, so DF and the full size come back",
        path_mtu=1100,
        accept=("blackhole", "blackhole_probable", "fragment_loss", "stall"),
        events=(
            *flight(1.0),
            *again(1.3),
            *again(1.9, 3.1, 5.5, length=1200, df=False),
            *again(10.3, 19.9, 39.1),
        ),
        why="routers that fragment, and a firewall that drops fragments, beside a PMTUD black hole",
    ),
    Script(
        name="scripted_windows_clears_df",
        shows="Windows: the same segment is sent without DF, is ACKed as it is, and smaller ones with DF follow",
        path_mtu=1400,
        accept=("blackhole_recovered",),
        ttl=128,
        events=(
            *flight(1.0),
            *again(1.3, 1.9, 3.1),
            *again(5.5, df=False),
            Ack(5.53, _FULL),
            Data(5.531, _FULL, 536),
            Ack(5.561, _FULL + 536),
            Data(5.562, _FULL + 536, 536),
            Data(5.5621, _FULL + 2 * 536, 536),
            Data(5.5622, _FULL + 3 * 536, 536),
            Data(5.5623, _FULL + 4 * 536, 536),
            Data(5.5624, _FULL + 5 * 536, 240),
            Ack(5.6, _ALL),
            Ends(5.7, _ALL, "fin"),
        ),
    ),
    Script(
        name="scripted_windows_536",
        shows="Windows: after three timeouts the same bytes are cut to 536",
        path_mtu=1400,
        accept=("blackhole_recovered",),
        ttl=128,
        events=(*flight(1.0), *again(1.3, 1.9, 3.1), *recut(5.5, 536, 3 * _FULL, _ALL)),
    ),
    Script(
        name="scripted_windows_hangs",
        shows="Windows without black hole detection: five retransmissions, then RST",
        path_mtu=1400,
        accept=("blackhole",),
        ttl=128,
        events=(*flight(1.0), *again(1.3, 1.9, 3.1, 5.5, 10.3), Ends(19.9, _ALL, "rst")),
    ),
    Script(
        name="scripted_windows_zero_length",
        shows="Windows: super-segments are recorded with an IP length of zero; nothing is wrong",
        path_mtu=1500,
        accept=("ok", "inconclusive", "not_exercised"),
        ttl=128,
        events=(
            Data(1.0, 0, 5 * _FULL, zero_ip_len=True),
            Ack(1.03, 5 * _FULL),
            Data(1.031, 5 * _FULL, 10 * _FULL, zero_ip_len=True),
            Ack(1.061, 15 * _FULL),
            Data(1.062, 15 * _FULL, 400),
            Ack(1.092, 15 * _FULL + 400),
            Ends(1.1, 15 * _FULL + 400, "fin"),
        ),
    ),
    Script(
        name="scripted_freebsd_recovers",
        shows="FreeBSD with pmtud_blackhole_detection: 1200 at the second timeout, DF kept",
        path_mtu=1400,
        accept=_QUICKLY_RECOVERED,
        events=(*flight(1.0), *again(1.25), *recut(1.75, 1200, 3 * _FULL, _ALL)),
        why=_QUICKLY,
    ),
    Script(
        name="scripted_freebsd_recovers_ipv6",
        shows="FreeBSD with pmtud_blackhole_detection, IPv6: 1220",
        path_mtu=1280,
        accept=_QUICKLY_RECOVERED,
        why=_QUICKLY,
        family=6,
        mss=1440,
        events=(
            *flight(1.0, full=1440),
            *again(1.25, length=1440),
            *recut(1.75, 1220, 3 * 1440, 3 * 1440 + 300),
        ),
    ),
    Script(
        name="scripted_freebsd_hangs",
        shows="FreeBSD by default: the same size for ever",
        path_mtu=1400,
        accept=("blackhole",),
        events=(*flight(1.0), *again(1.25, 1.75, 2.75, 4.75, 8.75, 16.75, 32.75)),
    ),
    Script(
        name="scripted_plateau",
        shows="an old router says MTU 0 and the sender takes the next plateau of RFC 1191, 1006",
        path_mtu=1100,
        accept=("pmtud_ok",),
        ptb=("accepted", "mtu_zero"),
        events=(*flight(1.0), Ptb(1.031, 0, _FULL, 0), *recut(1.04, 966, 3 * _FULL, _ALL)),
    ),
    Script(
        name="scripted_macos_healthy",
        shows="macOS, healthy twin: everything arrives",
        path_mtu=1500,
        accept=("ok",),
        events=(
            Data(1.0, 0, _FULL),
            Data(1.0001, _FULL, _FULL),
            Data(1.0002, 2 * _FULL, _FULL),
            Data(1.0003, 3 * _FULL, 300),
            Ack(1.03, 2 * _FULL),
            Ack(1.0301, _ALL),
            Ends(1.1, _ALL, "fin"),
        ),
    ),
    Script(
        name="scripted_windows_lost_thrice",
        shows="Windows, healthy twin: a segment is lost three times and then ACKed at its own size, with DF",
        path_mtu=1500,
        accept=("loss", "stall", "content_drop"),
        ttl=128,
        events=(
            *flight(1.0),
            *again(1.3, 1.9, 3.1, 5.5),
            Ack(5.53, _FULL, ((3 * _FULL, _ALL),)),
            Data(5.531, _FULL, _FULL),
            Data(5.5311, 2 * _FULL, _FULL),
            Ack(5.561, _ALL),
            Ends(5.6, _ALL, "fin"),
        ),
    ),
)
