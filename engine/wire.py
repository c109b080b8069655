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

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises: the second for a string that is not UTF-8, the last for deep nesting."""


class BrokenStream(Exception):
    """The bytes on the pipe are not frames, or a frame does not contain a message."""


class Unsendable(Exception):
    """A message that cannot be encoded; names the field that is the reason."""


class Readable(Protocol):
    """A blocking byte source, such as a pipe opened in binary mode."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, fewer only at the end of input."""


def encode(request_id: int, body: Request | Event) -> bytes:
    """Encode a message as a frame.

    Raises:
        Unsendable: as for `pack` and `framed`.
    """
    return framed(request_id, pack(body))


def pack(body: Request | Event) -> bytes:
    """Encode a message.

    Raises:
        Unsendable: it contains text that is not valid Unicode or a number of more than 64 bits.
    """
    try:
        return _encoder.encode(body)
    except (UnicodeEncodeError, OverflowError) as error:
        raise Unsendable(_fault(body)) from error


def framed(request_id: int, packed: bytes) -> bytes:
    """Put an encoded message into a frame.

    Raises:
        Unsendable: it is longer than `LIMIT`.
    """
    payload = _encoder.encode(Frame(request_id, msgspec.Raw(packed)))
    if len(payload) > LIMIT:
        raise Unsendable(f"it is longer than {LIMIT >> 20} MB")
    return LENGTH.pack(len(payload)) + payload


def _fault(body: Request | Event) -> str:
    for name in body.__struct_fields__:
        try:
            _encoder.encode(getattr(body, name))
        except UnicodeEncodeError:
            return f"there is text in {name} that is not Unicode"
        except OverflowError:
            return f"there is a number in {name} that is too large"
    raise AssertionError("the fields are all there is to a message")


def length(header: bytes) -> int:
    """The length given in a frame's header.

    Raises:
        BrokenStream: it exceeds `LIMIT`; the peer does not speak this protocol.
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
    except _UNREADABLE as error:
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
    """Decode and validate a request's body.

    Raises:
        BrokenStream: it is not a request.
    """
    try:
        decoded: Request = _requests.decode(body)
    except _UNREADABLE as error:
        raise BrokenStream(str(error)) from error
    return decoded


def event(body: msgspec.Raw) -> Event:
    """Decode and validate an event's body.

    Raises:
        BrokenStream: it is not an event.
    """
    try:
        decoded: Event = _events.decode(body)
    except _UNREADABLE as error:
        raise BrokenStream(str(error)) from error
    return decoded
