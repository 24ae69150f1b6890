"""The sums of a run of the fuzzer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.fuzz.worker import Outcome


@dataclass
class Figures:
    """The sums of a run."""

    counts: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0  # processor time of one input, s
    memory: int = 0  # most of any process, MB
    seconds: float = 0.0  # by the clock on the wall

    def add(self, outcome: Outcome) -> None:
        """Take one more input into the sums."""
        self.counts.update(outcome.counts)
        self.counts["broken"] += bool(outcome.reason)
        self.slowest = max(self.slowest, outcome.seconds)
        self.memory = max(self.memory, outcome.memory)

    def line(self) -> str:
        """All of them."""
        shown = ", ".join(f"{name} {count}" for name, count in sorted(self.counts.items()))
        return f"{shown}; slowest {self.slowest:.2f} s, memory {self.memory} MB, {self.seconds:.0f} s\n"
