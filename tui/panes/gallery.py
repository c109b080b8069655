"""Putting an example into the composer of a pane."""

from __future__ import annotations

from functools import partial
from typing import Protocol

import msgspec
from textual.command import CommandPalette

from tui.analysis.fit import reader
from tui.cards.drafts import Draft
from tui.examples import Example, examples
from tui.keys.palette import choosing
from tui.panes.host import PaneHost
from tui.strings import text


class GalleryHost(PaneHost, Protocol):
    """A pane that can take another model."""

    def use_model(self, model: str, /) -> None:
        """Make a model the pane's own."""


class Gallery:
    """The examples of one pane."""

    def __init__(self, pane: GalleryHost) -> None:
        self._pane = pane

    def open(self) -> None:
        """Let one be chosen; those of a language that the model reads come first."""
        pane = self._pane
        info = pane.shared.link.models.get(pane.draft.model)
        known = [] if info is None else info.languages
        languages = sorted(examples()[pane.role].items(), key=lambda item: item[0] not in known)
        entries = [
            (f"{each.name}: {_line(each)}", each.note, partial(self.take, language, each))
            for language, found in languages
            for each in found
        ]
        placeholder = text("palette.examples")
        pane.push_screen(CommandPalette([choosing(entries)], placeholder=placeholder))

    def take(self, language: str, example: Example) -> None:
        """Write an example, for a model that reads its language where one is at hand."""
        pane = self._pane
        info = pane.shared.link.models.get(pane.draft.model)
        if info is not None and language not in info.languages:
            other = reader(pane.shared.link, pane.role, language, info.id)
            if other is not None and other.state != "absent":
                pane.use_model(other.id)
        words: Draft = msgspec.structs.replace(
            pane.draft, text=example.text, second=example.second, hidden=example.hidden
        )
        pane.put(words)
        pane.focus_composer()
        pane.notice(example.note)


def _line(example: Example) -> str:
    return " / ".join(filter(None, (example.text, example.second)))
