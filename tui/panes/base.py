"""What the three panes have in common: cards above, a composer below, details beside."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static, TextArea

from engine.messages import PrecisionChoice, Request
from tui.cards import Card, ContinueCard, Pane, questions
from tui.cards.drafts import Draft, first, fresh, written
from tui.connection.runs import Runs
from tui.connection.services import Services
from tui.keys.actions import CardAction, bindings
from tui.panes.card_actions import CardActions
from tui.panes.host import Result
from tui.panes.offers import Offers
from tui.panes.recall import Recall
from tui.screens import sampling
from tui.screens.forms import Field, Form, Picker
from tui.strings import text
from tui.widgets.composer import Composer
from tui.widgets.header import state_text
from tui.widgets.hints import brief
from tui.widgets.inspector import Inspector
from tui.widgets.transcript import Transcript

SPEED_S = 1.0
"""Seconds between updates of the speed that is shown."""
WIDE = 110
"""The columns from which the inspector is beside the cards."""


class TaskPane(Horizontal):
    """A pane that asks the engine one kind of thing. It holds no model logic."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("pane")]

    role: ClassVar[Pane]

    class Changed(Message):
        """The draft or the speed changed, or a card when there is one."""

        def __init__(self, pane: TaskPane, card: Card | None = None) -> None:
            super().__init__()
            self.pane = pane
            self.card = card

    class Removed(Message):
        """A card was deleted, or brought back."""

        def __init__(self, card: Card, *, back: bool) -> None:
            super().__init__()
            self.card = card
            self.back = back

    def __init__(self, shared: Services, draft: Draft) -> None:
        super().__init__(id=f"pane-{self.role}")
        self.shared = shared
        self.draft = draft
        self.speed: float | None = None
        """Tokens a second of what is running or was run last."""
        self._timed = 0.0
        """When that was updated last, on the monotonic clock."""
        empty = text(f"pane.{self.role}.empty", send=brief(shared.keymap.shown("send")))
        slow = shared.settings.slow_link()
        self.transcript = Transcript(shared.glyphs, empty, jump=slow)
        self.inspector = Inspector(shared.glyphs)
        self.composers = list(self.make_composers())
        for composer in self.composers:
            composer.cursor_blink = not slow  # each blink is sent
        self.runs = Runs(shared.link, shared.running, self._ended)
        self.actions = CardActions(self, self.edit, self.act)
        self.offers = Offers(self)
        self._recall = Recall(self)
        self.older: list[str] = []
        """What was sent here in any session, the latest first."""
        self._notice = Static(classes="notice", markup=False)
        self._below = Static(classes="below", markup=False)
        self._inspecting: bool | None = None
        """What the person asked for; None leaves it to the width."""

    def compose(self) -> ComposeResult:
        """Lay the parts out."""
        with Vertical(classes="main"):
            yield self.transcript
            yield self._below
            yield self._notice
            yield from self.aids()
            yield from self.composers
        yield self.inspector

    def on_mount(self) -> None:
        """Start the timer that draws what has come, and show an empty notice."""
        rate = 8 if self.shared.settings.slow_link() else 12
        self.set_interval(1 / rate, self._catch_up)
        self._below.update(text("notice.below", key=self.shared.keymap.shown("card_last")))
        self._below.display = False
        self.notice("")
        self.label()

    # ----------------------------------------------------------- what subclasses add

    def make_composers(self) -> Iterator[Composer]:
        """The editors, first to last."""
        yield Composer(self.draft.text)

    def aids(self) -> Iterator[Widget]:
        """The widgets above the composers."""
        yield from ()

    def edited(self) -> Draft:
        """The draft with what the composers now hold."""
        return msgspec.structs.replace(self.draft, text=self.composers[0].text)

    def build(self, draft: Draft) -> Card | None:
        """The card that sending this draft makes; None, with a notice, where it lacks something."""
        raise NotImplementedError

    def recalled(self, card: Card) -> Draft:
        """The draft that made a card."""
        request = card.request
        return msgspec.structs.replace(
            self.draft, model=request.model, text=card.wrote, precision=request.precision
        )

    def reworded(self, prompt: str) -> Draft:
        """The draft with another prompt, as the history holds it."""
        return msgspec.structs.replace(self.draft, text=prompt, second="", hidden=())

    def act(self, action: CardAction, number: int, card: Card) -> None:
        """Do what only cards of this pane have; `number` is which one or how far."""
        raise NotImplementedError

    def parameters(self) -> str:
        """A few words on how a request will be run, for the composer's frame."""
        raise NotImplementedError

    # ------------------------------------------------------------------------ showing

    def label(self) -> None:
        """Write model, state and parameters on the composers' frames."""
        self.composers[0].label(self.shared.glyphs.dot.join(self.chip()), self.parameters())

    @property
    def form(self) -> PrecisionChoice:
        """The form of the model's weights that sending asks for."""
        return self.shared.link.form(self.draft.model, self.draft.precision)

    @property
    def form_label(self) -> str:
        """The form in a word, and what auto came to last; nothing where it is exact."""
        if self.form != "auto":
            return "" if self.form == "exact" else self.form
        used = [
            card.precision
            for card in self.transcript.cards
            if (card.request.model, card.request.precision) == (self.draft.model, "auto")
        ]
        return " ".join(["auto", *filter(None, used[-1:])])

    def chip(self) -> list[str]:
        """The model and its form, and its state where it cannot answer at once."""
        link, model = self.shared.link, self.draft.model
        name = f"{model} {self.form_label}".rstrip()
        info = link.seen_as(model, self.form)
        if info is None or info.state in ("ready", "on_disk"):
            return [name]
        return [name, state_text(info, link.progress.get(model))]

    def notice(self, message: str) -> None:
        """Show a line above the composer; "" takes it away."""
        self._notice.update(message)
        self._notice.display = bool(message)

    def put(self, draft: Draft) -> None:
        """Show another draft."""
        self.draft = draft
        self.composers[0].fill(draft.text)
        self.label()
        self.written()

    def adopt(self, draft: Draft) -> None:
        """Take over another draft, whose text the composers hold already."""
        self.draft = draft
        self.label()
        self.post_message(self.Changed(self))

    def open_session(self, cards: list[Card], draft: Draft | None) -> None:
        """Show the cards and the draft of a session; without a draft the one here stays."""
        self.offers.withdraw()
        self.actions.forget()
        self.transcript.show(cards)
        if draft is not None:
            # Of a damaged draft, only the text is left.
            self.put(draft if draft.model else msgspec.structs.replace(self.draft, text=draft.text))

    def focus_composer(self) -> None:
        """Go back to writing, at once: the keys that are on their way are meant for it."""
        self.transcript.leave()
        self.screen.set_focus(self.composers[0])

    def engine_changed(self) -> None:
        """Show a model's new state wherever it appears."""
        self.label()
        self.runs.touch()
        self.offers.engine_changed()

    def on_resize(self, event: Resize) -> None:
        """Put the inspector beside the cards or below them."""
        self._place_inspector()

    def _place_inspector(self) -> None:
        wide = self.size.width >= WIDE
        self.set_class(not wide, "-narrow")
        self.inspector.display = wide if self._inspecting is None else self._inspecting

    @on(Transcript.Moved)
    def _inspect(self, event: Transcript.Moved) -> None:
        event.stop()
        self.inspector.show(self.transcript.card, self.transcript.ref)

    @on(Transcript.Below)
    def _cue(self, event: Transcript.Below) -> None:
        event.stop()
        self._below.display = event.below

    @on(TextArea.Changed)
    def _drafted(self, event: TextArea.Changed) -> None:
        event.stop()
        draft = self.edited()
        if draft != self.draft:
            self.adopt(draft)
            self.offers.withdraw()
            held = sum(len(composer.document.held) for composer in self.composers)
            self.notice(text("notice.held", n=f"{held:,}") if held else "")
            self.written()

    def written(self) -> None:
        """React to a change of the text in the composers."""

    # ------------------------------------------------------------------------ running

    def run_card(self, card: Card) -> None:
        """Show a card and ask the engine for its answer."""
        card.title = self.shared.link.title(card.request.model)
        self.transcript.add(card)
        self.card_changed(card)
        self.ask(card, questions(card))

    def ask(self, card: Card, requests: Iterable[Request]) -> None:
        """Ask the engine for more of a card that is shown."""
        self.run_worker(self.runs.run(card, requests))

    def card_changed(self, card: Card) -> None:
        """Have a card saved."""
        self.post_message(self.Changed(self, card))

    def save_card(self, card: Card) -> None:
        """Draw a card that was changed by hand, and have it saved."""
        self.transcript.update_card(card.id, "", None)
        self.card_changed(card)

    def remove_card(self, card: Card) -> list[Card]:
        """Stop a card and all its forks and take them away; return them, oldest first."""
        gone = self.transcript.remove_card(card)
        for each in gone:
            self.runs.stop_card(each)
            self.post_message(self.Removed(each, back=False))
        return gone

    def restore_cards(self, cards: list[Card]) -> None:
        """Bring removed cards back to their places."""
        self.transcript.restore(cards)
        for each in cards:
            self.post_message(self.Removed(each, back=True))

    def _ended(self, card: Card) -> None:
        if isinstance(card, ContinueCard):
            self.speed = card.timing.tokens_per_s
        self.label()
        self.save_card(card)

    def _catch_up(self) -> None:
        """Draw the cards that gained something since the last time."""
        now = time.monotonic()
        for run in self.runs.take_dirty():
            if run.speed is not None and now - self._timed > SPEED_S:
                self.speed, self._timed = run.speed, now
            self.transcript.update_card(run.card.id, self.runs.note(run), run.speed)
            self.card_changed(run.card)

    async def send(self) -> None:
        """Run the draft, unless a notice or an offer comes first; sent again, it runs."""
        draft = self.edited()
        card = self.build(draft)
        if card is None:
            return
        if await self.offers.hold_back(draft):
            return
        self.offers.withdraw()
        if draft == first(self.role, self.shared.settings):
            self.draft = fresh(self.role, self.shared.settings)
        now = self.edited()  # what was written while it waited is not sent
        rest = {"text": written(draft.text, now.text), "second": written(draft.second, now.second)}
        self.put(msgspec.structs.replace(self.draft, **rest, hidden=()))
        self.focus_composer()
        self.run_card(card)

    def start_sending(self) -> None:
        """Run the draft once it has been checked against the model."""
        self.run_worker(self.send(), group="send", exclusive=True)

    def use_model(self, model: str) -> None:
        """Make a model the pane's own."""
        self.adopt(msgspec.structs.replace(self.draft, model=model))

    def use_precision(self, precision: PrecisionChoice) -> None:
        """Make a form of the weights the pane's own."""
        self._set({"precision": precision})

    # ------------------------------------------------------------------------ actions

    @on(Composer.Sent)
    def _send(self, event: Composer.Sent) -> None:
        event.stop()
        self.start_sending()

    @on(Composer.ToCards)
    def _to_cards(self, event: Composer.ToCards) -> None:
        event.stop()
        if self.transcript.cards:
            self.notice("")
            self.transcript.enter()

    @on(Composer.Recalled)
    def _recalled(self, event: Composer.Recalled) -> None:
        event.stop()
        self._recall.move(event.by)

    def edit(self, card: Card) -> None:
        """Bring the draft that made a card back."""
        self.put(self.recalled(card))
        self.focus_composer()

    def push_screen(
        self, screen: Screen[Result], then: Callable[[Result | None], None] | None = None
    ) -> None:
        """Open a screen over the pane; `then` gets what it returns."""
        self.app.push_screen(screen, then)

    def copy(self, answer: str) -> None:
        """Send a text to the terminal's clipboard, which may or may not take it."""
        self.app.copy_to_clipboard(answer)

    @on(Transcript.Wanted)
    def _on_card(self, event: Transcript.Wanted) -> None:
        event.stop()
        if event.action == "details":
            self._leaf(event.number)
        else:
            self.notice("")
            self.actions.do(event.action, event.number)

    def _leaf(self, by: int) -> None:
        """Show the details, or move on in them."""
        if self.inspector.display:
            self.inspector.scroll_relative(y=by * self.inspector.page, animate=False)
        else:
            self.action_inspector()

    def action_stop(self) -> None:
        """Close what is open; else stop and keep what came; else go back to the composer."""
        if self._inspecting and self.has_class("-narrow"):
            self.action_inspector()
        elif self.offers.open:
            self.offers.withdraw()
        elif not self.runs.stop() and not self.offers.stop_pull():
            self.focus_composer()

    def action_inspector(self) -> None:
        """Show or hide the details."""
        self._inspecting = not self.inspector.display
        self._place_inspector()
        self.inspector.show(self.transcript.card, self.transcript.ref)

    def action_rerun_last(self) -> None:
        """Run the newest card once more."""
        if self.transcript.cards:
            self.actions.rerun(self.transcript.cards[-1])

    def action_look_inside(self) -> None:
        """See what happens inside the model on the chosen card, else on what is written."""
        from tui.panes.looking import looked
        from tui.screens.inside import InsideScreen

        on_cards = self.transcript.has_focus
        found = looked(self, self.transcript.card if on_cards else None)
        if found is None:
            self.notice(text("notice.nothing_inside"))
        else:
            self.push_screen(InsideScreen(self.shared, found))

    def action_accept_offer(self) -> None:
        """Use the model that is offered for this text."""
        self.offers.accept()

    def action_choose_model(self) -> None:
        """Choose among the models that can do this."""
        picker = Picker(self.shared.link, self.role, self.draft.model)
        self.push_screen(picker, self.picked)

    def picked(self, model: str | None) -> None:
        """Use the model that was chosen on another screen, if one was."""
        if model is None:
            return
        self.use_model(model)
        self.offers.consider(model)

    def fields(self) -> list[Field]:
        """What can be set here."""
        forms = self.shared.link.forms(self.draft.model)
        return [Field("precision", PrecisionChoice, self.form, choices=forms)]

    def action_sampling(self) -> None:
        """Set how what is sent is run."""
        self.push_screen(Form(self.fields()), self._set)

    def action_precision(self) -> None:
        """Set the form of the model's weights."""
        self.push_screen(Form(self.fields(), at="precision"), self._set)

    def _set(self, values: Mapping[str, object] | None) -> None:
        if values is not None:
            self.adopt(sampling.apply(self.draft, values))

    def action_read_file(self) -> None:
        """Only the pane of continuations reads."""
        self.notice(text("notice.only_reads"))

    def action_chat(self) -> None:
        """Only a continuation can be a chat."""
        self.notice(text("notice.only_chat"))

    def action_system_prompt(self) -> None:
        """Only a chat has a system prompt."""
        self.notice(text("notice.no_system"))
