"""The places in a card that the cursor can be on: one struct for each kind.

Numbers count from 0.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class BranchToken(Struct, frozen=True):
    """A token of a `ContinueCard`: one that a model wrote, or read."""

    branch: int
    index: int


class InputToken(Struct, frozen=True):
    """A token of a `FillCard`'s text, as the model was fed it."""

    index: int


class WordList(Struct, frozen=True):
    """A list below the candidates of a `FillCard`, by its heading.

    `number` is that of the method for ``joint``, else that of the mask.
    """

    kind: Literal["joint", "whole", "asked"]
    number: int


class MethodToken(Struct, frozen=True):
    """A token of a `PllCard`'s text, under one of the methods it was judged by."""

    method: int
    index: int


class PairPart(Struct, frozen=True):
    """A part of the alignment of the two sentences of a `PairCard`, under one model."""

    model: int
    number: int


class WitnessToken(Struct, frozen=True):
    """A token that a witness of a `ScoreCard` read: of B after A or, with `back`, of A after B.

    A head reads both in one row, which counts as that of B after A.
    """

    witness: int
    back: bool
    index: int


Ref = BranchToken | InputToken | WordList | MethodToken | PairPart | WitnessToken
