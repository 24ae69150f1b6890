"""Shows that two checkouts say the same of many captures: their JSON reports, byte for byte but for additions.

    python tests/compare_json.py --before ../earlier sample_pcaps tests/data

Each capture is analysed by the package of each checkout, in a process of its own. What the later one adds, members of
objects that the earlier one does not have, is taken out; the rest must be equal as text. Exits with 1 if any differs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

SUFFIXES = (".pcap", ".pcapng", ".cap", ".gz", ".zst", ".lz4", ".dmp", ".snoop", ".erf", ".trace", ".ntar")

WORKER = """
import sys, analyzer
for number, name in enumerate(sys.stdin.read().splitlines()):
    try:
        analyzer.analyze(name).save(f"{sys.argv[1]}/{number}.json")
    except analyzer.PmtuAnalyzeError as error:
        with open(f"{sys.argv[1]}/{number}.json", "w", encoding="utf-8", errors="backslashreplace") as out:
            out.write(f'{{"error": "{type(error).__name__}"}}')
"""


def captures_in(paths: Iterable[Path]) -> list[Path]:
    """The files themselves, and those in directories that look like captures."""
    found: list[Path] = []
    for path in paths:
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        found += [each for each in inside if each.is_file() and (path.is_file() or each.suffix in SUFFIXES)]
    return [each.absolute() for each in found]


def analysed(checkout: Path, captures: list[Path], folder: Path) -> None:
    """Write the JSON of each capture, as the package in `checkout` says it, to files named by their number."""
    folder.mkdir()
    subprocess.run(
        [sys.executable, "-P", "-c", WORKER, str(folder)],
        input="\n".join(map(str, captures)),
        text=True,
        errors="surrogateescape",
        check=True,
        env={**os.environ, "PYTHONPATH": str(checkout.absolute())},
        cwd=folder,
    )


def without_additions(after: object, before: object) -> object:
    """`after` without the members that the object in the same place of `before` does not have."""
    if isinstance(after, dict) and isinstance(before, dict):
        return {key: without_additions(value, before[key]) for key, value in after.items() if key in before}
    if isinstance(after, list) and isinstance(before, list) and len(after) == len(before):
        return [without_additions(*pair) for pair in zip(after, before, strict=True)]
    return after


def differences(captures: list[Path], before: Path, after: Path) -> list[Path]:
    """The captures whose JSON differs."""
    differing = []
    for number, capture in enumerate(captures):
        earlier = json.loads((before / f"{number}.json").read_text(encoding="utf-8"))
        later = json.loads((after / f"{number}.json").read_text(encoding="utf-8"))
        if json.dumps(without_additions(later, earlier)) != json.dumps(earlier):
            differing.append(capture)
    return differing


def main() -> int:
    """Compare, and say what differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("captures", nargs="+", type=Path, help="captures, or directories of them")
    parser.add_argument("--before", required=True, type=Path, help="the earlier checkout")
    parser.add_argument("--after", default=Path(), type=Path, help="the later one; by default the current directory")
    parser.add_argument("--keep", type=Path, help="a new directory for what both say")
    options = parser.parse_args()
    captures = captures_in(options.captures)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(exist_ok=True)
        analysed(options.before, captures, folder / "before")
        analysed(options.after, captures, folder / "after")
        differing = differences(captures, folder / "before", folder / "after")
    for capture in differing:
        sys.stdout.write(f"differs: {capture}\n")
    sys.stdout.write(f"{len(captures) - len(differing)} of {len(captures)} captures give the same JSON\n")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
