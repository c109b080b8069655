"""What the three panes have in common: a draft is written and sent, and becomes a card."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

import msgspec
from textual import on
from textual.binding import BindingType
from textual.events import Key, Paste
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import TextArea

from engine.messages import PrecisionChoice
from tui.cards import Card, Pane
from tui.cards.drafts import WORDS, Draft, first, typed_since
from tui.connection.services import Services
from tui.keys.actions import CardAction, bindings
from tui.panes.card_actions import CardActions
from tui.panes.gallery import Gallery
from tui.panes.host import Result
from tui.panes.layout import PaneLayout
from tui.panes.model_label import chip
from tui.panes.offers import Offers
from tui.panes.pane_cards import PaneCards
from tui.panes.recall import Recall
from tui.screens import sampling
from tui.screens.forms import Field, Form, Picker
from tui.strings import text
from tui.widgets.composer import Composer
from tui.widgets.hints import Escape
from tui.widgets.transcript import Transcript

MOMENT_S = 0.001
"""Textual has no shorter timers."""
SHARE = 0.08
"""How much of a core the app may take while texts stream: the model needs it too."""
OFTEN_S, SELDOM_S = 1 / 12, 1 / 8
"""Between two drawings of what has come, at least: at best, and where they take more than that or
the line is slow."""


class TaskPane(PaneLayout):
    """A pane that asks the engine one kind of thing. It holds no model logic."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("pane")]

    role: ClassVar[Pane]

    class Changed(Message):
        """The draft or the speed changed, or a card when there is one."""

        def __init__(self, pane: TaskPane, card: Card | None = None) -> None:
            super().__init__()
            self.pane = pane
            self.card = card

    class SuiteAsked(Message):
        """A suite is to be opened: that of a file, or of one that is still to be asked for."""

        def __init__(self, pane: TaskPane, file: str = "") -> None:
            super().__init__()
            self.pane = pane
            self.file = file

    class Removed(Message):
        """A card was deleted, or brought back."""

        def __init__(self, card: Card, *, back: bool) -> None:
            super().__init__()
            self.card = card
            self.back = back

    def __init__(self, shared: Services, draft: Draft) -> None:
        super().__init__(shared, self.role, self.make_composers(draft))
        self.draft = draft
        self.cards = PaneCards(self)
        self.actions = CardActions(self, self.edit, self.act)
        self.offers = Offers(self)
        self._recall = Recall(self)
        self.gallery = Gallery(self)
        self.older: list[str] = []
        """What was sent here in any session, the latest first."""
        self._frame_s = SELDOM_S if shared.settings.slow_link() else OFTEN_S
        self._due = 0.0
        """When the next is due, on the monotonic clock."""
        self._spent = 0.0
        """The seconds of a processor that the app had taken at the last."""
        self._to_draw: Timer | None = None

    def on_mount(self) -> None:
        """Show what there is before anything is asked."""
        self.label()
        self.transcript.greet(self._greeting)

    def reword(self) -> None:
        """Write everything anew in another language; a passing notice goes."""
        super().reword()
        self.transcript.greet(self._greeting)
        self.offers.withdraw()
        self.label()
        self.cards.runs.touch()

    def draw_soon(self) -> None:
        """Draw what has come: at once after a rest, else as soon as it is due."""
        if self._to_draw is None:
            wait = self._due - time.monotonic()
            if wait < -SELDOM_S:
                self._spent = time.process_time()  # what it took meanwhile drew nothing
            self._to_draw = self.set_timer(max(MOMENT_S, wait), self._catch_up)

    def _catch_up(self) -> None:
        self._to_draw, spent = None, time.process_time()
        pause = max(self._frame_s, min(SELDOM_S, (spent - self._spent) / SHARE))
        self._due, self._spent = time.monotonic() + pause, spent
        self.cards.catch_up()
        self.drop_notice()

    # ----------------------------------------------------------- what subclasses add

    def make_composers(self, draft: Draft) -> Iterator[Composer]:
        """The editors, first to last, with a draft in them."""
        yield Composer(draft.text)

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
        self.composers[0].label(self.shared.glyphs.dot.join(chip(self)), self.parameters())

    @property
    def form(self) -> PrecisionChoice:
        """The form of the model's weights that sending asks for."""
        return self.shared.link.form(self.draft.model, self.draft.precision)

    @property
    def at_example(self) -> bool:
        """Whether the first example is written."""
        own = first(self.role, self.shared.settings)
        return all(getattr(self.draft, name) == getattr(own, name) for name in WORDS)

    @property
    def emptied(self) -> Draft:
        """The draft without its words: the model and the settings."""
        words = {name: getattr(Draft(model=""), name) for name in WORDS}
        return msgspec.structs.replace(self.draft, **words)

    @property
    def _greeting(self) -> str:
        """What is shown where there are no cards: what this pane does, and how to begin."""
        begin = "example" if self.at_example else "begin"
        own = f"pane.{self.role}"
        return "\n\n".join(
            text(key) for key in (f"{own}.does", f"pane.{begin}", f"{own}.then", "pane.lesson")
        )

    def put(self, draft: Draft) -> None:
        """Show another draft."""
        self.draft = draft
        self.composers[0].fill(draft.text)
        self.label()
        self.transcript.greet(self._greeting)
        self.draft_changed()

    def adopt(self, draft: Draft) -> None:
        """Take over another draft, whose text the composers hold already."""
        self.draft = draft
        self.label()
        self.transcript.greet(self._greeting)
        self.post_message(self.Changed(self))

    def open_session(self, cards: list[Card], draft: Draft | None) -> None:
        """Show the cards and the draft of a session; without a draft the one here stays."""
        self.offers.withdraw()
        self.actions.forget()
        self.transcript.show(cards)
        if draft is not None:
            # Of a damaged draft, only the text is left.
            self.put(draft if draft.model else msgspec.structs.replace(self.draft, text=draft.text))

    def engine_changed(self) -> None:
        """Show a model's new state wherever it appears."""
        self.label()
        self.cards.runs.touch()
        self.offers.engine_changed()

    @on(TextArea.Changed)
    def _drafted(self, event: TextArea.Changed) -> None:
        event.stop()
        draft = self.edited()
        if draft != self.draft:
            self.adopt(draft)
            self.offers.withdraw()
            held = sum(len(composer.document.held) for composer in self.composers)
            self.notice(text("notice.held", n=f"{held:,}") if held else "")
            self.draft_changed()

    def draft_changed(self) -> None:
        """React to a change of the text in the composers."""

    def post_changed(self, card: Card) -> None:
        """Have a card saved."""
        self.post_message(self.Changed(self, card))

    def post_removed(self, card: Card, *, back: bool) -> None:
        """Have a card deleted from the file, or brought back."""
        self.post_message(self.Removed(card, back=back))

    # ------------------------------------------------------------------------ sending

    async def send(self) -> None:
        """Run the draft, unless a notice or an offer comes first; sent again, it runs."""
        draft = self.edited()
        card = self.build(draft)
        if card is None:
            return
        if await self.offers.hold_back(draft):
            return
        self.offers.withdraw()
        now = self.edited()  # what was written while it waited is not sent
        rest = {
            "text": typed_since(draft.text, now.text),
            "second": typed_since(draft.second, now.second),
        }
        self.put(msgspec.structs.replace(self.draft, **rest, hidden=()))
        self.focus_composer()
        self.cards.run(card)

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

    def ready_to_write(self, key: Key) -> None:
        """Go to the composer for a letter that is no command elsewhere in the pane.

        This comes before the key is handed out, so that the letters right behind it follow.
        """
        elsewhere = not isinstance(self.screen.focused, Composer)
        if elsewhere and key.is_printable and not self.shared.keymap.used(key.key):
            self.focus_composer()

    async def on_paste(self, event: Paste) -> None:
        """Write into the composer what was pasted elsewhere in the pane."""
        self.focus_composer()
        focused = self.screen.focused
        if isinstance(focused, Composer):
            await focused.on_paste(event)

    @property
    def escape(self) -> Escape:
        """What Escape does now: see `action_stop`."""
        if self.inspector_over or self.offers.open:
            return "close"
        return "stop" if self.cards.runs.live or self.actions.tracker.running else ""

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
            self.inspector.leaf(event.number)
        else:
            self.notice("")
            self.actions.do(event.action, event.number)

    def action_stop(self) -> None:
        """Close what is open; else stop and keep what came; else go back to the composer."""
        if self.close_inspector():
            return
        if self.offers.open:
            self.offers.withdraw()
        elif not (self.cards.runs.stop() or self.actions.tracker.stop() or self.offers.stop_pull()):
            self.focus_composer()

    def action_inspector(self) -> None:
        """Show or hide the details."""
        self.toggle_inspector()

    def action_rerun_last(self) -> None:
        """Run the newest card once more."""
        if self.transcript.cards:
            self.actions.rerun(self.transcript.cards[-1])

    def action_examples(self) -> None:
        """Choose an example to write."""
        self.gallery.open()

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

    def action_suite(self) -> None:
        """Open a suite of test sentences under this pane's model."""
        self.post_message(self.SuiteAsked(self))

    def action_chat(self) -> None:
        """Only a continuation can be a chat."""
        self.notice(text("notice.only_chat"))

    def action_system_prompt(self) -> None:
        """Only a chat has a system prompt."""
        self.notice(text("notice.no_system"))
