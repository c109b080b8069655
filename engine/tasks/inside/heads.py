"""Every head at a glance: a small picture, how spread its attention is, and where it goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from engine.messages import HeadPicture, HeadsOfLayer, Piece, ShowHeads
from engine.tasks.inside.aside import Post
from engine.tasks.inside.subject import Subject

if TYPE_CHECKING:
    import torch

Pattern = Literal["", "previous", "next", "first", "same", "special"]

_SIDE = 8
"""Cells of a picture, each way."""
_MOSTLY = 0.4
"""The mean attention from which a head is named after where it goes."""
_PATTERNS: tuple[Pattern, ...] = ("previous", "next", "first", "same", "special")


def show(subject: Subject, request: ShowHeads, post: Post) -> None:
    """Post a `HeadsOfLayer` after each layer.

    Raises:
        EngineError: see `InsideModel.run`.
    """
    from engine.runtime.inside.attending import Watch

    layers: dict[int, _Layer] = {}

    def weights(layer: int, first: int, some: torch.Tensor) -> None:
        found = layers.setdefault(layer, _Layer(subject.pieces, some.shape[0]))
        found.add(first, some)
        post(None)
        if first + some.shape[1] == len(subject.pieces):
            post(HeadsOfLayer(layer=layer, heads=layers.pop(layer).heads()))

    subject.run(Watch(weights=weights))


class _Layer:
    """Gathers the figures of one layer's heads while its rows come."""

    def __init__(self, pieces: Sequence[Piece], heads: int) -> None:
        import torch

        self._count = len(pieces)
        self._ids = torch.tensor([piece.id for piece in pieces])
        self._special = torch.tensor([piece.special for piece in pieces])
        side = min(_SIDE, self._count)
        self._bins = torch.arange(self._count) * side // self._count
        self._picture = torch.zeros(heads, side, side)
        self._entropy = torch.zeros(heads, dtype=torch.float64)
        self._sums = torch.zeros(len(_PATTERNS), heads, dtype=torch.float64)
        self._rows = 0

    def add(self, first: int, weights: torch.Tensor) -> None:
        """Take the rows from `first` on, [heads, rows, positions]."""
        import torch

        heads, rows = weights.shape[:2]
        self._entropy += torch.special.entr(weights).sum((1, 2), dtype=torch.float64)
        columns = torch.zeros(heads, rows, self._picture.shape[2]).scatter_reduce(
            2, self._bins.expand(heads, rows, -1), weights, "amax"
        )
        at = self._bins[first : first + rows].view(1, -1, 1).expand_as(columns)
        self._picture.scatter_reduce_(1, at, columns, "amax")
        # The first two rows of a causal model have hardly a choice.
        skipped = min(max(0, 2 - first), rows)
        rest = weights[:, skipped:]
        here = torch.arange(first + skipped, first + rows)
        self._rows += len(here)
        if not len(here):
            return
        before = _beside(rest, here - 1)
        after = _beside(rest, here + 1)
        same = (self._ids[here, None] == self._ids) * rest
        special = rest[:, :, self._special]
        for number, part in enumerate((before, after, rest[:, :, :1], same, special)):
            self._sums[number] += part.sum((1, 2), dtype=torch.float64)

    def heads(self) -> list[HeadPicture]:
        """The figures of all heads."""
        shares = (self._sums / max(1, self._rows)).clamp(max=1).T.tolist()
        return [
            _picture(self._picture[head], float(self._entropy[head]) / self._count, shares[head])
            for head in range(len(shares))
        ]


def _picture(picture: torch.Tensor, entropy: float, shares: list[float]) -> HeadPicture:
    """One head, named after the place that gets most; the special tokens contain the first."""
    named = dict(zip(_PATTERNS, shares, strict=True))
    special = named.pop("special")
    pattern, share = max(named.items(), key=lambda each: each[1])
    if share < _MOSTLY:
        pattern, share = ("special", special) if special >= _MOSTLY else ("", share)
    return HeadPicture(entropy=entropy, pattern=pattern, share=share, picture=picture.tolist())


def _beside(weights: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """The weight of one column in each row of [heads, rows, positions]; 0 beyond the text."""
    there = ((columns >= 0) & (columns < weights.shape[2])).view(1, -1, 1)
    at = columns.clamp(0, weights.shape[2] - 1).view(1, -1, 1)
    return there * weights.gather(2, at.expand(weights.shape[0], -1, 1))
