"""How the steps of a task are taken, as its model needs it.

Those that wait for a network are taken on another thread, so that no other task waits with them.
Those of a model that ONNX Runtime computes are taken without PyTorch's threads.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

from engine.interfaces import Remote
from engine.machine import threads
from engine.messages import Event
from engine.precision import QUANTISED
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
    if model.remote is not None:
        return (yield from _elsewhere(model.remote, task))
    if model.precision in QUANTISED:
        return (yield from _on_one_thread(task))
    return (yield from task)


def _step(task: Steps[T]) -> Event | Wait | _Returned | None:
    try:
        return next(task)
    except StopIteration as end:
        return _Returned(end.value)


def _on_one_thread(task: Steps[T]) -> Steps[T]:
    try:
        while True:
            with threads.pytorch_alone():
                event = _step(task)
            if isinstance(event, _Returned):
                value: T = event.value  # type: ignore[assignment]  # it is what the task returned
                return value
            yield event
    finally:
        task.close()


def _elsewhere(remote: Remote, task: Steps[T]) -> Steps[T]:
    owner = object()

    def step() -> Event | Wait | _Returned | None:
        return _step(task)

    try:
        while True:
            event = yield from settled(remote.take(owner, step))
            if isinstance(event, _Returned):
                value: T = event.value  # type: ignore[assignment]  # it is what the task returned
                return value
            yield event
    finally:
        remote.leave(owner, task.close)
