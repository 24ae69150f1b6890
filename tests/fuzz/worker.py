"""One process of the fuzzer: tries inputs by number and tells what became of each."""

from __future__ import annotations

import hashlib
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.checks import BrokenError, check, most_memory
from tests.fuzz.mutations import capture_number

COMPARED = 8
"""One input in so many is analysed in both modes and compared."""
REPORTED = 128
"""One input in so many is made into reports, too."""


class Outcome(NamedTuple):
    """What became of one input."""

    number: int
    counts: Counter[str]
    reason: str = ""  # what did not hold; empty: all did
    seconds: float = 0.0  # processor time
    memory: int = 0  # most of the process so far, MB


def try_input(seed: int, number: int) -> Outcome:
    """Check one input, whatever it raises."""
    before = time.process_time()
    inputs = capture_number(seed, number)
    counts = Counter(inputs=1, bytes=sum(map(len, inputs)))
    both = number % COMPARED == 0
    reports = number % REPORTED == 0
    reason = ""
    try:
        result = check(inputs, compiled=number % 2 == 1, both=both, reports=reports)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever it is, it is what we look for
        reason = str(error) if isinstance(error, BrokenError) else traceback.format_exc()
    else:
        counts["compared"] += both
        counts["reported"] += reports and not isinstance(result, str)
        if isinstance(result, str):
            counts["no capture"] += 1
        else:
            counts["analysed"] += 1
            counts["damaged"] += any(file.damaged_at is not None for file in result.files)
            counts["packets"] += result.totals.packets
            counts["packets decoded"] += result.totals.tcp_packets + result.totals.icmp_packets
    return Outcome(number, counts, reason, time.process_time() - before, most_memory())


def serve(pipe: Connection, seed: int, attempt: Callable[[int, int], Outcome]) -> None:
    """Try the runs of numbers that come through the pipe, and send an Outcome for each number, until None comes."""
    sys.stdin.close()
    # pandas would load it where it is installed, for nothing that is tried here: 35 to 50 MB of the 300.
    sys.modules["pyarrow"] = None  # type: ignore[assignment]
    while (numbers := pipe.recv()) is not None:
        for number in numbers:
            pipe.send(attempt(seed, number))


def keep_inputs(inputs: list[bytes], folder: Path) -> None:
    """Write the files of one input; those of one run share the beginning of their names."""
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(b"".join(inputs)).hexdigest()[:12]
    for number, data in enumerate(inputs):
        (folder / f"{name}.{number}.bin").write_bytes(data)
