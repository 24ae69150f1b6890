"""What is measured: each workload's captures, in full or quick, and the slices of it for slow programs."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.captures import RECORDED, Wanted

GENERATED_SLICES = (50_000, 200_000)


@dataclass(frozen=True)
class Workload:
    """One kind of traffic. With two captures the difference between them is the marginal cost, free of start-up.

    Slow programs (tshark, dpkt) run on `slices`, smaller captures of the same kind; where there are none, on all.
    """

    name: str
    title: str
    about: str
    captures: tuple[Wanted, ...]
    slices: tuple[Wanted, ...] = ()
    tunnel: bool = False

    @property
    def wanted(self) -> tuple[Wanted, ...]:
        """All captures that it needs."""
        return (*self.captures, *self.slices)


def _workload(
    name: str, title: str, about: str, kind: str, amounts: tuple[int, ...], suffix: str, quick: bool
) -> Workload:
    slices: tuple[int, ...] = () if amounts[0] <= GENERATED_SLICES[1] else GENERATED_SLICES
    if quick:
        amounts, slices = tuple(max(amount // 100, 30) for amount in amounts), tuple(one // 10 for one in slices)
    if suffix not in {".pcap", ".pcapng"}:
        slices = slices[-1:]
    captures = tuple(Wanted(kind, amount, suffix) for amount in amounts)
    return Workload(name, title, about, captures, tuple(Wanted(kind, n, suffix) for n in slices), kind == "vxlan")


def workloads(*, quick: bool) -> list[Workload]:
    """All of them, in the page's order. `quick` ones are a hundredth as large: they show that all works, no more."""
    rows: list[tuple[str, str, str, str, tuple[int, ...], str]] = [
        ("small", "A small capture", "30 packets of one flow: start-up alone", "one_flow", (30,), ".pcap"),
        (
            "trouble",
            "A small capture with trouble",
            "40 packets of four connections that hang: start-up, and what judging a hang needs",
            "hung",
            (40,),
            ".pcap",
        ),
        (
            "bulk",
            "Bulk transfer, full-size packets",
            "Four bulk transfers captured whole, 1 and 3 GB: two segments of 1514 bytes, then an ACK",
            "bulk",
            (955_000, 2_865_000),
            ".pcap",
        ),
        (
            "snap96",
            "96-byte snap length",
            "Ten bulk transfers captured with `-s 96`, 5 and 20 million packets",
            "snap96",
            (5_000_000, 20_000_000),
            ".pcap",
        ),
        (
            "flows",
            "Short flows",
            "100,000 and one million connections of ten packets: handshake, request, reply, close; `-s 96`",
            "flows",
            (1_000_000, 10_000_000),
            ".pcap",
        ),
        (
            "turns",
            "Flows that take turns",
            "100,000 bulk transfers at the same time, 2 and 10 million packets; `-s 96`",
            "turns",
            (2_000_000, 10_000_000),
            ".pcap",
        ),
        (
            "hung",
            "Trouble in bulk",
            "100,000 and one million connections that hang, of one client and one server, ten packets each; `-s 96`",
            "hung",
            (1_000_000, 10_000_000),
            ".pcap",
        ),
        (
            "lossy",
            "A lossy path",
            "20 bulk transfers, 2 and 20 million packets, 5 % of the segments lost and sent again, with SACK; `-s 96`",
            "lossy",
            (2_000_000, 20_000_000),
            ".pcap",
        ),
        (
            "recorded",
            "Recorded from a real stack",
            "Four downloads of the Linux TCP stack in the laboratory, 0.2 % loss, 10 ms; `-s 96`",
            RECORDED,
            (240,),
            ".pcap",
        ),
        (
            "udp",
            "UDP conversations",
            "100,000 and one million conversations of ten packets on average, DNS and QUIC; `-s 96`",
            "udp",
            (1_000_000, 10_000_000),
            ".pcap",
        ),
        ("pcapng", "pcapng", "As 96-byte snap length, in pcapng", "pcapng", (2_000_000,), ".pcapng"),
        ("gzip", "gzip", "As 96-byte snap length, compressed by gzip -6", "snap96", (2_000_000,), ".pcap.gz"),
        ("zstd", "zstd", "As 96-byte snap length, compressed by zstd -3", "snap96", (2_000_000,), ".pcap.zst"),
        (
            "vxlan",
            "VXLAN",
            "Ten bulk transfers inside VXLAN, 2 and 10 million packets; `-s 146`",
            "vxlan",
            (2_000_000, 10_000_000),
            ".pcap",
        ),
    ]
    made = [_workload(*row, quick=quick) for row in rows]
    if quick:
        return [_renamed(one, Wanted(RECORDED, 4)) if one.name == "recorded" else one for one in made]
    return made


def _renamed(workload: Workload, capture: Wanted) -> Workload:
    return Workload(workload.name, workload.title, workload.about, (capture,))


def in_form(kind: str, *, quick: bool) -> tuple[Wanted, Wanted]:
    """Two lengths of the same traffic in a form (`benchmarks.forms`)."""
    small, large = (10_000, 40_000) if quick else (1_000_000, 9_000_000)
    return Wanted(kind, small), Wanted(kind, large)


def scaling(*, quick: bool) -> list[Wanted]:
    """Captures of ten flows from 10^4 to 10^8 packets."""
    return [Wanted("snap96", 10**power) for power in (range(4, 7) if quick else range(4, 9))]
