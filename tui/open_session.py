"""The session on the panes: what changes there is saved, and another one can take its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tui.cards import Card, Pane
from tui.cards.drafts import first, merged
from tui.choices import Choices
from tui.connection.services import Services
from tui.history import History, Session
from tui.panes.base import TaskPane


class OpenSession:
    """Moves cards and drafts between the panes and the session file."""

    def __init__(
        self,
        history: History,
        panes: Mapping[Pane, TaskPane],
        shared: Services,
        choices: Choices,
        shown: Callable[[Session], None],
    ) -> None:
        """`shown` is called with each session that is put on the panes."""
        self._history = history
        self._panes = panes
        self._shared = shared
        self._choices = choices
        self._shown = shown
        self.closed = False
        """Whether the app is about to end."""

    async def resume(self) -> None:
        """Go on where the last session ended, with what was written meanwhile."""
        session = await self._history.open(resume=True)
        self._choices.read(self._history.chosen)
        if session is not None or not self._history.begun:
            self._take_up(session or Session(self._history.session))

    def _take_up(self, session: Session) -> None:
        """Put what was done before the session was read behind what it holds."""
        for name, pane in self._panes.items():
            own = first(name, self._shared.settings)
            found = self._choices.draft(name, session.drafts.get(name))
            draft = merged(own, pane.edited(), found)
            if draft != found:
                self._history.save_draft(name, draft)
            session.drafts[name] = draft
            session.cards += pane.transcript.trees.cards
        if not self.closed:
            self._show(session)

    async def reopen(self, session: str | None) -> None:
        """Go on with an earlier session, if one was chosen."""
        if session is None:
            return
        self._stop()
        found = await self._history.reopen(session)
        if found is not None:
            self._show(found)

    def begin(self) -> None:
        """Start an empty session; the one before stays in the list."""
        self._stop()
        self._history.start()
        drafts = {
            name: pane.draft if pane.at_example and not pane.has_class("-current") else pane.emptied
            for name, pane in self._panes.items()
        }
        self._show(Session(self._history.session, drafts=drafts))

    def _stop(self) -> None:
        """Stop what runs, and save it with what was typed up to the last key."""
        for name, pane in self._panes.items():
            self._history.save_draft(name, pane.edited())
            for card in pane.cards.runs.abandon():
                self._history.save_card(card)

    def _show(self, session: Session) -> None:
        for name, pane in self._panes.items():
            cards = [card for card in session.cards if card.pane == name]
            pane.open_session(cards, session.drafts.get(name))
        self._shown(session)

    def save(self, pane: TaskPane, card: Card | None) -> None:
        """Save a pane's draft, and a card that changed."""
        self._history.save_draft(pane.role, pane.draft)
        self._choices.keep(pane.role, pane.draft)
        if card is not None:
            self._history.save_card(card)

    def remove(self, card: Card, *, back: bool) -> None:
        """Delete a card from the file, or bring it `back`."""
        change = self._history.restore_card if back else self._history.delete_card
        change(card.id)

    def close(self) -> None:
        """Save what was typed last; no other session is shown from now on."""
        self.closed = True
        for name, pane in self._panes.items():
            self._history.save_draft(name, pane.edited())
