"""The command on machines of other kinds than ours: with little memory, without a home, without packages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.reading import ROOT, SAMPLE_FOLDER

STORY = SAMPLE_FOLDER / "tunnel_blackhole_at_server.pcap"


def run(*words: str, prelude: str = "", environment: dict[str, str] | None = None, **more: Any) -> tuple[int, str, str]:
    """Exit code, output and errors of the command, in a process of its own that runs `prelude` before."""
    code = f"import sys\n{prelude}\nfrom analyzer.cli.main import main\nsys.exit(main())"
    usual = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, *words],
        capture_output=True,
        check=False,
        env=usual if environment is None else {**environment, "PYTHONPATH": str(ROOT)},
        **more,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture(name="usual", scope="module")
def _usual() -> str:
    code, out, err = run(str(STORY))
    assert (code, err) == (0, "")
    return out


def limited(kilobytes: int) -> str:
    """As `ulimit -v`."""
    return f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({kilobytes} << 10, resource.RLIM_INFINITY))"


@pytest.mark.parametrize(
    ("kilobytes", "reports"), [(1_000_000, ("r.html", "r.parquet", "r.pcapng")), (300_000, ("r.html",)), (200_000, ())]
)
def test_a_small_capture_needs_few_addresses(
    kilobytes: int, reports: tuple[str, ...], usual: str, tmp_path: Path
) -> None:
    words = [word for name in reports for word in ("-o", str(tmp_path / name))]
    assert run(str(STORY), *words, prelude=limited(kilobytes)) == (0, usual, "")
    with STORY.open("rb") as pipe:
        code, out, err = run("-", prelude=limited(kilobytes), stdin=pipe)
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == usual.splitlines()[0]


def test_where_memory_is_too_small_one_line_says_so() -> None:

    assert run(str(STORY), prelude=limited(120_000)) == (2, "", "pmtu-analyze: out of memory\n")
