"""How a token was drawn: the distribution before the samplers and after each, and the draw."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import ClassVar

import msgspec
from textual import work
from textual.binding import BindingType
from textual.events import Resize
from textual.widget import Widget

from engine.messages import SamplerStep, Sampling, Trace, Traced
from tui.analysis.heat import bits
from tui.cards import ContinueCard
from tui.cards.refs import BranchToken
from tui.connection.services import Services
from tui.keys.actions import bindings
from tui.render import bars
from tui.render.flow import Line, Span, wrap
from tui.screens.base import MessageScreen
from tui.screens.forms import Form
from tui.screens.sampling import sampling_fields
from tui.strings import text
from tui.terminal.sanitise import token as shown
from tui.terminal.units import chance, percent
from tui.widgets.lines import Page

_TOP = 8


class SamplersScreen(MessageScreen[None]):
    """One draw of a continuation, which can be made again with other parameters."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("samplers")]

    def __init__(self, shared: Services, card: ContinueCard, place: BranchToken) -> None:
        branch, at = place.branch, place.index
        self._token = card.branches[branch].tokens[at]
        name = shown(self._token.text, self._token.id, shared.glyphs)
        super().__init__(shared, text("screens.samplers.title", token=name))
        sampling = msgspec.structs.replace(card.request.sampling, seed=card.seed)
        self._request = Trace(
            model=card.request.model,
            ids=card.path(branch, at),
            sampling=sampling,
            branch=branch,
            watch=self._token.id,
            top=_TOP,
            precision=card.precision or card.request.precision,
        )
        self._answer: Traced | None = None
        self._steps = Page()

    def body(self) -> Iterator[Widget]:
        yield self._steps

    def on_mount(self) -> None:
        self._steps.focus()
        self._ask()

    def on_resize(self, event: Resize) -> None:
        """Lay out anew."""
        self.call_after_refresh(self._draw)

    @work(exclusive=True)
    async def _ask(self) -> None:
        async for event in self.answers(self._request):
            if isinstance(event, Traced):
                self._answer = event
                self._draw()

    # ------------------------------------------------------------------------ showing

    def _draw(self) -> None:
        answer = self._answer
        if answer is None:
            return
        width = max(20, self._steps.size.width - 1)
        lines: list[Line] = []
        for step in answer.steps:
            lines += [*self._step(step, width), Line()]
        self._steps.put(lines)
        glyphs = self.shared.glyphs
        key = "same" if answer.drawn == self._token.id else "other"
        key = "given" if self._token.given else key
        key = f"greedy_{key}" if self._request.sampling.greedy else key
        drawn = shown(answer.drawn_text, answer.drawn, glyphs)
        self.show_message(
            text(
                f"screens.samplers.{key}",
                drawn=drawn,
                token=shown(self._token.text, self._token.id, glyphs),
                seed=self._request.sampling.seed,
            )
        )

    def _step(self, step: SamplerStep, width: int) -> list[Line]:
        """A heading, where the watched token is, and the likeliest."""
        glyphs = self.shared.glyphs
        name = text("screens.samplers.model")
        if step.name and step.value is not None:
            name = f"{text(f'field.{step.name}.name')} {step.value:g}"
        counts = text(
            "screens.samplers.kept",
            n=step.kept,
            removed=percent(step.removed).strip(),
            entropy=f"{bits(step.entropy):.2f}",
        )
        token = shown(self._token.text, self._token.id, glyphs)
        place = text("screens.samplers.gone", token=token)
        if step.logprob is not None:
            place = text(
                "screens.samplers.place",
                token=token,
                prob=chance(step.logprob).strip(),
                rank=step.rank,
            )
        lines = wrap([Span(name, "prompt"), Span(f"  {counts}", "facts")], width, " ")
        lines += wrap([Span(place, "chip" if step.logprob is not None else "failed")], width, "   ")
        column = bars.column([other.text for other in step.top], width // 3, glyphs)
        for rank, other in enumerate(step.top, 1):
            label = bars.label(other.text, other.id, column, glyphs)
            style = "chip" if other.id == self._token.id else ""
            lines.append(
                bars.row(str(rank), label, math.exp(other.logprob), width, glyphs, style=style)
            )
        return lines

    # ------------------------------------------------------------------------ actions

    def action_samplers_edit(self) -> None:
        """Change the parameters and draw again with the same noise."""
        self.app.push_screen(Form(sampling_fields(self._request.sampling)), self._set)

    def _set(self, values: Mapping[str, object] | None) -> None:
        if values is not None:
            plain = msgspec.structs.asdict(self._request.sampling) | dict(values)
            sampling = msgspec.convert(plain, Sampling)
            if sampling.seed is None:
                # The same draw: without a seed it would be another one each time.
                sampling = msgspec.structs.replace(sampling, seed=self._request.sampling.seed)
            self._request = msgspec.structs.replace(self._request, sampling=sampling)
            self._ask()
