"""What to do where fragments are lost, by what they carry: `fragments.toml` with the addresses filled in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from analyzer.model.statement import Command, Fix


@cache
def _entries() -> tuple[dict[str, Any], ...]:
    import tomllib  # only where there is something to advise

    text = Path(__file__).with_name("fragments.toml").read_text(encoding="utf-8")
    return tuple(tomllib.loads(text)["fix"])


def fragment_fixes(
    sender: str,
    receiver: str,
    protocol: str,
    ports: Collection[int],
    *,
    server: str = "",
    came: int | None = None,
    own_only: bool = False,
) -> tuple[Fix, ...]:
    """Steps against the loss of fragments, the first first.

    Args:
        sender: address of the end whose fragments are lost.
        receiver: the other end's.
        protocol: what is fragmented: "udp", "esp"; or what UDP carries: "quic".
        ports: UDP ports of both ends, as far as they are known.
        server: which of the two is the server, if that is known.
        came: bytes of IP of the largest packet that came in one piece, as far as that is known.
        own_only: those of the protocol alone, which make its datagrams smaller.
    """
    version = 6 if ":" in sender else 4
    blanks = {"sender": sender, "receiver": receiver, "server": server or receiver, "came": f"{came} bytes"}
    return tuple(
        Fix(
            kind=entry["kind"],
            where=_filled(entry["where"], blanks),
            commands=tuple(_command(line) for line in _filled(entry["command"], blanks).splitlines()),
            why=_filled(entry["why"] if came is None else entry.get("known", entry["why"]), blanks),
            platform="linux",
            source=entry["source"],
            short=entry.get("short", ""),
        )
        for entry in _entries()
        if entry.get("ip", version) == version and _is_meant(entry, protocol, ports)
        if not own_only or "ports" in entry or "protocols" in entry
    )


def _is_meant(entry: dict[str, Any], protocol: str, ports: Collection[int]) -> bool:
    if "ports" not in entry and "protocols" not in entry:
        return True
    return protocol in entry.get("protocols", ()) or not set(ports).isdisjoint(entry.get("ports", ()))


def _filled(text: str, blanks: Mapping[str, str]) -> str:
    for name, value in blanks.items():
        text = text.replace(f"<{name}>", value)
    return text.strip("\n")


def _command(line: str) -> Command:
    """A line that begins `# or, ...: ` is an alternative to the one before it."""
    lead, colon, rest = line.partition(": ")
    return Command(f"{lead.removeprefix('# ')}: ", rest) if line.startswith("# or") and colon else Command("", line)
