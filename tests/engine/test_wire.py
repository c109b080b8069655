"""Framing, over any bytes at all."""

from __future__ import annotations

import io
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import wire
from engine.messages import (
    Cancel,
    Continue,
    Done,
    Error,
    Event,
    Fill,
    Ping,
    PrecisionChoice,
    Request,
    Sampling,
    Score,
    Token,
    Tokenize,
)

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
    with pytest.raises(msgspec.DecodeError):  # no eight random bytes make a request's tag
        wire.request(frame.body)


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


def test_a_frame_nested_without_end_is_broken() -> None:
    payload = b"\x82\xa2id\x01\xa4body" + b"\x91" * 200_000 + b"\x01"
    with pytest.raises(wire.BrokenStream):
        wire.frame(payload)
