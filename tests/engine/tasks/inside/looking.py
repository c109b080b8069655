"""Runs requests about the inside of a model as the scheduler would."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TypeVar

from engine import runtime
from engine.interfaces import ModelFiles
from engine.messages import Event, LookInside
from engine.runtime.loaded import LoadedModel
from engine.scheduler import Wait
from engine.tasks import inside

T = TypeVar("T")

HEADS = {
    "bert": {"masked", "next_sentence"},
    "bert-nsp": {"next_sentence"},
    "starter-en": {"masked", "next_sentence"},
    "modernbert": {"masked"},
    "albert": {"masked"},
    "distilbert": {"masked"},
    "roberta": {"masked"},
}


def load(folder: Path, name: str) -> LoadedModel:
    files = ModelFiles(
        id=name,
        folder=folder,
        revision="",
        model_type="",
        heads=frozenset(HEADS.get(name, {"causal"})),  # type: ignore[arg-type]
        roles=(),
        languages=(),
        weight_bytes=0,
        memory=0,
    )
    return runtime.load_to_look(files, lambda stage, percent: None)


def looked(model: LoadedModel, request: LookInside) -> list[Event]:
    events: list[Event] = []
    for event in inside.run(model, request, 0.0):
        if isinstance(event, Wait):
            woken = threading.Event()
            event.subscribe(woken.set)
            woken.wait()
        elif event is not None:
            events.append(event)
    return events


def only(events: list[Event], kind: type[T]) -> list[T]:
    return [event for event in events if isinstance(event, kind)]
