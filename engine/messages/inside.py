"""Requests and events about the inside of a model: tensors, attention, lens, attribution.

Layers, heads and positions are counted from 0. Every answer begins with an `Opened`. All figures
are those of transformers' own class in fp32 with its eager attention, whatever form the weights of
other answers have.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from engine.messages.parts import Integer, Natural, Piece


class Patch(Struct, frozen=True, kw_only=True):
    """What a layer gives at one position of another text, put in place of its own output."""

    text: str | list[Integer]
    second: str | None = None
    layer: Natural
    source: Natural
    """The position in the other text."""
    position: Natural
    """The position at which it is put in place."""


class Change(Struct, frozen=True, kw_only=True):
    """How a model is altered while it reads a text."""

    heads: list[tuple[Natural, Natural]] = []
    """Heads that are switched off, each by its layer and number: they add nothing."""
    layers: list[Natural] = []
    """Layers that are switched off: their input is passed on unchanged."""
    cut: list[Natural] = []
    """Positions that no other position attends to."""
    patch: Patch | None = None

    @property
    def made(self) -> bool:
        """Whether anything is altered."""
        return bool(self.heads or self.layers or self.cut or self.patch)


class Inside(Struct, frozen=True, kw_only=True):
    """What all requests about the inside of a model have in common."""

    model: str
    text: str | list[Integer]
    """A text, or ids as they were fed."""
    second: str | None = None
    """A second text: another segment for an encoder; a causal model reads both joined."""
    change: Change = Change()


class ShowTensors(Inside, tag="show_tensors", frozen=True, kw_only=True):
    """The tensors of one pass in their order; answered by `Tensor` and `Answer`."""

    position: Natural | None = None
    """Whose numbers to show; None: the position that answers."""
    top: Annotated[int, Meta(ge=1, le=1000)] = 10


class ShowHeads(Inside, tag="show_heads", frozen=True, kw_only=True):
    """A small picture of every head; answered by one `HeadsOfLayer` after the other."""


class ShowAttention(Inside, tag="show_attention", frozen=True, kw_only=True):
    """The attention of one head; answered by `AttentionRows`, some rows at a time.

    Of a long text, a window of rows and columns can be asked for.
    """

    layer: Natural
    head: Natural
    first_row: Natural = 0
    rows: Natural | None = None
    first_column: Natural = 0
    columns: Natural | None = None


class ShowHead(Inside, tag="show_head", frozen=True, kw_only=True):
    """How one head attends from one position, in numbers; answered by `HeadNumbers`."""

    layer: Natural
    head: Natural
    position: Natural
    keys: Annotated[int, Meta(ge=1, le=1000)] = 12
    """How many of the positions it attends to most to return with their vectors."""


class ShowLens(Inside, tag="show_lens", frozen=True, kw_only=True):
    """What each layer would answer; answered by `LensLayer` for each, then `Followed`.

    Every layer's state is put through the final norm and the output layer.
    """

    first: Natural = 0
    count: Natural | None = None
    """How many positions from `first`; None: all."""
    position: Natural | None = None
    """Where to follow words; None: the position that answers."""
    words: Annotated[list[str], Meta(max_length=100)] = []
    """Words to follow beside those that are ever on top."""


class ShowAttribution(Inside, tag="show_attribution", frozen=True, kw_only=True):
    """How much each part adds to (word A - word B) at a position; answered by `Attribution`."""

    position: Natural | None = None
    a: str | None = None
    """A word of one piece; None: the likeliest there."""
    b: str | None = None
    """None: the likeliest there that is not A."""


LookInside = ShowTensors | ShowHeads | ShowAttention | ShowHead | ShowLens | ShowAttribution


class Opened(Struct, tag="opened", frozen=True, kw_only=True):
    """What was read, and the shape of the model that reads it."""

    model: str
    revision: str
    weights: str = ""
    tokens: list[Piece]
    layers: int
    heads: int
    position: int
    """The position that answers."""
    asks: Literal["next", "mask", "pair"]
    """What is answered there: the next token, the word at a mask, or whether B follows A."""
    causal: bool
    """Whether positions see only those before them."""
    segments: bool = False
    """Whether the model is fed segment ids."""
    altered: bool = False


class Tensor(Struct, tag="tensor", frozen=True, kw_only=True):
    """A tensor that a pass makes: its shape, and what fits of its values."""

    name: str
    stage: Literal["input", "embedding", "layer", "output"]
    shape: list[int]
    layer: int | None = None
    values: list[float] = []
    """Its first numbers along the last axis, at the position asked for."""


class Choice(Struct, frozen=True):
    """A possible answer. For a pair, id 0 is "B follows A" and 1 "it does not", without a text."""

    id: int
    text: str
    logit: float
    prob: float


class Answer(Struct, tag="answer", frozen=True, kw_only=True):
    """What the model answers at a position: the likeliest first."""

    position: int
    asks: Literal["next", "mask", "pair"]
    choices: list[Choice]


class HeadPicture(Struct, frozen=True, kw_only=True):
    """One head at a glance."""

    entropy: float
    """Mean over the positions, in nats."""
    pattern: Literal["", "previous", "next", "first", "same", "special"]
    """What most of its attention goes to on average, if anything; ``same``: equal tokens, itself
    among them; ``special``: tokens that frame the text."""
    share: float
    """The mean attention (0-1) that goes there."""
    picture: list[list[float]]
    """The attention in at most 8 x 8 cells, each the largest in its part; rows attend."""


class HeadsOfLayer(Struct, tag="heads_of_layer", frozen=True, kw_only=True):
    """Every head of a layer at a glance; sent layer by layer."""

    layer: int
    heads: list[HeadPicture]


class AttentionRows(Struct, tag="attention_rows", frozen=True, kw_only=True):
    """Some rows of a head's attention: how much each position attends to each column (0-1)."""

    layer: int
    head: int
    first_row: int
    first_column: int
    weights: list[list[float]]


class HeadKey(Struct, frozen=True, kw_only=True):
    """A position that is attended to."""

    position: int
    key: list[float]
    value: list[float]
    dot: float
    """Of query and key."""
    scaled: float
    weight: float


class HeadNumbers(Struct, tag="head_numbers", frozen=True, kw_only=True):
    """One head at one position: softmax(query · key * scale), then the sum of weight * value."""

    layer: int
    head: int
    position: int
    scale: float
    query: list[float]
    keys: list[HeadKey]
    """Those with the largest weights, by position."""
    others: int
    """How many other positions can be seen, and their share of the attention."""
    others_weight: float
    output: list[float]
    """The weighted sum over all positions."""


class LensCell(Struct, frozen=True):
    """The likeliest piece at a position after a layer."""

    id: int
    text: str
    prob: float


class LensLayer(Struct, tag="lens_layer", frozen=True, kw_only=True):
    """What a layer would answer at each position of the window."""

    layer: int
    """-1: the embeddings, before the first layer."""
    first: int
    cells: list[LensCell]


class FollowedWord(Struct, frozen=True, kw_only=True):
    """A word through the layers: the first figures are of the embeddings, then of each layer."""

    id: int
    text: str
    probs: list[float]
    ranks: list[int]


class Followed(Struct, tag="followed", frozen=True, kw_only=True):
    """Words at one position through the layers: those ever on top, and those asked for."""

    position: int
    words: list[FollowedWord]
    missing: list[str] = []
    """Words asked for that are not one piece of this vocabulary."""
    margins: list[float] = []
    """For a pair: logits[0] - logits[1] by a next-sentence head, after the embeddings and each
    layer, in nats."""


class Attribution(Struct, tag="attribution", frozen=True, kw_only=True):
    """How much each part adds to (word A - word B), in nats of logit.

    ``direct``: the final norm with its scale held fixed is linear, so `embedding`, `layers` and
    `constant` add up to `difference`, and each layer is its heads, its `mlp` and its `bias`.
    ``lens``: where norms come between the layers, a layer's figure is how far the lens moves there
    (`embedding` and `layers` add up to `difference`), a head's is how much the difference falls
    when it is switched off, which need not add up.
    """

    method: Literal["direct", "lens"]
    position: int
    a: Choice
    b: Choice
    difference: float
    embedding: float
    constant: float = 0.0
    """From biases after the last layer."""
    layers: list[float]
    heads: list[list[float]]
    mlp: list[float] = []
    bias: list[float] = []


InsideEvent = (
    Opened
    | Tensor
    | Answer
    | HeadsOfLayer
    | AttentionRows
    | HeadNumbers
    | LensLayer
    | Followed
    | Attribution
)
