"""Figures as SVG to stand in an HTML page: one drawing for light, dark and paper.

Colours become CSS variables (`--p-` and the role in `palette.Theme`), letters the page's own fonts, names
get a prefix so that several figures of one page do not clash.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from matplotlib.figure import Figure

from analyzer.report.figures.palette import LIGHT, Theme
from analyzer.report.figures.timelines import image

XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
DROPPED = frozenset({"metadata", "style"})
"""matplotlib's style sheet would apply to all of the page; the page's own has its rules."""

_REFERENCE = re.compile(r"#([\w.-]+)")
_FONT_FAMILY = re.compile(r"\s*font-family: [^;]*;")
"""On every text the same; the page says it once."""

_DECIMALS = re.compile(r"(\.\d\d)\d+")


def inline_svg(figure: Figure, prefix: str, description: str, *, theme: Theme = LIGHT) -> str:
    """The figure as an `<svg>` element.

    Args:
        figure: drawn with `theme`.
        prefix: begins every id in it; different for each figure of a page.
        description: read to those who cannot see the figure.
        theme: tells which colour stands for which role.
    """
    root = ET.fromstring(image(figure, "svg", text_as_text=True))  # noqa: S314 - we have just written it
    variables = {color: f"var(--p-{role.replace('_', '-')})" for role, color in theme.roles().items()}
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.rpartition("}")[2] in DROPPED:
                parent.remove(child)
    named = _named(root)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        _share_style(element)
        _rewrite(element, prefix, named, variables)
        element.text = (element.text or "").strip() or None
        element.tail = None
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("aria-label", description)
    return ET.tostring(root, encoding="unicode")


def _share_style(element: ET.Element) -> None:
    """Move the style that all markers of a group repeat to the group."""
    markers = [child for child in element if child.tag.endswith("use")]
    styles = {child.get("style", "") for child in markers}
    if len(markers) > 1 and len(styles) == 1 and len(markers) == len(element) and "style" not in element.attrib:
        element.set("style", styles.pop())
        for child in markers:
            child.attrib.pop("style", None)


def _named(root: ET.Element) -> set[str]:
    """Ids that something refers to; all others say nothing."""
    values = [value for element in root.iter() for name, value in element.attrib.items() if name != "id"]
    return {name for value in values for name in _REFERENCE.findall(value)}


def _rewrite(element: ET.Element, prefix: str, named: set[str], variables: dict[str, str]) -> None:
    if element.get("id") not in named:
        element.attrib.pop("id", None)
    if XLINK_HREF in element.attrib:
        element.set("href", element.attrib.pop(XLINK_HREF))
    for name, value in list(element.attrib.items()):
        if name == "id":
            element.set(name, prefix + value)
        elif name == "href":
            element.set(name, f"#{prefix}{value.removeprefix('#')}")
        elif value.startswith("url(#"):
            element.set(name, value.replace("url(#", f"url(#{prefix}"))
        elif name in ("d", "x", "y", "transform", "points"):
            element.set(name, " ".join(_DECIMALS.sub(r"\1", value).split()))
        elif name in ("style", "fill", "stroke"):
            value = _FONT_FAMILY.sub("", value)  # noqa: PLW2901 - as below
            for color, variable in variables.items():
                value = value.replace(color, variable)  # noqa: PLW2901 - each colour in turn
            element.set(name, value)
