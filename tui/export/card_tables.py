"""A card as a table, the same that a command writes of its text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from engine.messages import PllMethod, ScoredBy, TextScore, TextToken
from tui.analysis import tracks
from tui.cards import ContinueCard, PllCard
from tui.cards.refs import BranchToken, MethodToken, Ref
from tui.export.table_files import About, WordBoundary, about, write_file
from tui.export.text_figures import COLUMNS, ScoredText, Unit
from tui.files import paths
from tui.files.tables import Value
from tui.suites.sentences import Sentence

CardUnit = Unit | Literal["place"]
"""``place``: the words that are tracked through the text, at each of its tokens."""


_BOUNDARY: Final[WordBoundary] = "leading"
"""Which word a space counts with, as the commands have it where nothing else is asked for."""


@dataclass(frozen=True)
class _Scored:
    """The text of a card and its tokens."""

    written: str
    tokens: list[TextToken]
    by: ScoredBy
    command: str
    place: int
    """The branch that it is."""


def units(card: ContinueCard | PllCard) -> list[CardUnit]:
    """What a row of a card's table can be."""
    return ["token", "word", "sentence", *(("place",) if card.tracked is not None else ())]


def save(
    folder: Path,
    card: ContinueCard | PllCard,
    ref: Ref | None,
    unit: CardUnit,
    kind: Literal["csv", "tsv"],
) -> Path:
    """Write the table of a card's text, of the branch or the method that the cursor is in.

    Raises:
        OSError: it cannot be written.
    """
    found = _of_text(card, ref) if isinstance(card, ContinueCard) else _judged(card, ref)
    columns, rows, description = _table(card, found, unit)
    path = paths.fresh(folder, kind)
    try:
        write_file(path, ["sentence", *columns], rows, kind, description)
    except OSError:
        path.unlink()  # it is empty
        raise
    return path


def _table(
    card: ContinueCard | PllCard, found: _Scored, unit: CardUnit
) -> tuple[Sequence[str], Iterator[Mapping[str, Value]], About]:
    """The new columns, the rows, and what they say of themselves."""
    own: Iterator[dict[str, Value]]
    if unit == "place":
        tracked = card.tracked
        words = [] if tracked is None or tracked.branch != found.place else tracked.words
        own = tracks.rows([t for t in found.tokens if t.logprob is not None], words)
        description = about(found.by, "words", "", "place")
        return tracks.COLUMNS, _with(found.written, own), description
    whole = Sentence(found.written, [1], [found.written], [0])
    score = TextScore(index=0, tokens=found.tokens)
    scored = ScoredText.of(whole, [None], score, corrected=False)
    cut = unit in ("word", "sentence")
    methods = (scored.method,) if cut else ()
    boundary = _BOUNDARY if cut else None
    description = about(found.by, found.command, "", unit, methods, boundary)
    return COLUMNS[unit], _with(found.written, scored.rows(unit)), description


def _with(written: str, rows: Iterator[dict[str, Value]]) -> Iterator[dict[str, Value]]:
    return ({"sentence": written, **row} for row in rows)


def _of_text(card: ContinueCard, ref: Ref | None) -> _Scored:
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
    return _Scored(card.request.text, tokens, _by(card, result.method, None), "pll", 0)


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
