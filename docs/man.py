r"""Writes the man page `docs/pmtu-analyze.1` from the options of the command: `python docs/man.py`.

It is installed as share/man/man1/pmtu-analyze.1. Macros are those of man(7).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from analyzer.cli.options import VERDICT_NAMES, app
from analyzer.model import tool
from analyzer.model.verdicts import VERDICTS
from analyzer.report.verdict_text import WORDS

TARGET = Path(__file__).with_name(f"{tool.NAME}.1")

OF_TYPER = {"install_completion", "show_completion", "help"}
"""Options that typer words, in each version in its own way."""

OWN_WORDS = {
    "--install-completion": "Install completion of options and their values for the shell in which it is called.",
    "--show-completion": "Print that completion, to be installed by hand.",
    "-h, --help": "Print a summary of the options and exit.",
}

EXIT_STATUS = {
    "0": "The capture was analysed, whatever was found.",
    "1": "A flow has a verdict that --fail-on names. Never without that option.",
    "2": "Wrong usage, no capture, a report or an output that cannot be written, or any other error, told in one line.",
    "130": "Ended by Ctrl-C. While a capture is read, Ctrl-C ends the reading, and what came is analysed and reported; "
    "with --fail-on and a finding the status is 1. A second Ctrl-C ends everything.",
}

ENVIRONMENT = {
    "COLUMNS": "Width of the report where standard output is no terminal; 80 by default.",
    "NO_COLOR": "Where it is set, nothing is coloured.",
    "XDG_CACHE_HOME": "Compiled code is kept in pmtu-analyze below it, by default below ~/.cache; see --cache.",
    "PMTU_ANALYZE_DEBUG": "Where it is set, an unexpected error is shown with its traceback.",
}


def main() -> None:
    """Write the page."""
    TARGET.write_text(page(), encoding="utf-8")


def page() -> str:
    """The whole page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    command = typer.main.get_command(app)
    summary, *paragraphs = _paragraphs(command.help or "")
    yield r".\" Made by docs/man.py from the options of the command; do not edit."
    yield f'.TH {tool.NAME.upper()} 1 "" "{tool.NAME} {tool.__version__}" "User Commands"'
    yield from (
        ".SH NAME",
        rf"{_plain(tool.NAME)} \- {_plain(summary.rstrip('.')[:1].lower() + summary.rstrip('.')[1:])}",
    )
    yield from (".SH SYNOPSIS", rf".B {_plain(tool.NAME)}", r"[\fIOPTION\fR]... [\fICAPTURE\fR]...")
    yield ".SH DESCRIPTION"
    examples: list[str] = []
    for paragraph in paragraphs:
        if paragraph.startswith("Examples:"):
            examples = paragraph.splitlines()[1:]
        elif not paragraph.startswith("Exit codes:"):  # which have a section of their own
            yield from (".PP", _plain(" ".join(paragraph.split())))
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            yield from (".TP", rf"\fI{_plain(str(parameter.metavar))}\fR", _plain(_help(parameter)))
    yield ".SH OPTIONS"
    for parameter in command.params:
        if parameter.param_type_name == "option" and parameter.name not in OF_TYPER:
            names = ", ".join(rf"\fB{_plain(name)}\fR" for name in parameter.opts)
            value = "" if getattr(parameter, "is_flag", False) else rf" \fI{_plain(str(parameter.metavar))}\fR"
            yield from (".TP", names + value, _plain(_help(parameter)))
    for name, text in OWN_WORDS.items():
        yield from (".TP", rf"\fB{_plain(name)}\fR", _plain(text))
    yield ".SH VERDICTS"
    yield from (".PP", "The worst first; a flow has the worse of its two directions'.")
    for verdict in VERDICTS:
        yield from (".TP", rf"\fB{verdict}\fR", _plain(WORDS[verdict].meaning))
    yield from (".PP", _plain(" ".join(VERDICT_NAMES.split("\n\n")[1].split())))
    for title, entries in (("EXIT STATUS", EXIT_STATUS), ("ENVIRONMENT", ENVIRONMENT)):
        yield f".SH {title}"
        for name, text in entries.items():
            yield from (".TP", rf"\fB{_plain(name)}\fR", _plain(text))
    yield from (".SH EXAMPLES", ".nf", *(_plain(line.strip()) for line in examples), ".fi")
    yield from (".SH SEE ALSO", r"\fBtcpdump\fR(8), \fBtshark\fR(1), \fBtracepath\fR(8)")


def _help(parameter: Any) -> str:
    return " ".join(str(parameter.help).split())


def _paragraphs(text: str) -> list[str]:
    return [
        part.strip("\n") for part in re.split(r"\n\s*\n", text.replace("\b\n", "").replace("\b", "")) if part.strip()
    ]


def _plain(text: str) -> str:
    r"""Text in which nothing is a request of roff, and hyphens are those that can be pasted."""
    safe = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{safe}" if safe.startswith((".", "'")) else safe


if __name__ == "__main__":
    main()
