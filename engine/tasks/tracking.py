"""Words through texts: how likely each of them is at every place.

A word of several pieces is scored along its own pieces: the sum of log p(piece | what is before it,
the pieces before it in the word). With a masked model, the token at a place gives way to as many
masks as the word has pieces; the masks of the pieces to come stay, as in `whole_words`. The other
tokens of the text stay as they are.
"""

from __future__ import annotations

import itertools
import math
import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.decoding.prompting import framing, unknown_token
from engine.errors import EngineError, refusal
from engine.interfaces import Branches, Tokenizer
from engine.messages import (
    Done,
    Event,
    Piece,
    Progress,
    TextToken,
    Timing,
    TrackedText,
    TrackedWord,
    TrackWords,
)
from engine.runtime.loaded import LoadedModel
from engine.tasks import pseudo_likelihood
from engine.tasks.continuity.sides import join
from engine.tasks.limits import causal, check_fits, fills_masks
from engine.tasks.text_scoring import scored_by, windows

if TYPE_CHECKING:
    import torch

    from engine.runtime.masked_rows import Reading, Row

Steps = Generator[Event | None, None, None]
Ids = tuple[int, ...]
"""The pieces of a word at a place."""
Figures = tuple[float | None, int | None]
"""The log-probability of a word at a place, and its rank."""

LONGEST = 16
"""Pieces that a word may have."""
PASSES = 20_000
"""Forward passes that a causal model may need for the words of several pieces in one text."""
READ = 2_000_000
"""Tokens that a masked model may have to read for them."""
AT_ONCE = 256
"""Texts that are read together."""
NOTHING: Figures = (None, None)


def run(model: LoadedModel, request: TrackWords, load_s: float) -> Steps:
    """Yield a `ScoredBy`, a `TrackedText` for each text, then `Done`; `Progress` and None between.

    A text that cannot be read is answered with the reason, without affecting the others.

    Raises:
        EngineError: ``unable`` if the model is neither causal nor fills masks; ``bad_request`` for
            an empty word.
    """
    began = time.monotonic()
    if not all(word.strip() for word in request.words):
        raise refusal("bad_request", "empty_word")
    kind = _Masked if model.causal is None else _Causal
    reader = kind(model, request)
    yield reader.by
    for first in range(0, len(request.texts), AT_ONCE):
        texts: list[_Text] = []
        for index, text in enumerate(request.texts[first : first + AT_ONCE], first):
            try:
                texts.append(reader.cut(index, text))
            except EngineError as error:
                yield TrackedText(index=index, error=error.event)
        yield from reader.read(texts)
        for each in texts:
            yield each.answer(request.words)
    yield Done(timing=Timing(load_s=load_s, total_s=time.monotonic() - began))


def spelled(tokenizer: Tokenizer, word: str, before: str) -> Ids:
    """The pieces of a word after a text, or those of one that begins a text."""
    number = tokenizer.find(word)
    if number is not None:
        piece = tokenizer.token(number)
        own = piece.text.strip()
        marked = piece.text != word and bool(own) and word.endswith(own)
        if piece.special or marked:
            return (number,)
    word = word.strip()
    if not before:
        pieces = tokenizer.encode(word)
    else:
        gap = "" if before[-1].isspace() else join(before, word)
        pieces = tokenizer.after(gap + word)
    return tuple(piece.id for piece in pieces)


@dataclass
class _Text:
    """A text, and its words at each of its places as far as they are scored."""

    index: int
    tokens: list[TextToken]
    spelling: list[list[Ids]]
    """By place, then by word; nothing for one that the vocabulary cannot spell."""
    rows: list[Any]
    """What is read for it."""
    windows: int
    figures: dict[tuple[int, int], Figures] = field(default_factory=dict)
    """By place and word; what is not there has none."""

    @property
    def longest(self) -> int:
        """Pieces of the longest word."""
        return max((len(ids) for words in self.spelling for ids in words), default=1)

    def take(self, place: int, number: int, logprob: float, rank: int) -> None:
        """Note the figures of a word, by its number, at a place."""
        if math.isfinite(logprob):
            self.figures[place, number] = logprob, rank

    def answer(self, words: Sequence[str]) -> TrackedText:
        """The figures of each word."""
        found = []
        for number, word in enumerate(words):
            own = [
                self.figures.get((place, number), NOTHING) for place in range(len(self.spelling))
            ]
            found.append(
                TrackedWord(
                    word=word,
                    ids=list(self.spelling[-1][number]),
                    logprobs=[logprob for logprob, _ in own],
                    ranks=[rank for _, rank in own],
                )
            )
        return TrackedText(index=self.index, tokens=self.tokens, words=found, windows=self.windows)


def _spelled(
    model: LoadedModel, words: Sequence[str], befores: Iterable[str], vocabulary: int
) -> list[list[Ids]]:
    """The pieces of each word after each of these texts.

    Raises:
        EngineError: ``too_long`` for a word of too many pieces.
    """
    tokenizer = model.tokenizer
    known: dict[tuple[str, str], Ids] = {}

    def own(word: str, before: str) -> Ids:
        ids = spelled(tokenizer, word, before)
        if len(ids) > LONGEST:
            raise refusal("too_long", "long_word", word=word, pieces=len(ids), most=LONGEST)
        fits = tokenizer.unknown not in ids and max(ids, default=vocabulary) < vocabulary
        return ids if fits else ()

    found = []
    for before in befores:
        end = before[-1:]  # all that counts
        for word in words:
            if (word, end) not in known:
                known[word, end] = own(word, end)
        found.append([known[word, end] for word in words])
    return found


def _tokens(pieces: Iterable[Piece]) -> list[TextToken]:
    return [TextToken(each.id, each.text, each.start or 0, each.end or 0) for each in pieces]


class _Causal:
    """After what is before each place. A row: ids, and in place of how many of the last."""

    def __init__(self, model: LoadedModel, request: TrackWords) -> None:
        self._model = model
        self._runtime = causal(model)[0]
        self._words = request.words
        self._start = framing(model) if request.start else []
        self.by = scored_by(model, "causal", self._start)

    def cut(self, index: int, text: str | list[int]) -> _Text:
        """Tokenize a text, and spell the words at its places.

        Raises:
            EngineError: it cannot be read, or a word has too many pieces.
        """
        tokenizer, runtime = self._model.tokenizer, self._runtime
        if isinstance(text, str):
            start, pieces = self._start, tokenizer.encode(text)
            ends = [text[: piece.end] for piece in pieces]
        else:
            for number in text:
                if not 0 <= number < runtime.vocabulary:
                    raise unknown_token(self._model, number, runtime.vocabulary)
            start, pieces = [], [tokenizer.token(number) for number in text]
            _, *ends = itertools.accumulate(pieces, _ended, initial="")
        if not pieces:
            raise refusal("bad_request", "no_text")
        for piece in (*start, *pieces):
            if not 0 <= piece.id < runtime.vocabulary:
                raise unknown_token(self._model, piece.id, runtime.vocabulary)
        spelling = _spelled(self._model, self._words, ("", *ends), runtime.vocabulary)
        ids = [piece.id for piece in pieces]
        found = _Text(index, _tokens(pieces), spelling, [], windows=1)
        # The last id stands for what comes after the text: it is never fed.
        after = [*(ids if start else ids[1:]), ids[-1]]
        before = [piece.id for piece in start] or ids[:1]
        room = None if runtime.context is None else runtime.context - found.longest + 1
        if room is not None and room - len(before) < 2:
            raise refusal("too_long", "words_too_costly", model=self._model.files.id)
        found.rows += windows(before, after, room)
        found.windows = len(found.rows)
        lengths = {len(ids) for words in spelling for ids in words}
        if found.longest > 1 and len(after) * (len(lengths) + 1) > PASSES:
            raise refusal("too_long", "words_too_costly", model=self._model.files.id)
        return found

    def read(self, texts: Sequence[_Text]) -> Steps:
        """Score the words of these texts."""
        yield from self._side_by_side([text for text in texts if text.longest == 1])
        for text in texts:
            if text.longest > 1:
                yield from self._step_by_step(text)

    def _side_by_side(self, texts: Sequence[_Text]) -> Steps:
        """Words of one piece: the distribution at each place says all of them."""
        from engine.runtime.scoring import of_ids  # not at the top: torch may not be imported yet

        rows = [(text, *row) for text in texts for row in _placed(text)]
        ids = sorted(
            {each for text in texts for words in text.spelling for ids in words for each in ids}
        )
        column = {own: number for number, own in enumerate(ids)}
        if not ids:
            return

        def take(number: int, found: torch.Tensor) -> None:
            text, first, _, count = rows[number]
            figures = found[:, found.shape[1] - count :].T.tolist()
            for place, own in enumerate(figures, first):
                for word, spelling in enumerate(text.spelling[place]):
                    if spelling:
                        at = column[spelling[0]]
                        text.take(place, word, own[at], int(own[at + len(ids)]))

        yield from of_ids(self._runtime, [row for _, _, row, _ in rows], ids, take)

    def _step_by_step(self, text: _Text) -> Steps:
        """Words of any number of pieces, after one token of the text after the other."""
        runtime = self._runtime
        for first, row, count in _placed(text):
            begun = len(row) - count
            branches = runtime.feed(runtime.empty(), [row[:begun]])
            for place in range(first, first + count):
                here = branches.logits[0].log_softmax(-1)
                for words in _by_length(text.spelling[place]):
                    ids = [text.spelling[place][number] for number in words]
                    for number, logprob in zip(
                        words, self._chained(branches, here, ids), strict=True
                    ):
                        rank = 1 + int((here > logprob).sum())
                        text.take(place, number, logprob, rank)
                yield Progress(done=place, total=len(text.spelling))
                if place + 1 < first + count:
                    branches = runtime.feed(branches, [[row[begun + place - first]]])

    def _chained(self, branches: Branches, here: torch.Tensor, words: Sequence[Ids]) -> list[float]:
        """The log-probabilities of words of one length after a row; `here` are its own."""
        found = here[[ids[0] for ids in words]].double()
        if len(words[0]) > 1:
            forks = self._runtime.select(branches, [0] * len(words))
            _, logits = self._runtime.read(forks, [ids[:-1] for ids in words])
            scores = logits.log_softmax(-1)
            for number, ids in enumerate(words):
                found[number] += scores[number, range(len(ids) - 1), ids[1:]].double().sum()
        logprobs: list[float] = found.tolist()
        return logprobs


def _placed(text: _Text) -> Iterator[tuple[int, list[int], int]]:
    """The rows of a text, each with its first place and how many it has."""
    place = len(text.spelling) - sum(count for _, count in text.rows)
    for row, count in text.rows:
        yield place, row, count
        place += count


def _by_length(words: Sequence[Ids]) -> Iterator[list[int]]:
    """The numbers of words that have as many pieces as each other."""
    spelled_ones = (number for number, ids in enumerate(words) if ids)
    order = sorted(spelled_ones, key=lambda number: len(words[number]))
    for _, alike in itertools.groupby(order, key=lambda number: len(words[number])):
        yield list(alike)


def _ended(before: str, piece: Piece) -> str:
    """The end of a text after another piece; special ones add nothing to it."""
    return before if piece.special else piece.text or before


class _Masked:
    """In place of each token, with all others around it. A row: the position of a token."""

    def __init__(self, model: LoadedModel, request: TrackWords) -> None:
        self._model = model
        self._runtime = fills_masks(model)
        self._words = request.words
        mask = model.tokenizer.mask
        assert mask is not None, "`fills_masks` has asked for it"
        self._mask = model.tokenizer.token(mask)
        self._pieces: dict[int, list[Piece]] = {}
        """Of each text that is being read, by its index."""
        self.by = scored_by(model, "original")

    def cut(self, index: int, text: str | list[int]) -> _Text:
        """Tokenize a text, and spell the words at its places.

        Raises:
            EngineError: it cannot be read, or a word has too many pieces.
        """
        if not isinstance(text, str):
            text = self._model.tokenizer.decode(text)
        pieces = pseudo_likelihood.cut(self._model, self._runtime, text)
        positions = [number for number, piece in enumerate(pieces) if piece.start is not None]
        tokens = _tokens(pieces[number] for number in positions)
        ends = ["", *(text[: token.end] for token in tokens[:-1])]
        spelling = _spelled(self._model, self._words, ends, self._runtime.vocabulary)
        found = _Text(index, tokens, spelling, positions, windows=1)
        check_fits(
            self._model, self._runtime, [piece.id for piece in pieces], max(0, found.longest - 1)
        )
        several = sum(len(ids) for words in spelling for ids in set(words) if len(ids) > 1)
        if several * len(pieces) > READ:
            raise refusal("too_long", "words_too_costly", model=self._model.files.id)
        self._pieces[index] = pieces
        return found

    def read(self, texts: Sequence[_Text]) -> Steps:
        """Score the words of these texts."""
        totals = yield from self._totals(texts)
        places = [(text, place) for text in texts for place in range(len(text.spelling))]

        def take(number: int, logits: torch.Tensor) -> None:
            text, place = places[number]
            here = logits[0].log_softmax(-1)
            for word, ids in enumerate(text.spelling[place]):
                if ids:
                    total = totals.get((text.index, place, ids), 0.0)
                    logprob = float(here[ids[0]]) if len(ids) == 1 else total
                    text.take(place, word, logprob, 1 + int((here > logprob).sum()))

        from engine.runtime import masked_rows  # not at the top: torch may not be imported yet

        rows = [self._row(text, place, 1, ()) for text, place in places]
        yield from masked_rows.read(self._runtime, rows, take)
        self._pieces.clear()

    def _totals(self, texts: Sequence[_Text]) -> Reading[dict[tuple[int, int, Ids], float]]:
        """The log-probability of each word of several pieces, by text, place and pieces.

        Every beginning of a word is a row, shared by the words that begin with it.
        """
        from engine.runtime import masked_rows

        wanted: dict[_Beginning, set[int]] = defaultdict(set)
        words = {
            (text.index, place, ids): text
            for text in texts
            for place, spelling in enumerate(text.spelling)
            for ids in spelling
            if len(ids) > 1
        }
        for index, place, ids in words:
            for at, following in enumerate(ids):
                wanted[index, place, len(ids), ids[:at]].add(following)
        keys = list(wanted)
        own = {text.index: text for text in texts}
        rows = [self._row(own[index], place, count, begun) for index, place, count, begun in keys]

        def take(number: int, logits: torch.Tensor) -> dict[int, float]:
            here = logits[0].log_softmax(-1)
            return {each: float(here[each]) for each in wanted[keys[number]]}

        read = yield from masked_rows.read(self._runtime, rows, take)
        found = dict(zip(keys, read, strict=True))
        return {
            (index, place, ids): math.fsum(
                found[index, place, len(ids), ids[:at]][each] for at, each in enumerate(ids)
            )
            for index, place, ids in words
        }

    def _row(self, text: _Text, place: int, count: int, begun: Ids) -> Row:
        """A text with masks in place of a token, the first ones filled, and the next to predict."""
        pieces, position = self._pieces[text.index], text.rows[place]
        filled = [self._model.tokenizer.token(number) for number in begun]
        masks = [self._mask] * (count - len(begun))
        return (
            [*pieces[:position], *filled, *masks, *pieces[position + 1 :]],
            [position + len(begun)],
        )


_Beginning = tuple[int, int, int, Ids]
"""A text, a place in it, how many pieces a word has there, and the first of them."""
