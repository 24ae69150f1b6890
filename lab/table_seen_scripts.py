"""First blind set: scripted timelines of other stacks with other sizes, and look-alikes of their fallbacks."""

from __future__ import annotations

from lab.scripted import Ack, Data, Ends, Event, Ptb, Script
from lab.table_scripts import again, flight, recut

_QUICKLY = "a single retransmission at full size comes before the smaller ones"
_QUICKLY_RECOVERED = ("blackhole_recovered", "stall")
_NOT_SIZE = ("loss", "stall", "content_drop")


def _lost_head(full: int, times: tuple[float, ...]) -> tuple[Event, ...]:
    """Four full segments of which only the first is lost, at first and at `times` again."""
    return (
        *(Data(1.0 + n / 10_000, n * full, full) for n in range(4)),
        Ack(1.0301, 0, ((full, 4 * full),)),
        *again(*times, length=full),
    )


SEEN_SCRIPTS: tuple[Script, ...] = (
    Script(
        name="scripted_macos_vpn",
        shows="macOS with an MSS of 1360: at the second timeout DF is cleared and the MSS becomes 1200",
        path_mtu=1300,
        accept=_QUICKLY_RECOVERED,
        mss=1360,
        events=(
            *flight(1.0, 1360),
            *again(1.24, length=1360),
            *recut(1.72, 1200, 3 * 1360, 3 * 1360 + 300, df=False),
        ),
        why=_QUICKLY,
    ),
    Script(
        name="scripted_macos_unlucky",
        shows="macOS: one segment is lost twice by chance, so that it is cut to 1200; as large ones arrived",
        path_mtu=1500,
        accept=_NOT_SIZE,
        events=(
            *_lost_head(1460, (1.3,)),
            Data(1.9, 0, 1200, df=False),
            Ack(1.93, 1200, ((1460, 4 * 1460),)),
            Data(1.931, 1200, 260, df=False),
            Ack(1.961, 4 * 1460),
            Ends(2.0, 4 * 1460, "fin"),
        ),
        why="three segments of full size are acknowledged with SACK before the cut",
    ),
    Script(
        name="scripted_windows_1004",
        shows="Windows on a path of 1004: after four timeouts the same bytes are cut to 536",
        path_mtu=1004,
        accept=("blackhole_recovered",),
        ttl=128,
        events=(*flight(1.0, 1460), *again(1.35, 2.05, 3.45, 6.25), *recut(11.85, 536, 3 * 1460, 3 * 1460 + 300)),
    ),
    Script(
        name="scripted_windows_hangs_ipv6",
        shows="Windows, IPv6: five retransmissions, then RST",
        path_mtu=1454,
        accept=("blackhole",),
        ttl=128,
        family=6,
        mss=1440,
        events=(
            *flight(1.0, 1440),
            *again(1.3, 1.9, 3.1, 5.5, 10.3, length=1440),
            Ends(19.9, 3 * 1440 + 300, "rst"),
        ),
    ),
    Script(
        name="scripted_windows_zero_length_hangs",
        shows="Windows: a super-segment is recorded with an IP length of zero; its first segment is sent in vain",
        path_mtu=1400,
        accept=("blackhole",),
        ttl=128,
        events=(
            Data(1.0, 0, 3 * 1460, zero_ip_len=True),
            Data(1.0001, 3 * 1460, 300),
            Ack(1.0302, 0, ((3 * 1460, 3 * 1460 + 300),)),
            *again(1.3, 1.9, 3.1, 5.5, 10.3, length=1460),
        ),
    ),
    Script(
        name="scripted_windows_unlucky",
        shows="Windows: a segment is lost three times by chance and arrives without DF; as large ones arrived with it",
        path_mtu=1500,
        accept=_NOT_SIZE,
        ttl=128,
        events=(
            *_lost_head(1460, (1.3, 1.9, 3.1)),
            *again(5.5, length=1460, df=False),
            Ack(5.53, 4 * 1460),
            Data(5.6, 4 * 1460, 1460),
            Ack(5.63, 5 * 1460),
            Ends(5.7, 5 * 1460, "fin"),
        ),
    ),
    Script(
        name="scripted_freebsd_jumbo",
        shows="FreeBSD with jumbo frames into a path of 1500: 1200 at the second timeout",
        path_mtu=1500,
        accept=_QUICKLY_RECOVERED,
        mss=8960,
        events=(
            *flight(1.0, 8960),
            *again(1.25, length=8960),
            *recut(1.75, 1200, 3 * 8960, 3 * 8960 + 300),
        ),
        why=_QUICKLY,
    ),
    Script(
        name="scripted_freebsd_twice",
        shows="FreeBSD on a path of 900: 1200 is still too large, 536 is not",
        path_mtu=900,
        accept=_QUICKLY_RECOVERED,
        events=(
            *flight(1.0, 1460),
            *again(1.25, length=1460),
            *again(1.75, 2.75, length=1200),
            *recut(4.75, 536, 3 * 1460, 3 * 1460 + 300),
        ),
        why="one retransmission at full size, two at 1200",
    ),
    Script(
        name="scripted_freebsd_unlucky",
        shows="FreeBSD, healthy twin: a flight is lost, its head once more, then all arrive at full size, IPv6",
        path_mtu=1500,
        accept=("loss", "stall"),
        family=6,
        mss=1440,
        events=(
            *flight(1.0, 1440),
            *again(1.25, 1.75, length=1440),
            Ack(1.78, 1440, ((3 * 1440, 3 * 1440 + 300),)),
            Data(1.781, 1440, 1440),
            Data(1.7811, 2 * 1440, 1440),
            Ack(1.811, 3 * 1440 + 300),
            Ends(1.9, 3 * 1440 + 300, "fin"),
        ),
    ),
    Script(
        name="scripted_plateau_1492",
        shows="an old router says MTU 0 and the sender takes the next plateau of RFC 1191, 1492",
        path_mtu=1492,
        accept=("pmtud_ok",),
        ptb=("accepted", "mtu_zero"),
        events=(
            *flight(1.0, 1460),
            Ptb(1.031, 0, 1460, 0),
            *recut(1.04, 1452, 3 * 1460, 3 * 1460 + 300),
        ),
    ),
)
