"""Activation patching: what a layer gives at one position of another text.

Vig et al. 2020, Meng et al. 2022: put in place of the layer's own output, it shows whether that
place carries what makes the answers to both texts differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.tasks.inside.subject import Subject, tokenized

if TYPE_CHECKING:
    import torch


def patched(subject: Subject) -> torch.Tensor | None:
    """What the request's patch puts in place, [width]; None without one.

    Raises:
        EngineError: ``bad_request`` for a layer or position that is not there; see `tokenized`.
    """
    from engine.runtime.inside.attending import Watch

    patch, inside = subject.request.change.patch, subject.inside
    if patch is None:
        return None
    inside.check_place(patch.layer)
    pieces = tokenized(subject.model, patch.text, patch.second)
    inside.check_position(patch.source, len(pieces))
    found: list[torch.Tensor] = []

    def stream(index: int, states: torch.Tensor) -> None:
        if index == patch.layer + 1:
            found.append(states[patch.source].clone())

    inside.run(pieces, patch.source, Watch(stream=stream))
    return found[0]
