"""What every part of the screen shares."""

from __future__ import annotations

from dataclasses import dataclass, field

from tui.config.settings import Settings
from tui.connection.link import Link
from tui.connection.model_jobs import ModelJobs
from tui.keys.keymap import Keymap
from tui.terminal.sanitise import Glyphs


@dataclass
class Services:
    """One app's engine, settings and keys."""

    link: Link
    settings: Settings
    keymap: Keymap
    glyphs: Glyphs
    model_jobs: ModelJobs
    """Pulls, loads and the like, which go on whatever screen is open."""
    running: set[str] = field(default_factory=set)
    """The ids of the cards whose answers are on their way."""
    unsaved: bool = False
    """Whether something is not in the session file, where it should be."""
