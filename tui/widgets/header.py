"""The line at the top: the panes, the model in use and how the engine is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from textual.content import Content
from textual.events import Click
from textual.widget import Widget

from engine.messages import ModelInfo, ModelState, PrecisionChoice
from tui.analysis.naming import short_name
from tui.cards import PANES, Pane
from tui.connection.services import Services
from tui.strings import text
from tui.terminal.sanitise import clean
from tui.terminal.units import size
from tui.widgets.hints import brief, clickable, clicked

_GAUGE = 6
"""Cells of the memory gauge."""


def state_text(info: ModelInfo | ModelState | None, progress: ModelState | None) -> str:
    """A model's state in a word, with how far it has come."""
    if info is None:
        return text("header.unknown")
    if isinstance(info, ModelInfo) and info.source == "server" and info.state == "on_disk":
        return text("header.on_server")
    percent = ""
    if progress is not None and progress.state == info.state and progress.percent is not None:
        percent = text("header.percent", n=f"{progress.percent:.0f}")
    return text(f"header.{info.state}", percent=percent)


def gpus(names: Sequence[str]) -> list[str]:
    """GPUs as briefly as can be: ``2x H100``."""
    counted = Counter(" ".join(name.removeprefix("NVIDIA ").split()[:2]) for name in names)
    return [f"{count}x {name}" if count > 1 else name for name, count in counted.items()]


class Header(Widget):
    """Draws itself from the services; drops the least important facts where room is short."""

    def __init__(self, shared: Services) -> None:
        super().__init__()
        self._shared = shared
        self._pane: Pane = "continue"
        self._model = ""
        self._form: PrecisionChoice = "exact"
        self._form_label = ""
        self._speed: float | None = None
        self._drawn: Content | None = None
        """What was drawn last, so that nothing is drawn twice."""

    def show(
        self, pane: Pane, model: str, form: PrecisionChoice, form_label: str, speed: float | None
    ) -> None:
        """Show a pane's name, its model with the form of its weights, and its speed in tokens per
        second, None where nothing was written yet.
        """
        shown = (pane, model, form, form_label, speed)
        if shown != (self._pane, self._model, self._form, self._form_label, self._speed):
            self._pane, self._model, self._form, self._form_label, self._speed = shown
            self.follow()

    def follow(self) -> None:
        """Draw again if what the services say has changed since the last time."""
        facts = self.render()
        if facts != self._drawn:
            self._drawn = facts
            self.refresh()

    async def on_click(self, event: Click) -> None:
        """A click on a tab goes to its pane."""
        await clicked(event, self.screen)

    def render(self) -> Content:
        """The tabs on the left, the facts on the right."""
        tabs = [Content(" ")]
        for pane in PANES:
            key = brief(self._shared.keymap.shown(f"pane_{pane}"))
            name = f" {text(f'actions.pane_{pane}.title')} "
            active = "bold reverse" if pane == self._pane else ""
            tab = Content.assemble((f" {key} ", "$text-muted"), (name, active))
            tabs.append(clickable(tab, f"pane_{pane}"))
        left = Content("").join(tabs)
        facts = self._facts()
        room = self.size.width - left.cell_length
        while facts and sum(fact.cell_length + 2 for fact in facts) > room:
            facts.pop()
        right = Content("  ").join(facts) + " "
        return left + " " * max(0, room - right.cell_length) + right

    def _facts(self) -> list[Content]:
        """The facts, the most important first."""
        link, glyphs = self._shared.link, self._shared.glyphs
        progress = link.progress.get(self._model)
        seen = link.seen_as(self._model, self._form) or progress
        ill = link.engine in ("silent", "restarting", "dead")
        if ill:
            state = text(f"header.{link.engine}")
        elif seen is None and link.models:
            state = text("header.unlisted")
        else:
            state = state_text(seen, progress)
        ready = seen is not None and seen.state == "ready" and not ill
        mark = glyphs.on if ready else glyphs.off
        style = "$chip-color" if ready else "$busy-color"
        name = short_name(self._model)  # a whole path finds no room
        label = Content(" " + " ".join(filter(None, (clean(name), self._form_label, state))))
        facts = [Content.styled(mark, style) + label]
        if self._shared.unsaved:
            facts.insert(0, Content.styled(text("header.unsaved"), "bold reverse"))
        if link.host:
            where = clean(link.host)
            if link.latency_s is not None:
                where += " " + text("header.latency", ms=f"{1000 * link.latency_s:.0f}")
            facts.append(Content(where))
        if link.busy:
            facts.append(Content.styled(text("header.busy"), "$busy-color"))
        if self._speed is not None:
            facts.append(Content(text("header.speed", rate=f"{self._speed:.1f}")))
        if link.memory is not None and link.memory.budget:
            used, budget = link.memory.used, link.memory.budget
            filled = round(min(1.0, used / budget) * _GAUGE)
            gauge = Content.styled(" " * filled, "on $bar-color")
            gauge += Content.styled(" " * (_GAUGE - filled), "on $background")
            figure = text("header.memory", used=size(used), budget=size(budget))
            facts.append(gauge + " " + figure)
        facts += [Content(clean(each)) for each in gpus(link.gpus)]
        return facts
