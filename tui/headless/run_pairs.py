"""`tsuzuki pairs`: of two sentences, which one a model finds likelier."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from engine.messages import ListModels, ModelInfo, Models, PseudoLikelihood
from tui.headless.commands import PairsCommand
from tui.headless.documents import PairsDocument, PairsRow
from tui.headless.failure import Exit, Failure
from tui.headless.output import Output
from tui.headless.pair_file import Pair, read_pairs
from tui.headless.reading import read
from tui.headless.request import model_name
from tui.headless.run_pll import ask
from tui.headless.session import Session, run
from tui.minimal_pairs import Scored, differences
from tui.strings import text

NAMES = (("good", "bad"), ("sentence_good", "sentence_bad"))
"""What the sentences are called in an object; the second way is that of BLiMP."""

Scorer = Callable[[str], Awaitable[list[Scored]]]


def execute(command: PairsCommand, output: Output) -> Exit:
    """Run the command."""
    pairs = list(read_pairs(command.file, *NAMES))
    name = model_name(command.model)

    async def work(session: Session) -> Exit:
        model = await _known(session, name)
        scorer, method = _scorer(session, model, command, output)
        rows: list[PairsRow] = []
        for number, pair in enumerate(pairs, start=1):
            row = await _row(pair, number, scorer)
            rows.append(row)
            output.status(text("cli.scoring"), f"{number}/{len(pairs)}")
            if not command.json:
                verdict = text("cli.good_likelier" if row.correct else "cli.bad_likelier")
                output.line(f"{number}  {row.difference:+.4f}  {verdict}  {row.good}")
        document = PairsDocument(
            model=model.id,
            method=method,
            accuracy=sum(row.correct for row in rows) / len(rows),
            rows=rows,
        )
        if command.json:
            output.document(document)
        else:
            output.line(text("cli.accuracy", share=f"{document.accuracy:.1%}", count=len(rows)))
        return Exit.DONE

    # A model that the settings do not name is listed because this command names it.
    return run(command, output, work, folders=[name] if name.startswith("/") else [])


async def _known(session: Session, name: str) -> ModelInfo:
    found = await session.ask(ListModels(), Models)
    for model in found.models:
        if name in (model.id, model.path):
            return model
    raise Failure.usage(text("cli.no_model", model=name), text("cli.no_model_hint"))


def _scorer(
    session: Session, model: ModelInfo, command: PairsCommand, output: Output
) -> tuple[Scorer, str]:
    """How this model scores a sentence by nature, and what that is called."""

    async def masked(sentence: str) -> list[Scored]:
        request = PseudoLikelihood(
            model=model.id,
            text=sentence,
            methods=[command.method],
            top=0,
            precision=command.precision,
        )
        result = await ask(session, request, output)
        return [(token.text, token.logprob) for token in result.tokens]

    async def causal(sentence: str) -> list[Scored]:
        reading = await read(session, model.id, command.precision, sentence)
        return [(token.text, token.logprob) for token in reading.tokens]

    return (causal, "causal") if "causal" in model.heads else (masked, command.method)


async def _row(pair: Pair, number: int, scorer: Scorer) -> PairsRow:
    try:
        good, bad = [await scorer(sentence) for sentence in pair]
    except Failure as failure:
        told = text("cli.pair_failed", number=number, reason=failure.message)
        raise Failure(told, failure.hint, failure.code) from failure
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


def _total(tokens: Sequence[Scored]) -> float:
    return sum(score for _, score in tokens)
