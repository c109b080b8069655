"""`tsuzuki pairs`: of two sentences, which one a model finds likelier."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Awaitable, Callable, Sequence

from engine.messages import (
    ModelInfo,
    PllMethod,
    PrecisionChoice,
    PseudoLikelihood,
)
from tui.analysis.minimal_pairs import Scored, differences
from tui.headless.command import Subcommand
from tui.headless.commands.pll import ask
from tui.headless.io.advice import warn
from tui.headless.io.output import Output
from tui.headless.io.pair_file import COMMON, Pair, Row, hint, read_rows
from tui.headless.io.reading import read
from tui.headless.io.request import pane_model
from tui.headless.io.session import Session, run
from tui.headless.options import add_model, add_pll_method, add_precision
from tui.headless.schemas.pair_error import PairErrorDocument
from tui.headless.schemas.pairs import PairsDocument, PairsRow
from tui.strings import text
from tui.terminal.exit_codes import Exit, Failure

NAMES = (("good", "bad"), ("sentence_good", "sentence_bad"), *COMMON)
"""What the sentences are called in an object or a header; the second way is that of BLiMP."""

Scorer = Callable[[str], Awaitable[list[Scored]]]


class PairsCommand(Subcommand, frozen=True, kw_only=True):
    """`tsuzuki pairs`; `method` is for a masked model."""

    file: str
    model: str | None = None
    precision: PrecisionChoice = "exact"
    method: PllMethod | None = None

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help=text("cli.option.minimal_pairs"))
        add_model(parser, "fill")
        add_precision(parser)
        add_pll_method(parser)

    def execute(self, output: Output) -> Exit:
        rows = read_rows(self.file, NAMES, output)
        name = pane_model(self, self.model, "fill")

        async def work(session: Session) -> Exit:
            model = await session.find(name)
            if model is None:
                raise Failure.usage(text("cli.no_model", model=name), text("cli.no_model_hint"))
            scorer, method = _scorer(session, model, self, output)
            await warn(
                session, output, model.id, *(side for row in rows for side in row.pair or ())
            )
            scored: list[PairsRow] = []
            failed: list[PairErrorDocument] = []
            for index, row in enumerate(rows):
                found = await _scored(row, index, scorer)
                output.status(text("cli.scoring"), f"{index + 1}/{len(rows)}")
                if isinstance(found, PairErrorDocument):
                    failed.append(found)
                else:
                    scored.append(found)
                if not self.json:
                    output.line(f"{index + 1}  {_line(found)}")
            document = PairsDocument(
                model=model.id,
                method=method,
                accuracy=sum(row.correct for row in scored) / len(scored) if scored else None,
                rows=scored,
                errors=failed,
            )
            if self.json:
                output.document(document)
            elif document.accuracy is not None:
                output.line(
                    text("cli.accuracy", share=f"{document.accuracy:.1%}", count=len(scored))
                )
            if failed:
                output.error(text("cli.pairs_failed", count=len(failed), total=len(rows)))
            return Exit.FAILED if failed else Exit.DONE

        # A model that the settings do not name is listed because this command names it.
        return run(self, output, work, folders=[name] if name.startswith("/") else [])


def _scorer(
    session: Session, model: ModelInfo, command: PairsCommand, output: Output
) -> tuple[Scorer, str]:
    """How this model scores a sentence by nature, and what that is called.

    Raises:
        Failure: a method was asked for that is none of this model's.
    """
    method = command.method or "original"

    async def masked(sentence: str) -> list[Scored]:
        request = PseudoLikelihood(
            model=model.id,
            text=sentence,
            methods=[method],
            top=0,
            precision=command.precision,
        )
        result = await ask(session, request, output)
        return [(token.text, token.logprob) for token in result.tokens]

    async def causal(sentence: str) -> list[Scored]:
        reading = await read(session, model.id, command.precision, sentence)
        return [(token.text, token.logprob) for token in reading.tokens]

    if "causal" not in model.heads:
        return masked, method
    if command.method is not None:
        raise Failure.usage(text("cli.method_masked", model=model.id))
    return causal, "causal"


async def _scored(row: Row, index: int, scorer: Scorer) -> PairsRow | PairErrorDocument:
    """The scores of a row, or why there are none."""
    if row.pair is None:
        return PairErrorDocument(index=index, line=row.line, error=row.complaint, hint=hint(NAMES))
    try:
        return _compared(row.pair, *[await scorer(sentence) for sentence in row.pair])
    except Failure as failure:
        if not failure.of_text:
            raise
        message = text("cli.pair_failed", line=row.line, reason=failure.message)
        return PairErrorDocument(index=index, line=row.line, error=message, hint=failure.hint)


def _compared(pair: Pair, good: Sequence[Scored], bad: Sequence[Scored]) -> PairsRow:
    difference = _total(good) - _total(bad)
    return PairsRow(
        good=pair[0],
        bad=pair[1],
        good_logprob=_total(good),
        bad_logprob=_total(bad),
        difference=difference,
        correct=difference > 0,
        tokens=differences(good, bad),
    )


def _line(found: PairsRow | PairErrorDocument) -> str:
    if isinstance(found, PairErrorDocument):
        return found.error
    verdict = text("cli.good_likelier" if found.correct else "cli.bad_likelier")
    return f"{found.difference:+.4f}  {verdict}  {found.good}"


def _total(tokens: Sequence[Scored]) -> float:
    return sum(score for _, score in tokens)
