"""How a fleet scales: many captures, half of them gzip, by one worker and by two, each pinned to a core of its own.

    python -m benchmarks.fleet --folder /var/tmp/fleet [--rounds 3] [--store] [--kill] [--small 10000] [--read-ahead]

Writes the captures once (they are kept), runs `pmtu-fleet` with a scheduler and workers of their own, one worker and
two by turns, and prints seconds and CPU seconds, and medians. Workers do not read ahead: that is work of a second
thread, for which a pinned worker has no core (`without_read_ahead`; `--read-ahead` leaves it on). `--store` reads from
an object store on loopback (moto's), `--kill` ends one of two workers midway, `--small` analyses so many copies of the
samples besides. All runs must write the same JSON. What `fleet_model` needs is written to FOLDER/measured.json.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import generate

ROOT = Path(__file__).resolve().parent.parent
PACKET_BYTES = 1_050  # of `bulk`, about
IDLE_SECONDS = 4.0
BUCKET = "captures"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}


class Run(NamedTuple):
    """What was measured of a run."""

    seconds: float  # of the command
    work: float  # of these, from where it begins to hand out captures to where the last is kept
    workers: list[float]  # CPU seconds
    scheduler: float
    idle: float  # CPU seconds that the scheduler takes a second while nothing is done
    home: float  # of `pmtu-fleet` itself
    starting: float  # of these, before it begins to hand out captures
    peak: float  # MB of a worker
    captures: int
    summary_bytes: int  # what is known of a capture at home
    result_bytes: int  # what was written: JSON, tables, flows
    load: float
    digest: str


def main() -> int:
    """Run what the command line asks for."""
    options = _options()
    folder: Path = options.folder
    captures = _captures(folder / "captures", options.captures, options.megabytes)
    size = sum(path.stat().st_size for path in captures.iterdir())
    measured: dict[str, Any] = {"bytes": size, "captures": options.captures, "runs": {}}
    with ExitStack() as stack:
        source, environment = str(captures), dict(os.environ)
        environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), environment.get("PYTHONPATH", "")])
        if options.store:
            source, extra = stack.enter_context(_store(captures))
            environment |= extra
        bench = _Bench(folder / "out", environment, read_ahead=options.read_ahead)
        runs: dict[int, list[Run]] = {workers: [] for workers in options.workers}
        for _ in range(options.rounds):
            for workers, found in runs.items():
                found.append(bench.run(source, workers))
        digests = {run.digest for found in runs.values() for run in found}
        if options.kill:
            digests.add(bench.run(source, 2, kill=True).digest)
        if options.small:
            small = _small(folder / "small", options.small)
            measured["small"] = bench.run(str(small), 2)._asdict()
    for workers, found in runs.items():
        measured["runs"][workers] = [run._asdict() for run in found]
        _say(
            f"{workers} workers: {_median([run.seconds for run in found]):.1f} s, "
            f"{_median([run.work for run in found]):.1f} at work, "
            f"{_median([sum(run.workers) for run in found]) / size * 1e9:.2f} CPU s of workers a GB (medians)"
        )
    if {1, 2} <= set(runs):
        one, two = (_median([run.work for run in runs[count]]) for count in (1, 2))
        cpu = _median([sum(run.workers) for run in runs[1]]), _median([max(run.workers) for run in runs[2]])
        _say(
            f"two workers: {one / two:.2f} times as fast at work by the clock, "
            f"{cpu[0] / cpu[1]:.2f} by CPU s of the busier one"
        )
    (folder / f"measured{'_store' if options.store else ''}.json").write_text(json.dumps(measured, indent=1))
    _say("the same JSON in all runs" if len(digests) == 1 else f"DIFFERENT JSON: {digests}")
    return 0 if len(digests) == 1 else 1


def _median(values: Sequence[float]) -> float:
    return statistics.median(values)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--captures", type=int, default=50)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--small", type=int, default=0)
    parser.add_argument("--store", action="store_true")
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--read-ahead", action="store_true")
    return parser.parse_args()


def _small(folder: Path, count: int) -> Path:
    """So many captures, copies of the samples."""
    samples = sorted((ROOT / "sample_pcaps").glob("*.pcap"))
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        path = folder / f"{number:05}.pcap"
        if not path.exists():
            shutil.copyfile(samples[number % len(samples)], path)
    return folder


def _captures(folder: Path, count: int, megabytes: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        path = folder / f"{number:03}.pcap{'.gz' if number % 2 else ''}"
        if path.exists():
            continue
        first = folder / f"00{number % 2}.pcap{'.gz' if number % 2 else ''}"
        if number < 2:
            plain = folder / "000.pcap"
            if number == 0:
                generate.write_file(generate.KINDS["bulk"](megabytes * 1_000_000 // PACKET_BYTES), plain)
            else:
                with plain.open("rb") as source, gzip.open(path, "wb", compresslevel=1) as target:
                    shutil.copyfileobj(source, target, 1 << 20)
        else:
            shutil.copyfile(first, path)
    size = sum(path.stat().st_size for path in folder.iterdir())
    _say(f"{count} captures, {size / 1e6:,.0f} MB as they lie there")
    return folder


@contextmanager
def _store(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    port = _free_port()
    environment = CREDENTIALS | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.environ.update(environment)
    import s3fs

    system = s3fs.S3FileSystem()
    for _ in range(100):
        try:
            system.mkdir(BUCKET)
            break
        except Exception:  # not there yet
            time.sleep(0.2)
    system.put(f"{folder}/", BUCKET, recursive=True)
    try:
        yield f"s3://{BUCKET}", environment
    finally:
        server.terminate()
        server.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class _Bench:
    """Runs `pmtu-fleet` on a scheduler and workers of its own."""

    def __init__(self, output: Path, environment: Mapping[str, str], *, read_ahead: bool) -> None:
        self._output = output
        self._environment = environment
        self._preload = [] if read_ahead else ["--preload", "benchmarks.without_read_ahead"]

    def run(self, source: str, workers: int, *, kill: bool = False) -> Run:
        """One run, told as soon as it is over."""
        address = f"tcp://127.0.0.1:{_free_port()}"
        started = self._started(address, workers)
        time.sleep(6)  # until they are there, and idle
        shutil.rmtree(self._output, ignore_errors=True)
        before = _cpu_seconds(started[0].pid)
        time.sleep(IDLE_SECONDS)
        cpu = [_cpu_seconds(each.pid) for each in started]
        idle = (cpu[0] - before) / IDLE_SECONDS
        begun, home = time.monotonic(), _children()
        command = [sys.executable, "-c", "from analyzer.fleet.fleet_command import main; raise SystemExit(main())"]
        command += [source, "--each", "-o", str(self._output), "--scheduler", address]
        running = subprocess.Popen(command, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        groups, finished = self._output / "groups", self._output / "finished.jsonl"
        told = running.stderr.readline() if running.stderr else b""  # the first line of progress
        at_work, starting = time.time(), _cpu_seconds(running.pid)
        if kill:
            while len(list(groups.glob("*.json")) if groups.exists() else []) < 4:
                time.sleep(0.05)
            os.kill(started[-1].pid, signal.SIGKILL)
        rest = running.communicate()[1]
        code = running.returncode
        if code:
            raise SystemExit((told + rest).decode())
        seconds = time.monotonic() - begun
        spent = [_cpu_seconds(each.pid) - before for each, before in zip(started, cpu, strict=True)]
        peaks = [_peak(each.pid) for each in started]
        at_home = _children() - home
        for each in reversed(started):
            each.terminate()
            each.wait()
        files = sorted(groups.glob("*.json"))
        written = sum(path.stat().st_size for path in self._output.rglob("*") if path.is_file())
        found = Run(
            seconds, finished.stat().st_mtime - at_work, spent[1:], spent[0], idle, at_home, starting,
            max(peaks[1:], default=0), len(files), finished.stat().st_size, written, os.getloadavg()[0],
            hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16],
        )  # fmt: skip
        each_cpu = ", ".join(f"{value:.1f}" for value in found.workers)
        _say(
            f"{workers} workers{', one of them lost' if kill else ''}: {seconds:.1f} s, {found.work:.1f} at work, "
            f"CPU s of workers {each_cpu}, of the scheduler {found.scheduler:.1f}, at home {at_home:.1f} "
            f"({starting:.1f} of it before work), "
            f"at most {found.peak:,.0f} MB a worker, {len(files)} JSON, exit {code}, load {found.load:.1f}"
        )
        return found

    def _started(self, address: str, workers: int) -> list[subprocess.Popen[bytes]]:
        scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard"]
        scheduler += ["--host", "127.0.0.1", "--port", address.rpartition(":")[2]]
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
        worker += ["--memory-limit", "2GB", "--no-nanny", *self._preload]
        taskset = shutil.which("taskset") or "taskset"
        commands = [scheduler, *([taskset, "-c", str(number), *worker] for number in range(workers))]
        return [subprocess.Popen(each, env=self._environment, stderr=subprocess.DEVNULL) for each in commands]


def _children() -> float:
    """CPU seconds of processes that this one waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in status.splitlines() if line.startswith("VmHWM")), 0.0)


if __name__ == "__main__":
    sys.exit(main())
