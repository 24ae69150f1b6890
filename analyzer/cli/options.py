"""The options of the command line, parsed by typer. Loaded only where there is something to parse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated

import typer

from analyzer.cli.command import EXIT_OK, PROGRAM, execute, standard_output
from analyzer.errors import UsageError

# typer brings its own copy of click in some versions and uses the installed one in others; either way its
# usage errors descend from this class: BadParameter <- UsageError <- ClickException.
_ClickError: type[Exception] = typer.BadParameter.__mro__[2]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


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


@app.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def run(
    captures: Annotated[
        list[str],
        typer.Argument(
            metavar="CAPTURE",
            help="pcap or pcapng files, - for standard input; several are one capture, merged in time order.",
            show_default=False,
        ),
    ],
    output: Annotated[
        list[str] | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH",
            help="Also write a report; the suffix picks the format: .html, .md, .json, .csv or .parquet (flows), "
            ".png, .svg or .pdf (timelines), .pcapng (only the packets that the verdicts rest on). May repeat.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON to standard output, and nothing else there.")
    ] = False,
    stream: Annotated[
        list[int] | None,
        typer.Option("--stream", metavar="N", min=0, help="Only this flow, by Wireshark's tcp.stream. May repeat."),
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", metavar="IP", help="Only flows with this address at one end.")
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
    no_plots: Annotated[bool, typer.Option("--no-plots", help="No timelines in or beside .html and .md.")] = False,
    show_all: Annotated[bool, typer.Option("--all", help="List healthy flows too.")] = False,
    fail_on: Annotated[
        list[str] | None,
        typer.Option("--fail-on", metavar="VERDICT", help="Exit with 1 if a flow has this verdict. May repeat."),
    ] = None,
    why_not: Annotated[
        str | None,
        typer.Option(
            "--why-not",
            metavar="VERDICT",
            help="Instead of the report, say of each flow why it has not this verdict.",
        ),
    ] = None,
    platform: Annotated[
        list[str] | None,
        typer.Option(
            "--platform",
            metavar="NAME",
            help="Give the fixes for this platform: linux, macos, windows, cisco, junos, mikrotik, pf, wireguard, "
            "openvpn, docker, calico, cilium, flannel, aws, gcp, azure, or all. May repeat.",
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
    2 wrong usage, no capture, a report that cannot be written, or any other error.

    \b
    Examples:
      pmtu-analyze hang.pcapng
      pmtu-analyze hang.pcapng -o ticket.html
      pmtu-analyze hang.pcapng --stream 3 -o timeline.png
      pmtu-analyze hang.pcapng --anonymize -o evidence.pcapng -o ticket.md
      pmtu-analyze before.pcap --compare after.pcap
      tcpdump -i any -s 128 -w - 'tcp or icmp or icmp6' | pmtu-analyze -
    """  # noqa: D301  # the backslash-b must be one character: it keeps lines as they are
    del schema, version  # their callbacks have done the work
    return partial(
        execute,
        captures,
        output=output or (),
        as_json=as_json,
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
    )


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
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        raise UsageError(f"{message.strip().rstrip('.')}; try --help") from None
    code = asked() if callable(asked) else asked
    return code if isinstance(code, int) else EXIT_OK


def _asked(words: Sequence[str]) -> object:
    """What the words ask for, to be called; an exit code, if click has done it already."""
    try:
        return app(args=list(words), prog_name=PROGRAM, standalone_mode=False)
    except SystemExit as error:  # click's answer to a reader that goes away, with 1
        raise BrokenPipeError from error
