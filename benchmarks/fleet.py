"""How a fleet scales: many captures, half of them gzip, by one worker and by two, each pinned to a core of its own.

    python -m benchmarks.fleet --folder /var/tmp/fleet --captures 50 --megabytes 100 [--store] [--kill]

Writes the captures once (they are kept), runs `pmtu-fleet` with a scheduler and workers of their own, and prints
seconds and CPU seconds. `--store` reads them from an object store on loopback (moto's), `--kill` ends one of two
workers midway. All runs must write the same JSON.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import generate

PACKET_BYTES = 1_050  # of `bulk`, about
BUCKET = "captures"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}


def main() -> int:
    """Run what the command line asks for."""
    options = _options()
    folder: Path = options.folder
    captures = _captures(folder / "captures", options.captures, options.megabytes)
    with ExitStack() as stack:
        source, environment = str(captures), dict(os.environ)
        if options.store:
            source, extra = stack.enter_context(_store(captures))
            environment |= extra
        digests = {}
        for workers in options.workers:
            digests[f"{workers} workers"] = _run(source, folder, workers, environment, kill=False)
        if options.kill:
            digests["2 workers, one of them lost"] = _run(source, folder, 2, environment, kill=True)
    same = len(set(digests.values())) == 1
    _say("the same JSON in all runs" if same else f"DIFFERENT JSON: {digests}")
    return 0 if same else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--captures", type=int, default=50)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--store", action="store_true")
    parser.add_argument("--kill", action="store_true")
    return parser.parse_args()


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


def _run(source: str, folder: Path, workers: int, environment: dict[str, str], *, kill: bool) -> str:
    address = f"tcp://127.0.0.1:{_free_port()}"
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard"]
    scheduler += ["--host", "127.0.0.1", "--port", address.rpartition(":")[2]]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
    worker += ["--memory-limit", "2GB", "--no-nanny"]
    started = [subprocess.Popen(scheduler, env=environment, stderr=subprocess.DEVNULL)]
    started += [
        subprocess.Popen(
            [shutil.which("taskset") or "taskset", "-c", str(number), *worker],
            env=environment,
            stderr=subprocess.DEVNULL,
        )
        for number in range(workers)
    ]
    time.sleep(6)  # until they are there, and idle
    output = folder / "out"
    shutil.rmtree(output, ignore_errors=True)
    cpu = [_cpu_seconds(each.pid) for each in started]
    begun = time.monotonic()
    command = [sys.executable, "-c", "from analyzer.fleet.fleet_command import main; raise SystemExit(main())"]
    command += [source, "--each", "-o", str(output), "--scheduler", address]
    running = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if kill:
        while len(list((output / "groups").glob("*.json")) if output.exists() else []) < 4:
            time.sleep(0.05)
        os.kill(started[-1].pid, signal.SIGKILL)
    code = running.wait()
    seconds = time.monotonic() - begun
    spent = [_cpu_seconds(each.pid) - before for each, before in zip(started, cpu, strict=True)]
    peaks = [_peak(each.pid) for each in started]
    for each in reversed(started):
        each.terminate()
        each.wait()
    files = sorted((output / "groups").glob("*.json"))
    each_cpu = ", ".join(f"{value:.1f}" for value in spent[1:])
    lost = ", one of them lost" if kill else ""
    _say(
        f"{workers} workers{lost}: {seconds:.1f} s, CPU s of workers {each_cpu}, of the scheduler {spent[0]:.1f}, "
        f"at most {max(peaks[1:], default=0):,.0f} MB a worker, {len(files)} JSON, exit {code}"
    )
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


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
