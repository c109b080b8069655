"""A warning where a model does not fit a text, as in the app."""

from __future__ import annotations

from engine.messages import MASK, Tokenize, Tokens
from tui.headless.io.output import Output
from tui.headless.io.session import Session
from tui.strings import text

_ENOUGH = 100_000
"""Characters that are enough to judge the language of many texts."""


async def warn(session: Session, output: Output, model: str, *written: str) -> None:
    """Warn when much of one text, or of several, is unknown or foreign to a model.

    Raises:
        Failure: the model cannot be asked.
    """
    from tui.analysis.fit import LIMIT

    asked = " ".join(written).replace(MASK, " ")[:_ENOUGH]
    cut = await session.ask(Tokenize(model=model, text=asked), Tokens)
    share = max(cut.unknown, cut.foreign)
    if share >= LIMIT:
        output.warn(text("cli.unsuitable", model=model, share=f"{share:.0%}"))
