"""The pane where a model proposes words for masks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import msgspec
from textual import on

from engine.messages import Fill
from tui.cards import Card, FillCard, Pane
from tui.drafts import Draft
from tui.panes import masks
from tui.panes.base import TaskPane
from tui.panes.dialogs import Field
from tui.panes.sampling import fill_fields
from tui.strings import text
from tui.widgets.composer import Composer, MaskComposer


class FillPane(TaskPane):
    """Fill."""

    role: ClassVar[Pane] = "fill"

    def make_composers(self) -> Iterator[Composer]:
        """One editor, for a text with masks."""
        yield MaskComposer(self.draft.text)

    def edited(self) -> Draft:
        """The draft with what the composer holds, and what its masks still hide."""
        content = self.composers[0].text
        hidden = masks.carry(self.draft.hidden, self.draft.text, content)
        return msgspec.structs.replace(self.draft, text=content, hidden=hidden)

    def build(self, draft: Draft) -> FillCard | None:
        """A question about every mask of the text."""
        if not masks.masks(draft.text):
            key = self.shared.keymap.shown("mask_word")
            self.notice(text("notice.no_mask", key=key))
            return None
        request = Fill(
            model=draft.model,
            text=draft.text,
            top=draft.top,
            hidden=list(draft.hidden),
            precision=self.form,
        )
        return FillCard(request=request)

    def recalled(self, card: Card) -> Draft:
        """The draft that made a card."""
        draft = super().recalled(card)
        if isinstance(card, FillCard):
            hidden = tuple(card.request.hidden)
            draft = msgspec.structs.replace(draft, hidden=hidden, top=card.request.top)
        return draft

    def fields(self) -> list[Field]:
        """How many words to propose."""
        return [*fill_fields(self.draft), *super().fields()]

    def parameters(self) -> str:
        """What is hidden, and how many words to propose."""
        words = [word for word in self.draft.hidden if word is not None]
        parts = [text("composer.remembers", words=", ".join(words))] if words else []
        return self.shared.glyphs.dot.join([*parts, text("composer.top", n=self.draft.top)])

    @on(MaskComposer.MaskWord)
    def _mask_word(self, event: MaskComposer.MaskWord) -> None:
        """Hide the word under the cursor, or show it again."""
        event.stop()
        composer = event.composer
        start, end = sorted(map(composer.offset_of, composer.selection))
        self.draft = self.edited()
        edit = masks.toggle(self.draft.text, start, end, self.draft.hidden)
        if edit is None:
            self.notice(text("notice.no_word"))
            return
        content = self.draft.text[: edit.start] + edit.new + self.draft.text[edit.end :]
        self.draft = msgspec.structs.replace(self.draft, text=content, hidden=edit.hidden)
        composer.replace_range(edit.start, edit.end, edit.new)
        self.notice("")
        self.label()
