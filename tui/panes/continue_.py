"""The pane where a causal model goes on from a prompt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import msgspec
from textual import on, work
from textual.widget import Widget

from engine.messages import Continue, Turn
from tui.cards import Card, ContinueCard, Pane
from tui.cards.drafts import Draft
from tui.connection.services import Services
from tui.files import text_file
from tui.keys.actions import CardAction
from tui.panes.base import TaskPane
from tui.panes.continue_actions import ContinueActions
from tui.panes.fork_actions import ForkActions
from tui.panes.live import Live
from tui.panes.reading import read_text
from tui.screens.dialogs import Ask
from tui.screens.forms import Field, TextDialog
from tui.screens.sampling import continue_fields
from tui.screens.tree import Edits
from tui.strings import text
from tui.suites import reading
from tui.terminal.sanitise import clean, composed
from tui.widgets.composer import Composer, PromptComposer


class ContinuePane(TaskPane):
    """A prompt that a model goes on from, or a text that it reads."""

    role: ClassVar[Pane] = "continue"

    def __init__(self, shared: Services, draft: Draft) -> None:
        super().__init__(shared, draft)
        self._live = Live(shared)
        self._texts = ContinueActions(self)
        edits = Edits(self.cards.save, self.actions.delete, self.actions.undo)
        self._forks = ForkActions(self, edits)

    def act(self, action: CardAction, number: int, card: Card) -> None:
        """Act on a text as a whole, or at one of its tokens."""
        if not isinstance(card, ContinueCard):
            return
        match action:
            case "continue_from_end":
                self._texts.go_on(card)
            case "other_model":
                self._texts.other_model(card)
            case "replay":
                self.run_worker(self._texts.replay(card))
            case _:
                self._forks.do(action, number, card)

    def build(self, draft: Draft) -> ContinueCard | None:
        """A continuation of the text; an empty one is nothing to go on from."""
        if not draft.text:
            self.notice(text("notice.nothing"))
            return None
        request = Continue(
            model=draft.model,
            prompt=draft.text,
            chat=self._turns(draft) if draft.chat else None,
            sampling=draft.sampling,
            max_tokens=draft.max_tokens,
            stop=list(draft.stop),
            branches=draft.branches,
            boundaries=self.transcript.look.corrected,
            precision=self.form,
        )
        return ContinueCard(request=request, prompt=draft.text)

    def make_composers(self, draft: Draft) -> Iterator[Composer]:
        """One editor, for a text to go on from or to read."""
        yield PromptComposer(draft.text)

    def aids(self) -> Iterator[Widget]:
        """What could come next."""
        yield self._live

    def draft_changed(self) -> None:
        """Ask what could come next."""
        self._live.follow(self.draft.model, self.form, self.draft.text)

    def reword(self) -> None:
        """Write everything anew in another language."""
        super().reword()
        self._live.reword()

    @on(PromptComposer.Live)
    def _toggle_live(self, event: PromptComposer.Live) -> None:
        event.stop()
        self._live.display = not self._live.display
        self.draft_changed()

    @on(PromptComposer.Read)
    def _read(self, event: PromptComposer.Read) -> None:
        """Read the text instead of going on from it; without one, ask which file to read."""
        event.stop()
        draft = self.edited()
        if not draft.text:
            self.action_read_file()
            return
        self.put(msgspec.structs.replace(draft, text=""))
        self.focus_composer()
        self._run_reading(draft.text)

    def action_read_file(self) -> None:
        """Ask for a file and read the text in it."""
        self._read_file()

    @work(exclusive=True, group="file")
    async def _read_file(self) -> None:
        question = Ask(text("dialog.file"), example="~/text.txt", path=True)
        name = await self.app.push_screen_wait(question)
        if not name:
            return
        path = text_file.named(name.strip())
        if path is None:
            self.notice(text("notice.no_file", file=clean(name)))
            return
        written = read_text(self, path)
        if written and reading.is_one(written, path):
            self.post_message(self.SuiteAsked(self, str(path)))
        elif written:
            self.notice("")
            self._run_reading(composed(written))
        elif written is not None:
            self.notice(text("notice.nothing"))

    def _run_reading(self, written: str) -> None:
        """Score every token of a text."""
        request = Continue(
            model=self.draft.model,
            prompt="",
            begin=written,
            sampling=self.draft.sampling,
            max_tokens=0,
            boundaries=True,
            precision=self.form,
        )
        self.cards.run(ContinueCard(request=request, prompt=""))

    def _turns(self, draft: Draft) -> list[Turn]:
        """The system prompt and the cards above that this model wrote, as the earlier turns."""
        turns = [Turn("system", draft.system)] if draft.system else []
        for card in self.transcript.cards:
            if not isinstance(card, ContinueCard) or card.request.model != draft.model:
                continue
            if card.read:
                continue
            answer = card.branches[0].text if card.branches else ""
            if answer and card.status != "running":
                turns += [Turn("user", card.prompt), Turn("assistant", answer)]
        return turns

    def recalled(self, card: Card) -> Draft:
        """The draft that made a card."""
        draft = super().recalled(card)
        if not isinstance(card, ContinueCard):
            return draft
        request = card.request
        return msgspec.structs.replace(
            draft,
            sampling=request.sampling,
            max_tokens=request.max_tokens or draft.max_tokens,
            branches=request.branches,
            stop=tuple(request.stop),
            chat=request.chat is not None,
        )

    def fields(self) -> list[Field]:
        """How a continuation is drawn."""
        return [*continue_fields(self.draft), *super().fields()]

    def use_model(self, model: str) -> None:
        """Make a model the pane's own; a chat ends where it has no template."""
        info = self.shared.link.models.get(model)
        if info is not None and not info.chat:
            self.draft = msgspec.structs.replace(self.draft, chat=False)
        super().use_model(model)

    def action_chat(self) -> None:
        """Turn the chat on, with the cards above as its earlier turns, or off."""
        info = self.shared.link.models.get(self.draft.model)
        if info is None or not info.chat:
            title = clean(self.shared.link.title(self.draft.model))
            self.notice(text("notice.no_chat", model=title))
            return
        self.adopt(msgspec.structs.replace(self.draft, chat=not self.draft.chat))
        self.notice(text("notice.chat_on" if self.draft.chat else "notice.chat_off"))

    def action_system_prompt(self) -> None:
        """Edit the system prompt of a chat."""
        if self.draft.chat:
            dialog = TextDialog(text("dialog.system"), self.draft.system)
            self.push_screen(dialog, self._set_system)
        else:
            super().action_system_prompt()

    def _set_system(self, written: str | None) -> None:
        if written is not None:
            self.adopt(msgspec.structs.replace(self.draft, system=written))

    def parameters(self) -> str:
        """How the next token is drawn."""
        sampling = self.draft.sampling
        parts = [text("composer.greedy")] if sampling.greedy else [f"T {sampling.temperature:g}"]
        if not sampling.greedy:
            parts += [f"k {sampling.top_k}"] if sampling.top_k else []
            parts += [f"p {sampling.top_p:g}"] if sampling.top_p < 1 else []
            parts += [f"min-p {sampling.min_p:g}"] if sampling.min_p else []
            parts += [f"typ {sampling.typical_p:g}"] if sampling.typical_p < 1 else []
            if sampling.seed is not None:
                parts.append(text("composer.seed", seed=sampling.seed))
        if sampling.repetition_penalty != 1:
            parts.append(f"rep {sampling.repetition_penalty:g}")
        if self.draft.chat:
            parts.insert(0, text("composer.chat"))
        parts.append(text("composer.tokens", n=self.draft.max_tokens))
        if self.draft.branches > 1:
            parts.append(text("composer.branches", n=self.draft.branches))
        return self.shared.glyphs.dot.join(parts)
