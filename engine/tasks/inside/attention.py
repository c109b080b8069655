"""One head: how much each position attends to each other, and how that comes about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import refusal
from engine.messages import (
    AttentionRows,
    HeadKey,
    HeadNumbers,
    ShowAttention,
    ShowHead,
)
from engine.tasks.inside.aside import Post
from engine.tasks.inside.subject import Subject

if TYPE_CHECKING:
    import torch

    from engine.runtime.inside.attending import Attended

_CELLS = 2**20
"""Weights sent at once."""
_TOLERANCE = 1e-4


def show(subject: Subject, request: ShowAttention, post: Post) -> None:
    """Post the rows of the window as they are computed.

    Raises:
        EngineError: ``bad_request`` for a head or window that is not there; see `InsideModel.run`.
    """
    from engine.runtime.inside.attending import Watch

    count = len(subject.pieces)
    subject.inside.check_place(request.layer, request.head)
    subject.inside.check_position(request.first_row, count)
    subject.inside.check_position(request.first_column, count)
    last_row = count if request.rows is None else request.first_row + request.rows
    last_column = count if request.columns is None else request.first_column + request.columns
    window = slice(request.first_column, min(last_column, count))

    def weights(layer: int, first: int, some: torch.Tensor) -> None:
        post(None)
        if layer != request.layer:
            return
        begin, end = max(first, request.first_row), min(first + some.shape[1], last_row)
        step = max(1, _CELLS // (window.stop - window.start))
        for row in range(begin, end, step):
            rows = some[request.head, row - first : min(row + step, end) - first, window]
            post(
                AttentionRows(
                    layer=layer,
                    head=request.head,
                    first_row=row,
                    first_column=window.start,
                    weights=rows.tolist(),
                )
            )

    subject.run(Watch(weights=weights))


def show_numbers(subject: Subject, request: ShowHead, post: Post) -> None:
    """Post the `HeadNumbers` of one head at one position.

    Raises:
        EngineError: ``bad_request`` for a head or position that is not there; ``unable``, if the
            model computes its weights in another way than a softmax of scaled dot products.
    """
    import torch

    from engine.runtime.inside.attending import Watch

    inside, position = subject.inside, subject.at(request.position)
    inside.check_place(request.layer, request.head)
    vectors: list[Attended] = []
    rows: list[torch.Tensor] = []

    def attended(layer: int, given: Attended) -> None:
        post(None)
        if layer == request.layer:
            vectors.append(given)

    def weights(layer: int, first: int, some: torch.Tensor) -> None:
        if layer == request.layer and first <= position < first + some.shape[1]:
            rows.append(some[request.head, position - first].clone())

    subject.run(Watch(attended=attended, weights=weights))
    given, row = vectors[0], rows[0]
    shared = given.queries.shape[0] // given.keys.shape[0]
    query = given.queries[request.head, position]
    keys, values = (each[request.head // shared] for each in (given.keys, given.values))
    dots = keys @ query
    scaled = dots * given.scale
    seen = row > 0
    expected = torch.where(seen, scaled, -torch.inf).softmax(-1)
    if not torch.allclose(expected, row, atol=_TOLERANCE):
        raise refusal("unable", "more_attention", model=subject.model.files.id)
    best = sorted(row.topk(min(request.keys, int(seen.sum()))).indices.tolist())
    post(
        HeadNumbers(
            layer=request.layer,
            head=request.head,
            position=position,
            scale=given.scale,
            query=query.tolist(),
            keys=[
                HeadKey(
                    position=at,
                    key=keys[at].tolist(),
                    value=values[at].tolist(),
                    dot=float(dots[at]),
                    scaled=float(scaled[at]),
                    weight=float(row[at]),
                )
                for at in best
            ],
            others=int(seen.sum()) - len(best),
            others_weight=max(0.0, float(row.double().sum() - row[best].double().sum())),
            output=(row @ values).tolist(),
        )
    )
