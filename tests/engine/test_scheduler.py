"""The round of tasks: turns, cancels, parking, errors; over tasks that a test writes itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

import pytest

from engine import wire
from engine.errors import EngineError
from engine.messages import BranchDone, Done, Error, Event, Progress, Tokens
from engine.scheduler import Scheduler, Task, settled
from tui.strings import worded


class Bench:
    """A scheduler whose events are kept."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, Event]] = []
        self.scheduler = Scheduler(lambda *event: self.sent.append(event), lambda: 0.0)

    def rounds(self, count: int) -> None:
        for _ in range(count):
            self.scheduler.round()

    def of(self, request_id: int) -> list[Event]:
        return [event for sender, event in self.sent if sender == request_id]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def numbered(branch: int) -> BranchDone:
    return BranchDone(branch=branch, finish="length")


def counting(count: int, closed: list[str] | None = None) -> Task:
    try:
        for number in range(count):
            yield numbered(number)
    finally:
        if closed is not None:
            closed.append("closed")


def test_tasks_take_turns(bench: Bench) -> None:
    bench.scheduler.start(1, counting(3))
    bench.scheduler.start(2, counting(1))
    bench.rounds(5)
    assert bench.sent == [
        (1, numbered(0)),
        (2, numbered(0)),
        (1, numbered(1)),
        (2, Done()),
        (1, numbered(2)),
        (1, Done()),
    ]


def test_a_step_may_yield_nothing(bench: Bench) -> None:
    def quiet() -> Task:
        yield None
        yield numbered(0)

    bench.scheduler.start(1, quiet())
    bench.rounds(1)
    assert bench.sent == []
    bench.rounds(2)
    assert bench.sent == [(1, numbered(0)), (1, Done())]


def test_nothing_follows_the_last_event_and_the_task_is_closed_before_it(bench: Bench) -> None:
    order: list[str] = []

    def talkative() -> Task:
        try:
            yield Done(finish="stop")
            yield numbered(0)
        finally:
            order.append(f"closed after {len(bench.sent)}")

    bench.scheduler.start(1, talkative())
    bench.rounds(3)
    assert bench.sent == [(1, Done(finish="stop"))]
    assert order == ["closed after 0"]


def test_a_cancel_that_comes_during_a_step_is_done_before_the_next_one(bench: Bench) -> None:
    closed: list[str] = []

    def canceller() -> Task:
        bench.scheduler.post(lambda: bench.scheduler.cancel(2))
        yield None

    bench.scheduler.start(1, canceller())
    bench.scheduler.start(2, counting(9, closed))
    bench.rounds(1)
    assert bench.sent == [(2, Done(finish="cancelled"))]


def test_a_cancel_closes_the_task_and_answers_once(bench: Bench) -> None:
    closed: list[str] = []
    bench.scheduler.start(1, counting(9, closed))
    bench.rounds(2)
    bench.scheduler.cancel(1)
    bench.scheduler.cancel(1)
    bench.rounds(2)
    assert closed == ["closed"]
    assert bench.sent == [(1, numbered(0)), (1, numbered(1)), (1, Done(finish="cancelled"))]


def test_a_cancel_of_what_is_over_sends_nothing(bench: Bench) -> None:
    bench.scheduler.cancel(7)
    assert bench.sent == []


def waiting(future: Future[int]) -> Task:
    result = yield from settled(future)
    yield numbered(result)


def test_a_parked_task_holds_up_nobody_and_goes_on_with_the_result(bench: Bench) -> None:
    future: Future[int] = Future()
    bench.scheduler.start(1, waiting(future))
    bench.scheduler.start(2, counting(1))
    bench.rounds(3)
    assert bench.sent == [(2, numbered(0)), (2, Done())]
    thread = threading.Thread(target=future.set_result, args=(5,))
    thread.start()
    thread.join()
    bench.rounds(2)
    assert bench.of(1) == [numbered(5), Done()]


def test_a_settled_future_does_not_park(bench: Bench) -> None:
    future: Future[int] = Future()
    future.set_result(4)
    bench.scheduler.start(1, waiting(future))
    bench.rounds(1)
    assert bench.sent == [(1, numbered(4))]


def test_a_parked_task_can_be_cancelled_and_never_wakes(bench: Bench) -> None:
    future: Future[int] = Future()
    bench.scheduler.start(1, waiting(future))
    bench.rounds(1)
    bench.scheduler.cancel(1)
    future.set_result(5)
    bench.rounds(3)
    assert bench.sent == [(1, Done(finish="cancelled"))]


def test_what_a_future_raises_is_the_tasks_error(bench: Bench) -> None:
    future: Future[int] = Future()
    bench.scheduler.start(1, waiting(future))
    bench.rounds(1)
    error = Error(kind="too_big", message="It does not fit.")
    future.set_exception(EngineError(error))
    bench.rounds(1)
    assert bench.sent == [(1, error)]


def failing(error: BaseException) -> Task:
    yield numbered(0)
    raise error


@pytest.mark.parametrize(
    "error",
    [IndexError("index out of range in self"), ZeroDivisionError(), BaseException("a panic")],
)
def test_a_bug_ends_its_own_task_only_and_is_logged_not_sent(
    bench: Bench, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    bench.scheduler.start(1, failing(error))
    bench.scheduler.start(2, counting(2))
    bench.rounds(4)
    (_, last) = bench.of(1)
    assert isinstance(last, Error)
    assert last.kind == "internal"
    assert type(error).__name__ not in worded(last.message) + worded(last.hint)
    assert "out of range" not in worded(last.message) + worded(last.hint)
    assert bench.of(2) == [numbered(0), numbered(1), Done()]
    assert type(error).__name__ in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes"),
        OSError(12, "Cannot allocate memory"),
    ],
)
def test_no_memory_is_explained(bench: Bench, error: Exception) -> None:
    bench.scheduler.start(1, failing(error))
    bench.rounds(2)
    (_, last) = bench.of(1)
    assert isinstance(last, Error)
    assert (last.kind, worded(last.message)) == ("too_big", "The machine is out of memory.")
    assert worded(last.hint)


def test_an_answer_that_cannot_be_sent_ends_its_own_task_only() -> None:
    sent: list[tuple[int, Event]] = []

    def send(request_id: int, event: Event) -> None:
        wire.encode(request_id, event)
        sent.append((request_id, event))

    closed: list[str] = []

    def nasty(event: Event) -> Task:
        try:
            yield event
            yield numbered(7)
        finally:
            closed.append("closed")

    scheduler = Scheduler(send, lambda: 0.0)
    scheduler.start(1, nasty(Error(kind="internal", message="a\ud800")))
    scheduler.start(2, nasty(Tokens(model="a\ud800", tokens=[], unknown=0, foreign=0)))
    scheduler.start(3, nasty(Progress(done=2**70, total=1)))
    scheduler.start(4, counting(1))
    for _ in range(3):
        scheduler.round()
    assert [number for number, _ in sent] == [1, 2, 3, 4, 4]
    assert len(closed) == 3
    for (_, event), name in zip(sent, ("message", "model", "done"), strict=False):
        assert isinstance(event, Error)
        assert f"in {name} " in worded(event.message)


def test_a_failing_action_is_logged_and_the_round_goes_on(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise KeyError(0)

    bench.scheduler.post(fail)
    bench.scheduler.start(1, counting(1))
    bench.rounds(2)
    assert bench.of(1) == [numbered(0), Done()]
    assert "KeyError" in caplog.text


def test_a_task_that_fails_while_it_is_closed_is_answered_all_the_same(bench: Bench) -> None:
    def stubborn() -> Task:
        try:
            yield numbered(0)
        finally:
            raise ValueError("no")

    bench.scheduler.start(1, stubborn())
    bench.rounds(1)
    bench.scheduler.cancel(1)
    assert bench.of(1) == [numbered(0), Done(finish="cancelled")]


def test_an_id_in_use_is_refused(bench: Bench) -> None:
    closed: list[str] = []
    bench.scheduler.start(1, counting(9))
    second = counting(9, closed)
    bench.scheduler.start(1, second)
    (only,) = bench.of(1)
    assert isinstance(only, Error)
    assert only.kind == "bad_request"
    with pytest.raises(StopIteration):
        next(second)


def test_a_task_may_start_another(bench: Bench) -> None:
    def parent() -> Task:
        bench.scheduler.start(2, counting(1))
        yield None

    bench.scheduler.start(1, parent())
    bench.rounds(3)
    assert bench.of(2) == [numbered(0), Done()]


def test_idle_it_waits_for_what_is_posted_and_asks_housekeeping_first() -> None:
    order: list[str] = []
    post: Callable[[], None] = lambda: order.append("posted")  # noqa: E731

    def housekeeping() -> float | None:
        order.append("housekeeping")
        return None

    scheduler = Scheduler(lambda *_: None, housekeeping)
    timer = threading.Timer(0.01, scheduler.post, [post])
    timer.start()
    scheduler.round()
    assert order == ["housekeeping", "posted"]


def test_it_is_idle_while_no_task_is_live_or_parked(bench: Bench) -> None:
    waited: Future[int] = Future()

    def waiting() -> Task:
        yield from settled(waited)
        yield numbered(0)

    assert bench.scheduler.idle
    bench.scheduler.start(1, waiting())
    assert not bench.scheduler.idle
    bench.rounds(1)
    assert not bench.scheduler.idle
    waited.set_result(0)
    bench.rounds(3)
    assert bench.of(1) == [numbered(0), Done()]
    assert bench.scheduler.idle
