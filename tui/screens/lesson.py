"""The lesson: one stop at a time, with the models' own numbers on the learner's text."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from msgspec import structs
from textual import work
from textual.binding import BindingType

from engine.messages import MASK, Opened, Request
from engine.messages.starters import STARTER_CAUSAL, STARTER_MASKED
from tui.connection.services import Services
from tui.keys.actions import Place, bindings
from tui.lesson import progress
from tui.lesson.blocks import block
from tui.lesson.network import Network
from tui.lesson.progress import Progress
from tui.lesson.stops import LAYER, STOPS, Field, Stop, summed
from tui.render import lesson
from tui.render.inside.view import View
from tui.render.lesson_answers import Found
from tui.screens.asking import AskingScreen
from tui.screens.dialogs import Ask
from tui.strings import text
from tui.widgets.hints import brief

_KEYS = {"answer": "lesson_answer", "train": "lesson_train"}
"""The actions whose keys a stop names."""
_WHOLE = 1000
"""Lines that a map may take: the page scrolls, and has no cursor to move a window by."""
_STEPS = 20
"""How many steps the network learns with one key."""


class LessonScreen(AskingScreen):
    """Shows a stop, and remembers which were seen."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("lesson")]
    place: ClassVar[Place] = "lesson"

    def __init__(self, shared: Services, stored: str, keep: Callable[[str], None]) -> None:
        """`stored` is what `keep` was last given."""
        super().__init__(shared, "")
        self._progress = progress.read(stored)
        self._keep = keep
        self._network = Network()
        self._asked = False
        """Whether the answer to the question is shown."""
        self._python = False

    def on_mount(self) -> None:
        """Go on where the learner was."""
        self._page.focus()
        self._go(self._progress.stop)

    @property
    def _stop(self) -> Stop:
        return STOPS[self._progress.stop]

    # ------------------------------------------------------------------------- asking

    def wanted(self) -> list[Request]:
        """What the stop needs now: what follows from the text read comes once it was read."""
        shown = self._stop.shown(self._progress.texts)
        return [*shown, *self._asks(False), *(self._asks(True) if self._asked else [])]

    def _asks(self, asked: bool) -> list[Request]:
        """What is asked for the stop's numbers, or to answer its question."""
        stop, texts = self._stop, self._progress.texts
        asks = list(stop.answer(texts) if asked else stop.shown(texts))
        if stop.sums is None:
            return asks
        opened = [event for event in self.answered(asks[0]) if isinstance(event, Opened)]
        return [summed(asks[0], stop.sums[asked], each.position) for each in opened]

    # ------------------------------------------------------------------------ showing

    def _go(self, stop: int) -> None:
        stop = max(0, min(stop, len(STOPS) - 1))
        seen = self._progress.seen | {stop}
        self._remember(structs.replace(self._progress, stop=stop, seen=seen))
        self._asked = self._python = False
        self._page.scroll_home(animate=False)
        self.refresh_bindings()
        self.show_and_ask()

    def _remember(self, changed: Progress) -> None:
        self._progress = changed
        self._keep(progress.written(changed))

    def draw(self) -> None:
        """Draw the stop, and the text that it works on."""
        stop, at = self._stop, self._progress.stop
        title = text(f"lesson.{stop.id}.title")
        self.heading(
            text(
                "screens.lesson.title",
                n=at + 1,
                count=len(STOPS),
                title=title,
                seen=len(self._progress.seen),
            )
        )
        width = max(40, self._page.size.width - 1)
        if self._python:
            self._page.put(lesson.python(self._block(), width))
            return
        view = View(self.shared.glyphs, "", None, layer=LAYER, width=width)
        view.height = _WHOLE
        shown = self.shared.keymap.shown
        keys = {name: brief(shown(action)) for name, action in _KEYS.items()}
        answered = self._found(asked=True) if self._asked else None
        found, coming = self._found(asked=False), not self.refused
        drawn = lesson.lines(stop, found, answered, self._network, keys, view, coming)
        self._page.put(drawn)

    def _found(self, asked: bool) -> Found:
        return [(ask, self.answered(ask)) for ask in self._asks(asked)]

    def _block(self) -> str:
        def folder(model: str) -> str:
            info = self.shared.link.models.get(model)
            return model if info is None or info.path is None else info.path

        causal, masked = folder(STARTER_CAUSAL), folder(STARTER_MASKED)
        texts = self._progress.texts
        return block(self._stop, self._asked, texts, causal, masked, self._network)

    # ------------------------------------------------------------------------ actions

    def action_lesson_go(self, by: int) -> None:
        """Go to the next stop, or back."""
        self._go(self._progress.stop + by)

    def action_lesson_scroll(self, by: int) -> None:
        self._page.scroll_relative(y=by, animate=False)

    def action_lesson_answer(self) -> None:
        """Let the model answer the question, or show the stop's own numbers again."""
        self._asked, self._python = not self._asked, False
        if self._stop.id == "network":
            self._network = Network(bent=not self._asked)
        self.show_and_ask()

    def action_lesson_python(self) -> None:
        """Show the Python that computes the numbers, or the stop again."""
        self._python = not self._python
        self._page.scroll_home(animate=False)
        self.draw()

    def action_lesson_copy(self) -> None:
        self.app.copy_to_clipboard(self._block())
        self.show_message(text("screens.lesson.copied"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only the network learns, and it alone has no text."""
        learns = self._stop.id == "network"
        return {"lesson_train": learns, "lesson_edit": not learns}.get(action, True)

    def action_lesson_train(self) -> None:
        """Let the small network learn."""
        self._network.learn(_STEPS)
        self.draw()

    @work
    async def action_lesson_edit(self) -> None:
        """Write other texts to work on."""
        for name in self._stop.fields:
            written = await self._written(name)
            if written is None:
                break
            if written:
                texts = structs.replace(self._progress.texts, **{name: written})
                self._remember(structs.replace(self._progress, texts=texts))
        self.show_and_ask()

    async def _written(self, name: Field) -> str | None:
        """One of the texts, until it can be worked on; None: the one before."""
        written = getattr(self._progress.texts, name)
        question = text(f"screens.lesson.edit_{name}")
        while True:
            answer = await self.app.push_screen_wait(Ask(question, written))
            written = None if answer is None else answer.strip()
            if not written or name != "masked" or MASK in written:
                return written
            question = text("screens.lesson.no_mask", mask=MASK)
