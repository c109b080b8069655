"""`tsuzuki tokens`: how a model cuts a text."""

from __future__ import annotations

import msgspec

from engine.messages import Tokenize, Tokens
from tui.headless.invocations import TokensCommand
from tui.headless.io.output import Output
from tui.headless.io.request import pane_model, read_given
from tui.headless.io.session import Session, run
from tui.headless.schemas.answers import TokensDocument
from tui.terminal.exit_codes import Exit


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
