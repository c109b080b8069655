"""What can be done with a whole text of Continue: go on from it, compare it, make it again."""

from __future__ import annotations

from contextlib import aclosing

from tui.cards import ContinueCard, replay
from tui.cards.refs import BranchToken
from tui.cards.replay import Replay
from tui.files import system_errors
from tui.panes.host import PaneHost
from tui.screens.compare import CompareScreen
from tui.screens.forms import Picker
from tui.strings import text, worded
from tui.terminal.sanitise import clean, token


class ContinueActions:
    """Acts on the texts of one pane."""

    def __init__(self, pane: PaneHost) -> None:
        self._pane = pane

    def go_on(self, card: ContinueCard) -> None:
        """Continue from the end of the branch that the cursor is in, as a path of its own."""
        pane = self._pane
        ref = pane.transcript.ref
        number = ref.branch if isinstance(ref, BranchToken) else 0
        if number >= len(card.branches):
            pane.notice(text("notice.no_end"), lambda: number >= len(card.branches))
            return
        length = card.request.max_tokens or pane.draft.max_tokens
        pane.cards.run(card.fork(number, len(card.branches[number].tokens), [], length))

    def other_model(self, card: ContinueCard) -> None:
        """Ask another model the same, and show both side by side."""
        pane = self._pane
        if not card.branches:
            pane.notice(text("notice.no_tokens"), lambda: not card.branches)
            return

        def picked(model: str | None) -> None:
            if model is None:
                return
            other = card.under(model, pane.shared.link.form(model, card.request.precision))
            pane.cards.run(other)
            pane.push_screen(CompareScreen(pane.shared, card, other, pane.cards.save))

        pane.push_screen(Picker(pane.shared.link, pane.role, card.request.model), picked)

    async def replay(self, card: ContinueCard) -> None:
        """Make the text again, and show whether it is the same."""
        pane = self._pane
        if not card.branches or card.status == "running":
            pane.notice(text("notice.no_tokens"), lambda: card.status == "running")
            return
        pane.notice(text("replay.running"))
        try:
            answer = await pane.shared.link.request(replay.request(card))
        except OSError as error:
            pane.notice(text("notice.no_engine", reason=system_errors.reason(error)))
            return
        async with aclosing(answer) as events:
            found = await replay.replay(card, events)
        pane.notice(self._replayed(card, found))

    def _replayed(self, card: ContinueCard, found: Replay) -> str:
        """The notice about a replay."""
        if found.error is not None:
            return clean(worded(found.error.message, found.error.hint))
        message = text("replay.same")
        if found.difference is not None:
            was, now = (
                "" if each is None else token(each.text, each.id, self._pane.shared.glyphs)
                for each in (found.difference.was, found.difference.now)
            )
            message = text(
                "replay.differs",
                branch=found.difference.branch + 1,
                token=found.difference.at + 1,
                was=was,
                now=now,
            )
        if found.revision != card.revision:
            message += text("replay.revision", was=card.revision, now=found.revision)
        return message[:1].upper() + message[1:]
