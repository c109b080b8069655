"""Framing, over any bytes at all."""

from __future__ import annotations

import io
from collections import Counter
from random import Random
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import wire
from engine.messages import (
    Alternative,
    Cancel,
    Configure,
    Continue,
    Document,
    Done,
    Error,
    Event,
    Fill,
    Find,
    ModelState,
    Ping,
    PrecisionChoice,
    Request,
    Sampling,
    Score,
    Token,
    Tokenize,
    Trace,
    Turn,
)
from tests.support.wording import says

texts = st.text()
precisions = st.sampled_from(get_args(PrecisionChoice))
ids = st.integers(0, 2**63 - 1)
requests: st.SearchStrategy[Request] = st.one_of(
    st.just(Ping()),
    st.builds(Cancel, ids),
    st.builds(Tokenize, model=texts, text=texts),
    st.builds(Score, model=texts, a=texts, b=texts, precision=precisions),
    st.builds(Fill, model=texts, text=texts, hidden=st.lists(st.none() | texts)),
    st.builds(
        Continue,
        model=texts,
        prompt=texts | st.lists(ids),
        sampling=st.builds(Sampling, temperature=st.floats(0, 100), seed=st.none() | ids),
    ),
)
events: st.SearchStrategy[Event] = st.one_of(
    st.just(Done(finish="cancelled")),
    st.builds(Error, kind=st.just("internal"), message=texts, hint=texts),
    st.builds(
        Token,
        branch=st.integers(0, 7),
        id=ids,
        text=texts,
        logprob=st.floats(allow_nan=False),
        sampled_logprob=st.floats(allow_nan=False),
        rank=ids,
        entropy=st.floats(allow_nan=False),
    ),
)


SAMPLES = [
    wire.encode(3, body)
    for body in (
        Ping(),
        Cancel(4),
        Tokenize(model="m", text="東京"),
        Continue(model="m", prompt=[1, 2], chat=[Turn("user", "x")], stop=["。"]),
        Configure(folders=["models"]),
        Document(model="m", text=["a", "b"], reference=[1]),
        Error(kind="internal", message="m"),
        Done(),
        ModelState(model="m", state="ready"),
        Token(
            branch=0,
            id=1,
            text="東",
            logprob=-1.0,
            sampled_logprob=-1.0,
            rank=1,
            entropy=2.0,
            top=[Alternative(1, "a", -0.5)],
        ),
    )
]
NASTY = [
    b"\xdd\xff\xff\xff\xff",  # a list, a map, a string and bytes of 4 billion
    b"\xdf\xff\xff\xff\xff",
    b"\xdb\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\x91" * 5000,
    b"\xcf" + b"\xff" * 8,
    b"\xa2\xc3\x28",  # a string that is no UTF-8
]


@given(st.lists(st.tuples(ids, requests)))
def test_requests_arrive_as_they_were_sent(sent: list[tuple[int, Request]]) -> None:
    stream = io.BytesIO(b"".join(wire.encode(number, body) for number, body in sent))
    received = []
    while (frame := wire.read_frame(stream)) is not None:
        received.append((frame.id, wire.request(frame.body)))
    assert received == sent


@given(ids, events)
def test_events_arrive_as_they_were_sent(number: int, event: Event) -> None:
    frame = wire.read_frame(io.BytesIO(wire.encode(number, event)))
    assert frame is not None
    assert (frame.id, wire.event(frame.body)) == (number, event)


@given(st.binary(), st.booleans())
def test_any_bytes_are_a_frame_an_end_or_a_broken_stream(data: bytes, framed: bool) -> None:
    stream = io.BytesIO(wire.LENGTH.pack(len(data)) + data if framed else data)
    try:
        frame = wire.read_frame(stream)
    except wire.BrokenStream:
        return
    if frame is None:
        assert data == b""
        return
    with pytest.raises(wire.BrokenStream):  # no eight random bytes make a request's tag
        wire.request(frame.body)


def fuzz(count: int, seed: int) -> Counter[str]:
    """Mutate frames and read them: how many were no frames, no message, or messages of each side.

    `python -c "from tests.engine.test_wire import fuzz; print(fuzz(1_000_000, 0))"` takes half a
    minute.

    Raises:
        Exception: whatever reading raises beside `wire.BrokenStream`.
    """
    random, outcomes = Random(seed), Counter[str]()
    for _ in range(count):
        data = bytearray(random.choice(SAMPLES))
        for _ in range(random.randint(0, 4)):
            place = random.randrange(len(data) + 1)
            match random.randrange(4):
                case 0:
                    data[place : place + 1] = random.randbytes(1)
                case 1:
                    data[place:place] = random.randbytes(random.randint(1, 5))
                case 2:
                    del data[place : place + random.randint(1, 4)]
                case _:
                    data[place:place] = random.choice(NASTY)
        if random.randrange(4):  # else the length does not fit
            data[: wire.LENGTH.size] = wire.LENGTH.pack(max(0, len(data) - wire.LENGTH.size))
        try:
            frame = wire.read_frame(io.BytesIO(data))
        except wire.BrokenStream:
            outcomes["no frame"] += 1
            continue
        if frame is None:
            outcomes["the end"] += 1
            continue
        for side, decode in (("request", wire.request), ("event", wire.event)):
            try:
                decode(frame.body)
                outcomes[side] += 1
            except wire.BrokenStream:
                outcomes[f"no {side}"] += 1
    return outcomes


def test_the_fuzz_reaches_every_outcome() -> None:
    outcomes = fuzz(20_000, 1)
    assert min(outcomes[o] for o in ("no frame", "request", "event", "no request", "no event")) > 50


@given(requests, st.data())
def test_a_frame_cut_anywhere_is_broken(body: Request, data: st.DataObject) -> None:
    whole = wire.encode(1, body)
    part = whole[: data.draw(st.integers(1, len(whole) - 1))]
    with pytest.raises(wire.BrokenStream):
        wire.read_frame(io.BytesIO(part))


def test_an_absurd_length_is_refused_before_anything_is_read() -> None:
    stream = io.BytesIO(wire.LENGTH.pack(wire.LIMIT + 1) + b"abc")
    with pytest.raises(wire.BrokenStream):
        wire.read_frame(stream)
    assert stream.read() == b"abc"


@pytest.mark.parametrize("key", [b"x", b"type"])
def test_a_frame_nested_without_end_is_broken(key: bytes) -> None:
    nested = b"\x91" * 200_000 + b"\x01"
    with pytest.raises(wire.BrokenStream):
        wire.frame(b"\x82\xa2id\x01\xa4body" + nested)
    with pytest.raises(wire.BrokenStream):
        wire.event(msgspec.Raw(b"\x81" + bytes([0xA0 + len(key)]) + key + nested))


@given(texts, st.sampled_from("\ud800\udcff\udfff"), texts)
def test_text_that_is_not_unicode_is_named_before_it_is_sent(a: str, half: str, b: str) -> None:
    with pytest.raises(wire.Unsendable, check=says("text in text that is not Unicode")):
        wire.encode(1, Tokenize(model="m", text=a + half + b))
    with pytest.raises(wire.Unsendable, check=says("in stop ")):
        wire.encode(1, Continue(model="m", prompt="p", stop=["x", a + half + b]))


@given(st.integers(2**64) | st.integers(max_value=-(2**63) - 1))
def test_a_number_that_is_too_large_is_named_before_it_is_sent(number: int) -> None:
    with pytest.raises(wire.Unsendable, check=says("a number in sampling that is too large")):
        wire.encode(1, Continue(model="m", prompt="p", sampling=Sampling(top_k=number)))


@pytest.mark.parametrize(
    "body",
    [
        Continue(model="m", prompt=[2**63]),
        Continue(model="m", prompt="", begin=[-(2**63), 2**64 - 1]),
        Continue(model="m", prompt="", sampling=Sampling(top_k=2**63)),
        Find(model="m", ids=[2**63]),
        Trace(model="m", ids=[], sampling=Sampling(), watch=2**63),
        Document(model="m", text="", reference=[2**63]),
        Document(model="m", text="", place=2**63),
        Configure(memory_budget=2**63),
        Configure(threads=0),
        Configure(idle_s=float("inf")),
        Cancel(2**63),
    ],
)
def test_numbers_that_nothing_can_compute_with_are_refused(body: Request) -> None:
    frame = wire.read_frame(io.BytesIO(wire.encode(1, body)))
    assert frame is not None
    with pytest.raises(wire.BrokenStream, match="Expected"):
        wire.request(frame.body)
