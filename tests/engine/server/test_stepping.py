"""Steps are taken as their model needs it: without PyTorch's threads beside ONNX Runtime's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from engine.machine import threads
from engine.messages import Done, Precision
from engine.scheduler import Task
from engine.server.stepping import Steps, stepped
from tests.support.fake_models import FunctionModel, loaded

MOST = 3


@pytest.fixture(autouse=True)
def several_threads() -> Iterator[None]:
    before = threads.used()
    threads.use(MOST)
    yield
    threads.use(before)


def task(seen: list[int], closed: list[bool]) -> Steps[str]:
    try:
        for _ in range(2):
            seen.append(torch.get_num_threads())
            yield None
        seen.append(torch.get_num_threads())
        return "the end"
    finally:
        closed.append(True)


def run(precision: Precision, ended: list[str], seen: list[int], closed: list[bool]) -> Task:
    model = loaded(FunctionModel(lambda ids: torch.zeros(256)))
    model.precision = precision
    ended.append((yield from stepped(model, task(seen, closed))))
    yield Done()


@pytest.mark.parametrize(
    ("precision", "expected"), [("exact", MOST), ("bf16", MOST), ("int8", 1), ("int4", 1)]
)
def test_pytorch_computes_alone_only_in_steps_of_a_graph(
    precision: Precision, expected: int
) -> None:
    ended: list[str] = []
    seen: list[int] = []
    outside = [torch.get_num_threads() for _ in run(precision, ended, seen, [])]
    assert seen == [expected] * 3
    assert outside == [MOST] * 3
    assert ended == ["the end"]
    assert threads.used() == MOST


@pytest.mark.parametrize("precision", ["exact", "int4"])
def test_a_task_that_is_closed_is_closed_at_once(precision: Precision) -> None:
    closed: list[bool] = []
    running = run(precision, [], [], closed)
    next(running)
    running.close()
    assert closed == [True]
    assert torch.get_num_threads() == MOST


def test_an_error_in_a_step_leaves_the_threads_as_they_were() -> None:
    def failing() -> Steps[None]:
        yield None
        raise ValueError

    model = loaded(FunctionModel(lambda ids: torch.zeros(256)))
    model.precision = "int4"
    with pytest.raises(ValueError):
        list(stepped(model, failing()))
    assert torch.get_num_threads() == MOST
