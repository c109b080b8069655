"""What the three panes have in common: cards above, a composer below, details beside."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import aclosing
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.message import Message
from textual.widgets import Static, TextArea

from engine.client import Answer
from engine.messages import Token
from tui.actions import bindings
from tui.cards import Card, Pane
from tui.context import Context
from tui.drafts import Draft
from tui.strings import text
from tui.widgets.composer import Composer
from tui.widgets.header import state_text
from tui.widgets.inspector import Inspector
from tui.widgets.transcript import Transcript

WIDE = 110
"""From so many columns on, the inspector stands beside the cards."""


class TaskPane(Horizontal):
    """A pane that asks the engine one kind of thing. It holds no model logic."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("pane")]

    role: ClassVar[Pane]

    class Changed(Message):
        """The draft, a card or the speed changed: the app saves it and tells it in the header."""

        def __init__(self, pane: TaskPane, card: Card | None = None) -> None:
            super().__init__()
            self.pane = pane
            self.card = card

    def __init__(self, shared: Context, draft: Draft) -> None:
        super().__init__(id=f"pane-{self.role}")
        self.shared = shared
        self.draft = draft
        self.speed: float | None = None
        """Tokens a second of what is running or was run last."""
        self.transcript = Transcript(shared.glyphs, jump=shared.settings.slow_link())
        self.inspector = Inspector(shared.glyphs)
        self.composers = list(self.make_composers())
        self._notice = Static(classes="notice", markup=False)
        self._below = Static(text("notice.below"), classes="below", markup=False)
        self._answers: dict[str, Answer] = {}
        self._dirty: dict[str, Card] = {}
        self._inspecting: bool | None = None
        """What the person asked for; None leaves it to the width."""

    def compose(self) -> ComposeResult:
        """Lay the parts out."""
        with Vertical(classes="main"):
            yield self.transcript
            yield self._below
            yield self._notice
            yield from self.composers
        yield self.inspector

    def on_mount(self) -> None:
        """Draw what has come at most so many times a second."""
        rate = 10 if self.shared.settings.slow_link() else 20
        self.set_interval(1 / rate, self._flush)
        self._below.display = False
        self.notice("")
        self.label()

    # ----------------------------------------------------------- what subclasses add

    def make_composers(self) -> Iterator[Composer]:
        """The editors, first to last."""
        yield Composer(self.draft.text)

    def edited(self) -> Draft:
        """The draft with what the composers now hold."""
        return msgspec.structs.replace(self.draft, text=self.composers[0].text)

    def build(self, draft: Draft) -> Card | None:
        """The card that sending this draft makes; None where something is missing (say what)."""
        raise NotImplementedError

    def parameters(self) -> str:
        """A few words on how a request will be run, for the composer's frame."""
        raise NotImplementedError

    # ------------------------------------------------------------------------ showing

    def label(self) -> None:
        """Write model, state and parameters on the composers' frames."""
        link = self.shared.link
        model = self.draft.model
        state = state_text(link.models.get(model), link.progress.get(model))
        title = f"{model}{self.shared.glyphs.dot}{state}"
        self.composers[0].label(title, "" if len(self.composers) > 1 else self.parameters())
        for composer in self.composers[1:]:
            composer.label("", self.parameters())

    def notice(self, message: str) -> None:
        """Say something in one line above the composer, or nothing any more."""
        self._notice.update(message)
        self._notice.display = bool(message)

    def focus_composer(self) -> None:
        """Go back to writing."""
        self.transcript.leave()
        self.composers[0].focus()

    def on_resize(self, event: Resize) -> None:
        """Put the inspector beside the cards or below them."""
        self._place_inspector()

    def _place_inspector(self) -> None:
        wide = self.size.width >= WIDE
        self.set_class(not wide, "-narrow")
        self.inspector.display = wide if self._inspecting is None else self._inspecting

    @on(Transcript.Moved)
    def _inspect(self) -> None:
        self.inspector.show(self.transcript.card, self.transcript.ref)

    @on(Transcript.Below)
    def _cue(self, event: Transcript.Below) -> None:
        self._below.display = event.below

    @on(TextArea.Changed)
    def _drafted(self) -> None:
        self.draft = self.edited()
        self.post_message(self.Changed(self))

    # ------------------------------------------------------------------------ running

    def run_card(self, card: Card) -> None:
        """Show a card and ask the engine for its answer."""
        card.title = self.shared.link.title(card.request.model)
        self.transcript.add(card)
        self.post_message(self.Changed(self, card))
        self.run_worker(self._answer(card), group="answers")

    async def _answer(self, card: Card) -> None:
        """Fold the engine's events into the card, whatever they are, until the last."""
        self._dirty[card.id] = card
        answer = await self.shared.link.request(card.request)
        self._answers[card.id] = answer
        count, first = 0, 0.0
        async with aclosing(answer) as events:
            async for event in events:
                card.fold(event)
                if isinstance(event, Token):
                    count += 1
                    first = first or time.monotonic()
                    elapsed = time.monotonic() - first
                    self.speed = (count - 1) / elapsed if elapsed > 0 else None
                self._dirty[card.id] = card
        del self._answers[card.id]
        if card.timing.tokens_per_s is not None:
            self.speed = card.timing.tokens_per_s
        self.post_message(self.Changed(self, card))

    def _flush(self) -> None:
        """Draw the cards that gained something since the last time."""
        if not self._dirty:
            return
        dirty, self._dirty = self._dirty, {}
        for card in dirty.values():
            self.transcript.update_card(card.id, self._waiting(card), self.speed)
            self.post_message(self.Changed(self, card))

    def _waiting(self, card: Card) -> str:
        """What a running card waits for, if not for the model itself."""
        if card.status != "running" or card.timing.first_token_s is not None:
            return ""
        return ""

    @property
    def running(self) -> bool:
        """Whether anything runs here."""
        return bool(self._answers)

    def stop_running(self) -> bool:
        """Stop everything that runs here and keep what came; False if nothing did."""
        for answer in self._answers.values():
            answer.cancel()
        return bool(self._answers)

    # ------------------------------------------------------------------------ actions

    @on(Composer.Sent)
    def _send(self, event: Composer.Sent) -> None:
        event.stop()
        card = self.build(self.edited())
        if card is not None:
            self.notice("")
            self.run_card(card)

    @on(Composer.ToCards)
    def _to_cards(self, event: Composer.ToCards) -> None:
        event.stop()
        if self.transcript.cards:
            self.transcript.focus()

    def action_stop(self) -> None:
        """Close what is open; else stop and keep what came; else go back to the composer."""
        if self._inspecting and self.has_class("-narrow"):
            self.action_inspector()
        elif not self.stop_running():
            self.focus_composer()

    def action_inspector(self) -> None:
        """Show or hide the details."""
        self._inspecting = not self.inspector.display
        self._place_inspector()
        self._inspect()
