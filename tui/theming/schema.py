"""What a theme file can say.

.. code-block:: yaml

    name: dark            # what the palette and the settings call it
    dark: true            # light text on a dark ground?
    ansi: false           # made of the terminal's own colours (ansi_red, ansi_default)?
    colors:               # the first three are needed, the rest follow from them
      primary: "#82aaff"
      foreground: "#e6e6e6"
      background: "#16181d"
    tokens:               # five, from the likeliest token to the most surprising one
      - "#7fd0a0"
      - ...
    marks:                # what stands out; each "text", "text on ground", with styles after it
      mask: "#16181d on #e0af68 bold"
    textual:              # any of Textual's own theme variables
      border: "#444444"
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import Struct
from textual.color import Color, ColorParseError

STYLES = frozenset({"none", "bold", "dim", "italic", "underline", "reverse", "strike"})
BUCKETS = 5
"""Shades of surprise that tokens are drawn in."""


class Colors(Struct, frozen=True, kw_only=True):
    """The base colours, as in `textual.theme.Theme`."""

    primary: str = ""
    foreground: str = ""
    background: str = ""
    secondary: str | None = None
    accent: str | None = None
    warning: str | None = None
    error: str | None = None
    success: str | None = None
    surface: str | None = None
    panel: str | None = None


class Marks(Struct, frozen=True, kw_only=True, rename="kebab"):
    """What stands out in a transcript. Unset ones follow from the base colours."""

    prompt: str | None = None
    """What the person wrote, on a card."""
    facts: str | None = None
    """The line of figures under an answer."""
    bar: str | None = None
    """The filled part of a probability bar."""
    bar_rest: str | None = None
    """The rest of it."""
    chip: str | None = None
    """A model that is ready."""
    busy: str | None = None
    """A model that loads, a card that runs."""
    failed: str | None = None
    """What went wrong."""
    chosen: str | None = None
    """The edge of the chosen card."""
    cursor: str | None = None
    """The token that the inspector shows."""
    mask: str | None = None
    """A mask in a text."""
    offer: str | None = None
    """Something that one key would do."""


class ThemeFile(Struct, frozen=True, kw_only=True):
    """What a theme's YAML file holds."""

    name: str = ""
    dark: bool = True
    ansi: bool = False
    colors: Colors = Colors()
    tokens: list[str] = []
    marks: Marks = Marks()
    textual: dict[str, str] = {}


@dataclass(frozen=True)
class Look:
    """How a mark is drawn: text colour, ground (None: whatever lies under it), and styles."""

    color: Color
    ground: Color | None = None
    style: str = "none"

    @classmethod
    def parse(cls, written: str) -> Look:
        """Read ``colour [on colour] [style ...]``.

        Raises:
            ValueError: it does not read so; the message is the part that does not.
        """
        words = written.split()
        styles = [word for word in words if word in STYLES]
        match [word for word in words if word not in STYLES]:
            case [text]:
                return cls(colour(text), None, " ".join(styles) or "none")
            case [text, "on", ground]:
                return cls(colour(text), colour(ground), " ".join(styles) or "none")
        raise ValueError(written)

    def variables(self, name: str) -> dict[str, str]:
        """The TCSS variables of a mark: ``$name-color``, ``$name-background``, ``$name-style``."""
        return {
            f"{name}-color": self.color.hex,
            f"{name}-background": "transparent" if self.ground is None else self.ground.hex,
            f"{name}-style": self.style,
        }


def colour(written: str) -> Color:
    """An opaque colour.

    Raises:
        ValueError: it is none; the message is what was written.
    """
    try:
        parsed = Color.parse(written)
    except ColorParseError as error:
        raise ValueError(written) from error
    if parsed.auto or parsed.a != 1:
        raise ValueError(written)
    return parsed
