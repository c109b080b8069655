"""A card as a table, the same that a command writes of its text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, assert_never

from engine.messages import PllMethod, PmiResult, ScoredBy, TextScore, TextToken
from tui.analysis import tracks
from tui.cards import ContinueCard, PairCard, PllCard, ScoreCard, total
from tui.cards.figures import judgement
from tui.cards.refs import BranchToken, MethodToken, Ref
from tui.export import pair_figures
from tui.export.table_files import About, about, write_file
from tui.export.text_figures import COLUMNS, ScoredText, Unit
from tui.files import paths
from tui.files.tables import Cells
from tui.suites.sentences import Sentence

Tabled = ContinueCard | PllCard | PairCard | ScoreCard
"""The cards that have a table."""
CardUnit = Unit | Literal["place", "pair"]
"""``place``: the words that are tracked through the text, at each of its tokens."""
TEXT_UNITS: tuple[Unit, ...] = ("token", "word", "sentence")


def units(card: Tabled) -> tuple[CardUnit, ...]:
    """What a row of a card's table can be."""
    if isinstance(card, PairCard | ScoreCard):
        return ("pair",)
    return (*TEXT_UNITS, *(("place",) if card.tracked is not None else ()))


def save(
    folder: Path, card: Tabled, ref: Ref | None, unit: CardUnit, kind: Literal["csv", "tsv"]
) -> Path:
    """Write the table of a card: of a text, that of the branch or method that the cursor is in.

    Raises:
        OSError: it cannot be written.
    """
    rows, description = _table(card, ref, unit)
    columns = dict.fromkeys(name for row in rows for name in row)
    path = paths.fresh(folder, kind)
    try:
        write_file(path, list(columns), rows, kind, description)
    except OSError:
        path.unlink()  # it is empty
        raise
    return path


def _table(card: Tabled, ref: Ref | None, unit: CardUnit) -> tuple[list[Cells], About]:
    """The rows, and what they say of themselves."""
    match card:
        case ContinueCard() | PllCard():
            found = _read(card, ref) if isinstance(card, ContinueCard) else _judged(card, ref)
            return _of_text(card, found, unit)
        case PairCard():
            return _of_pair(card)
        case ScoreCard():
            return _of_scores(card)
        case never:
            assert_never(never)


_BOUNDARY: Final = "leading"
"""Which word a space counts with, as the commands have it where nothing else is asked for."""


@dataclass(frozen=True)
class _Scored:
    """The text of a card and its tokens."""

    written: str
    tokens: list[TextToken]
    by: ScoredBy
    command: str
    branch: int = 0


def _of_text(
    card: ContinueCard | PllCard, found: _Scored, unit: CardUnit
) -> tuple[list[Cells], About]:
    kept: Cells = {"sentence": found.written}

    def with_text(columns: Sequence[str], rows: Iterable[Cells]) -> list[Cells]:
        return [{**kept, **row} for row in rows] or [{**kept, **dict.fromkeys(columns)}]

    if unit == "place":
        tracked = card.tracked
        words = [] if tracked is None or tracked.branch != found.branch else tracked.words
        own = [token for token in found.tokens if token.logprob is not None]
        rows = with_text(tracks.COLUMNS, tracks.rows(own, words))
        return rows, about(found.by, "words", "", unit)
    assert unit != "pair", "of texts"
    whole = Sentence(found.written, [1], [found.written], [0])
    score = TextScore(index=0, tokens=found.tokens)
    scored = ScoredText.of(whole, [None], score, corrected=False)
    cut = unit != "token"
    methods = (scored.method,) if cut else ()
    description = about(found.by, found.command, "", unit, methods, _BOUNDARY if cut else None)
    return with_text(COLUMNS[unit], scored.rows(unit)), description


def _read(card: ContinueCard, ref: Ref | None) -> _Scored:
    """A text that was read, or what a model wrote."""
    branch = ref.branch if isinstance(ref, BranchToken) else 0
    tokens: list[TextToken] = []
    if card.read and card.start is None:  # nothing precedes the first token of a text
        tokens += [TextToken(p.id, card.prompt, 0, len(card.prompt)) for p in card.prompt_tokens]
    at = sum(len(token.text) for token in tokens)
    for token in card.branches[branch].tokens:
        end = at + len(token.text)
        figures = token.logprob, token.rank, token.entropy
        tokens.append(TextToken(token.id, token.text, at, end, *figures))
        at = end
    by = _by(card, "causal", card.start)
    return _Scored("".join(token.text for token in tokens), tokens, by, "surprisal", branch)


def _judged(card: PllCard, ref: Ref | None) -> _Scored:
    """A text whose every token was judged behind a mask."""
    result = card.results[ref.method if isinstance(ref, MethodToken) else 0]
    tokens = [
        TextToken(t.id, t.text, t.start, t.end, t.logprob, t.rank, t.entropy) for t in result.tokens
    ]
    return _Scored(card.request.text, tokens, _by(card, result.method, None), "pll")


def _of_pair(card: PairCard) -> tuple[list[Cells], About]:
    """A minimal pair, the sentence that was kept as the good one: a row for each model."""
    rows: list[Cells] = []
    for model in range(2):
        sides = card.scored(model)
        if sides is not None:
            name = card.parts[2 * model].request.model
            kept: Cells = {"good": card.request.a, "bad": card.request.b, "model": name}
            rows.append({**kept, **pair_figures.pair(*map(total, sides))})
    first = card.parts[0]
    method = card.request.method if isinstance(first, PllCard) else "causal"
    return rows, about(_by(first, method, None), "pairs", "", "pair")


def _of_scores(card: ScoreCard) -> tuple[list[Cells], About]:
    """What the witnesses say of two texts: a row for each model."""
    models = list(dict.fromkeys(result.model for result in card.results))
    rows: list[Cells] = []
    for model in models:
        kept: Cells = {"a": card.request.a, "b": card.request.b}
        if len(models) > 1:
            kept["model"] = model
        own = [result for result in card.results if result.model == model]
        rows.append({**kept, **pair_figures.scores(own, card.verdict)})
    first = card.results[0]
    description = About(
        command="score",
        file="",
        model=first.model,
        revision=card.revision,
        precision=first.precision,
        weights=first.weights,
        method=judgement(first).kind,
        start=first.start if isinstance(first, PmiResult) else None,
        unit="pair",
    )
    return rows, description


def _by(
    card: ContinueCard | PllCard, method: Literal["causal"] | PllMethod, start: str | None
) -> ScoredBy:
    return ScoredBy(
        model=card.request.model,
        revision=card.revision,
        method=method,
        start=start,
        precision=card.precision or "exact",
        weights=card.weights,
    )
