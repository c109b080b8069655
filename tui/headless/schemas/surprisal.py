"""The JSON of `tsuzuki surprisal --json`."""

from __future__ import annotations

from msgspec import Struct


class SurprisalToken(Struct, frozen=True):
    """A token of a text that was read; None where no token came before it to predict it."""

    id: int
    text: str
    logprob: float | None
    rank: int | None
    entropy: float | None


class SurprisalWord(Struct, frozen=True):
    """A word of it; None where a token of it was not scored."""

    text: str
    surprisal_bits: float | None


class SurprisalDocument(Struct, frozen=True, kw_only=True):
    """`tsuzuki surprisal --json`. `nats` is the sum over all tokens that were scored."""

    model: str
    bos: str | None
    tokens: list[SurprisalToken]
    words: list[SurprisalWord]
    perplexity: float | None
    word_method: str
    word_boundary: bool
    nats: float
    bits_per_token: float | None
    bits_per_word: float | None
    windows: int
    revision: str
    precision: str
    weights: str = ""
