"""`tsuzuki tokens`: how a model cuts a text."""

from __future__ import annotations

from argparse import ArgumentParser

import msgspec
from msgspec import Struct

from engine.messages import Piece, Tokenize, Tokens
from tui.headless.command import TextCommand
from tui.headless.io.output import Output
from tui.headless.io.request import pane_model, read_given
from tui.headless.io.session import Session, run
from tui.headless.options import add_model, add_text
from tui.terminal.exit_codes import Exit


class TokensDocument(Struct, frozen=True, kw_only=True):
    """`tsuzuki tokens --json`."""

    model: str
    tokens: list[Piece]
    unknown: float
    foreign: float


class TokensCommand(TextCommand, frozen=True, kw_only=True):
    model: str | None = None

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        add_text(parser)
        add_model(parser, "continue")

    def execute(self, output: Output) -> Exit:
        request = Tokenize(model=pane_model(self, self.model, "continue"), text=read_given(self))

        async def work(session: Session) -> Exit:
            result = await session.ask(request, Tokens)
            if self.json:
                output.document(msgspec.convert(result, TokensDocument, from_attributes=True))
                return Exit.DONE
            for piece in result.tokens:
                place = "" if piece.start is None else f"{piece.start}-{piece.end}"
                # The piece comes last: it is the one column whose width on a screen is not known.
                output.line(f"{piece.id:>7}  {place:>9}  {piece.piece}")
            return Exit.DONE

        return run(self, output, work)
