"""What was chosen last in the app: the theme, the language, and each pane's model and settings.

A session that goes on keeps its own model and settings. Where none does, what was chosen last is
there again, unless the settings file was changed since: a value there that is as it was at the
last start is one that was chosen over. A flag of the command line wins, for its own start alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import msgspec

from tui.cards import Pane
from tui.cards.drafts import WORDS, Draft, first, fresh
from tui.config.settings import Loaded
from tui.strings import LANGUAGES, Choice


class Choices:
    """The choices, as texts by name; `choose` stores one of them."""

    def __init__(self, loaded: Callable[[], Loaded], choose: Callable[[str, str], None]) -> None:
        """`loaded` returns the settings as they were read."""
        self._loaded = loaded
        self._choose = choose
        self._stored: dict[str, str] = {}

    def read(self, stored: dict[str, str]) -> None:
        """Take what was stored before."""
        self._stored = dict(stored)

    def theme(self) -> str:
        """The theme to begin with."""
        wanted = self._loaded().settings.theme
        return wanted if self._loaded().theme_given else self._last("theme", wanted)

    def language(self) -> Choice:
        """The language to begin with."""
        wanted = self._loaded().settings.language
        last = self._last("language", wanted)
        return next((each for each in LANGUAGES if each == last), wanted)

    def choose(self, name: str, value: str) -> None:
        """Remember a theme, a language or where the lesson is, by these names."""
        self._store(name, value)

    def last(self, name: str) -> str:
        """What was remembered by this name; "" for nothing."""
        return self._stored.get(name, "")

    def _last(self, name: str, wanted: str) -> str:
        """What was chosen last, unless the settings file was changed since, which wants this."""
        before = self._stored.get(f"settings.{name}", wanted)
        self._store(f"settings.{name}", wanted)
        return self._stored.get(name, wanted) if before == wanted else wanted

    def draft(self, pane: Pane, found: Draft | None) -> Draft:
        """What a pane begins with: the draft of the session that goes on, else the example."""
        settings, own = fresh(pane, self._loaded().settings), first(pane, self._loaded().settings)
        before = self._decoded(f"settings.{pane}", settings)
        given = self._given
        # A flag is no change of the file.
        kept = msgspec.structs.replace(settings, **_values(before, given))
        self._store(f"settings.{pane}", _encoded(kept))
        if found is not None:
            return msgspec.structs.replace(found, **_values(settings, given))
        began = _worded(self._decoded(f"draft.{pane}", own), own)
        changed = [name for name in Draft.__struct_fields__ if _differ(before, settings, name)]
        return msgspec.structs.replace(began, **_values(own, {*changed, *given}))

    def keep(self, pane: Pane, draft: Draft) -> None:
        """Remember the model and the settings of a draft."""
        self._store(f"draft.{pane}", _encoded(_worded(draft, Draft(model=""))))

    @property
    def _given(self) -> set[str]:
        """The fields of a draft that flags give."""
        loaded = self._loaded()
        flags = {"model": loaded.model_given, "precision": loaded.precision_given}
        return {name for name, given in flags.items() if given}

    def _decoded(self, name: str, otherwise: Draft) -> Draft:
        try:
            return msgspec.json.decode(self._stored[name], type=Draft)
        except (KeyError, msgspec.DecodeError):  # never stored, or by another version
            return otherwise

    def _store(self, name: str, value: str) -> None:
        if self._stored.get(name) != value:
            self._stored[name] = value
            self._choose(name, value)


def _worded(draft: Draft, words: Draft) -> Draft:
    return msgspec.structs.replace(draft, **_values(words, WORDS))


def _values(draft: Draft, names: Collection[str]) -> dict[str, object]:
    return {name: getattr(draft, name) for name in names}


def _differ(one: Draft, other: Draft, name: str) -> bool:
    return bool(getattr(one, name) != getattr(other, name))


def _encoded(draft: Draft) -> str:
    return msgspec.json.encode(draft).decode()
