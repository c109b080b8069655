"""What every part of the screen shares."""

from __future__ import annotations

from dataclasses import dataclass, field

from tui.display import Glyphs
from tui.errands import Errands
from tui.keymap import Keymap
from tui.link import Link
from tui.settings import Settings


@dataclass
class Context:
    """One app's engine, settings and keys."""

    link: Link
    settings: Settings
    keymap: Keymap
    glyphs: Glyphs
    errands: Errands
    """Pulls, loads and the like, which go on whatever screen is open."""
    running: set[str] = field(default_factory=set)
    """The ids of the cards whose answers are on their way."""
    unsaved: bool = False
    """Whether something is not in the session file, where it should be."""
