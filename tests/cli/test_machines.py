"""The command on machines of other kinds than ours: with little memory, without a home, without packages."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.reading import ROOT, SAMPLE_FOLDER

STORY = SAMPLE_FOLDER / "tunnel_blackhole_at_server.pcap"


def run(*words: str, prelude: str = "", environment: dict[str, str] | None = None, **more: Any) -> tuple[int, str, str]:
    """Exit code, output and errors of the command, in a process of its own that runs `prelude` before.

    What it says about reports that it wrote is left out.
    """
    code = f"import sys\n{prelude}\nfrom analyzer.cli.main import main\nsys.exit(main())"
    usual = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, *words],
        capture_output=True,
        check=False,
        env=usual if environment is None else {**environment, "PYTHONPATH": str(ROOT)},
        **more,
    )
    errors = re.sub(r"(?m)^pmtu-analyze: wrote \S+ \([\d,]+ bytes\)\n", "", done.stderr.decode())
    return done.returncode, done.stdout.decode(), errors


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
    assert out.splitlines()[1] == usual.splitlines()[1]


def test_a_large_capture_is_read_interpreted_where_the_compiler_has_no_room(tmp_path: Path) -> None:
    code, out, err = run(str(large(tmp_path)), prelude=limited(350_000))
    assert (code, err) == (0, "")
    assert "ulimit -v" in out


def test_where_memory_is_too_small_one_line_says_so() -> None:

    assert run(str(STORY), prelude=limited(120_000)) == (2, "", "pmtu-analyze: out of memory\n")


def without(package: str) -> str:
    """As if the package was not installed."""
    return f"""
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
"""


@pytest.mark.parametrize(
    ("package", "words"),
    [
        ("yacryptopan", ["--anonymize"]),
        ("matplotlib", ["-o", "r.png"]),
        ("matplotlib", ["-o", "r.html"]),
        ("kiwisolver", ["-o", "r.md"]),
        ("pyarrow", ["-o", "r.parquet"]),
        ("jinja2", ["-o", "r.html"]),
        ("rich", []),
        ("typer", ["--json"]),
        ("dpkt", []),
        ("numpy", []),
    ],
)
def test_a_package_that_is_missing_is_named_in_one_line(package: str, words: list[str], tmp_path: Path) -> None:
    code, _, err = run(str(STORY), *words, prelude=without(package), cwd=tmp_path)
    assert (code, err.count("\n")) == (2, 1)
    assert f"expected the package {package}" in err
    assert "found none" in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("package", "words"),
    [("pandas", ["-o", "r.csv", "-o", "r.parquet"]), ("matplotlib", ["--no-plots", "-o", "r.html"]), ("numba", [])],
)
def test_what_is_not_needed_may_be_missing(package: str, words: list[str], usual: str, tmp_path: Path) -> None:
    assert run(str(STORY), *words, prelude=without(package), cwd=tmp_path) == (0, usual, "")


def large(folder: Path) -> Path:
    """A capture of more packets than are read interpreted where compiling is possible."""
    content = STORY.read_bytes()
    (folder / "large.pcap").write_bytes(content[:24] + content[24:] * 200)
    return folder / "large.pcap"


def test_without_numba_no_compilation_is_announced(tmp_path: Path) -> None:
    """A capture that is large enough to be compiled is read interpreted, and the report says why it took long."""
    capture = tmp_path / "large.pcap"
    content = STORY.read_bytes()
    capture.write_bytes(content[:24] + content[24:] * 200)
    code, out, err = run(
        str(capture), prelude=without("numba"), environment={**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    )
    assert (code, err) == (0, "")
    assert "could not be compiled" in out


def test_without_any_environment_and_without_a_home_that_can_be_written_nothing_is_said(
    usual: str, tmp_path: Path
) -> None:
    report = tmp_path / "r.png"
    (tmp_path / "file").touch()  # no folder can be made below it, not even by root
    for environment in ({}, {"HOME": str(tmp_path / "file" / "home")}, {"HOME": "/proc"}, {"HOME": ""}):
        code, out, err = run(str(STORY), "-o", str(report), environment=environment)
        assert (code, err) == (0, "")
        assert out.splitlines()[0] == usual.splitlines()[0]
        report.unlink()


POSIX_NAMES = """
    chown fchown lchown fchmod lchmod link fork forkpty getuid geteuid getgid getegid getgroups getpgid getpgrp getsid
    setuid setgid nice pread pwrite preadv pwritev posix_fadvise posix_fallocate readv writev sendfile statvfs fstatvfs
    mkfifo mknod chroot fchdir getxattr setxattr listxattr removexattr register_at_fork openpty ttyname wait3 wait4
    waitid sysconf memfd_create sched_getaffinity sched_setaffinity sched_yield
    O_NOFOLLOW O_NONBLOCK O_DIRECTORY O_CLOEXEC O_NOCTTY O_SYNC O_DSYNC
"""
"""What Windows' `os` does not have."""

WINDOWS = f"""
import ctypes, mmap, os, shutil, signal, subprocess, tempfile, threading
for module, names in (
    (os, {POSIX_NAMES!r}.split()),
    (mmap, [name for name in dir(mmap) if name.startswith(("MAP_", "MADV_", "PROT_"))]),
    (signal, ["SIGPIPE", "SIGHUP", "SIGALRM", "SIGUSR1", "SIGKILL", "SIGQUIT", "pthread_sigmask", "alarm"]),
):
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
class NotOnWindows:
    def find_spec(self, name, path=None, target=None):
        if name in ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "posix", "syslog", "crypt"):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules.pop(name, None)
sys.meta_path.insert(0, NotOnWindows())

class Pages(mmap.mmap):
    def __new__(cls, number, size, tagname=None, access=0, offset=0):  # as Windows takes it
        return super().__new__(cls, number, size)
    madvise = property()
mmap.mmap = Pages

opens = os.open
def opened(path, flags, *rest, **more):
    if os.path.isdir(path):
        raise PermissionError(13, "Permission denied", path)
    return opens(path, flags, *rest, **more)
os.open = opened
"""
"""What the package may not rely on there. What only the system itself can show, such as ACLs, is not simulated."""


def test_the_main_paths_need_nothing_that_only_posix_has(usual: str, tmp_path: Path) -> None:
    names = ("r.html", "r.md", "r.json", "r.csv", "r.png", "r.svg", "r.pcapng", "r.parquet")
    words = [word for name in names for word in ("-o", name)]
    for prelude, folder in (("", tmp_path / "usual"), (WINDOWS, tmp_path / "windows")):
        folder.mkdir()
        assert run(str(STORY), *words, prelude=prelude, cwd=folder) == (0, usual, "")
        assert run(str(STORY), "-o", "r.html", prelude=prelude, cwd=folder) == (0, usual, "")  # over the first
    usual_files, files = (
        {each.name: each.read_bytes() for each in (tmp_path / name).iterdir()} for name in ("usual", "windows")
    )
    assert files == usual_files


def test_compiled_kernels_are_kept_and_loaded_where_there_is_no_posix(tmp_path: Path) -> None:
    from analyzer.passes.first import Skimmer

    assert Skimmer(compiled=True).compiled  # they lie in the cache now
    code, out, err = run(str(large(tmp_path)), prelude=WINDOWS)
    assert (code, err) == (0, "")
    assert "could not be compiled" not in out


def test_progress_is_shown_where_there_is_no_posix() -> None:
    code = f"""
import sys
{WINDOWS}
import io
from analyzer.cli.progress import ProgressBar
class Console(io.StringIO):
    def isatty(self): return True
stream = Console()
with ProgressBar(stream, show_after=0) as bar:
    bar.update(1, 2, 3)
sys.exit("Reading" not in stream.getvalue())
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], check=False, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0


def test_a_report_that_somebody_has_open_is_named_in_one_line(tmp_path: Path) -> None:
    """Windows lets nobody replace a file that is open."""
    (tmp_path / "r.html").write_text("old")
    prelude = f"""
{WINDOWS}
def replace(source, target, **more):
    raise PermissionError(13, "Permission denied", source, None, target)
os.replace = replace
"""
    code, _, err = run(str(STORY), "-o", "r.html", prelude=prelude, cwd=tmp_path)
    assert (code, err) == (2, "pmtu-analyze: r.html: cannot be written: Permission denied\n")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("r.html", "old")]


@pytest.mark.parametrize("suffix", [".html", ".md", ".json", ".csv"])
def test_a_path_as_windows_writes_it_is_shown_as_it_is(suffix: str, tmp_path: Path) -> None:
    name = r"C:\captures\new\tunnel.pcap"
    (tmp_path / name).write_bytes(STORY.read_bytes())
    code, out, err = run(name, "--no-plots", "-o", f"r{suffix}", cwd=tmp_path)
    assert (code, err) == (0, "")
    assert name in out
    written = (tmp_path / f"r{suffix}").read_text(encoding="utf-8")
    shown = {".json": json.dumps(name), ".md": f"`{name}`", ".html": name, ".csv": ""}[suffix]
    assert shown in written
    assert "\r" not in written


def test_a_checkout_with_other_line_ends_gives_the_same_reports(usual: str, tmp_path: Path) -> None:
    """As git makes one on Windows where nobody told it otherwise."""
    shutil.copytree(ROOT / "analyzer", tmp_path / "analyzer", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (tmp_path / "analyzer").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    names = ("r.html", "r.md", "r.json", "r.csv", "r.svg", "r.pcapng")
    words = [word for name in (*names, "--platform", "all") for word in (("-o", name) if name in names else (name,))]
    for folder, code in (("lf", ROOT), ("crlf", tmp_path)):
        (tmp_path / folder).mkdir()
        done = subprocess.run(
            [sys.executable, "-P", "-B", "-m", "analyzer", str(STORY), *words],
            capture_output=True,
            check=False,
            cwd=tmp_path / folder,
            env={**os.environ, "PYTHONPATH": str(code)},
        )
        assert done.returncode == 0
        assert (
            done.stderr.count(b"\n")
            == done.stderr.count(b"pmtu-analyze: wrote r")
            == len(list((tmp_path / folder).iterdir()))
        )
    for file in (tmp_path / "lf").iterdir():
        assert (tmp_path / "crlf" / file.name).read_bytes() == file.read_bytes(), file.name


def test_git_gives_text_the_same_line_ends_everywhere() -> None:
    asked = ("README.md", "analyzer/report/templates/report.css", "sample_pcaps/a.pcap", "docs/report.png")
    told = subprocess.run(
        ["git", "check-attr", "text", "eol", "--", *asked], capture_output=True, text=True, check=False, cwd=ROOT
    )
    if told.returncode:
        pytest.skip("no git, or no repository")
    kinds = [line.rpartition(": ")[2] for line in told.stdout.splitlines()]
    assert list(zip(kinds[::2], kinds[1::2], strict=True)) == [("auto", "lf")] * 2 + [("unset", "lf")] * 2


ENCODINGS = ["cp1252", "cp437", "ascii", "latin-1", "cp932", "utf-16"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("words", [[], ["--all"], ["--json"], ["--why-not", "blackhole"], ["--help"]], ids=str)
def test_no_console_is_too_old(words: list[str], encoding: str) -> None:
    """Whatever a console can show and however it is encoded: no error, and the same words."""
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "TERM": "dumb", "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "analyzer", str(STORY), *words],
        capture_output=True,
        check=False,
        env={**environment, "PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode(encoding)
    assert "\x1b" not in text
    assert "\\u" not in text or words == ["--json"]


def test_the_end_of_the_process_is_not_spent_looking_for_cycles() -> None:
    """What is asked here runs after all that the command has registered: at the end, the last comes first."""
    prelude = "import atexit, gc\natexit.register(lambda: print(gc.get_freeze_count() > 1000))"
    assert run("--version", prelude=prelude)[1].splitlines()[-1] == "True"
