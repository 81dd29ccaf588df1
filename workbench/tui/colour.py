"""Measures colours: contrast (WCAG 2.1, section 1.4.3) and distance as a colour-blind person sees it.

Colour vision deficiency is simulated with the severity-1.0 matrices of Machado, Oliveira and Fernandes
(2009, IEEE TVCG 15(6)), applied to linear RGB; distance is CIE76 in L*a*b* under D65.
"""

from __future__ import annotations

import math
from typing import TypeAlias

Rgb: TypeAlias = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

Matrix: TypeAlias = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]

DEUTERANOPIA: Matrix = (
    (0.367322, 0.860646, -0.227968),
    (0.280085, 0.672501, 0.047413),
    (-0.011820, 0.042940, 0.968881),
)
PROTANOPIA: Matrix = (
    (0.152286, 1.052583, -0.204868),
    (0.114503, 0.786281, 0.099216),
    (-0.003882, -0.048116, 1.051998),
)
TRITANOPIA: Matrix = (
    (1.255528, -0.076749, -0.178779),
    (-0.078411, 0.930809, 0.147602),
    (0.004733, 0.691367, 0.303900),
)


def contrast(first: Rgb, second: Rgb) -> float:
    """Return the contrast ratio of two colours, from 1 (the same) to 21 (black on white)."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def distance(first: Rgb, second: Rgb, seen_by: Matrix | None = None) -> float:
    """Return how far apart two colours look (CIE76), to a person with the deficiency `seen_by`."""
    one, other = _lab(_seen(first, seen_by)), _lab(_seen(second, seen_by))
    return math.dist(one, other)


def _linear(channel: int) -> float:
    value = channel / 255
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _luminance(colour: Rgb) -> float:
    red, green, blue = (_linear(channel) for channel in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _seen(colour: Rgb, matrix: Matrix | None) -> tuple[float, float, float]:
    red, green, blue = (_linear(channel) for channel in colour)
    if matrix is None:
        return red, green, blue
    seen = [min(1.0, max(0.0, a * red + b * green + c * blue)) for a, b, c in matrix]
    return seen[0], seen[1], seen[2]


def _lab(linear: tuple[float, float, float]) -> tuple[float, float, float]:
    red, green, blue = linear
    x = (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047
    y = 0.2126729 * red + 0.7151522 * green + 0.0721750 * blue
    z = (0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883
    fx, fy, fz = (_cube(value) for value in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def _cube(value: float) -> float:
    return value ** (1 / 3) if value > 216 / 24389 else (24389 / 27 * value + 16) / 116
