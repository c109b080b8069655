"""How well one colour can be read on another, after WCAG 2.2 (relative luminance, contrast)."""

from __future__ import annotations

from textual.color import Color


def luminance(color: Color) -> float:
    """Relative luminance, 0 (black) to 1 (white), of an opaque sRGB colour."""

    def linear(channel: int) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(color.r) + 0.7152 * linear(color.g) + 0.0722 * linear(color.b)


def ratio(text: Color, background: Color) -> float:
    """Contrast from 1 (the same) to 21 (black on white); a translucent text is blended first."""
    lighter, darker = sorted((luminance(background + text), luminance(background)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
