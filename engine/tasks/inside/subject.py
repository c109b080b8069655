"""The text that is looked at, as it is fed, and the position that answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from engine.errors import refusal
from engine.messages import Choice, Inside, Opened, Piece
from engine.runtime.loaded import LoadedModel
from engine.tasks.continuity.sides import join
from engine.tasks.limits import check_fits

if TYPE_CHECKING:
    import torch

    from engine.runtime.inside.attending import Watch
    from engine.runtime.inside.model import InsideModel, Outputs


@dataclass(frozen=True)
class Subject:
    """A text, tokenized for a model that can be looked into."""

    model: LoadedModel
    inside: InsideModel
    request: Inside
    pieces: list[Piece]
    position: int
    """The position that answers."""
    asks: Literal["next", "mask", "pair"]

    def opened(self, request: Inside) -> Opened:
        """What was read, for the first event."""
        files = self.model.files
        return Opened(
            model=files.id,
            revision=files.revision,
            weights=files.weights,
            tokens=self.pieces,
            layers=self.inside.layers,
            heads=self.inside.heads,
            position=self.position,
            asks=self.asks,
            causal=self.inside.causal,
            segments=self.inside.segments,
            altered=request.change.made,
        )

    def at(self, position: int | None) -> int:
        """A position of the text, by default the one that answers.

        Raises:
            EngineError: ``bad_request``, if it is beyond the text.
        """
        if position is None:
            return self.position
        self.inside.check_position(position, len(self.pieces))
        return position

    def run(self, watch: Watch, position: int | None = None) -> Outputs:
        """One pass with the request's change; see `InsideModel.run`."""
        from engine.tasks.inside.patching import patched

        change = self.request.change
        put = patched(self) if change.patch is not None else None
        return self.inside.run(self.pieces, self.at(position), watch, change, put)

    def logits(self, outputs: Outputs) -> torch.Tensor:
        """Those of the answer: of the words at the position asked for, or of the pair.

        Raises:
            EngineError: ``unable``, if the model has no head that answers.
        """
        found = outputs.pair if self.asks == "pair" else outputs.words
        if found is None:
            raise refusal("unable", "judges_pairs", model=self.model.files.id)
        return found

    def choice(self, number: int, logit: float, prob: float) -> Choice:
        """A possible answer, by its id."""
        return Choice(number, self.text(number), logit, prob)

    def text(self, number: int) -> str:
        """The text of an id; "" for the answers to a pair, and for ids without one."""
        tokenizer = self.model.tokenizer
        known = self.asks != "pair" and number < tokenizer.vocabulary
        return tokenizer.token(number).text if known else ""


def open_subject(model: LoadedModel, request: Inside) -> Subject:
    """Tokenize the text of a request.

    Raises:
        EngineError: ``bad_request`` for an empty text; ``too_long``; ``unable``.
    """
    assert model.inside is not None, "the model was loaded to look into it"
    pieces = tokenized(model, request.text, request.second)
    asks, position = _answers(model, model.inside, request, pieces)
    return Subject(model, model.inside, request, pieces, position, asks)


def tokenized(model: LoadedModel, text: str | list[int], second: str | None) -> list[Piece]:
    """The tokens of one or two texts, as this model is fed them.

    Raises:
        EngineError: ``bad_request`` for an empty text; ``too_long``; ``unable`` for a token that is
            not in the weights.
    """
    inside, tokenizer = model.inside, model.tokenizer
    assert inside is not None
    if not isinstance(text, str):
        pieces = [
            tokenizer.token(number)
            if 0 <= number < tokenizer.vocabulary
            else Piece(id=number, text="", piece="")
            for number in text
        ]
    elif second is None:
        pieces = tokenizer.fed(text)
    elif inside.causal:
        pieces = tokenizer.prompt(f"{text}{join(text, second)}{second}")
    else:
        pieces = tokenizer.pair(text, second)
    if not pieces:
        raise refusal("bad_request", "nothing_inside")
    check_fits(model, inside, [piece.id for piece in pieces])
    return pieces


def _answers(
    model: LoadedModel, inside: InsideModel, request: Inside, pieces: list[Piece]
) -> tuple[Literal["next", "mask", "pair"], int]:
    if inside.causal:
        return "next", len(pieces) - 1
    masks = [at for at, piece in enumerate(pieces) if piece.id == model.tokenizer.mask]
    heads = model.files.heads
    if "next_sentence" in heads and (request.second is not None or "masked" not in heads):
        return "pair", 0
    if masks:
        return "mask", masks[0]
    inner = [at for at, piece in enumerate(pieces) if not piece.special]
    return "mask", inner[0] if inner else 0
