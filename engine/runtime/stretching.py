"""Rotary positions that depend on the length of the text.

With dynamic NTK and LongRoPE, a model rotates every position of a text by different angles once the
text exceeds its original training length: by one other set of angles, or by one for each length.
Keys computed for a shorter text are then invalid.

transformers' modules choose the angles by the largest position they are given. So whichever part of
a text is read, they are also given the text's last position.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch


class Stretching:
    """The modules of a model with such positions; false if it has none."""

    def __init__(self, model: torch.nn.Module) -> None:
        """Find them in a transformers model."""
        self._modules: list[torch.nn.Module] = []
        self._borders: set[tuple[int, bool]] = set()
        """Lengths after which angles change, and whether each greater length has its own."""
        for module in model.modules():
            borders = set(_borders(module))
            if borders:
                self._modules.append(module)
                self._borders |= borders

    def __bool__(self) -> bool:
        return bool(self._modules)

    def regime(self, length: int) -> int:
        """See `CausalRuntime.regime`."""
        beyond = [each for border, each in self._borders if length > border]
        return sum(length if each else 1 for each in beyond)

    @contextmanager
    def reading(self, whole: int) -> Iterator[None]:
        """Make the model read what it is fed as part of a text of `whole` tokens."""

        def last_too(
            module: torch.nn.Module, args: tuple[Any, ...], options: dict[str, Any]
        ) -> tuple[tuple[()], dict[str, Any]]:
            given = dict(zip(("x", "position_ids", "layer_type"), args, strict=False)) | options
            places = given["position_ids"]
            last = places.new_full((len(places), 1), whole - 1)
            # A module remembers the longest text it has seen, until it sees a short one.
            module.forward(**given | {"position_ids": torch.zeros_like(last)})
            return (), given | {"position_ids": torch.cat([places, last], -1)}

        def without_last(
            module: torch.nn.Module, args: object, output: tuple[torch.Tensor, ...]
        ) -> tuple[torch.Tensor, ...]:
            return tuple(each[:, :-1] for each in output)

        with ExitStack() as hooks:
            for module in self._modules:
                before = module.register_forward_pre_hook(last_too, with_kwargs=True)
                hooks.callback(before.remove)
                hooks.callback(module.register_forward_hook(without_last).remove)
            yield


def _borders(module: torch.nn.Module) -> Iterator[tuple[int, bool]]:
    kinds = getattr(module, "rope_type", None)
    if kinds is None:
        return
    parameters: dict[str, Any] = module.config.rope_parameters  # type: ignore[union-attr, assignment]
    # Models with different layers have a rope type and parameters for each type of layer.
    for kind, own in (
        [(kind, parameters[layer]) for layer, kind in kinds.items()]
        if isinstance(kinds, Mapping)
        else [(kinds, parameters)]
    ):
        if "dynamic" in kind:
            yield int(module.original_max_seq_len), True  # type: ignore[arg-type]
        elif kind == "longrope":
            yield int(own["original_max_position_embeddings"]), False
