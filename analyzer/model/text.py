"""How addresses, frames, sizes, times and foreign strings are written."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address
from pathlib import PurePath
from typing import TYPE_CHECKING

from analyzer.model.statement import FrameRef

if TYPE_CHECKING:  # errors are told by this file, also that numpy, which those need, is missing
    from analyzer.model.analysis import CaptureFile
    from analyzer.model.flow import Endpoint, PathMtu

SHOWN_LABELS = 8
"""Names of files in one sentence."""

SHOWN_FRAMES = 8
"""Frame numbers and runs of them in one list; the rest is counted."""

UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Unicode categories that may steer a terminal, reorder text or hide in it: controls, formats (bidi
overrides, zero width), unassigned, private use, surrogates (bytes that are no UTF-8), line separators."""


def printable(text: str) -> str:
    r"""The text with everything that is not plainly visible written as an escape such as `\x1b`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(c) if unicodedata.category(c) in UNSAFE_CATEGORIES else c for c in text)


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python carries a byte of a file name that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def plural(count: int, noun: str, plural_noun: str = "") -> str:
    """A count and its noun: "1 flow", "12 flows", "4,470,000 packets"."""
    return f"{count:,} {noun if count == 1 else plural_noun or noun + 's'}"


def joined(parts: Sequence[str]) -> str:
    """A list in a sentence: "a, b and c"."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def ip_text(value: int, version: int) -> str:
    """The text of an IP address, as RFC 5952 and Wireshark write it.

    Python before 3.13 writes the IPv4 address in an IPv4-mapped one (::ffff:192.0.2.1) as hexadecimal digits.
    """
    if version == 4:
        return str(IPv4Address(value))
    if value >> 32 == 0xFFFF:
        return f"::ffff:{IPv4Address(value & 0xFFFFFFFF)}"
    return str(IPv6Address(value))


def packed_ip_text(packed: bytes) -> str:
    """As `ip_text`, of an address in network order: 4 or 16 bytes."""
    return ip_text(int.from_bytes(packed), 4 if len(packed) == 4 else 6)


def endpoint(end: Endpoint) -> str:
    """Address and port: "10.0.2.2:443", "[2001:db8::1]:443"."""
    return f"[{end.ip}]:{end.port}" if ":" in end.ip else f"{end.ip}:{end.port}"


def bracket(size: PathMtu) -> str:
    """A path MTU for a table cell: "1400", "1400..1499", ">= 1400", "<= 1499", or "-"."""
    if size.exact is not None:
        return str(size.exact)
    if size.at_least is not None and size.at_most is not None:
        return str(size.at_least) if size.at_least == size.at_most else f"{size.at_least}..{size.at_most}"
    if size.at_least is not None:
        return f">= {size.at_least}"
    if size.at_most is not None:
        return f"<= {size.at_most}"
    return "-"


def lost_packets(size: PathMtu) -> str:
    """What a path of this MTU is seen to lose: "packets of 1500 bytes"."""
    if size.exact is not None:
        return f"packets above {size.exact} bytes"
    if size.at_most is not None:
        return f"packets of {size.at_most + 1} bytes"
    return "large packets" if size.at_least is None else f"packets larger than {size.at_least} bytes"


def seconds(value: float) -> str:
    """A duration: "0.24 s", "26.6 s", "924 s"."""
    if value < 1:
        return f"{value:.2f} s"
    return f"{value:.1f} s" if value < 100 else f"{value:,.0f} s"


def seconds_of(ns: int) -> str:
    """As `seconds`, of a duration in nanoseconds."""
    return seconds(ns / 1e9)


def times(count: int) -> str:
    """How often: "once", "twice", "5 times"."""
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def clock(ns: int) -> str:
    """A time of the capture: "2026-11-22 13:50:00 UTC"."""
    return f"{' '.join(day_clock(ns))} UTC"


def day_clock(ns: int) -> tuple[str, str]:
    """Day and time of the day, UTC: "2026-11-22", "13:50:00"."""
    moment = datetime.fromtimestamp(ns // 1_000_000_000, UTC)
    return f"{moment:%Y-%m-%d}", f"{moment:%H:%M:%S}"


def iso_time(ns: int) -> str:
    """A time in UTC with all nanoseconds: "2026-11-22T13:50:00.123456789Z"."""
    whole, fraction = divmod(ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"


def extent(file: CaptureFile) -> str:
    """How far a file could be read that could not be read to its end."""
    how = "is cut off" if file.is_cut else "is damaged"
    where = f"after {plural(file.packets, 'packet')}" if file.packets else "before the first packet"
    why = "" if file.is_cut else f": {printable(file.problem)}"
    return f"{how} {where} (byte {file.damaged_at}{why})"


def capture_name(files: Sequence[CaptureFile]) -> str:
    """What the files of a capture are called together: "hang.pcap", "hang.pcap and 3 more files"."""
    first, *others = (printable(file.path) for file in files)
    return first + (f" and {plural(len(others), 'more file')}" if others else "")


def file_labels(files: Sequence[CaptureFile]) -> tuple[str, ...]:
    """A short printable name for each file, see `names_of`."""
    return names_of([file.path for file in files])


def joined_labels(files: Sequence[CaptureFile]) -> str:
    """The names of the files in a sentence; of many, the first, and how many more."""
    labels = file_labels(files)
    more = len(labels) - SHOWN_LABELS
    return joined([*labels[:SHOWN_LABELS], plural(more, "more file")] if more > 0 else labels)


def names_of(paths: Sequence[str]) -> tuple[str, ...]:
    """A short printable name for each path, all different: its last part, or all of it where that is ambiguous."""
    names = [PurePath(path).name or path for path in paths]
    found = Counter(names)
    names = [printable(name if found[name] == 1 else path) for name, path in zip(names, paths, strict=True)]
    seen: Counter[str] = Counter()  # several open files may have one name
    labels = []
    for name in names:
        seen[name] += 1
        labels.append(f"{name} ({seen[name]})" if seen[name] > 1 else name)
    return tuple(labels)


def frames_text(
    frames: Iterable[FrameRef], labels: Sequence[str] = (), *, most: int = SHOWN_FRAMES, unit: str = "frame"
) -> str:
    """Frame numbers as Wireshark shows them: "frame 12", "frames 12, 14, 17-21 and 14 more".

    Args:
        frames: in any order; those named twice are written once.
        labels: names of the files; with more than one, each number comes with its file.
        most: numbers or runs written out, at least 1.
        unit: the noun, singular.
    """
    by_file: dict[int, list[int]] = {}
    for file, frame in sorted(set(frames)):
        by_file.setdefault(file, []).append(frame)
    room = most
    parts = []
    left_out = 0
    for file, numbers in by_file.items():
        runs = runs_of(numbers)
        shown, hidden = runs[:room], runs[room:]
        room -= len(shown)
        left_out += sum(last - first + 1 for first, last in hidden)
        if shown:
            noun = unit if len(numbers) == 1 else unit + "s"
            label = f"{labels[file]}: " if len(labels) > 1 else ""
            listed = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in shown)
            parts.append(f"{label}{noun} {listed}")
    return "; ".join(parts) + (f" and {left_out:,} more" if left_out else "")


def runs_of(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Runs of at least three neighbours as (first, last); other numbers as (n, n)."""
    runs: list[tuple[int, int]] = []
    start = 0
    for i in range(1, len(numbers) + 1):
        if i < len(numbers) and numbers[i] == numbers[i - 1] + 1:
            continue
        if i - start >= 3:
            runs.append((numbers[start], numbers[i - 1]))
        else:
            runs.extend((n, n) for n in numbers[start:i])
        start = i
    return runs
