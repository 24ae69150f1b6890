"""Directories of many captures, for tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.builders import Packet, pcap
from tests.talk import Talk

FILES = 40


def captures_of_hosts() -> list[list[Packet]]:
    """What many hosts captured in the same seconds, each a connection of its own."""
    talks = [Talk(client_base=1000 + 7919 * number, ports=(40_000 + number, 80)) for number in range(FILES)]
    return [
        [*talk.handshake(number / 8), *(talk.data(20 + 3 * i + number / 8, 300 * i, 300) for i in range(30))]
        for number, talk in enumerate(talks)
    ]


def written(folder: Path, captures: list[list[Packet]], compress: Callable[[bytes], bytes] = bytes) -> Path:
    """A new folder with a file of each of these."""
    folder.mkdir()
    for number, packets in enumerate(captures):
        (folder / f"{number:03}.pcap").write_bytes(compress(pcap(packets)))
    return folder
