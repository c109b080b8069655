"""Putting an example into the composer of a pane."""

from __future__ import annotations

from functools import partial
from typing import Protocol

import msgspec

from tui.analysis.fit import language_of, reader
from tui.cards.drafts import Draft
from tui.examples import Example, examples
from tui.keys.palette import palette
from tui.panes.host import PaneHost
from tui.strings import text


class GalleryHost(PaneHost, Protocol):
    """A pane that can take another model."""

    @property
    def at_example(self) -> bool:
        """Whether the first example is written."""

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
        pane.push_screen(palette(entries, text("palette.examples")))

    def suit(self) -> None:
        """Put an example that the model reads in the place of the first one, if that is there."""
        pane = self._pane
        info = pane.shared.link.models.get(pane.draft.model)
        if info is None or not pane.at_example or language_of(pane.draft.text) in info.languages:
            return
        own = examples()[pane.role]
        suited = next((own[name][0] for name in info.languages if name in own), None)
        if suited is not None:
            pane.put(_with(pane.draft, suited))

    def take(self, language: str, example: Example) -> None:
        """Write an example, for a model that reads its language where one is at hand."""
        pane = self._pane
        info = pane.shared.link.models.get(pane.draft.model)
        if info is not None and language not in info.languages:
            other = reader(pane.shared.link, pane.role, language, info.id)
            if other is not None and other.state != "absent":
                pane.use_model(other.id)
        pane.put(_with(pane.draft, example))
        pane.focus_composer()
        pane.notice(example.note)


def _with(draft: Draft, example: Example) -> Draft:
    words: Draft = msgspec.structs.replace(
        draft, text=example.text, second=example.second, hidden=example.hidden
    )
    return words


def _line(example: Example) -> str:
    return " / ".join(filter(None, (example.text, example.second)))
