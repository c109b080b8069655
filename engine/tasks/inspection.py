"""Tokenizes a text, and measures how well the model covers it. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence

from engine.interfaces import Tokenizer
from engine.messages import Tokenize, Tokens
from engine.text.coverage import foreign_share, unknown_share


def run(tokenizer: Tokenizer, languages: Sequence[str], request: Tokenize) -> Tokens:
    """The tokens to feed to the model, special ones included.

    `languages` are the model's (ISO 639-1).

    Raises:
        EngineError: ``bad_request`` for a text that is not valid Unicode.
    """
    pieces = tokenizer.fed(request.text)
    return Tokens(
        model=request.model,
        tokens=pieces,
        unknown=unknown_share(request.text, pieces, tokenizer.unknown),
        foreign=foreign_share(request.text, languages),
    )
