"""The pane that scores how well one sentence continues another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import msgspec
from textual import on

from engine.messages import Document, Score
from tui.cards import Card, DocumentCard, Pane, ScoreCard
from tui.cards.drafts import Draft
from tui.connection.services import Services
from tui.files import text_file
from tui.keys.actions import CardAction
from tui.panes.base import TaskPane
from tui.panes.model_label import chip
from tui.panes.reading import read_text
from tui.panes.score_actions import ScoreActions
from tui.strings import text
from tui.widgets.composer import Composer, SideComposer


class ScorePane(TaskPane):
    """Two texts, A and B, and how well B continues A."""

    role: ClassVar[Pane] = "score"

    def __init__(self, shared: Services, draft: Draft) -> None:
        super().__init__(shared, draft)
        self._score = ScoreActions(self)
        self._held = ""
        """A text of many sentences that waits for the answer to an offer."""

    def act(self, action: CardAction, number: int, card: Card) -> None:
        """Ask for more about a pair, or open a text of many sentences."""
        match action, card:
            case "other_model", ScoreCard():
                self._score.other_witness(card)
            case "shuffles", ScoreCard():
                self._score.shuffles(card)
            case "open_document", DocumentCard():
                self._score.open_document(card)

    def make_composers(self, draft: Draft) -> Iterator[Composer]:
        """A, and B below it."""
        yield SideComposer(draft.text)
        yield SideComposer(draft.second)

    def edited(self) -> Draft:
        """The draft with what the two composers hold."""
        first, second = (composer.text for composer in self.composers)
        return msgspec.structs.replace(self.draft, text=first, second=second)

    def build(self, draft: Draft) -> ScoreCard | None:
        """A question about both orders."""
        for side, missing in ((draft.text, "notice.no_a"), (draft.second, "notice.no_b")):
            if not side.strip():
                self.notice(text(missing))
                return None
        request = Score(
            model=draft.model, a=draft.text, b=draft.second, cosine=True, precision=self.form
        )
        return ScoreCard(request=request)

    def recalled(self, card: Card) -> Draft:
        """The draft that made a card."""
        draft = super().recalled(card)
        if isinstance(card, ScoreCard):
            draft = msgspec.structs.replace(draft, text=card.request.a, second=card.request.b)
        return draft

    def reworded(self, prompt: str) -> Draft:
        """The history holds both sentences, a line each."""
        first, _, second = prompt.partition("\n")
        return msgspec.structs.replace(self.draft, text=first, second=second)

    def put(self, draft: Draft) -> None:
        """Show another draft in both composers."""
        super().put(draft)
        self.composers[1].fill(draft.second)

    def parameters(self) -> str:
        """Nothing: only the form of the weights can be set, and the model's label shows it."""
        return ""

    def label(self) -> None:
        """Name the two fields; the first shows the model too."""
        self.composers[0].label(self.shared.glyphs.dot.join(["A", *chip(self)]), "")
        self.composers[1].label("B", "")

    def focus_composer(self) -> None:
        """Go to where the next Enter is wanted: B once A is written."""
        self.transcript.leave()
        self.screen.set_focus(self.composers[1 if self.composers[0].text else 0])

    def start_sending(self) -> None:
        """Open the text that was held back, where an offer for it was taken; else score."""
        if self._held:
            self.run_worker(self._open_document(self._held), group="send", exclusive=True)
        else:
            super().start_sending()

    def draft_changed(self) -> None:
        """Drop the text that was held back: another one is written."""
        self._held = ""

    @on(SideComposer.Opened)
    def _open(self, event: SideComposer.Opened) -> None:
        """Open what is written there, or in the file that it names, as a text of many sentences."""
        event.stop()
        written = event.composer.text or self.composers[0].text
        self.run_worker(self._open_document(written), group="send", exclusive=True)

    async def _open_document(self, written: str) -> None:
        path = text_file.named(written.strip())
        if path is not None:
            held = read_text(self, path)
            if held is None:
                return
            written = held
        if not written.strip():
            self.notice(text("notice.no_document"))
            return
        draft = msgspec.structs.replace(self.edited(), text=written, second="")
        if await self.offers.hold_back(draft):
            self._held = written
            return
        self.offers.withdraw()
        self.notice("")
        self._held = ""
        request = Document(model=self.draft.model, text=written, precision=self.form)
        card = DocumentCard(request=request, title=self.shared.link.title(self.draft.model))
        self.transcript.add(card)
        self._score.open_document(card)

    @on(Composer.Sent)
    def _go_to_b(self, event: Composer.Sent) -> None:
        """In A, go on to B; in B, the pane scores."""
        if event.composer is self.composers[0]:
            event.prevent_default()
            event.stop()
            self.composers[1].focus()
        else:
            self._held = ""

    @on(Composer.Edge)
    def _cross(self, event: Composer.Edge) -> None:
        """Up from B is A, down from A is B."""
        event.stop()
        self.composers[0 if event.by < 0 else 1].focus()
