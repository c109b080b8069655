"""The JSON of `tsuzuki continue --json`."""

from __future__ import annotations

from msgspec import Struct

from engine.messages import Alternative, Finish, Piece


class TokenDocument(Struct, frozen=True, kw_only=True):
    """One token of a continuation."""

    id: int
    text: str
    logprob: float
    rank: int | None
    entropy: float | None
    top: list[Alternative]
    sampled_logprob: float


class BranchDocument(Struct, frozen=True, kw_only=True):
    """One continuation."""

    text: str
    finish: Finish
    tokens: list[TokenDocument]


class TimingDocument(Struct, frozen=True, kw_only=True):
    """Seconds and speed; None where nothing was measured."""

    load_s: float | None = None
    first_token_s: float | None = None
    tokens_per_s: float | None = None
    total_s: float | None = None


class NBestDocument(Struct, frozen=True):
    """One of the likeliest continuations."""

    text: str
    logprob: float
    ids: list[int]


class ContinueDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`tsuzuki continue --json`. The last three are there with `--nbest` alone."""

    model: str
    prompt: str
    prompt_tokens: list[Piece]
    branches: list[BranchDocument]
    seed: int | None
    timing: TimingDocument
    revision: str
    precision: str
    weights: str = ""
    """The form that it was run in; nothing where it was stopped before it began."""
    context: int | None
    dropped_turns: int
    fed: str
    """The text as the model was fed it, which a chat template may have laid out."""
    nbest: list[NBestDocument] | None = None
    mass: float | None = None
    """The probability (0-1) of all of `nbest` together."""
    complete: bool | None = None
