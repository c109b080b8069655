"""The JSON of `tsuzuki surprisal --json`."""

from __future__ import annotations

from msgspec import Struct


class SurprisalToken(Struct, frozen=True):
    """A token of a text that was read; None where no token came before it to predict it.

    `start` and `end` are its place in the text that was given, in characters.
    """

    id: int
    text: str
    logprob: float | None
    rank: int | None
    entropy: float | None
    start: int | None
    end: int | None


class SurprisalWord(Struct, frozen=True):
    """A word of it, or a run of punctuation; None where a token of it was not scored.

    `text` is without the space before it, as `start` and `end` are; its surprisal includes that.
    """

    text: str
    surprisal_bits: float | None
    start: int | None
    end: int | None
    punctuation: bool


class SurprisalDocument(Struct, frozen=True, kw_only=True):
    """`tsuzuki surprisal --json`. `nats` is the sum over all tokens that were scored.

    `bits_per_word` is the mean over the words that were scored, without punctuation.
    """

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
