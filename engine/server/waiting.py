"""Steps that wait for a network, taken on another thread, so that no other task waits with them."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

from engine.interfaces import Remote
from engine.messages import Event
from engine.runtime.loaded import LoadedModel
from engine.scheduler import Wait, settled

T = TypeVar("T")
Steps = Generator[Event | Wait | None, None, T]


class _Returned:
    """What a task returned at its end."""

    def __init__(self, value: object) -> None:
        self.value = value


def stepped(model: LoadedModel, task: Steps[T]) -> Steps[T]:
    """Take the steps of a task; those of a server's model on that model's own thread.

    Closing this ends the request that the task waits for.
    """
    steps = task if model.remote is None else _elsewhere(model.remote, task)
    return (yield from steps)


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
