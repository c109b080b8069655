"""Framing of messages on a byte stream: four bytes of length (big-endian), then msgpack."""

from __future__ import annotations

import struct
from typing import Protocol

import msgspec

from engine.messages import Event, Frame, Request

LENGTH = struct.Struct(">I")
LIMIT = 256 * 1024 * 1024
"""A longer frame is a broken stream, not a message."""

_encoder = msgspec.msgpack.Encoder()
_frames = msgspec.msgpack.Decoder(Frame)
_requests = msgspec.msgpack.Decoder(Request)
_events = msgspec.msgpack.Decoder(Event)


class BrokenStream(Exception):
    """The bytes on the pipe are not frames."""


class Readable(Protocol):
    """A blocking byte source, such as a pipe opened in binary mode."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, fewer only at the end of input."""


def encode(request_id: int, body: Request | Event) -> bytes:
    """One message as bytes ready to be written."""
    payload = _encoder.encode(Frame(request_id, msgspec.Raw(_encoder.encode(body))))
    return LENGTH.pack(len(payload)) + payload


def length(header: bytes) -> int:
    """The length that a frame's header announces.

    Raises:
        BrokenStream: it is beyond `LIMIT`; the peer is not speaking this protocol.
    """
    (size,) = LENGTH.unpack(header)
    if size > LIMIT:
        raise BrokenStream(f"a frame of {size} bytes")
    return int(size)


def frame(payload: bytes) -> Frame:
    """Decode a frame, leaving its body raw.

    Raises:
        BrokenStream: the payload is not a frame.
    """
    try:
        return _frames.decode(payload)
    except (msgspec.DecodeError, RecursionError) as error:  # the latter where it is nested deeply
        raise BrokenStream(str(error)) from error


def read_frame(stream: Readable) -> Frame | None:
    """Read one frame from a blocking stream; None at the end of input.

    Raises:
        BrokenStream: the bytes are not a frame, or end inside one.
    """
    header = stream.read(LENGTH.size)
    if not header:
        return None
    if len(header) < LENGTH.size:
        raise BrokenStream("input ended inside a header")
    size = length(header)
    payload = stream.read(size)
    if len(payload) < size:
        raise BrokenStream("input ended inside a frame")
    return frame(payload)


def request(body: msgspec.Raw) -> Request:
    """Decode and validate a request's body (raises msgspec.ValidationError or DecodeError)."""
    decoded: Request = _requests.decode(body)
    return decoded


def event(body: msgspec.Raw) -> Event:
    """Decode and validate an event's body (raises msgspec.ValidationError or DecodeError)."""
    decoded: Event = _events.decode(body)
    return decoded
