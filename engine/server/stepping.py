"""How the steps of a task are taken, as its model needs it.

Those that wait for a network are taken on another thread, so that no other task waits with them.
Those of a model that ONNX Runtime computes are taken without PyTorch's threads.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

from engine.interfaces import Remote
from engine.machine import threads
from engine.messages import Event, Precision
from engine.runtime.loaded import LoadedModel
from engine.scheduler import Wait, settled

T = TypeVar("T")
Steps = Generator[Event | Wait | None, None, T]


class _Returned:
    """What a task returned at its end."""

    def __init__(self, value: object) -> None:
        self.value = value


def stepped(model: LoadedModel, task: Steps[T]) -> Steps[T]:
    """Take the steps of a task.

    Closing this ends the request to a server that the task waits for.
    """
    if model.remote is None:
        return (yield from _here(model.precision, task))
    return (yield from _elsewhere(model.remote, task))


def _here(precision: Precision, task: Steps[T]) -> Steps[T]:
    try:
        while True:
            try:
                with threads.for_form(precision):
                    event = next(task)
            except StopIteration as end:
                value: T = end.value
                return value
            yield event
    finally:
        task.close()


def _elsewhere(remote: Remote, task: Steps[T]) -> Steps[T]:
    owner = object()

    def step() -> Event | Wait | _Returned | None:
        try:
            return next(task)
        except StopIteration as end:
            return _Returned(end.value)

    try:
        while True:
            event = yield from settled(remote.take(owner, step))
            if isinstance(event, _Returned):
                value: T = event.value  # type: ignore[assignment]  # it is what the task returned
                return value
            yield event
    finally:
        remote.leave(owner, task.close)
