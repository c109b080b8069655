from __future__ import annotations

from pathlib import Path

import msgspec

from engine.messages import Error, Event, Message, ModelState


def test_messages_may_hold_messages_and_are_read_back_whole() -> None:
    inner = Message.of("reason.lacks", names="a.weight")
    error = Error(kind="broken_model", message=Message.of("x.message", why=inner, n=3, s=0.5))
    for codec in (msgspec.json, msgspec.msgpack):
        assert codec.decode(codec.encode(error), type=Event) == error


def test_what_a_version_without_messages_stored_is_still_read() -> None:
    stored = b'{"type":"error","kind":"too_big","message":"It does not fit.","hint":"Close one."}'
    assert msgspec.json.decode(stored, type=Event) == Error(
        kind="too_big", message="It does not fit.", hint="Close one."
    )
    state = b'{"type":"model_state","model":"m","state":"loading","stage":"reading weights"}'
    assert msgspec.json.decode(state, type=Event) == ModelState(
        model="m", state="loading", stage="reading weights"
    )


def test_arguments_can_always_be_sent() -> None:
    message = Message.of("x", path=Path("/a"), name="\udcff", huge=10**30, error=ValueError("no"))
    assert message.arguments == {
        "path": "/a",
        "name": "\\udcff",
        "huge": "1" + "0" * 30,
        "error": "no",
    }
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=Message) == message


def test_equal_messages_are_one_in_a_set() -> None:
    assert len({Message.of("x", n=1), Message.of("x", n=1), Message.of("x", n=2)}) == 2


def test_logs_show_the_id_and_the_arguments() -> None:
    message = Message.of("x.message", n=1, why=Message.of("reason.lacks", names="w"))
    assert str(message) == "x.message (n 1, why reason.lacks (names w))"
    assert str(Message.of("x.hint")) == "x.hint"
