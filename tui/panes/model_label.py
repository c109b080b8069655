"""What the frame of a composer shows of the model: its name, the form of its weights, its state."""

from __future__ import annotations

from tui.analysis.naming import short_name
from tui.panes.host import PaneHost
from tui.widgets.header import state_text


def form_label(pane: PaneHost) -> str:
    """The form in a word, and what auto came to last; nothing where it is exact."""
    if pane.form != "auto":
        return "" if pane.form == "exact" else pane.form
    used = [
        card.precision
        for card in pane.transcript.cards
        if (card.request.model, card.request.precision) == (pane.draft.model, "auto")
    ]
    return " ".join(["auto", *filter(None, used[-1:])])


def chip(pane: PaneHost) -> list[str]:
    """The model and its form, and its state where it cannot answer at once."""
    link, model = pane.shared.link, pane.draft.model
    shown = short_name(model) if "://" in model else model
    name = f"{shown} {form_label(pane)}".rstrip()
    info = link.seen_as(model, pane.form)
    if info is None or info.state in ("ready", "on_disk"):
        return [name]
    return [name, state_text(info, link.progress.get(model))]
