"""`tsuzuki surprisal` of a text under two models, or of two versions of it, word by word."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.messages import ScoredBy, ScoreTexts, TextScore
from tui.analysis import word_alignment
from tui.analysis.heat import bits
from tui.export.text_figures import NoBoundaries, ScoredText
from tui.headless.io import pictures
from tui.headless.io.advice import warn
from tui.headless.io.output import Output
from tui.headless.io.pictures import Panel
from tui.headless.io.session import Session, run
from tui.headless.io.text_scores import scores
from tui.headless.schemas.against import AgainstDocument, AgainstSide, AgainstWord
from tui.strings import text as string
from tui.strings import worded
from tui.suites.sentences import Sentence
from tui.terminal.exit_codes import Exit, Failure

if TYPE_CHECKING:
    from tui.headless.commands.surprisal import SurprisalCommand

LARGEST = 10
"""Differences in the table of the largest, where no number is given."""


def execute(command: SurprisalCommand, sides: Sequence[tuple[str, str]], output: Output) -> Exit:
    """Compare two sides, each a model and a text; one of the two is the same on both."""
    if command.bars:
        raise Failure.usage(string("cli.bars_of_two"))
    pictured = pictures.wanted(command)

    async def work(session: Session) -> Exit:
        (model, text), (other, version) = sides
        one, first = await _read(session, command, model, text, output)
        two, second = await _read(session, command, other, version, output)
        measured = first.measured, second.measured
        if text == version:
            found = word_alignment.same_text(*measured)
        else:
            found = word_alignment.two_texts(*measured)
        most = LARGEST if command.largest is None else command.largest
        document = AgainstDocument(
            sides=(_side(one, text, first), _side(two, version, second)),
            words=[
                AgainstWord(texts=each.texts, bits=each.bits, difference=each.difference)
                for each in found
                if any(each.texts)
            ],
            greatest=word_alignment.greatest([each for each in found if any(each.texts)], most),
            word_boundary=command.word_boundary,
        )
        if command.json:
            output.document(document)
        else:
            _print(document, output)
        if pictured:
            _draw(command, document, output)
        return Exit.DONE

    return run(command, output, work)


async def _read(
    session: Session, command: SurprisalCommand, model: str, text: str, output: Output
) -> tuple[ScoredBy, ScoredText]:
    """Score one side.

    Raises:
        Failure: it cannot be scored, or its words have no spaces and their ends are asked for.
    """
    await warn(session, output, model, text)
    request = ScoreTexts(
        model=model,
        texts=[text],
        method="causal",
        start=not command.no_start,
        after=command.word_boundary,
        boundaries=command.word_boundary,
        precision=command.precision,
    )
    by: ScoredBy | None = None
    score: TextScore | None = None
    async for event in scores(session, request):
        if isinstance(event, ScoredBy):
            by = event
        else:
            score = event
    if by is None or score is None:
        raise Failure(string("cli.no_answer"))
    if score.error is not None:
        raise Failure(worded(score.error.message), worded(score.error.hint))
    sentence = Sentence(text, [1], [text], [0])
    try:
        return by, ScoredText.of(sentence, [None], score, corrected=command.word_boundary)
    except NoBoundaries:
        raise Failure.usage(string("cli.no_boundaries")) from None


def _side(by: ScoredBy, text: str, read: ScoredText) -> AgainstSide:
    known = [token.logprob for token in read.tokens if token.logprob is not None]
    return AgainstSide(
        model=by.model,
        text=text,
        start=by.start,
        bits=bits(-math.fsum(known)),
        revision=by.revision,
        precision=by.precision,
        weights=by.weights,
    )


def _draw(command: SurprisalCommand, document: AgainstDocument, output: Output) -> None:
    """Bars of both sides over each word."""
    one, other = document.sides
    names = (one.model, other.model) if one.text == other.text else (one.text, other.text)
    series = {
        f"{letter}  {name}": [word.bits[side] for word in document.words]
        for side, (letter, name) in enumerate(zip("AB", names, strict=True))
    }
    labels = [_texts(word) for word in document.words]
    title = one.text if one.text == other.text else one.model
    pictures.draw(command, [Panel(title, labels, series)], output)


def _print(document: AgainstDocument, output: Output) -> None:
    """Print what the two sides are, all words in the text's order, and those that differ most."""
    one, other = document.sides
    for name, side in zip("AB", document.sides, strict=True):
        what = side.model if one.text == other.text else side.text
        start = side.start or string("cli.no_start")
        figures = string("cli.against_side", bits=f"{side.bits:.2f}", start=start)
        output.line(f"{name}  {what}  {figures}")
    output.line("\n" + string("cli.against_words"))
    for word in document.words:
        output.line(_line(word))
    if document.greatest:
        output.line("\n" + string("cli.against_largest"))
    for number in document.greatest:
        output.line(_line(document.words[number]))


def _line(word: AgainstWord) -> str:
    figures = [*(f"{'–' if each is None else f'{each:.2f}':>9}" for each in word.bits)]
    difference = "–" if word.difference is None else f"{word.difference:+.2f}"
    return f"{' '.join(figures)} {difference:>9}  {_texts(word)}"


def _texts(word: AgainstWord) -> str:
    one, other = word.texts
    return one if one == other else f"{one} → {other}"
