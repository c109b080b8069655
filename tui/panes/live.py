"""What could come next, shown while a prompt is being written."""

from __future__ import annotations

import asyncio
import math
from contextlib import aclosing

from textual.events import Resize

from engine.messages import GREEDY, Continue, Error, PrecisionChoice, Token
from tui.analysis.heat import bits
from tui.connection.services import Services
from tui.files import system_errors
from tui.render import bars
from tui.render.flow import Line, Span, wrap
from tui.strings import text, worded
from tui.terminal.sanitise import clean
from tui.widgets.lines import LinesView

PAUSE_S = 0.12
"""Seconds without a key press before the engine is asked."""
ROWS = 5


class Live(LinesView):
    """The likeliest next tokens after what is written. Each new text ends the question before."""

    def __init__(self, shared: Services) -> None:
        super().__init__()
        self._shared = shared
        self._lines: list[Line] = []
        self._token: Token | None = None
        self._message = ""
        self.display = False

    @property
    def lines(self) -> list[Line]:
        """One line a token."""
        return self._lines

    def on_resize(self, event: Resize) -> None:
        """Lay out anew."""
        self._draw()

    def reword(self) -> None:
        """Write everything anew, in the language of now."""
        self._draw()

    def follow(self, model: str, form: PrecisionChoice, prompt: str) -> None:
        """Ask what follows this text, once the keys rest."""
        if self.display:
            self.run_worker(self._ask(model, form, prompt), group="live", exclusive=True)

    async def _ask(self, model: str, form: PrecisionChoice, prompt: str) -> None:
        await asyncio.sleep(PAUSE_S)
        request = Continue(
            model=model, prompt=prompt, sampling=GREEDY, max_tokens=1, top=ROWS, precision=form
        )
        try:
            answer = await self._shared.link.request(request)
        except OSError as error:
            self._show(None, text("notice.no_engine", reason=system_errors.reason(error)))
            return
        try:
            async with aclosing(answer) as events:
                async for event in events:
                    if isinstance(event, Token):
                        self._show(event, "")
                    elif isinstance(event, Error):
                        self._show(None, worded(event.message))
        finally:
            answer.cancel()  # does nothing to one that has ended

    def _show(self, token: Token | None, message: str) -> None:
        self._token, self._message = token, message
        self._draw()

    def _draw(self) -> None:
        width, glyphs = max(8, self.size.width - 1), self._shared.glyphs
        if self._token is None:
            self._lines = wrap(
                [Span(clean(self._message) or text("live.empty"), "facts")], width, "  "
            )
        else:
            top = self._token.top
            column = bars.column([other.text for other in top], width // 3, glyphs)
            self._lines = [
                bars.row(
                    str(rank),
                    bars.label(other.text, other.id, column, glyphs),
                    math.exp(other.logprob),
                    width,
                    glyphs,
                )
                for rank, other in enumerate(top, 1)
            ]
            if self._token.entropy is not None:
                entropy = text("live.entropy", n=f"{bits(self._token.entropy):.2f}")
                self._lines.append(Line((Span(f"  {entropy}", "facts"),)))
        self.resized()
