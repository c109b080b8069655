"""Fills one mask with a causal model.

The text left of the mask, the word, and the text right of it are tokenized separately, so that all
candidates have the same ids on their right and their scores are comparable. A space before the mask
belongs to the candidate, as causal vocabularies write it (" word"); without one, only candidates
that begin without a space are taken. The `POOL` likeliest words after the left text (more on
request; always the hidden word and the requested words, of any number of pieces) are scored by
log p(w | left) + log p(right | left, w), and the scores are normalised over these candidates.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from engine.decoding.prompting import start_token
from engine.errors import refusal
from engine.interfaces import Branches, CausalRuntime, Tokenizer
from engine.messages import (
    MASK,
    Candidate,
    Event,
    Fill,
    FillResult,
    Hidden,
    MaskFill,
    Piece,
    WordScore,
)
from engine.messages.starters import STARTER_MASKED
from engine.runtime.loaded import LoadedModel
from engine.runtime.prefix_cache import PrefixCache
from engine.tasks.limits import check_fits
from engine.tasks.words import as_word

POOL = 64
"""Number of candidates; for each, the right text is read once."""

Steps = Generator[Event | None, None, None]
Word = tuple[int, ...]
"""The ids of a candidate."""


@dataclass(frozen=True)
class _Cut:
    """The text around its one mask."""

    left: list[Piece]
    right: list[Piece]
    gap: str
    """The space before the mask, which belongs to the word."""
    begins: bool
    """Whether nothing is before the mask."""
    either: bool
    """Whether the word may be written with or without a space before it."""


def fill(
    model: LoadedModel, runtime: CausalRuntime, prefix_cache: PrefixCache, request: Fill
) -> Steps:
    """Yield a `FillResult`, and None between steps.

    Its tokens are those fed for the best candidate.

    Raises:
        EngineError: ``unable`` for several masks, joint filling, a search for words of several
            pieces, or a mask at the beginning for a model without a start token; ``too_long`` if
            the text does not fit.
    """
    cut = _cut(model, request.text)
    if request.joint_methods or request.pieces > 1:
        raise refusal("unable", "one_piece", model=model.files.id, masked=STARTER_MASKED)
    asked = [_spelt(model.tokenizer, cut, word) for word in request.words]
    longest = max(map(len, asked), default=1)
    around = [piece.id for piece in (*cut.left, *cut.right)]
    check_fits(model, runtime, around, max(longest, 1))
    hidden = _hidden(model.tokenizer, cut, request, runtime.vocabulary)
    left = [piece.id for piece in cut.left]
    prefix = yield from prefix_cache.prefill(left)
    pool = _likeliest(model, prefix, cut, max(POOL, request.top))
    if hidden is not None and hidden.id is not None:
        pool.append((hidden.id,))
    pool += [ids for ids in asked if _in_vocabulary(model.tokenizer, ids, runtime.vocabulary)]
    pool = list(dict.fromkeys(pool))
    scores = yield from _scores(runtime, left, pool, [piece.id for piece in cut.right])
    yield _result(model, request, cut, pool, scores, hidden, asked)


def _cut(model: LoadedModel, text: str) -> _Cut:
    left, _, right = text.partition(MASK)
    if MASK in right:
        raise refusal("unable", "one_mask", model=model.files.id, masked=STARTER_MASKED)
    begins = not left.strip()
    pieces = [] if begins else model.tokenizer.prompt(left.rstrip(" "))
    if not pieces:
        start = start_token(model)
        if start is None:
            raise refusal("unable", "first_mask", model=model.files.id)
        pieces = [start]
    # If a tokenizer puts a space before every text, sentencepiece may keep it as a separate piece,
    # so a first word can have both forms.
    either = begins and model.tokenizer.encode("a")[0].text.startswith(" ")
    gap = " " if left.endswith(" ") and not begins else ""
    return _Cut(pieces, model.tokenizer.after(right), gap, begins, either)


@dataclass(frozen=True)
class _HiddenWord:
    """The word that the user hid: its id if it is one piece of the vocabulary, else None."""

    word: str
    pieces: int
    id: int | None


def _hidden(tokenizer: Tokenizer, cut: _Cut, request: Fill, vocabulary: int) -> _HiddenWord | None:
    word = next(iter(request.hidden), None)
    if word is None:
        return None
    ids = _spelt(tokenizer, cut, word)
    whole = len(ids) == 1 and _in_vocabulary(tokenizer, ids, vocabulary)
    return _HiddenWord(word, len(ids), ids[0] if whole else None)


def _spelt(tokenizer: Tokenizer, cut: _Cut, word: str) -> Word:
    bare = word.strip()
    pieces = tokenizer.encode(bare) if cut.begins else tokenizer.after(cut.gap + bare)
    return tuple(piece.id for piece in pieces)


def _in_vocabulary(tokenizer: Tokenizer, ids: Word, vocabulary: int) -> bool:
    return bool(ids) and tokenizer.unknown not in ids and max(ids) < vocabulary


def _likeliest(model: LoadedModel, prefix: Branches, cut: _Cut, wanted: int) -> list[Word]:
    """The likeliest ids that begin with a space, or without one, as the text requires."""
    tokenizer = model.tokenizer
    pool: list[Word] = []
    logits = prefix.logits[0]
    ranked = logits.argsort(descending=True)
    for number in ranked[logits[ranked].isfinite()].tolist():
        if number < tokenizer.vocabulary and _fits(tokenizer.token(number), cut):
            pool.append((number,))
            if len(pool) == wanted:
                break
    if not pool:
        raise refusal("unable", "no_fitting_word", model=model.files.id)
    return pool


def _fits(piece: Piece, cut: _Cut) -> bool:
    whole = bool(piece.text.strip()) and not piece.special and "\ufffd" not in piece.text
    return whole and (cut.either or piece.text.startswith(" ") == bool(cut.gap))


def _scores(
    runtime: CausalRuntime, left: Sequence[int], pool: Sequence[Word], right: Sequence[int]
) -> Generator[None, None, list[float]]:
    """log p(w | left) + log p(right | left, w) of each candidate, in nats."""
    from engine.runtime.scoring import logprobs

    # Whole texts in a batch: one pass over the weights serves them all, while stepping through the
    # right text with a cache would take one pass per token.
    texts = yield from logprobs(runtime, [[*left, *word, *right] for word in pool])
    return [float(text[len(left) - 1 :].double().sum()) for text in texts]


def _result(
    model: LoadedModel,
    request: Fill,
    cut: _Cut,
    pool: Sequence[Word],
    scores: Sequence[float],
    hidden: _HiddenWord | None,
    asked: Sequence[Word],
) -> FillResult:
    import torch  # not at the top: the worker imports its tasks before torch

    logprobs = torch.tensor(scores, dtype=torch.float64).log_softmax(0).tolist()
    found = dict(zip(pool, logprobs, strict=True))
    ranked = sorted(
        ((ids[0], math.exp(logprob)) for ids, logprob in found.items() if len(ids) == 1),
        key=lambda pair: -pair[1],
    )
    tokenizer = model.tokenizer
    position = len(cut.left)

    def rank(ids: Word) -> int | None:
        own = found.get(ids)
        return None if own is None else 1 + sum(other > own for other in logprobs)

    hidden_result = None
    if hidden is not None:
        own = None if hidden.id is None else dict(ranked)[hidden.id]
        place = None if hidden.id is None else rank((hidden.id,))
        hidden_result = Hidden(word=hidden.word, pieces=hidden.pieces, prob=own, rank=place)
    return FillResult(
        model=model.files.id,
        precision=model.precision,
        weights=model.files.weights,
        method="causal",
        text=request.text,
        tokens=_fed(tokenizer, request.text, cut, ranked[0][0]),
        masks=[
            MaskFill(
                position=position,
                candidates=[
                    Candidate(number, as_word(tokenizer.token(number)), probability)
                    for number, probability in ranked[: request.top]
                ],
                hidden=hidden_result,
                words=[
                    WordScore(text=word, ids=list(ids), logprob=found.get(ids), rank=rank(ids))
                    for word, ids in zip(request.words, asked, strict=True)
                ],
            )
        ],
        pool=len(pool),
    )


def _fed(tokenizer: Tokenizer, text: str, cut: _Cut, best: int) -> list[Piece]:
    """The tokens with the best candidate at the mask, placed in the user's text."""
    begin = text.index(MASK)
    end = begin + len(MASK)
    chosen = tokenizer.token(best)
    return [
        *cut.left,
        Piece(chosen.id, chosen.text, chosen.piece, chosen.special, begin, end),
        *(
            Piece(p.id, p.text, p.piece, p.special, (p.start or 0) + end, (p.end or 0) + end)
            for p in cut.right
        ),
    ]
