"""Keeping an offer until it is taken, or until the text it was about has changed."""

from __future__ import annotations

from typing import Protocol

from engine.messages import Pull
from tui.analysis.fit import Offer, absent, judge
from tui.cards.drafts import Draft
from tui.panes.host import PaneHost
from tui.strings import text
from tui.terminal.sanitise import clean


class OfferHost(PaneHost, Protocol):
    """A pane that sends what is offered."""

    def use_model(self, model: str, /) -> None:
        """Make a model the pane's own."""

    def start_sending(self) -> None:
        """Run the draft."""


class Offers:
    """Offers another model where a pane's own does not suit the text."""

    def __init__(self, pane: OfferHost) -> None:
        self._pane = pane
        self._offer: Offer | None = None
        self._about: Draft | None = None
        """The draft that the offer is about: sent again, it runs as it is."""
        self._awaited: Draft | None = None
        """The draft whose model is being pulled."""

    @property
    def open(self) -> bool:
        """Whether something is offered."""
        return self._offer is not None

    async def hold_back(self, draft: Draft) -> bool:
        """Whether this draft must wait: its model is being pulled, or an offer is shown first."""
        pane = self._pane
        if self._coming(draft.model):
            self._awaited = draft
            title = clean(pane.shared.link.title(draft.model))
            pane.notice(text("offer.waiting", model=title))
            return True
        if draft == self._about:
            return False
        try:
            offer = await judge(pane.shared.link, pane.role, draft)
        except OSError:  # the draft's card will show it
            return False
        if offer is None:
            return False
        self._offer, self._about = offer, draft
        pane.notice(offer.message)
        return True

    def consider(self, model: str) -> None:
        """Offer to pull a model that was chosen and is not here; an earlier offer goes."""
        self.withdraw()
        pane = self._pane
        info = pane.shared.link.models.get(model)
        if info is not None and info.state == "absent":
            self._offer = absent(info)
            self._about = pane.draft
            pane.notice(self._offer.message)

    def withdraw(self) -> None:
        """Forget the offer: what it was about has changed."""
        if self._about is not None:
            self._offer = self._about = None
            self._pane.notice("")

    def accept(self) -> None:
        """Take the offer."""
        pane, offer = self._pane, self._offer
        if offer is None or offer.model is None:
            pane.notice(text("notice.no_offer"))
            return
        pane.use_model(offer.model)
        # No warning about the model that was offered.
        self._offer, self._about = None, pane.edited()
        title = clean(pane.shared.link.title(offer.model))
        if offer.pull:
            pane.shared.model_jobs.start(Pull(offer.model))
            self._awaited = pane.edited()
            pane.notice(text("offer.pulling", model=title))
        else:
            pane.notice(text("offer.accepted", model=title))
            pane.start_sending()

    def engine_changed(self) -> None:
        """Run the draft once the model that it waits for is here."""
        pane, draft = self._pane, self._awaited
        info = None if draft is None else pane.shared.link.models.get(draft.model)
        if info is None or self._coming(info.id):
            return
        self._awaited = None
        if draft == pane.edited():
            pane.notice("")
            if draft.text and info.state in ("on_disk", "ready"):
                pane.start_sending()

    def _coming(self, model: str) -> bool:
        """Whether a model is being pulled or converted."""
        shared = self._pane.shared
        info = shared.link.models.get(model)
        on_its_way = info is not None and info.state in ("pulling", "converting")
        return on_its_way or shared.model_jobs.pulling(model)

    def stop_pull(self) -> bool:
        """Stop a pull that was accepted here; False if there is none."""
        draft = self._awaited
        return draft is not None and self._pane.shared.model_jobs.stop(draft.model)
