"""Answers about the inside of a small model: three tokens, two layers of two heads."""

from __future__ import annotations

from engine.client import Answer as Answering
from engine.messages import (
    Answer,
    AttentionRows,
    Attribution,
    Choice,
    Done,
    Error,
    Event,
    Followed,
    FollowedWord,
    HeadKey,
    HeadNumbers,
    HeadPicture,
    HeadsOfLayer,
    LensCell,
    LensLayer,
    LookInside,
    Opened,
    Piece,
    Request,
    ShowAttention,
    ShowAttribution,
    ShowHead,
    ShowHeads,
    ShowLens,
    ShowTensors,
    Tensor,
    Tokenize,
    Tokens,
)
from tests.support.screen_host import ModelsEngine

WORDS = ["東京", "の", "\x1b[31m"]
PIECES = [Piece(n, word, word, start=n, end=n + 1) for n, word in enumerate(WORDS, 5)]
WEIGHTS = [[1.0, 0.0, 0.0], [0.75, 0.25, 0.0], [0.125, 0.625, 0.25]]


class InsideEngine(ModelsEngine):
    """Answers every question about the inside at once."""

    def __init__(self, refusal: Error | None = None) -> None:
        super().__init__([])
        self.refusal = refusal
        self.inside: list[LookInside] = []

    def request(self, body: Request) -> Answering:
        if isinstance(body, Tokenize):
            cut = Answering(lambda: None)
            cut.put(Tokens(model=body.model, tokens=PIECES, unknown=0.0, foreign=0.0))
            return cut
        if not isinstance(body, LookInside):
            return super().request(body)
        self.inside.append(body)
        answer = Answering(lambda: None)
        for event in [self.refusal] if self.refusal else answered(body):
            answer.put(event)
        return answer


def answered(body: LookInside) -> list[Event]:
    opened = Opened(
        model=body.model,
        revision="",
        tokens=PIECES,
        layers=2,
        heads=2,
        position=2,
        asks="next",
        causal=True,
        altered=body.change.made,
    )
    return [opened, *_found(body), Done()]


def _found(body: LookInside) -> list[Event]:
    chance = 0.25 if body.change.made else 0.75
    choices = [Choice(7, "街", 2.0, chance), Choice(8, "夜", 1.0, 1 - chance)]
    match body:
        case ShowTensors():
            at = 2 if body.position is None else body.position
            return [
                Tensor(name="input_ids", stage="input", shape=[1, 3], values=[5.0, 6.0, 7.0]),
                Tensor(name="hidden_states[0]", stage="embedding", shape=[1, 3, 8], values=[0.5]),
                Tensor(name="hidden_states[1]", stage="layer", shape=[1, 3, 8], values=[1.5]),
                Tensor(name="logits", stage="output", shape=[1, 3, 99], values=[2.5]),
                Answer(position=at, asks="next", choices=choices),
            ]
        case ShowHeads():
            picture = HeadPicture(entropy=1.0, pattern="previous", share=0.6, picture=WEIGHTS)
            return [HeadsOfLayer(layer=layer, heads=[picture] * 2) for layer in range(2)]
        case ShowAttention():
            return [
                AttentionRows(
                    layer=body.layer,
                    head=body.head,
                    first_row=body.first_row,
                    first_column=body.first_column,
                    weights=WEIGHTS,
                )
            ]
        case ShowHead():
            key = HeadKey(
                position=0, key=[3.0, 4.0], value=[5.0, 6.0], dot=11.0, scaled=5.5, weight=1
            )
            return [
                HeadNumbers(
                    layer=body.layer,
                    head=body.head,
                    position=body.position,
                    scale=0.5,
                    query=[1.0, 2.0],
                    keys=[key],
                    others=0,
                    others_weight=0.0,
                    output=[5.0, 6.0],
                )
            ]
        case ShowLens():
            cells = [LensCell(7, "街", 0.5), LensCell(8, "夜", 0.25), LensCell(9, "空", 0.125)]
            words = [FollowedWord(id=9, text="空", probs=[0.0, 0.5, 0.125], ranks=[9, 1, 3])]
            layers = [LensLayer(layer=n, first=0, cells=cells) for n in (-1, 0, 1)]
            return [*layers, Followed(position=2, words=words, missing=["x y"])]
        case ShowAttribution():
            return [
                Attribution(
                    method="direct",
                    position=2,
                    a=choices[0],
                    b=choices[1],
                    difference=1.0,
                    embedding=0.25,
                    layers=[1.25, -0.5],
                    heads=[[0.5, 0.25], [-0.75, 0.125]],
                    mlp=[0.5, 0.125],
                    bias=[0.0, 0.0],
                )
            ]
