"""Strings that a capture or a file name can carry, and an analysis full of them."""

from __future__ import annotations

from analyzer.model.analysis import Analysis
from analyzer.model.statement import RuledOut
from tests.report.factory import make_analysis, make_file, make_flow, make_timeline, refs

HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</style></title><svg/onload=alert(1)>",
    "\x1b[31m\x1b]0;owned\x07\x9b2J",
    "\u202egnp.exe\u200b\u2028",
    "[click](http://evil.example) ![i](http://evil.example/i.png)",
    "http://evil.example www.evil.example @everyone #1 :bomb: GH-1",
    "`code` ``two`` | cell | ~~gone~~ **bold** _it_",
    "{{ 7 * 7 }} {% raw %} ${7*7} $\\frac{1}{2}$",
    "# heading\n- item\r\n> quote\t=cmd|' /C calc'!A0",
    "&lt;b&gt; &#64; &amp;",
    "bytes \udcff\udc80 that are no UTF-8",
    "]]> --> <!-- <?php",
)

EVERYTHING = " ".join(HOSTILE)


def hostile_analysis() -> Analysis:
    """One troubled flow, with hostile text wherever a string could come from outside."""
    flow = make_flow(
        0,
        timeline=make_timeline(),
        explanation=EVERYTHING,
        evidence=((EVERYTHING, refs(1, 2)), *((text, refs(3)) for text in HOSTILE)),
        ruled_out=tuple(RuledOut(text, text, refs(4)) for text in HOSTILE),
    )
    files = [make_file(text, link_types=(text,), damaged_at=7, problem=text, filters=(text,)) for text in HOSTILE]
    return make_analysis([flow], files=files, notes=HOSTILE, selection=EVERYTHING)
