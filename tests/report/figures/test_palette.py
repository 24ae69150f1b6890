"""Colours that mean something in one plot are told apart, also by colour-blind readers, in both themes."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from analyzer.report.figures.palette import DARK, LEAST_DIFFERENCE, LIGHT, TOGETHER, Theme

Array = np.ndarray[Any, Any]

EYES = {  # Machado, Oliveira, Fernandes: A Physiologically-based Model ... (2009), severity 1.0, for linear RGB
    "usual": np.eye(3),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
}

TO_XYZ = np.array(  # sRGB, D65: IEC 61966-2-1
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])


def linear(color: str) -> Array:
    value = np.array(to_rgb(color))
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(rgb: Array) -> Array:
    """CIE L*a*b* of linear RGB."""
    t = TO_XYZ @ np.clip(rgb, 0, 1) / WHITE
    x, y, z = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def difference(one: Array, other: Array) -> float:
    """CIEDE2000 of two colours in L*a*b*, as Sharma, Wu and Dalal (2005) write it down."""
    mean = (np.hypot(*one[1:]) + np.hypot(*other[1:])) / 2
    stretch = 1.5 - 0.5 * np.sqrt(mean**7 / (mean**7 + 25.0**7))
    (a1, b1), (a2, b2) = ((a * stretch, b) for _, a, b in (one, other))
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    hue = (h1 + turn / 2) % 360 if c1 * c2 else h1 + h2
    light, chroma = (one[0] + other[0]) / 2, (c1 + c2) / 2
    waves = ((-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.2, 4, -63))
    t = 1 + sum(size * np.cos(np.radians(times * hue + shift)) for size, times, shift in waves)
    lightness = (other[0] - one[0]) / (1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2))
    saturation = (c2 - c1) / (1 + 0.045 * chroma)
    tint = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2)) / (1 + 0.015 * chroma * t)
    rotation = -2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7))
    rotation *= np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2))))
    return float(np.sqrt(lightness**2 + saturation**2 + tint**2 + rotation * saturation * tint))


@pytest.mark.parametrize(
    ("one", "other", "expected"),  # of the test data of Sharma, Wu and Dalal
    [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, 2.5, 0.0), (58.0, 24.0, 15.0), 19.4535),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
        ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ],
)
def test_the_difference_is_that_of_the_literature(
    one: tuple[float, ...], other: tuple[float, ...], expected: float
) -> None:
    assert difference(np.array(one), np.array(other)) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_roles_of_one_plot_are_told_apart(theme: Theme, eyes: str) -> None:
    assert LEAST_DIFFERENCE > 12
    for roles in TOGETHER:
        for one, other in combinations(roles, 2):
            seen = [lab(EYES[eyes] @ linear(getattr(theme, role))) for role in (one, other)]
            assert difference(*seen) >= LEAST_DIFFERENCE, (one, other, difference(*seen))


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_marks_and_letters_stand_out_from_the_paper(theme: Theme) -> None:
    """WCAG 2: 3 for graphics, 4.5 for text. The band is an area behind other things, and its edges are told."""
    paper = TO_XYZ[1] @ linear(theme.paper)
    for role in {role for roles in TOGETHER for role in roles} - {"band"} | {"muted"}:
        mine = TO_XYZ[1] @ linear(getattr(theme, role))
        contrast = (max(mine, paper) + 0.05) / (min(mine, paper) + 0.05)
        assert contrast >= (4.5 if role in ("ink", "lost", "ptb", "muted") else 3), (role, contrast)


def test_every_role_but_the_ground_is_in_some_plot() -> None:
    assert {role for roles in TOGETHER for role in roles} | {"paper", "grid", "muted"} == set(LIGHT.roles())
