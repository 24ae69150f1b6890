"""The yardstick of the guard: work that never changes. It reads a file in pieces and counts in plain Python.

Like the tool it starts an interpreter and numpy, touches every byte once, and spends the rest in the interpreter.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

COUNT = 3_000_000


def main() -> None:
    """Read the file named on the command line, add up its bytes, count."""
    buffer = np.empty(1 << 20, np.uint8)
    total = 0
    with Path(sys.argv[1]).open("rb", buffering=0) as file:
        while got := file.readinto(buffer.data):
            total += int(buffer[:got].sum())
    state = 1
    for _ in range(COUNT):
        state = (state * 1_103_515_245 + 12_345) & 0x7FFF_FFFF
    sys.stdout.write(f"{total} {state}\n")


if __name__ == "__main__":
    main()
