"""What the three panes have in common: cards above, a composer below, details beside."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static, TextArea

from engine.messages import PrecisionChoice
from tui.cards import Card, ContinueCard, Pane, questions
from tui.cards.drafts import Draft, first, fresh, written
from tui.connection.runs import Runs
from tui.connection.services import Services
from tui.files import text_file
from tui.keys.actions import bindings
from tui.panes.card_actions import Desk
from tui.panes.offer import Offering
from tui.screens import sampling
from tui.screens.forms import Field, Form, Picker
from tui.strings import text
from tui.terminal.sanitise import clean
from tui.widgets.composer import Composer
from tui.widgets.header import state_text
from tui.widgets.hints import brief
from tui.widgets.inspector import Inspector
from tui.widgets.transcript import Transcript

SPEED_S = 1.0
"""How often the speed of what is running is told."""
WIDE = 110
"""From so many columns on, the inspector stands beside the cards."""


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
        """When that was told last."""
        empty = text(f"pane.{self.role}.empty", send=brief(shared.keymap.shown("send")))
        slow = shared.settings.slow_link()
        self.transcript = Transcript(shared.glyphs, empty, jump=slow)
        self.inspector = Inspector(shared.glyphs)
        self.composers = list(self.make_composers())
        for composer in self.composers:
            composer.cursor_blink = not slow  # each blink is sent
        self.runs = Runs(shared.link, shared.running, self._ended)
        self.desk = Desk(self)
        self.offering = Offering(self)
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
        """Draw what has come at most so many times a second."""
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
        """What stands above the composers."""
        yield from ()

    def edited(self) -> Draft:
        """The draft with what the composers now hold."""
        return msgspec.structs.replace(self.draft, text=self.composers[0].text)

    def build(self, draft: Draft) -> Card | None:
        """The card that sending this draft makes; None where something is missing (say what)."""
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
        told = f"{model} {self.form_label}".rstrip()
        info = link.seen_as(model, self.form)
        if info is None or info.state in ("ready", "on_disk"):
            return [told]
        return [told, state_text(info, link.progress.get(model))]

    def notice(self, message: str) -> None:
        """Say something in a line above the composer, or nothing any more."""
        self._notice.update(message)
        self._notice.display = bool(message)

    def put(self, draft: Draft) -> None:
        """Show another draft."""
        self.draft = draft
        self.composers[0].fill(draft.text)
        self.label()
        self.written()

    def adopt(self, draft: Draft) -> None:
        """Go by another draft, whose text the composers hold already."""
        self.draft = draft
        self.label()
        self.post_message(self.Changed(self))

    def open_session(self, cards: list[Card], draft: Draft | None) -> None:
        """Show the cards and the draft of a session; without a draft the one here stays."""
        self.offering.withdraw()
        self.desk.forget()
        self.transcript.show(cards)
        if draft is not None:
            # Of a damaged draft, only the text is left.
            self.put(draft if draft.model else msgspec.structs.replace(self.draft, text=draft.text))

    def focus_composer(self) -> None:
        """Go back to writing, at once: the keys that are on their way are meant for it."""
        self.transcript.leave()
        self.screen.set_focus(self.composers[0])

    def engine_changed(self) -> None:
        """Show a model's new state wherever it is told."""
        self.label()
        self.runs.touch()
        self.offering.engine_changed()

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
            self.offering.withdraw()
            held = sum(len(composer.document.held) for composer in self.composers)
            self.notice(text("notice.held", n=f"{held:,}") if held else "")
            self.written()

    def written(self) -> None:
        """What stands in the composers changed."""

    # ------------------------------------------------------------------------ running

    def run_card(self, card: Card) -> None:
        """Show a card and ask the engine for its answer."""
        card.title = self.shared.link.title(card.request.model)
        self.transcript.add(card)
        self.post_message(self.Changed(self, card))
        self.run_worker(self.runs.run(card, questions(card)))

    def save_card(self, card: Card) -> None:
        """Have a card saved that was changed by hand, and draw it again."""
        self.transcript.update_card(card.id, "", None)
        self.post_message(self.Changed(self, card))

    def extend_card(self, card: ContinueCard, by: int) -> None:
        """Let a card go on at its end."""
        self.run_worker(self.runs.run(card, [card.extend(by)]))

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
            self.post_message(self.Changed(self, run.card))

    async def send(self) -> None:
        """Run the draft, unless there is something to say first; sent again, it runs."""
        draft = self.edited()
        card = self.build(draft)
        if card is None:
            return
        if await self.offering.hold_back(draft):
            return
        self.offering.withdraw()
        if draft == first(self.role, self.shared.settings):
            self.draft = fresh(self.role, self.shared.settings)
        now = self.edited()  # what was written while it waited is not sent
        rest = {"text": written(draft.text, now.text), "second": written(draft.second, now.second)}
        self.put(msgspec.structs.replace(self.draft, **rest, hidden=()))
        self.focus_composer()
        self.run_card(card)

    def start_sending(self) -> None:
        """Run the draft as soon as it is known to fit."""
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
    def _recall(self, event: Composer.Recalled) -> None:
        event.stop()
        self.desk.recall(event.by)

    @on(Transcript.Wanted)
    def _on_card(self, event: Transcript.Wanted) -> None:
        event.stop()
        if event.action == "details":
            self._leaf(event.number)
        else:
            self.notice("")
            self.desk.do(event.action, event.number)

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
        elif self.offering.open:
            self.offering.withdraw()
        elif not self.runs.stop() and not self.offering.stop_pull():
            self.focus_composer()

    def action_inspector(self) -> None:
        """Show or hide the details."""
        self._inspecting = not self.inspector.display
        self._place_inspector()
        self.inspector.show(self.transcript.card, self.transcript.ref)

    def action_rerun_last(self) -> None:
        """Run the newest card once more."""
        if self.transcript.cards:
            self.desk.rerun(self.transcript.cards[-1])

    def action_accept_offer(self) -> None:
        """Use the model that is offered for this text."""
        self.offering.accept()

    def action_choose_model(self) -> None:
        """Choose among the models that can do this."""
        picker = Picker(self.shared.link, self.role, self.draft.model)
        self.app.push_screen(picker, self.picked)

    def picked(self, model: str | None) -> None:
        """Use the model that was chosen on another screen, if one was."""
        if model is None:
            return
        self.use_model(model)
        self.offering.consider(model)

    def fields(self) -> list[Field]:
        """What can be set here."""
        forms = self.shared.link.forms(self.draft.model)
        return [Field("precision", PrecisionChoice, self.form, choices=forms)]

    def action_sampling(self) -> None:
        """Set how what is sent is run."""
        self.app.push_screen(Form(self.fields()), self._set)

    def action_precision(self) -> None:
        """Set the form of the model's weights."""
        self.app.push_screen(Form(self.fields(), at="precision"), self._set)

    def _set(self, values: Mapping[str, object] | None) -> None:
        if values is not None:
            self.adopt(sampling.apply(self.draft, values))

    def content(self, path: Path) -> str | None:
        """The text of a file; where it cannot be read, say why."""
        try:
            return text_file.read(path)
        except UnicodeError:
            self.notice(text("notice.not_utf8", file=clean(str(path))))
        except OSError as error:
            reason = error.strerror or error
            self.notice(text("notice.unreadable_file", file=clean(str(path)), reason=reason))
        return None

    def action_read_file(self) -> None:
        """Only the pane of continuations reads."""
        self.notice(text("notice.only_reads"))

    def action_chat(self) -> None:
        """Only a continuation can be a chat."""
        self.notice(text("notice.only_chat"))

    def action_system_prompt(self) -> None:
        """Only a chat has a system prompt."""
        self.notice(text("notice.no_system"))
