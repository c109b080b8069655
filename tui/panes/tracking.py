"""Tracking words through the text of a card: how likely each is in place of every token."""

from __future__ import annotations

from contextlib import aclosing

from msgspec import structs

from engine.client import Answer
from engine.messages import Error, Progress, TrackedText, TrackedWord, TrackWords
from tui.cards import Card, ContinueCard, PllCard
from tui.cards.refs import BranchToken
from tui.cards.tracked import Tracked
from tui.files import system_errors
from tui.panes.host import PaneHost
from tui.panes.reading import read_words
from tui.screens.dialogs import Ask
from tui.strings import text, worded
from tui.terminal.sanitise import clean


class Tracker:
    """Asks for words, and shows them on the card of one pane."""

    def __init__(self, pane: PaneHost) -> None:
        self._pane = pane
        self._answer: Answer | None = None

    def ask(self, card: Card) -> None:
        """Ask which words to track; none takes those away that are shown."""
        if not isinstance(card, ContinueCard | PllCard) or not _length(card):
            self._pane.notice(text("notice.no_tokens"))
            return
        pane = self._pane

        def asked(written: str | None) -> None:
            words = None if written is None else read_words(pane, written)
            if words:
                pane.run_worker(self._track(card, words))
            elif words is not None:
                card.tracked = None
                pane.cards.save(card)

        shown = [] if card.tracked is None else [word.word for word in card.tracked.words]
        example = text("dialog.words_example")
        pane.push_screen(Ask(text("dialog.track"), ", ".join(shown), example), asked)

    @property
    def running(self) -> bool:
        """Whether something is being read."""
        return self._answer is not None

    def stop(self) -> bool:
        """Stop, if something is being read."""
        if self._answer is None:
            return False
        self._answer.cancel()
        return True

    async def _track(self, card: ContinueCard | PllCard, words: list[str]) -> None:
        pane = self._pane
        self.stop()
        place = pane.transcript.ref
        branch = place.branch if isinstance(place, BranchToken) else 0
        branch = branch if isinstance(card, ContinueCard) and branch < len(card.branches) else 0
        pane.notice(text("notice.tracking"))
        message = text("card.cancelled")
        try:
            answer = self._answer = await pane.shared.link.request(_request(card, branch, words))
            async with aclosing(answer) as events:
                async for event in events:
                    match event:
                        case Progress():
                            done = text("card.progress", done=event.done, total=event.total)
                            pane.notice(done)
                        case Error():
                            message = worded(event.message, event.hint)
                        case TrackedText(error=Error() as error):
                            message = worded(error.message, error.hint)
                        case TrackedText():
                            card.tracked = Tracked(branch, _own(card, event.words))
                            message = ""
        except OSError as error:
            message = text("notice.no_engine", reason=system_errors.reason(error))
        finally:
            self._answer = None
        pane.notice(clean(message))
        pane.cards.save(card)


def _length(card: ContinueCard | PllCard) -> int:
    """Tokens in the text of a card."""
    if isinstance(card, PllCard):
        return len(card.results[0].tokens) if card.results else 0
    return max((len(branch.tokens) for branch in card.branches), default=0)


def _request(card: ContinueCard | PllCard, branch: int, words: list[str]) -> TrackWords:
    """A continuation by its very ids; a judged text as it was given."""
    text_or_ids = (
        card.request.text
        if isinstance(card, PllCard)
        else card.path(branch, len(card.branches[branch].tokens))
    )
    return TrackWords(
        model=card.request.model,
        texts=[text_or_ids],
        words=words,
        precision=card.precision or card.request.precision,
    )


def _own(card: ContinueCard | PllCard, words: list[TrackedWord]) -> list[TrackedWord]:
    """The words at the places of the card's tokens, without those of its prompt."""
    before = len(card.prompt_tokens) if isinstance(card, ContinueCard) else 0
    return [
        structs.replace(word, logprobs=word.logprobs[before:], ranks=word.ranks[before:])
        for word in words
    ]
