"""What a run of the benchmark measured: plain data that the page is written from, and that is kept as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Sample:
    """One process: wall clock and processor seconds, peak memory in bytes."""

    seconds: float
    cpu: float
    peak: int


@dataclass(frozen=True)
class CaptureFacts:
    """One capture: its name, what is in it, the file's bytes."""

    name: str
    packets: int
    flows: int
    size: int


@dataclass
class Series:
    """The runs of one program on one capture, in the order of the rounds; empty with a `problem` where it failed."""

    program: str
    capture: CaptureFacts
    samples: list[Sample] = field(default_factory=list)
    problem: str = ""

    @property
    def seconds(self) -> list[float]:
        """Of each run."""
        return [sample.seconds for sample in self.samples]

    @property
    def peaks(self) -> list[float]:
        """Peak memory of each run, bytes."""
        return [float(sample.peak) for sample in self.samples]


@dataclass
class Outcome:
    """One workload. `verdicts` counts the tool's verdicts; `skipped` says why nothing was measured."""

    workload: str
    title: str
    about: str
    series: list[Series] = field(default_factory=list)
    verdicts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    skipped: str = ""

    def of(self, program: str) -> list[Series]:
        """The series of one program that were measured, the smallest capture first."""
        chosen = [one for one in self.series if one.program == program and one.samples]
        return sorted(chosen, key=lambda one: one.capture.size)


@dataclass
class Results:
    """A whole run. `scaling` is by program and packets; `fed` says through what the largest one was read.

    `forms` has one outcome for each of `benchmarks.forms`: the tool on it, and, as "plain", on the same in Ethernet.
    """

    machine: dict[str, str]
    runs: int
    quick: bool
    outcomes: list[Outcome] = field(default_factory=list)
    scaling: list[Series] = field(default_factory=list)
    piped: list[int] = field(default_factory=list)  # packets of the scaling captures that came through a pipe
    forms: list[Outcome] = field(default_factory=list)

    def outcome(self, workload: str) -> Outcome | None:
        """The outcome of one workload, if it was measured."""
        return next((one for one in self.outcomes if one.workload == workload and not one.skipped), None)

    def save(self, path: Path) -> None:
        """Keep it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")


def load(path: Path) -> Results:
    """What `save` kept."""
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    outcomes, forms = (
        [Outcome(**{**one, "series": [_series(s) for s in one["series"]]}) for one in data.pop(key)]
        for key in ("outcomes", "forms")
    )
    scaling = [_series(one) for one in data.pop("scaling")]
    return Results(outcomes=outcomes, forms=forms, scaling=scaling, **data)


def _series(data: dict[str, Any]) -> Series:
    return Series(
        data["program"],
        CaptureFacts(**data["capture"]),
        [Sample(**one) for one in data["samples"]],
        data["problem"],
    )
