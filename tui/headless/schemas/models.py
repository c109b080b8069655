"""The JSON of `tsuzuki models --json`."""

from __future__ import annotations

from msgspec import Struct

from engine.messages import Distance, Head, Precision, Role, Source, State


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


class ModelsDocument(Struct, frozen=True, kw_only=True):
    """`tsuzuki models list --json`."""

    models: list[ModelDocument]
