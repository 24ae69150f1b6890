"""Ctrl-C, in processes of their own: what came until then is analysed; the second one ends everything at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.reading import ROOT, SAMPLE_FOLDER

STORY = (SAMPLE_FOLDER / "tunnel_blackhole_at_server.pcap").read_bytes()
HEADER, PACKETS = STORY[:24], STORY[24:]
FOUND = "2 of 3 flows hang in a PMTUD black hole"

SLOW_SKIM = """
import time
from analyzer.passes.first import Skimmer
take = Skimmer.take
def slow(self, *words):
    print("READING", file=sys.stderr, flush=True)
    time.sleep(0.3)
    return take(self, *words)
Skimmer.take = slow
import analyzer.settings, analyzer.capture.reader as reader
reader.CHUNK_BYTES = reader.FIRST_BYTES = 1 << 14
"""
"""Large captures take long and small ones do not: this one is read in small pieces, and takes long."""


def heed_ctrl_c() -> None:
    """What a shell starts in the background ignores SIGINT, and so does all that it starts in turn."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Command:
    """The command, reading from a pipe."""

    def __init__(self, *words: str, prelude: str = "", environment: dict[str, str] | None = None) -> None:
        code = f"import sys\n{prelude}\nfrom analyzer.cli.main import main\nsys.exit(main())"
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", code, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
            preexec_fn=heed_ctrl_c,  # noqa: PLW1509 - nothing else runs between
        )

    def write(self, content: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(content)
        self.process.stdin.flush()

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def wait_until(self, word: str) -> None:
        """Until it says so on standard error."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if word in line.decode():
                return
        raise AssertionError(f"it never said {word}")

    def wait_until_it_waits(self) -> None:
        """Until it has read all that was written, and sleeps."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            time.sleep(0.05)
            state = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
            if state == "S" and self._pipes() >= 5:  # its own three, and what wakes it up
                return
        raise AssertionError("it does not wait")

    def _pipes(self) -> int:
        count = 0
        for file in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # it was just closed
                count += "pipe" in str(file.readlink())
        return count

    def end(self, seconds: float = 30) -> tuple[int, str, str]:
        """Exit code, output and errors; its input stays open until it has ended."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        watch = threading.Timer(2 * seconds, self.process.kill)  # a test that hangs tells nothing
        watch.start()
        out, err = self.process.stdout.read().decode(), self.process.stderr.read().decode()
        watch.cancel()
        code = self.process.wait(seconds)
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        return code, out, err


@contextmanager
def command(*words: str, prelude: str = "", **environment: str) -> Iterator[Command]:
    run = Command(*words, prelude=prelude, environment=environment)
    try:
        yield run
    finally:
        run.process.kill()
        run.process.wait(30)
        for stream in (run.process.stdin, run.process.stdout, run.process.stderr):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()


@pytest.mark.parametrize(("words", "code"), [((), 130), (("--fail-on", "size"), 1), (("--fail-on", "loss"), 130)])
def test_what_came_through_a_live_pipe_is_analysed(words: tuple[str, ...], code: int) -> None:
    with command("-", *words) as run:
        run.write(STORY)
        run.wait_until_it_waits()
        run.interrupt()
        found, out, err = run.end()
    assert found == code
    assert out.splitlines()[1].startswith(FOUND)
    assert "Interrupted after 118 packets" in out
    assert err == "pmtu-analyze: interrupted after 118 packets; these were analysed\n"


def test_what_the_writer_still_holds_is_read_and_a_record_that_is_broken_off_is_no_damage() -> None:
    """tcpdump writes its last packets when it is told to end, which is when we are."""
    with command("-", "--json") as run:
        run.write(STORY[:3000])
        run.wait_until_it_waits()
        run.interrupt()
        time.sleep(0.1)
        run.write(STORY[3000:-10])
        code, out, err = run.end()
    told = json.loads(out)
    assert code == 130
    assert told["capture"]["files"][0]["packets"] == 117
    assert told["capture"]["files"][0]["damaged_at"] is None
    assert err.count("\n") == 1


def test_a_writer_that_goes_on_is_not_waited_for() -> None:
    with command("-", "--brief") as run:
        run.write(HEADER)
        started = None
        until = time.monotonic() + 60
        with suppress(BrokenPipeError):
            while time.monotonic() < until:
                run.write(PACKETS)
                time.sleep(0.02)
                if started is None and run.process.poll() is None and time.monotonic() > until - 58:
                    run.interrupt()
                    started = time.monotonic()
        assert started is not None
        assert time.monotonic() < until, "it went on to read"
        code, out, _ = run.end()
    assert code == 130
    assert out.startswith("standard input: ")


def test_nothing_came() -> None:
    with command("-") as run:
        run.wait_until_it_waits()
        run.interrupt()
        assert run.end() == (130, "", "")


def test_a_named_pipe_that_nobody_opens(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with command(str(tmp_path / "pipe")) as run:
        time.sleep(1.5)
        run.interrupt()
        assert run.end() == (130, "", "")


def test_a_file_is_analysed_as_far_as_it_was_read(tmp_path: Path) -> None:
    path = tmp_path / "large.pcap"
    path.write_bytes(HEADER + PACKETS * 40)
    with command(str(path), "--json", prelude=SLOW_SKIM) as run:
        run.wait_until("READING")
        run.interrupt()
        code, out, err = run.end()
    told = json.loads(out)
    assert code == 130
    assert 0 < told["capture"]["packets"] < 118 * 40
    assert told["capture"]["files"][0]["damaged_at"] is None
    assert f"interrupted after {told['capture']['packets']:,} packets" in err


def test_the_second_one_ends_everything(tmp_path: Path) -> None:
    path = tmp_path / "large.pcap"
    path.write_bytes(HEADER + PACKETS * 40)
    slow = (
        "import time, analyzer.api.pipeline as p\n"
        "p.judged_flows = lambda *_: (print('JUDGING', file=sys.stderr, flush=True), time.sleep(60))"
    )
    with command(str(path), "-o", str(tmp_path / "r.html"), prelude=SLOW_SKIM + slow) as run:
        run.wait_until("READING")
        run.interrupt()
        run.wait_until("JUDGING")
        run.interrupt()
        assert run.end(5)[:2] == (130, "")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("where", ["judging", "report"])
def test_the_first_one_ends_everything_where_nothing_is_read(where: str, tmp_path: Path) -> None:
    path = tmp_path / "large.pcap"
    path.write_bytes(HEADER + PACKETS * 40)
    slow = {
        "judging": "import time, analyzer.api.pipeline as p\n"
        "p.judged_flows = lambda *_: (print('NOW', file=sys.stderr, flush=True), time.sleep(60))",
        "report": "import time, analyzer.report.put_in_place as p\n"
        "p.os.fdopen = lambda *_: (print('NOW', file=sys.stderr, flush=True), time.sleep(60))",
    }
    with command(str(path), "-o", str(tmp_path / "r.html"), prelude=slow[where]) as run:
        run.wait_until("NOW")
        run.interrupt()
        assert run.end(5) == (130, "", "")
    assert list(tmp_path.iterdir()) == [path]


def test_who_does_not_wait_for_the_compiler_gets_what_came(tmp_path: Path) -> None:
    with command("-", "--brief", XDG_CACHE_HOME=str(tmp_path)) as run:
        run.write(HEADER + PACKETS * 200)
        run.wait_until("compiling")
        time.sleep(0.5)
        run.interrupt()
        code, out, err = run.end()
    assert code == 130
    assert out.startswith("standard input: ")
    assert "interrupted after" in err
    assert "Traceback" not in err


def test_beyond_the_bounds_of_memory(tmp_path: Path) -> None:
    few = "import analyzer.flows.table_pages as t; t.new_state.__kwdefaults__.update(flows=1, events=16, icmps=1)"
    with command("-", "--json", prelude=few) as run:
        run.write(STORY)
        run.wait_until_it_waits()
        run.interrupt()
        code, out, _ = run.end()
    told = json.loads(out)
    assert code == 130
    assert told["totals"]["flows"] == 1
    assert told["totals"]["undecoded"]["flow limit reached"] > 0
    assert any(note.startswith("Interrupted after 118 packets") for note in told["notes"])


def test_of_many_captures_no_more_are_read(tmp_path: Path) -> None:
    for name in "abcdef":
        (tmp_path / f"{name}.pcap").write_bytes(HEADER + PACKETS * 40)
    with command("--each", str(tmp_path), prelude=SLOW_SKIM) as run:
        run.wait_until("READING")
        run.interrupt()
        code, out, _ = run.end()
    assert code == 130
    assert out.count("\n") == 1


def test_in_the_background_it_is_not_for_us() -> None:
    ignored = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
    with command("-", "--brief", prelude=ignored) as run:
        run.write(STORY)
        time.sleep(1)
        run.interrupt()
        time.sleep(0.5)
        assert run.process.poll() is None
        assert run.process.stdin is not None
        run.process.stdin.close()
        assert run.process.wait(20) == 0
