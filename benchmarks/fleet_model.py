"""Where a fleet stops scaling, beyond the two workers that were measured: a simulation of its tasks.

    python -m benchmarks.fleet_model --measured /var/tmp/fleet/measured.json [--link GBIT] [--capture MB] [--flows N]

Three things are passed by every task: the scheduler, which is one process; a worker; and home, the process of
`pmtu-fleet`, which writes what comes back. Each has one queue (workers: one each) and takes what was measured by
`benchmarks.fleet`: CPU seconds of workers a GB, of the scheduler a task and a heartbeat of a worker, at home a capture.
What a run costs before its first task is none of a task's. A link to the source, if one is named, is shared by all
workers. Nothing is lost, no worker is slower than another, and processors do not wait for memory: more than this no
fleet does.
"""

from __future__ import annotations

import argparse
import heapq
import json
import statistics
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from analyzer.fleet.spreading import BATCH_GROUPS
from distributed.scheduler import heartbeat_interval

PETABYTE = 1e15
DAY = 86_400
WORKERS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
TASKS_A_WORKER = 40
LEAST_TASKS = 2_000


class Costs(NamedTuple):
    """Seconds, and bytes, of one capture."""

    scheduler: float
    worker: float
    home: float
    size: float
    link: float = 0.0  # bytes a second of all workers together, 0: no bound
    home_bytes: float = 0.0  # that stay in memory at home
    idle: float = 0.0  # the share of the scheduler's time that goes into nothing
    heartbeat: float = 0.0  # of the scheduler

    def handing_out(self, workers: int) -> float:
        """Seconds of the scheduler a task, the heartbeats of so many workers beside it."""
        beats = workers / float(heartbeat_interval(workers))
        free: float = max(1 - self.idle - beats * self.heartbeat, 0.01)
        return self.scheduler / free


class Outcome(NamedTuple):
    """What a fleet does in a second, and how busy each part is."""

    bytes_a_second: float
    scheduler: float
    workers: float
    home: float
    link: float

    @property
    def limit(self) -> str:
        """The busiest part."""
        shares = {name: getattr(self, name) for name in ("workers", "scheduler", "home", "link")}
        return max(shares, key=lambda name: shares[name])


def simulated(workers: int, costs: Costs) -> Outcome:
    """Captures in a row through so many workers."""
    tasks = max(LEAST_TASKS, TASKS_A_WORKER * workers)
    free = [0.0] * workers
    scheduler, link, handing_out = 0.0, 0.0, costs.handing_out(workers)
    done: list[float] = []
    for _ in range(tasks):
        scheduler += handing_out  # nothing waits for anything else: there are always tasks to hand out
        begun = max(heapq.heappop(free), scheduler)
        if costs.link:
            link = max(link, begun) + costs.size / costs.link
        end = max(begun + costs.worker, link)
        heapq.heappush(free, end)
        done.append(end)
    home = 0.0
    for end in sorted(done):
        home = max(home, end) + costs.home
    return Outcome(
        tasks * costs.size / home,
        tasks * handing_out / home,
        tasks * costs.worker / home / workers,
        tasks * costs.home / home,
        tasks * costs.size / costs.link / home if costs.link else 0.0,
    )


def costs_of(measured: dict[str, Any], capture: float, flows: int, flow_seconds: float, link: float) -> Costs:
    """What was measured, for captures of so many bytes and flows."""
    one, two, small = measured["runs"]["1"], measured["runs"]["2"], measured["small"]
    idle = [_mean(run["idle"] for run in runs) for runs in (one, two)]
    heartbeat = max(idle[1] - idle[0], 0.0) * heartbeat_interval(1)
    tasks = -(-small["captures"] // BATCH_GROUPS)
    large = _mean(run["scheduler"] - run["idle"] * run["seconds"] for run in two)
    scheduler = (small["scheduler"] - small["idle"] * small["seconds"] - large) / (tasks - measured["captures"])
    return Costs(
        scheduler=max(scheduler, 0.0),
        worker=_mean(sum(run["workers"]) for run in one) / measured["bytes"] * capture + flows * flow_seconds,
        home=max(small["home"] - min(run["home"] for run in one), 0.0) / small["captures"],
        size=capture,
        link=link,
        home_bytes=small["summary_bytes"] / small["captures"],
        idle=max(2 * idle[0] - idle[1], 0.0),
        heartbeat=heartbeat,
    )


def _mean(values: Iterable[float]) -> float:
    return statistics.fmean(values)


def main() -> int:
    """Print a table for what the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measured", type=Path, required=True)
    parser.add_argument("--link", type=float, default=0.0, help="Gbit/s to the source, of all workers together")
    parser.add_argument("--capture", type=float, default=100.0, help="MB of a capture, as it lies there")
    parser.add_argument("--flows", type=int, default=0, help="flows of a capture beyond the handful that was measured")
    parser.add_argument("--flow-ms", type=float, default=0.36, help="worker ms a flow, for its JSON and its row")
    options = parser.parse_args()
    measured = json.loads(options.measured.read_text())
    costs = costs_of(measured, options.capture * 1e6, options.flows, options.flow_ms / 1e3, options.link * 1e9 / 8)
    _say(
        f"a capture of {options.capture:,.0f} MB: worker {costs.worker * 1e3:.1f} ms, scheduler "
        f"{costs.scheduler * 1e3:.2f} ms and {costs.heartbeat * 1e3:.2f} ms a heartbeat, home "
        f"{costs.home * 1e3:.2f} ms and {costs.home_bytes / 1e3:.1f} kB"
    )
    _say("| workers | GB/s | times one | PB a day | workers busy | scheduler | home | limit |")
    _say("|---|---|---|---|---|---|---|---|")
    alone = simulated(1, costs).bytes_a_second
    for workers in WORKERS:
        found = simulated(workers, costs)
        shares = " | ".join(f"{share:.0%}" for share in (found.workers, found.scheduler, found.home))
        rate = found.bytes_a_second
        day = rate * DAY / PETABYTE
        _say(f"| {workers:,} | {rate / 1e9:.2f} | {rate / alone:.1f} | {day:.3f} | {shares} | {found.limit} |")
    captures = PETABYTE / costs.size
    _say(
        f"a petabyte: {captures:,.0f} captures, {captures * costs.worker / DAY:,.0f} cores busy all day, "
        f"{captures * costs.scheduler / DAY:.2f} schedulers, {captures * costs.home / DAY:.2f} homes, "
        f"{captures * costs.home_bytes / 1e9:,.1f} GB at home, {PETABYTE * 8 / DAY / 1e9:.0f} Gbit/s"
    )
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
