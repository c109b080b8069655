"""Examples to begin with, a dozen for each pane and language.

examples.yaml  all of them
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import msgspec
import yaml
from msgspec import Struct, field

from tui.cards import Pane
from tui.strings import Language, language


class Example(Struct, frozen=True, kw_only=True):
    """What is put in a composer, and why it is worth a look."""

    name: str
    notes: dict[Language, str] = field(name="note")
    """What to look at, in each language of the interface."""
    text: str
    second: str = ""
    """Score's second sentence."""
    hidden: tuple[str, ...] = ()
    """Fill: the words behind the masks, in order."""

    @property
    def note(self) -> str:
        """What to look at, in the language in use."""
        return self.notes[language()]


@cache
def examples() -> dict[Pane, dict[str, list[Example]]]:
    """All examples, by pane and by language."""
    source = resources.files(__name__).joinpath("examples.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(source), dict[Pane, dict[str, list[Example]]])
