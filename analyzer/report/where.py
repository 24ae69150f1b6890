"""Between which hosts a flow's trouble lies, and in which sizes, line by line."""

from __future__ import annotations

from collections.abc import Callable

from analyzer.model.flow import Flow, PathMtu
from analyzer.model.text import bracket
from analyzer.model.verdicts import BY_NAME, SIZE_PROBLEMS
from analyzer.report.verdict_text import WORDS, Paths, pooled_mtu

SHOWN_CANDIDATES = 6
"""Overheads that a bracket is consistent with are listed up to so many; more point at none."""

DIRECTIONS = {"client_to_server": "client to server", "server_to_client": "server to client"}


def behind(names: str) -> str:
    """Names as they stand behind an address: " (www.example.com)", or nothing."""
    return f" ({names})" if names else ""


def where_lines(flow: Flow, paths: Paths, name_of: Callable[[str], str]) -> list[str]:
    """The hosts and the bracket, what is pooled with it, the other direction; `name_of` tells names of an address."""
    direction = DIRECTIONS[flow.direction] if flow.direction is not None else ""
    left, arrow, right = flow.client, "--", flow.server
    if direction:
        left, arrow, right = flow.sender, "->", flow.receiver
    place = f"{left.ip}{behind(name_of(left.ip))} {arrow} {right.ip}{behind(name_of(right.ip))}"
    lines = [f"{place} ({direction})" if direction else place]
    if flow.verdict not in SIZE_PROBLEMS:
        return lines
    at_receiver = BY_NAME[flow.verdict].at_receiver
    lines[0] += f": {sizes_text(flow.path_mtu, flow.sender.ip, at_receiver=at_receiver)}"
    pooled = pooled_mtu(flow, paths)
    if pooled != flow.path_mtu:
        lines.append(f"With all else between these hosts: path MTU {bracket(pooled.on_links_of(flow.sender.ip))}")
    path = paths.get((flow.sender.ip, flow.receiver.ip))
    if path is not None and 0 < len(path.consistent_with) <= SHOWN_CANDIDATES:
        lines.append(f"Consistent with {'; '.join(path.consistent_with)}")
    back = paths.get((flow.receiver.ip, flow.sender.ip))
    if back is not None and (back.at_least or back.at_most):
        size = PathMtu(back.at_least, back.at_most, back.exact)
        if back.verdict == "not_exercised" and back.at_most is None and back.exact is None:
            lines.append(f"The other direction is unknown: nothing above {back.at_least} bytes was sent")
        else:
            lines.append(
                f"The other direction: path MTU {bracket(size.on_links_of(back.src))} ({WORDS[back.verdict].short})"
            )
    return lines


def sizes_text(size: PathMtu, sender: str, *, at_receiver: bool = False) -> str:
    """A bracket, and which sizes it rests on; `at_receiver`: what got lost is not in the capture."""
    if size.exact is not None:
        return f"path MTU {size.exact}, as a PTB says"
    if size.at_least is None and size.at_most is None:
        return "path MTU unknown"
    told = size.on_links_of(sender)
    passed = f"{size.at_least} bytes {'came' if at_receiver else 'got through'}" if size.at_least is not None else ""
    lost = "no larger size is known to be lost"
    if size.at_most is not None and at_receiver:
        lost = f"nothing of full size ({size.at_most + 1} bytes)" + ("" if passed else " came")
    elif size.at_most is not None:
        lost = f"{size.at_most + 1} did not" if passed else f"{size.at_most + 1} bytes did not get through"
    known = f"; every IPv6 link carries {told.at_least}" if told != size else ""
    both = (", and " if at_receiver else " and ").join(part for part in (passed, lost) if part)
    return f"path MTU {bracket(told)}: {both}{known}"
