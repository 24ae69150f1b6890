"""The captures on disk: made once, kept as long as what makes them is unchanged.

Beside each capture lies a JSON file with what is in it and a digest of the generator's source.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.forms import FORMS

HERE = Path(__file__).resolve().parent
RECORDED = "recorded"
_MAKERS = (
    "forms.py",
    "layout.py",
    "steady.py",
    "short.py",
    "hung.py",
    "lossy.py",
    "datagrams.py",
    "generate.py",
    "recorded.py",
)
# Bytes of a packet in the file, record header included; of compressed captures, measured once.
_BYTES = {
    "bulk": 1049,
    "snap96": 102,
    "turns": 102,
    "one_flow": 102,
    "flows": 93,
    "hung": 106,
    "lossy": 107,
    "udp": 112,
    "pcapng": 122,
    "vxlan": 152,
    **dict.fromkeys(FORMS, 155),  # of the longest
}
_PACKED = {".gz": 0.58, ".zst": 0.58}
_RECORDED_BYTES = 110_000  # of the file, for each megabyte that is transferred


class CaptureError(Exception):
    """A capture could not be made; the message is one line for people."""


@dataclass(frozen=True)
class Wanted:
    """One capture: `amount` is packets of a generated kind, megabytes of a recorded one."""

    kind: str
    amount: int
    suffix: str = ".pcap"

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.kind}_{self.amount}{self.suffix}"

    @property
    def expected_bytes(self) -> int:
        """About how large the file will be."""
        if self.kind == RECORDED:
            return self.amount * _RECORDED_BYTES
        return int(self.amount * _BYTES[self.kind] * _PACKED.get(Path(self.suffix).suffix, 1))


@dataclass(frozen=True)
class Made:
    """A capture that exists. `retransmitted` is known of lossy ones only."""

    wanted: Wanted
    path: Path
    packets: int
    flows: int
    size: int
    retransmitted: int | None = None


def make(wanted: Wanted, directory: Path) -> Made:
    """The capture, made unless it is there already.

    Raises:
        CaptureError: It cannot be made, for instance recorded without being root.
    """
    path = directory / wanted.name
    beside = path.with_name(f"{path.name}.json")
    digest = _digest()
    if path.exists() and beside.exists():
        known = json.loads(beside.read_text(encoding="utf-8"))
        if known.pop("made_by") == digest:
            return Made(wanted, path, **known)
    directory.mkdir(parents=True, exist_ok=True)
    beside.unlink(missing_ok=True)
    # In a process of its own: what is measured later must not inherit the memory of this one.
    part = path.with_name(f"part-{path.name}")
    program = [HERE / "recorded.py"] if wanted.kind == RECORDED else [HERE / "generate.py", wanted.kind]
    done = subprocess.run(
        [sys.executable, *program, str(wanted.amount), part], capture_output=True, text=True, check=False
    )
    if done.returncode:
        part.unlink(missing_ok=True)
        said = done.stderr.strip().splitlines()
        raise CaptureError(f"{wanted.name}: {said[-1] if said else 'failed'}")
    part.replace(path)
    facts = {**json.loads(done.stdout), "size": path.stat().st_size}
    beside.write_text(json.dumps({"made_by": digest, **facts}), encoding="utf-8")
    return Made(wanted, path, **facts)


def missing_bytes(wanted: list[Wanted], directory: Path) -> int:
    """About how many bytes the captures need that are not there yet."""
    return sum(one.expected_bytes for one in wanted if not (directory / one.name).exists())


def warm(path: Path) -> None:
    """Read the file once, so that it lies in the page cache."""
    buffer = memoryview(bytearray(1 << 20))
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def _digest() -> str:
    source = b"".join((HERE / name).read_bytes() for name in _MAKERS)
    return hashlib.sha256(source).hexdigest()[:16]
