"""How events go to the front end: tokens together, all else at once."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from engine import wire
from engine.messages import Done, Event, Progress, Token
from engine.server import pipes
from engine.server.pipes import EventWriter


def token(number: int) -> Token:
    return Token(
        branch=0,
        id=number,
        text="x",
        piece="x",
        logprob=-1.0,
        sampled_logprob=-1.0,
        rank=1,
        entropy=1.0,
        top=[],
    )


class Written:
    """A pipe with what was written to it, write by write."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        near, self.far = os.pipe()
        self._near = os.fdopen(near, "rb")
        self.writes = 0
        write = os.write

        def counted(descriptor: int, data: bytes) -> int:
            self.writes += descriptor == self.far
            return write(descriptor, data)

        monkeypatch.setattr(os, "write", counted)

    def next(self) -> Event:
        """The next event; waits for it."""
        frame = wire.read_frame(self._near)
        assert frame is not None
        return wire.event(frame.body)

    def close(self) -> None:
        """Close both ends."""
        self._near.close()
        os.close(self.far)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[Written]:
    pipe = Written(monkeypatch)
    yield pipe
    pipe.close()


def test_tokens_that_come_fast_are_written_together(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipes, "APART_S", 3600.0)
    writer = EventWriter(written.far)
    for number in range(200):
        writer.send(1, token(number))
    assert written.writes == 1, "the first at once, the others when they are due"
    writer.send(2, Progress(done=1, total=2))
    assert written.writes == 2, "anything else at once, after the tokens before it"
    writer.send(1, token(200))
    writer.send(1, Done())
    assert written.writes == 3
    events = [written.next() for _ in range(203)]
    assert events == [
        *map(token, range(200)),
        Progress(done=1, total=2),
        token(200),
        Done(),
    ]


def test_a_token_does_not_wait_for_the_next_one(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipes, "APART_S", 0.01)
    writer = EventWriter(written.far)
    for number in range(3):
        writer.send(1, token(number))
    assert [written.next() for _ in range(3)] == [token(0), token(1), token(2)]
