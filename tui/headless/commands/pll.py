"""`tsuzuki pll`: how likely a masked model finds a text, each token in turn behind a mask."""

from __future__ import annotations

from argparse import ArgumentParser

import msgspec
from msgspec import Struct

from engine.messages import (
    PllMethod,
    PrecisionChoice,
    Progress,
    PseudoLikelihood,
    PseudoLikelihoodResult,
)
from tui.headless.commands import text_table
from tui.headless.commands.text_table import ScoreTableCommand, add_table
from tui.headless.io.advice import warn
from tui.headless.io.output import Output
from tui.headless.io.request import pane_model, read_given
from tui.headless.io.session import Session, run
from tui.headless.options import add_model, add_pll_method, add_precision, add_text
from tui.render.weights import form, plain
from tui.strings import text
from tui.terminal.exit_codes import Exit, Failure


class PllToken(Struct, frozen=True, kw_only=True):
    """One token of a text that was scored."""

    id: int
    text: str
    logprob: float


class PllDocument(Struct, frozen=True, kw_only=True):
    """`tsuzuki pll --json`, in nats."""

    model: str
    method: PllMethod
    tokens: list[PllToken]
    total: float


class PllCommand(ScoreTableCommand, frozen=True, kw_only=True):
    model: str | None = None
    precision: PrecisionChoice = "exact"
    method: PllMethod = "original"

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        add_text(parser)
        add_model(parser, "fill")
        add_precision(parser)
        add_pll_method(parser)
        add_table(parser)

    def execute(self, output: Output) -> Exit:
        if self.tabular:
            model = pane_model(self, self.model, "fill")
            return text_table.execute(self, "pll", model, self.precision, self.method, output)
        request = PseudoLikelihood(
            model=pane_model(self, self.model, "fill"),
            text=read_given(self),
            methods=[self.method],
            top=0,
            precision=self.precision,
        )

        async def work(session: Session) -> Exit:
            await warn(session, output, request.model, request.text)
            result = await ask(session, request, output)
            if self.json:
                output.document(msgspec.convert(result, PllDocument, from_attributes=True))
            else:
                _print(result, output)
            return Exit.DONE

        return run(self, output, work)


async def ask(
    session: Session, request: PseudoLikelihood, output: Output
) -> PseudoLikelihoodResult:
    """Score a text, and show the progress.

    Raises:
        Failure: the engine answered with an error, or not at all.
    """
    async for event in session.events(request):
        if isinstance(event, Progress):
            output.status(text("cli.masking"), f"{event.done}/{event.total}")
        elif isinstance(event, PseudoLikelihoodResult):
            return event
    raise Failure(text("cli.no_answer"))


def _print(result: PseudoLikelihoodResult, output: Output) -> None:
    if not plain(result):
        output.note(text("cli.ran_in", model=result.model, form=form(result)))
    for token in result.tokens:
        output.line(f"{token.logprob:>10.4f}  {token.rank:>6}  {token.text}")
    output.line(text("cli.pll_total", total=f"{result.total:.4f}", count=len(result.tokens)))
