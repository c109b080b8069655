"""`tsuzuki tokens`: how a model cuts a text."""

from __future__ import annotations

import msgspec

from engine.messages import Tokenize, Tokens
from tui.headless.commands import TokensCommand
from tui.headless.documents import TokensDocument
from tui.headless.failure import Exit
from tui.headless.output import Output
from tui.headless.request import pane_model, read_given
from tui.headless.session import Session, run


def execute(command: TokensCommand, output: Output) -> Exit:
    """Run the command."""
    request = Tokenize(
        model=pane_model(command, command.model, "continue"), text=read_given(command)
    )

    async def work(session: Session) -> Exit:
        result = await session.ask(request, Tokens)
        if command.json:
            output.document(msgspec.convert(result, TokensDocument, from_attributes=True))
            return Exit.DONE
        for piece in result.tokens:
            place = "" if piece.start is None else f"{piece.start}-{piece.end}"
            # The piece comes last: it is the one column whose width on a screen is not known.
            output.line(f"{piece.id:>7}  {place:>9}  {piece.piece}")
        return Exit.DONE

    return run(command, output, work)
