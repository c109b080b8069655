"""The figures of a text under two models, by word, region or as a whole, as cells of a table."""

from __future__ import annotations

from collections.abc import Iterator

from tui.analysis.word_alignment import Both, same_text
from tui.export.text_figures import COLUMNS, Figures, ScoredText, Unit

ADDED = ("against_bits", "difference_bits")
"""The surprisal under the second model, and how much more it is than under the first."""


def columns(unit: Unit) -> tuple[str, ...]:
    """The columns that are added to those of the file."""
    own = ("position", "word", "surprisal_bits") if unit == "word" else COLUMNS[unit]
    return (*own, *ADDED)


def rows(one: ScoredText, other: ScoredText, unit: Unit) -> Iterator[Figures]:
    """The new cells of the text's rows; words that a token of either model joins are one."""
    if unit == "word":
        words = same_text(one.measured, other.measured)
        shown = [word for word in words if word.texts[0]]
        for position, word in enumerate(shown, 1):
            place: Figures = {"position": position, "word": word.texts[0]}
            yield place | {"surprisal_bits": word.bits[0]} | _compared(word)
        return
    for own, theirs in zip(one.rows(unit), other.rows(unit), strict=True):
        bits = own["surprisal_bits"], theirs["surprisal_bits"]
        known = [each if isinstance(each, float) else None for each in bits]
        yield own | _compared(Both(("", ""), (known[0], known[1])))


def _compared(both: Both) -> Figures:
    return dict(zip(ADDED, (both.bits[1], both.difference), strict=True))
