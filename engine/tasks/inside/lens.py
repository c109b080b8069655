"""The lens: what each layer would answer, by the model's own final norm and output layer.

The logit lens (nostalgebraist 2020). A layer before the last was not trained to be read so: what
it shows early on is a hint, not a thought.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.errors import refusal
from engine.messages import (
    Followed,
    FollowedWord,
    LensCell,
    LensLayer,
    ShowLens,
)
from engine.tasks.inside.aside import Post
from engine.tasks.inside.subject import Subject

if TYPE_CHECKING:
    import torch

_AT_ONCE = 2**24
"""Logits computed at once: 64 MB."""
_TOLERANCE = 2e-3


def show(subject: Subject, request: ShowLens, post: Post) -> None:
    """Post a `LensLayer` for the embeddings and after each layer, then `Followed`.

    Raises:
        EngineError: ``bad_request`` for a window or position beyond the text; ``unable``, if this
            family's final norm or output layer is in an unknown place.
    """

    from engine.runtime.inside.attending import Watch

    inside, position = subject.inside, subject.at(request.position)
    inside.check_position(request.first, len(subject.pieces))
    count = len(subject.pieces) - request.first if request.count is None else request.count
    window = slice(request.first, min(request.first + count, len(subject.pieces)))
    by_words = bool(subject.model.files.heads & {"causal", "masked"})
    followed: list[torch.Tensor] = []
    margins: list[float] = []

    def stream(index: int, states: torch.Tensor) -> None:
        post(None)
        if by_words:
            followed.append(inside.words(states[position][None])[0])
            cells = _cells(subject, states[window])
            post(LensLayer(layer=index - 1, first=window.start, cells=cells))
        if "next_sentence" in subject.model.files.heads:
            logits = inside.pair(states[0])
            margins.append(float(logits[0] - logits[1]))

    outputs = subject.run(Watch(stream=stream), position)
    _vouch(subject, followed, outputs.words)
    words, missing = _words(subject, request.words, followed)
    pair = margins if subject.asks == "pair" else []
    post(Followed(position=position, words=words, missing=missing, margins=pair))


def layer_logits(subject: Subject, states: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """What the head that answers makes of states at the position that answers, each [width]."""
    if subject.asks == "pair":
        return [subject.inside.pair(state) for state in states]
    return [subject.inside.words(state[None])[0] for state in states]


def check_lens(subject: Subject, last: torch.Tensor, logits: torch.Tensor) -> None:
    """Refuse a lens whose last layer does not give the model's own answer.

    Raises:
        EngineError: ``unable``.
    """
    scale = max(1.0, float(logits[logits.isfinite()].abs().max()))
    if float((last - logits).abs().nan_to_num().max()) > _TOLERANCE * scale:
        raise refusal("unable", "more_after_layers", model=subject.model.files.id)


def _vouch(subject: Subject, followed: Sequence[torch.Tensor], logits: torch.Tensor | None) -> None:
    if followed and logits is not None and not subject.request.change.patch:
        check_lens(subject, followed[-1], logits)


def _cells(subject: Subject, states: torch.Tensor) -> list[LensCell]:
    """The likeliest piece after each state of [positions, width]."""
    step = max(1, _AT_ONCE // subject.inside.vocabulary)
    cells: list[LensCell] = []
    for first in range(0, len(states), step):
        logits = subject.inside.words(states[first : first + step])
        best = logits.softmax(-1).max(-1)
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        cells += [LensCell(number, _text(subject, number), prob) for number, prob in pairs]
    return cells


def _text(subject: Subject, number: int) -> str:
    tokenizer = subject.model.tokenizer
    return tokenizer.token(number).text if number < tokenizer.vocabulary else ""


def _words(
    subject: Subject, asked: Sequence[str], followed: Sequence[torch.Tensor]
) -> tuple[list[FollowedWord], list[str]]:
    """The words ever on top, the last layer's first, and those asked for; and what is missing."""
    from engine.runtime.distribution import rank  # not at the top: torch may not be there yet

    if not followed:
        return [], list(asked)
    ids = [int(logits.argmax()) for logits in reversed(followed)]
    missing: list[str] = []
    for word in asked:
        number = one_piece(subject, word)
        if number is None:
            missing.append(word)
        else:
            ids.append(number)
    probs = [logits.softmax(-1) for logits in followed]
    return [
        FollowedWord(
            id=number,
            text=_text(subject, number),
            probs=[float(each[number]) for each in probs],
            ranks=[rank(logits, number) for logits in followed],
        )
        for number in dict.fromkeys(ids)
    ], missing


def one_piece(subject: Subject, word: str) -> int | None:
    """The id of a word that is one piece of the vocabulary; None otherwise.

    As it is spelled in the vocabulary or written; else with the space before it that words in a
    text have.
    """
    tokenizer = subject.model.tokenizer
    for written in (word, f" {word}"):
        pieces = tokenizer.after(written)
        if len(pieces) == 1 and pieces[0].id != tokenizer.unknown:
            return pieces[0].id
    found = tokenizer.find(word)
    return found if found is not None and found < subject.inside.vocabulary else None
