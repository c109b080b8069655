"""A word of warning to a person whose text the model does not know."""

from __future__ import annotations

from engine.messages import MASK, Tokenize, Tokens
from tui.headless.output import Output
from tui.headless.session import Session
from tui.panes.offers import LIMIT
from tui.strings import text


async def warn(session: Session, output: Output, model: str, written: str) -> None:
    """Say so when much of a text is unknown or foreign to a model. Scripts are not told.

    Raises:
        Failure: the model cannot be asked.
    """
    if not output.narrates:
        return
    cut = await session.ask(Tokenize(model=model, text=written.replace(MASK, " ")), Tokens)
    share = max(cut.unknown, cut.foreign)
    if share >= LIMIT:
        output.note(text("cli.unsuitable", model=model, share=f"{share:.0%}"))
