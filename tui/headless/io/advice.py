"""A word of warning where the model does not know a text, as the app gives it."""

from __future__ import annotations

from engine.messages import MASK, Tokenize, Tokens
from tui.headless.io.output import Output
from tui.headless.io.session import Session
from tui.strings import text

_ENOUGH = 100_000
"""Characters of many texts that tell which language they are in."""


async def warn(session: Session, output: Output, model: str, *written: str) -> None:
    """Say so when much of a text, or of many, is unknown or foreign to a model.

    Raises:
        Failure: the model cannot be asked.
    """
    from tui.analysis.fit import LIMIT

    asked = " ".join(written).replace(MASK, " ")[:_ENOUGH]
    cut = await session.ask(Tokenize(model=model, text=asked), Tokens)
    share = max(cut.unknown, cut.foreign)
    if share >= LIMIT:
        output.warn(text("cli.unsuitable", model=model, share=f"{share:.0%}"))
