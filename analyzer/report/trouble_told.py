"""What pings, PTBs or fragments show without a flow, as a report tells it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from analyzer.model.display_filter import frame_filters
from analyzer.model.finding import Finding
from analyzer.model.text import frames_text, printable
from analyzer.model.trouble import Trouble
from analyzer.model.verdicts import BY_NAME
from analyzer.report.diagnosis import Diagnosis, Remark, cause_words
from analyzer.report.verdict_text import WORDS, Paths
from analyzer.report.where import SHOWN_CANDIDATES, sizes_text

TITLES = {
    "pings/blackhole": "PMTUD black hole, shown by pings",
    "probes/blackhole": "PMTUD black hole, shown by UDP probes",
    "fragments/fragment_loss": "Fragments are lost",
}
"""Where a verdict's own words would say more than what shows it."""


def trouble_title(trouble: Trouble) -> str:
    """What a trouble is called, in a few words."""
    return TITLES.get(trouble.rule) or WORDS[trouble.verdict].title


def trouble_told(
    trouble: Trouble, finding: Finding, paths: Paths, labels: Sequence[str], named: Callable[[str], str]
) -> Diagnosis:
    """The diagnosis of a finding that no flow shows; `named` writes an address, `labels` name the files."""
    place = f"{named(trouble.sender)} -> {named(trouble.receiver)}"
    known = trouble.path_mtu != (None, None, None)
    path = paths.get((trouble.sender, trouble.receiver))
    candidates = path.consistent_with if path is not None and known else ()
    return Diagnosis(
        flow=None,
        shown_by=trouble.shown_by,
        verdict=trouble.verdict,
        finding=finding.id,
        title=trouble_title(trouble),
        tone=BY_NAME[trouble.verdict].tone,
        endpoints=place,
        confidence=trouble.confidence,
        rule=trouble.rule,
        what=Remark(printable(trouble.explanation), frames_text(trouble.rests_on, labels)),
        where=(
            f"{place}: {sizes_text(trouble.path_mtu, trouble.sender)}" if known else place,
            *([printable(trouble.located.told.text)] if trouble.located is not None else []),
            *([f"consistent with {'; '.join(candidates)}"] if 0 < len(candidates) <= SHOWN_CANDIDATES else []),
        ),
        strip=None,
        why=tuple(Remark(printable(text), frames_text(frames, labels)) for text, frames in trouble.evidence),
        ruled_out=tuple(
            Remark(f"{cause_words(each.cause)}: {printable(each.because)}", frames_text(each.frames, labels))
            for each in trouble.ruled_out
        ),
        fixes=trouble.fixes,
        same="",
        members=(),
        more=0,
        display_filter=trouble.display_filter,
        frame_filters=frame_filters(trouble.frames, labels),
        trouble=trouble,
    )
