"""The options of the command line, parsed by typer. Loaded only where there is something to parse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Annotated, NamedTuple

import typer

from analyzer.cli.command import EXIT_OK, PROGRAM, Request, execute, input_is_given, standard_output
from analyzer.errors import UsageError
from analyzer.model.verdicts import GROUPS, SIZE_PROBLEMS, VERDICTS, rank

# typer brings its own copy of click in some versions and uses the installed one in others; either way its
# usage errors descend from this class: BadParameter <- UsageError <- ClickException.
_ClickError: type[Exception] = typer.BadParameter.__mro__[2]

PLATFORM_NAMES = (
    "linux", "macos", "windows", "cisco", "junos", "mikrotik", "pf", "wireguard", "openvpn", "docker", "calico",
    "cilium", "flannel", "aws", "gcp", "azure", "all",
)  # fmt: skip
"""Written down once more: what knows them has to be loaded."""

VERDICT_NAMES = f"""Verdicts, the worst first: {", ".join(VERDICTS)}.

Groups for --fail-on: problem (every verdict worse than inconclusive) and size
({", ".join(sorted(SIZE_PROBLEMS, key=rank))}).
"""


class _Value(NamedTuple):
    """What an option with a value needs, in the words of the line that says so."""

    option: str
    needs: str
    such_as: str


EXAMPLES = {
    "stream": _Value("--stream", "a number", "3"),
    "port": _Value("--port", "a number from 0 to 65535", "443"),
    "host": _Value("--host", "an IP address or a network", "192.0.2.1 or --host 192.0.2.0/24"),
    "max_decompressed": _Value("--max-decompressed", "a number of GiB", "4"),
    "output": _Value("-o", "a file", "ticket.html"),
    "compare": _Value("--compare", "a capture", "after.pcap"),
    "fail_on": _Value("--fail-on", "a verdict", "blackhole"),
    "why_not": _Value("--why-not", "a verdict", "blackhole"),
    "explain": _Value("--explain", "a verdict", "blackhole"),
    "platform": _Value("--platform", "a name", "cisco"),
}
"""The options that take a value, by the names of their parameters."""

app = typer.Typer(add_completion=True, pretty_exceptions_enable=False, rich_markup_mode=None)


def _print_version(wanted: bool) -> None:
    if wanted:
        from analyzer.model import tool

        typer.echo(f"{PROGRAM} {tool.__version__}")
        raise typer.Exit


def _print_schema(wanted: bool) -> None:
    if wanted:
        from analyzer.report.formats.json_report import schema_text

        typer.echo(schema_text(), nl=False)
        raise typer.Exit


def _print_cache(wanted: bool) -> None:
    if wanted:
        from analyzer.cli.cache_folder import cache_lines

        typer.echo("\n".join(cache_lines()))
        raise typer.Exit


def _completes(names: Iterable[str]) -> Callable[[str], list[str]]:
    """What a shell offers for the beginning of a value."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    return complete


@app.command(epilog=VERDICT_NAMES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def run(
    captures: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CAPTURE",
            help="pcap or pcapng files, or folders of them, - for standard input, which is also read if it is a pipe "
            "or a file and nothing is named; several are one capture, merged in time order.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        list[str] | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH",
            help="Also write a report; the suffix picks the format: .html, .md, .json, .csv or .parquet (flows; UDP "
            "conversations where a name ends in udp.csv or udp.parquet), .png, .svg or .pdf (timelines), .pcapng (only "
            "the packets that the verdicts rest on), or, where a name ends in annotated.pcapng, the whole capture with "
            "comments at the frames that prove something. May repeat.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON to standard output, and nothing else there.")
    ] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the Markdown report to standard output, without timelines.")
    ] = False,
    brief: Annotated[
        bool, typer.Option("--brief", help="Print one line: the name of the capture and the answer.")
    ] = False,
    each: Annotated[
        bool,
        typer.Option(
            "--each",
            help="Every file is a capture of its own: print one line each. Of a folder these are all its files. A file "
            "that is no capture is told on its line; only if none could be read, the command fails.",
        ),
    ] = False,
    stream: Annotated[
        list[int] | None,
        typer.Option("--stream", metavar="N", min=0, help="Only this flow, by Wireshark's tcp.stream. May repeat."),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(
            "--host",
            metavar="IP",
            help="Only flows with this address at one end, or with one of this network: 192.0.2.0/24, 2001:db8::/32.",
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", metavar="N", min=0, max=65535, help="Only flows with this TCP port at one end."),
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(
            "--compare",
            metavar="AFTER",
            help="A capture taken later: say whether the fix worked. --fail-on is then about this one.",
        ),
    ] = None,
    anonymize: Annotated[
        bool,
        typer.Option(
            "--anonymize",
            help="Replace all addresses and file names, prefix-preserving, in every report and in the .pcapng.",
        ),
    ] = False,
    keep_payload: Annotated[
        bool, typer.Option("--keep-payload", help="Leave the payload in the .pcapng; by default headers only.")
    ] = False,
    names: Annotated[
        bool,
        typer.Option(
            "--names",
            help="Show names of hosts beside their addresses, as far as the capture tells them: DNS answers, server "
            "names of TLS, name blocks of pcapng. Reads it once more; not with --anonymize.",
        ),
    ] = False,
    no_plots: Annotated[bool, typer.Option("--no-plots", help="No timelines in or beside .html and .md.")] = False,
    show_all: Annotated[bool, typer.Option("--all", help="List healthy flows too.")] = False,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-on",
            metavar="VERDICT",
            help="Exit with 1 if a flow has this verdict, or one of this group: problem, size. May repeat.",
            autocompletion=_completes([*VERDICTS, *GROUPS]),
        ),
    ] = None,
    why_not: Annotated[
        str | None,
        typer.Option(
            "--why-not",
            metavar="VERDICT",
            help="Instead of the report, say of each flow why it has not this verdict.",
            autocompletion=_completes(VERDICTS),
        ),
    ] = None,
    explain: Annotated[
        str | None,
        typer.Option(
            "--explain",
            metavar="VERDICT",
            help="Read nothing: print what this verdict means, what it rests on and what to do.",
            autocompletion=_completes(VERDICTS),
        ),
    ] = None,
    platform: Annotated[
        list[str] | None,
        typer.Option(
            "--platform",
            metavar="NAME",
            help=f"Give the fixes for this platform: {', '.join(PLATFORM_NAMES[:-1])}, or all. May repeat.",
            autocompletion=_completes(PLATFORM_NAMES),
        ),
    ] = None,
    schema: Annotated[
        bool,
        typer.Option(
            "--schema", help="Print the JSON Schema of the JSON and exit.", callback=_print_schema, is_eager=True
        ),
    ] = False,
    max_decompressed: Annotated[
        float | None,
        typer.Option(
            "--max-decompressed",
            metavar="GIB",
            min=0,
            help="Read so much of compressed captures, decompressed, and no more; by default 1 and 256 times "
            "the compressed size, 64 at most.",
        ),
    ] = None,
    cache: Annotated[
        bool,
        typer.Option(
            "--cache",
            help="Print where compiled code is kept, and how to clear it, and exit.",
            callback=_print_cache,
            is_eager=True,
        ),
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True),
    ] = False,
) -> Callable[[], int]:
    """Find Path MTU Discovery black holes in a packet capture.

    Says for each TCP flow whether large packets vanish on its path while small ones pass, between which
    sizes the path MTU lies, which frames prove it, what was ruled out, and what to do. Reads the capture
    only; sends nothing.

    \b
    Exit codes: 0 analysed; 1 a verdict named by --fail-on was found;
    2 wrong usage, no capture, a report that cannot be written, or any other error;
    130 ended by Ctrl-C. While a capture is read, Ctrl-C ends the reading, and what
    came is analysed; a second Ctrl-C ends everything.

    \b
    Examples:
      pmtu-analyze hang.pcapng
      pmtu-analyze hang.pcapng -o ticket.html
      pmtu-analyze hang.pcapng --stream 3 -o timeline.png
      pmtu-analyze hang.pcapng --anonymize -o evidence.pcapng -o ticket.md
      pmtu-analyze before.pcap --compare after.pcap
      pmtu-analyze --each captures/ --fail-on problem
      tcpdump -i any -s 128 -w - 'tcp or icmp or icmp6' | pmtu-analyze -
    """  # noqa: D301  # the backslash-b must be one character: it keeps lines as they are
    del schema, cache, version  # their callbacks have done the work
    if explain is not None:
        return partial(_explain, explain, platform or ())
    if not captures and not input_is_given():
        raise UsageError("expected a CAPTURE, or one on standard input; try --help")
    request = Request(
        captures or ["-"],
        output=output or (),
        as_json=as_json,
        as_markdown=as_markdown,
        brief=brief,
        each=each,
        streams=stream or (),
        host=host,
        port=port,
        show_all=show_all,
        plots=not no_plots,
        fail_on=fail_on or (),
        why_not=why_not,
        platforms=platform or (),
        compare=compare,
        anonymize=anonymize,
        keep_payload=keep_payload,
        max_decompressed=max_decompressed,
        names=names,
    )
    return partial(_carry_out, request)


def _carry_out(request: Request) -> int:
    from analyzer.cli.checks import check

    check(request)
    if not request.each:
        return execute(request)
    from analyzer.cli.each import report_each

    return report_each(request)


def _explain(verdict: str, platforms: Sequence[str]) -> int:
    from analyzer.api.pipeline import check_platforms
    from analyzer.report.explain import explanation

    check_platforms(platforms)
    lines = explanation(verdict, platforms)
    with standard_output():
        typer.echo("\n".join(lines))
    return EXIT_OK


def parse_and_run(words: Sequence[str]) -> int:
    """Run the command with these words; returns the exit code.

    Raises:
        UsageError: the words are no valid options; the message is one line.
    """
    asked: object = EXIT_OK
    try:
        # Only what click itself prints is printed in here, a help text and its like.
        with standard_output():
            asked = _asked(words)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except _ClickError as error:
        raise UsageError(_in_words(error)) from None
    code = asked() if callable(asked) else asked
    return code if isinstance(code, int) else EXIT_OK


def _in_words(error: Exception) -> str:
    """What is wrong with the words, as one line."""
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    option = str(getattr(error, "option_name", None) or "")  # of one without a value
    named = "output" if option == "-o" else option.removeprefix("--").replace("-", "_")
    wanted = EXAMPLES.get(getattr(getattr(error, "param", None), "name", None) or named)
    if wanted is not None:
        return f"{wanted.option} needs {wanted.needs}, as in {wanted.option} {wanted.such_as}"
    return f"{message.strip().rstrip('.')}; try --help"


def _asked(words: Sequence[str]) -> object:
    """What the words ask for, to be called; an exit code, if click has done it already."""
    try:
        return app(args=list(words), prog_name=PROGRAM, standalone_mode=False)
    except SystemExit as error:
        if not error.code:  # it has answered a shell that asked how its line may go on
            return EXIT_OK
        raise BrokenPipeError from error  # click's answer to a reader that goes away, with 1
