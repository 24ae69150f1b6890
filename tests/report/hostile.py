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

REFERENCES = (
    # GitLab: docs.gitlab.com/user/markdown/#gitlab-specific-references
    "@someone", "@some-group/sub", "@all", "#12", "GL-12", "[issue:12]", "!45", "$67", "&8", "~9", "~bug",
    '~"two words"', "%3", "%v1.23", '%"two words"', "*iteration:4", '*iteration:"a b"', "[cadence:5]",
    "[vulnerability:6]", "[feature_flag:7]", "[epic:8]", "[work_item:9]", "[contact:a@example.com]",
    "[wiki_page:home]", "^alert#10", "9ba12248", "9ba12248...b19a04f5", "group/project>", "group/project#12",
    "group/project!45", "project$67", "group&8", "project~9", "project%3", "group/project@9ba12248",
    "[README](doc/README.md)", "#12+", "!45+s",
    # GitHub: "Autolinked references and URLs", custom autolinks and Jira's keys included; Gitea takes the same
    "GH-26", "gh-26", "jlord/sheetsee.js#26", "jlord#26", "a5c3785ed8d6a35868bc169f07e40e889087fd2e",
    "jlord@a5c3785", "jlord/sheetsee.js@a5c3785ed8d6a35868bc169f07e40e889087fd2e", "TICKET-123", "PROJ2-9",
    # Links: section 6.9 of the GFM specification, and what takes every name for a host
    "http://evil.example/a?b", "https://evil.example", "ftp://evil.example", "irc://evil.example",
    "www.evil.example", "WWW.EVIL.EXAMPLE", "someone@evil.example", "mailto:someone@evil.example",
    "xmpp:someone@evil.example/x", "evil.example", "invoice.zip", "<http://evil.example>",
    # Emoji, and mathematics
    ":tada:", ":+1:", ":-1:", ":100:", ":1234:", ":8ball:", ":e-mail:", "a:bomb:b", "2001:100:1234:5::6",
    "$x$", "$`x`$", "$$x$$",
)  # fmt: skip
"""What makes a link, a mention or a picture of plain text where tickets are read."""

TICKETS = " ".join(REFERENCES)

EVERYTHING = " ".join((*HOSTILE, TICKETS))


def hostile_analysis() -> Analysis:
    """One troubled flow, with hostile text wherever a string could come from outside."""
    flow = make_flow(
        0,
        timeline=make_timeline(),
        explanation=EVERYTHING,
        evidence=((EVERYTHING, refs(1, 2)), *((text, refs(3)) for text in HOSTILE)),
        ruled_out=tuple(RuledOut(text, text, refs(4)) for text in HOSTILE),
    )
    strings = (*HOSTILE, TICKETS)
    files = [make_file(text, link_types=(text,), damaged_at=7, problem=text, filters=(text,)) for text in strings]
    return make_analysis([flow], files=files, notes=strings, selection=EVERYTHING)
