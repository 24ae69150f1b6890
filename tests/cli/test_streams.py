"""Who reads what the command writes may go away, and what is written may fail: what the exit code says stays true.

Each run is a process of its own: what Python does with its streams when it ends is a part of the answer.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.reading import ROOT, SAMPLE_FOLDER

SAMPLE = SAMPLE_FOLDER / "tunnel_blackhole_at_server.pcap"

COMMANDS = {
    "text": ("{capture}", 0),
    "text, every flow": ("{capture} --all", 0),
    "text with a finding": ("{capture} --all --fail-on blackhole", 1),
    "text without the finding": ("{capture} --fail-on dead_path", 0),
    "JSON": ("{capture} --json", 0),
    "JSON with a finding": ("{capture} --json --fail-on blackhole", 1),
    "reasons": ("{capture} --why-not loss", 0),
    "reasons with a finding": ("{capture} --why-not loss --fail-on blackhole", 1),
    "schema": ("--schema", 0),
    "version": ("--version", 0),
    "help": ("--help", 0),
    "no capture": ("missing.pcap", 2),
    "no capture, with options": ("missing.pcap --json", 2),
    "wrong usage": ("{capture} --nonsense", 2),
    "a report that cannot be written": ("{capture} -o /nonexistent/x.json --fail-on blackhole", 2),
}
"""Words of the command, and its exit code where all that it writes is read."""

UNBUFFERED = ("", "1")
"""Where Python does not buffer, it is writing that fails; else it is flushing, or the end of the process."""

PIPE = {
    "unread": "| true",
    "read in part": "| head -c 1",
    "errors unread": "2>&1 >/dev/null | true",
    "both unread": "2>&1 | true",
}
CLOSED = {"output": ">&-", "errors": "2>&-", "both": ">&- 2>&-", "all three": "<&- >&- 2>&-"}


def outcome(words: str, streams: str, **environment: str) -> tuple[int, str]:
    """Exit code and standard error of the command in a shell; `streams` says where its own go."""
    command = f"'{sys.executable}' -m analyzer {words.format(capture=SAMPLE)}"
    script = (
        f"( sleep 0.2; {command}; echo $? >&9 ) {streams}" if "|" in streams else f"{command} {streams}; echo $? >&9"
    )
    read_end, write_end = os.pipe()
    with os.fdopen(read_end) as codes:
        run = subprocess.run(
            ["bash", "-c", f"exec 9>&{write_end} {write_end}>&-; {script}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=[write_end],
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            check=False,
        )
        os.close(write_end)
        return int(codes.read()), run.stderr


@pytest.mark.sampled(6)
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("pipe", PIPE)
def test_a_reader_that_goes_away_changes_nothing(pipe: str, command: str) -> None:
    words, code = COMMANDS[command]
    found, errors = outcome(words, PIPE[pipe], PYTHONUNBUFFERED=UNBUFFERED[len(command) % 2])
    assert found == code
    assert "Traceback" not in errors
    assert "Exception ignored" not in errors


@pytest.mark.sampled(6)
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("closed", CLOSED)
def test_closed_streams_change_nothing(closed: str, command: str) -> None:
    words, code = COMMANDS[command]
    found, errors = outcome(words, CLOSED[closed])
    assert found == code
    assert errors.count("\n") == (1 if code == 2 and closed == "output" else 0)


@pytest.mark.sampled(6)
@pytest.mark.parametrize("unbuffered", UNBUFFERED)
@pytest.mark.parametrize("command", COMMANDS)
def test_output_that_cannot_be_written_is_an_error(command: str, unbuffered: str) -> None:
    words, code = COMMANDS[command]
    found, errors = outcome(words, ">/dev/full", PYTHONUNBUFFERED=unbuffered)
    assert found == 2
    assert errors.count("\n") == 1
    if code != 2:
        assert errors == "pmtu-analyze: standard output: No space left on device\n"


@pytest.mark.sampled(6)
@pytest.mark.parametrize("unbuffered", UNBUFFERED)
@pytest.mark.parametrize("command", COMMANDS)
def test_messages_that_cannot_be_written_change_nothing(command: str, unbuffered: str) -> None:
    words, code = COMMANDS[command]
    assert outcome(words, "2>/dev/full", PYTHONUNBUFFERED=unbuffered) == (code, "")


def test_a_finding_does_not_hide_that_the_output_is_lost() -> None:
    assert outcome("{capture} --fail-on blackhole", ">/dev/full 2>/dev/full") == (2, "")


def test_a_closed_input_is_told() -> None:
    told = "pmtu-analyze: standard input: closed\n"
    assert outcome("-", "<&-") == (2, told)
