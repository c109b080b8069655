"""The JSON of `tsuzuki inspect --json`: one document for each question."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from engine.messages import LensCell


class InspectedToken(Struct, frozen=True, kw_only=True):
    """A token that the model was fed."""

    id: int
    text: str


class TokensInside(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What all have; `altered` names the heads that were switched off, as ``layer.head``."""

    model: str
    tokens: list[InspectedToken]
    altered: list[str] = []


class TensorShape(Struct, frozen=True, kw_only=True):
    """A tensor of the pass."""

    name: str
    shape: list[int]


class TensorsInside(TokensInside, frozen=True, kw_only=True):
    """In the order in which they are computed."""

    tensors: list[TensorShape]


class AttentionInside(TokensInside, frozen=True, kw_only=True):
    """`attention[i][j]`: how much position i attends to position j (0-1)."""

    layer: int
    head: int
    attention: list[list[float]]


class LensInside(TokensInside, frozen=True, kw_only=True):
    """`lens[layer][position]`: the likeliest piece; `embeddings`, the same before layer 0."""

    lens: list[list[LensCell]]
    embeddings: list[LensCell]


class AttributionFigures(Struct, frozen=True, kw_only=True):
    """In nats of logit; see `engine.messages.Attribution`."""

    layers: list[float]
    heads: list[list[float]]
    method: Literal["direct", "lens"]
    position: int
    words: list[InspectedToken]
    difference: float
    embedding: float
    constant: float


class AttributionInside(TokensInside, frozen=True, kw_only=True):
    """How much each part adds to (first word - second word)."""

    attribution: AttributionFigures
