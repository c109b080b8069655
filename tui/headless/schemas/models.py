"""The JSON of `tsuzuki models --json`."""

from __future__ import annotations

import msgspec
from msgspec import Struct, structs

from engine.messages import Distance, Head, ModelInfo, Precision, Role, Source, State
from tui.strings import worded


class ModelDocument(Struct, frozen=True, kw_only=True):
    """`tsuzuki models info|pull|remove --json`, and one entry of the list."""

    id: str
    roles: list[Role]
    languages: list[str]
    bytes: int
    licence: str
    source: Source
    path: str | None
    state: State
    reason: str
    title: str
    heads: list[Head]
    origin: str
    revision: str
    note: str
    memory: int
    context: int | None
    chat: bool
    precisions: list[Precision]
    weights: str = ""
    distances: list[Distance]
    unable: list[str] = []

    @classmethod
    def of(cls, model: ModelInfo) -> ModelDocument:
        """A model, with the engine's messages as sentences."""
        said = structs.replace(
            model,
            reason=worded(model.reason),
            note=worded(model.note),
            unable=[worded(each) for each in model.unable],
        )
        return msgspec.convert(said, cls, from_attributes=True)


class ModelsDocument(Struct, frozen=True):
    """`tsuzuki models list --json`."""

    models: list[ModelDocument]
