"""Real workers: the same answer from them, from an object store, and when one of them is lost."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from analyzer.errors import CaptureError, UsageError
from analyzer.fleet import analyze, running, spreading
from analyzer.fleet.running import local_workers, scheduler_at
from tests.fleet.captures import BUCKET, as_told, in_files, json_in, plain_json
from tests.reading import ROOT, SAMPLES
from tests.traffic import random_capture


def hosts(folder: Path, count: int = 3) -> Path:
    for number in range(count):
        in_files(folder / f"host{number}", random_capture(number, 6, 500), [100, 200, 300, 400])
    return folder


@pytest.mark.parametrize("spread", [False, True])
def test_local_workers_give_the_same_json(
    tmp_path: Path, workers: Any, monkeypatch: pytest.MonkeyPatch, spread: bool
) -> None:
    monkeypatch.setattr(spreading, "LEAST_SPREAD_BYTES", 0 if spread else 1 << 40)
    folder = hosts(tmp_path / "in")
    fleet = analyze(folder, client=workers, output=tmp_path / "out")
    assert json_in(tmp_path / "out") == {f"host{i}": plain_json(folder / f"host{i}") for i in range(3)}
    assert not fleet.answer.unread
    assert len(fleet.answer.groups) == 3


@pytest.mark.parametrize("how", ["here", "workers", "spread"])
@pytest.mark.parametrize("source", ["s3://captures/hosts", "s3://captures/hosts/host*/*"])
def test_an_object_store_gives_the_same_json(
    tmp_path: Path, store: Any, workers: Any, monkeypatch: pytest.MonkeyPatch, how: str, source: str
) -> None:
    monkeypatch.setattr(spreading, "LEAST_SPREAD_BYTES", 0 if how == "spread" else 1 << 40)
    folder = hosts(tmp_path / "in")
    store.put(f"{folder}/", f"{BUCKET}/hosts", recursive=True)
    fleet = analyze(source, client=None if how == "here" else workers, output=tmp_path / "out")
    assert [each["error"] for each in fleet.answer.unread] == []
    assert json_in(tmp_path / "out") == {
        f"host{i}": as_told(plain_json(folder / f"host{i}"), folder, "s3://captures/hosts") for i in range(3)
    }
    assert not [
        path for path in (tmp_path / "out").rglob("*") if path.is_file() and b"very-secret" in path.read_bytes()
    ]


def test_the_memory_of_a_worker_is_bounded(workers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = [each["memory_limit"] for each in workers.scheduler_info()["workers"].values()]
    assert len(limits) == 2
    assert all(0 < limit <= 4_000_000_000 for limit in limits)
    monkeypatch.setattr(running, "WORKER_BYTES", 300_000_000)
    with local_workers(1) as client:
        (worker,) = client.scheduler_info()["workers"].values()
        assert worker["memory_limit"] == 300_000_000


def test_what_the_store_does_not_have(store: Any) -> None:
    with pytest.raises(CaptureError, match="s3://captures/nothing"):
        analyze("s3://captures/nothing")


def test_a_file_of_a_web_server(tmp_path: Path) -> None:
    pytest.importorskip("aiohttp")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.pcap").write_bytes(SAMPLES[0].read_bytes())

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(tmp_path / "in"))

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    try:
        analyze(f"{address}/a.pcap?signature=secret", output=tmp_path / "out")
        with pytest.raises(CaptureError, match="no such file"):
            analyze(f"{address}/b.pcap?signature=secret")
    finally:
        server.shutdown()
    assert json_in(tmp_path / "out") == {
        "a.pcap": as_told(plain_json(tmp_path / "in" / "a.pcap"), tmp_path / "in", address)
    }
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file() and b"secret" in path.read_bytes()]


def test_a_lost_worker_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(spreading, "BATCH_GROUPS", 1)
    folder = hosts(tmp_path / "in", 12)
    with local_workers(2) as client:
        victim = next(iter(client.run(os.getpid).values()))
        killed: list[int] = []

        def kill(done: int, *_: int) -> None:
            if done and not killed:
                killed.append(victim)
                os.kill(victim, signal.SIGKILL)

        fleet = analyze(folder, client=client, output=tmp_path / "out", progress=kill)
    assert killed
    assert not fleet.answer.unread
    assert json_in(tmp_path / "out") == {f"host{i}": plain_json(folder / f"host{i}") for i in range(12)}


def test_a_scheduler_and_workers_that_were_started_as_the_docs_say(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
    commands = [[*scheduler, "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"], worker, worker]
    processes = [
        subprocess.Popen(each, env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for each in commands
    ]
    folder = hosts(tmp_path / "in")
    try:
        until = time.monotonic() + 60
        while True:
            try:
                with scheduler_at(address) as client:
                    analyze(folder, client=client, output=tmp_path / "out")
                    loaded = client.run_on_scheduler(lambda: sorted(__import__("sys").modules))
                break
            except UsageError:  # it is not there yet
                assert time.monotonic() < until
                time.sleep(0.5)
    finally:
        for each in reversed(processes):
            each.terminate()
            each.wait()
    # It hands out tasks and looks into none of them: that would cost it what loading the analysis does.
    assert [name for name in loaded if name.startswith("analyzer.")] == ["analyzer.fleet", "analyzer.fleet.sealed"]
    assert json_in(tmp_path / "out") == {f"host{i}": plain_json(folder / f"host{i}") for i in range(3)}


def test_no_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(running, "SCHEDULER_WITHIN", "1s")
    nowhere = "tcp://127.0.0.1:9"
    with pytest.raises(UsageError, match=f"expected a scheduler at {nowhere}, found none"), scheduler_at(nowhere):
        pass
