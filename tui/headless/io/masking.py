"""Masks over the words of a text, named by their number."""

from __future__ import annotations

from collections.abc import Sequence

from engine.messages import MASK
from tui.analysis.mask_words import hide, unspaced, words
from tui.strings import text
from tui.terminal.exit_codes import Failure


def masked(given: str, numbers: Sequence[int]) -> tuple[str, list[str | None]]:
    """Put masks over words named by their number, from 1; without any, masks must be there.

    Returns the text, and the word that each mask hides; see `Fill.hidden`.

    Raises:
        Failure: there is no mask, or no such word (exit code 2).
    """
    if not numbers:
        if MASK not in given:
            raise Failure.usage(text("cli.no_mask"), text("cli.no_mask_hint"))
        return given, []
    found = words(given)
    if len(found) == 1 and unspaced(given):
        raise Failure.usage(text("cli.no_words"), text("cli.no_words_hint"))
    places = set()
    for number in numbers:
        if not 1 <= number <= len(found):
            raise Failure.usage(text("cli.no_such_word", number=number, count=len(found)))
        word = found[number - 1]
        if MASK in given[word.start : word.end]:
            raise Failure.usage(text("cli.masked_already", number=number))
        places.add(word)
    return hide(given, places)
