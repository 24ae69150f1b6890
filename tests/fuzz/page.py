"""The page `docs/reliability.md`: what was tried, what it took, and the bounds.

Written by `python -m tests.fuzz --page docs/reliability.md`.
"""

# ruff: noqa: E501 - lines of the page

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence

from analyzer.capture.capture_filter import MAX_FILTERS, MAX_LENGTH
from analyzer.capture.compression import MEMORY_BYTES
from analyzer.capture.container import MAX_INTERFACES
from analyzer.decode.ether import MAX_STEPS
from analyzer.decode.network import MAX_EXTENSIONS
from analyzer.decode.tunnel import MAX_NESTING
from analyzer.evidence.ptb_ties import MOST_TIED
from analyzer.evidence.siblings import MOST_LOOKED_AT
from analyzer.flows.flow_tables import (
    DIRECTION,
    FLOW,
    ICMP,
    ODD_FLOW,
    ODD_TRANSFER,
    PACKET,
    PROGRESS_SLOTS,
    SIDES,
    TRANSFER,
)
from analyzer.flows.fragment_tables import FRAGMENT
from analyzer.model.host_name import NAMED_ADDRESSES, NAMES_PER_ADDRESS
from analyzer.passes.capture_points import MOST_POINTS
from analyzer.passes.names import MOST_MESSAGES
from analyzer.passes.walk import MOST_OPEN
from analyzer.report.frame_comments import COMMENTED_FLOWS, FRAME_COMMENTS
from analyzer.settings import (
    BYTES_A_JUDGED_PACKET,
    CHUNK_BYTES,
    DECOMPRESSED_AT_LEAST,
    DECOMPRESSED_RATIO,
    HEAD_BYTES,
    HISTORY_ROWS,
    ICMP_HEAD_BYTES,
    JUDGED_PACKETS,
    LOOKS_AT_A_PACKET,
    MAX_DECOMPRESSED_BYTES,
    MAX_EVENTS,
    MAX_EVENTS_PER_FLOW,
    MAX_FLOWS,
    MAX_FRAGMENTED_PAIRS,
    MAX_HEALTHY_PAIRS,
    MAX_ICMP,
    MAX_RECORD_BYTES,
    MAX_TROUBLED,
    PACKED_BYTES_A_JUDGED_PACKET,
    PACKETS_A_JUDGED_CONVERSATION,
    PACKETS_A_JUDGED_FLOW,
    RING_ROWS,
    RING_SLOTS,
)
from tests.fuzz.checks import MOST_MEGABYTES, MOST_SECONDS
from tests.fuzz.figures import Figures
from tests.fuzz.measurements import LEAST_SECONDS, Measured
from tests.fuzz.processes import STUCK_SECONDS
from tests.fuzz.worker import COMPARED, REPORTED

MIB = 1 << 20
MEMORY_BOUND = 1000
"""Memory that the analysis of any capture may take, MB."""


def page(command: str, figures: Figures, measured: Iterable[Measured]) -> str:
    """The whole page."""
    return f"""# Reliability

Written by `{command}`. Do not edit.

A capture may come from anybody. Whatever is in it: the analysis ends, in bounded time and memory, with a result or with
one line that says why the file is no capture.

{fuzzing(figures)}
{hostile(measured)}
{bounds()}"""


def fuzzing(figures: Figures) -> str:
    """What became of mutated captures."""
    counts = figures.counts
    rows = [
        ("inputs", f"{counts['inputs']:,}, {counts['bytes'] / 1e6:,.0f} MB"),
        ("analysed", f"{counts['analysed']:,}, of which {counts['damaged']:,} up to some damage"),
        ("refused, being no capture", f"{counts['no capture']:,}"),
        ("packets in them", f"{counts['packets']:,}, of which {counts['packets decoded']:,} were decoded"),
        ("analysed interpreted and compiled, and compared", f"{counts['compared']:,}"),
        ("made into reports of all kinds", f"{counts['reported']:,}"),
        ("**for which something did not hold**", f"**{counts['broken']:,}**"),
        ("slowest input", f"{figures.slowest:.2f} s of processor time"),
        ("most memory of a process", f"{figures.memory} MB"),
        ("time", f"{figures.seconds:,.0f} s on {os.cpu_count()} processors"),
    ]
    return f"""## Mutated captures

Pieces of all recordings and of traffic without sense, inside up to six tunnels, in every link type and container, then
hurt: bits flipped, bytes cut or doubled, numbers and lengths changed, packets spliced, dropped and shuffled, blocks in
another order, two captures given as one. Each input follows from the seed and its number.

{table(("", "this run"), rows)}
For each input must hold: no exception but the one for files that are no capture, at most {MOST_SECONDS:g} s of processor
time for an analysis, {MOST_MEGABYTES} MB for the process, and every packet read in exactly one count. One in {COMPARED} is analysed
both interpreted and compiled, which must agree, and one in {REPORTED} is made into reports. Processes that die, or are
silent for {STUCK_SECONDS:g} s, count as broken inputs. What breaks is kept in `tests/data/fuzz/` and tried in every run of
the tests.
"""


def hostile(measured: Iterable[Measured]) -> str:
    """What captures made to be slow or large took."""
    heads = ("capture", "size", "packets", "flows followed", "left out, says the report", "time", "exponent", "memory")
    return f"""## Captures made to be slow or large

{table(heads, [each.cells() for each in measured])}
Processor time and most memory of a process that analyses the capture, on a machine where a loop of Python's that adds ten
million numbers takes {yardstick():.1f} s. The exponent is that of the time by the number of packets, from half the size to
this one: 1 is linear; where either takes less than {LEAST_SECONDS} s there is none. In the tests the lines of code that run
are counted for small ones of each kind: twice the packets, twice the lines.
"""


def yardstick() -> float:
    """Processor time of ten million additions, s: machines differ, and one differs from hour to hour."""
    before = time.process_time()
    total = 0
    for i in range(10_000_000):
        total += i
    return time.process_time() - before


def bounds() -> str:
    """Every bound, from the constants."""
    opened = FLOW.itemsize + SIDES * DIRECTION.itemsize
    carries = opened + SIDES * TRANSFER.itemsize
    troubled = carries + ODD_FLOW.itemsize + SIDES * (ODD_TRANSFER.itemsize + 16 * PROGRESS_SLOTS)
    memory = f"{MAX_FLOWS * opened / 1e6:.0f} MB; {MAX_FLOWS * carries / 1e6:.0f} MB once all carry data"
    rows = [
        ("flows followed", f"{MAX_FLOWS:,}", f"{memory}; {MAX_FLOWS * troubled / 1e6:,.0f} MB once all have trouble"),
        ("of them, flows whose packets are kept", f"{MAX_TROUBLED:,}", "10 KB each in the results"),
        ("packets kept of troubled flows", f"{MAX_EVENTS:,}", f"{MAX_EVENTS * (PACKET.itemsize + HEAD_BYTES) / 1e6:.0f} MB"),
        ("of them, of one flow, all its episodes together", f"{MAX_EVENTS_PER_FLOW:,}", ""),
        ("packets before the trouble, of one flow", f"{HISTORY_ROWS:,}", ""),
        ("latest packets of all flows", f"{RING_ROWS:,}", f"{RING_SLOTS * (PACKET.itemsize + HEAD_BYTES) / 1e6:.0f} MB"),
        ("ICMP messages kept", f"{MAX_ICMP:,}", f"{MAX_ICMP * (ICMP.itemsize + ICMP_HEAD_BYTES) / 1e6:.0f} MB"),
        ("fragments kept", f"{MAX_ICMP:,}", f"{MAX_ICMP * FRAGMENT.itemsize / 1e6:.0f} MB; as datagrams 50 MB"),
        ("senders, receivers and protocols of fragments", f"{MAX_FRAGMENTED_PAIRS:,}", ""),
        ("pairs of addresses listed as paths, where nothing limits their packets", f"{MAX_HEALTHY_PAIRS:,}", "1 KB each"),
        ("hung flows of two addresses that one question looks at", f"{MOST_LOOKED_AT}", ""),
        ("looks at each packet and PTB of a flow, on average", f"{LOOKS_AT_A_PACKET:,}", "then it is `flow/too-much`"),
        (
            "flows judged one by one, since none is like them, and UDP conversations",
            f"{JUDGED_PACKETS:,} packets, 1 for each {BYTES_A_JUDGED_PACKET} bytes of the stored input, {PACKED_BYTES_A_JUDGED_PACKET} where it is compressed; a flow counts {PACKETS_A_JUDGED_FLOW} more, a UDP conversation {PACKETS_A_JUDGED_CONVERSATION}",
            "then `capture/too-much`; only compressed input gets there",
        ),
        ("PTBs without a flow that are tied to one number, or one size, of a flow", f"{MOST_TIED}", ""),
        ("files that are open although they are not due", f"{MOST_OPEN}", "of more, each is opened when it is read"),
        ("capture points told apart", f"{MOST_POINTS}", ""),
        ("read buffer of a file", f"{CHUNK_BYTES // MIB} MiB", "two where reading goes ahead"),
        ("a packet record", f"{MAX_RECORD_BYTES // MIB} MiB", "larger: damage"),
        ("interfaces of a pcapng", f"{MAX_INTERFACES:,}", "5 numbers each"),
        ("capture filters kept, and letters of each", f"{MAX_FILTERS}, {MAX_LENGTH}", ""),
        ("names of hosts (`--names`): addresses, names of each, messages looked into", f"{NAMED_ADDRESSES:,}, {NAMES_PER_ADDRESS}, {MOST_MESSAGES:,}", ""),
        ("flows whose frames get comments, comments at a frame", f"{COMMENTED_FLOWS:,}, {FRAME_COMMENTS}", "0.5 KB a comment"),
        ("tunnels in one another", f"{MAX_NESTING}", ""),
        ("tags and labels in a row", f"{MAX_STEPS}", ""),
        ("IPv6 extension headers", f"{MAX_EXTENSIONS}", ""),
        ("options of a packet or a block", "by the length of their header", ""),
        ("what a decompressor may take", f"{MEMORY_BYTES // MIB} MiB", "a file that claims more is damaged"),
        (
            "what compressed input may decompress to",
            f"{DECOMPRESSED_AT_LEAST >> 20} MiB and {DECOMPRESSED_RATIO} times its size, {MAX_DECOMPRESSED_BYTES >> 30} GiB in all, "
            "or `--max-decompressed`",
            "read in pieces, none of it kept",
        ),
    ]  # fmt: skip
    return f"""## Bounds

{table(("what", "at most", "memory"), rows)}
All flows of a scan take less than 1 GB. The most that was seen is 2.1 GB and 11 s of processor time, for 780 MB of
nothing but retransmissions in a million flows.
What is beyond a bound is counted, and the report says so. Text
out of a capture and names of files are escaped for the terminal, HTML, Markdown and CSV. A report is written whole or
not at all, in the place of a regular file or of none, never through a link.
"""


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"
