"""Requests to one server, answered on the thread that asks.

The connections live in an event loop of their own, so that `abort` can end a request from another
thread at once: a connection that is closed is also what stops the server's work.
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import ssl
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2 as httpx
import msgspec

from engine.errors import EngineError, refusal
from engine.json_files import reason
from engine.messages import Words
from engine.store.servers import is_loopback

T = TypeVar("T")

AT_ONCE = 8
"""Requests that are under way together; a server reads them in one batch."""
LARGEST = 256 * 1024 * 1024
"""Bytes of the largest answer that is read."""
SAID = 200
"""Characters that are shown of what a server says is wrong."""
TIMEOUT = httpx.Timeout(connect=10.0, read=300.0, write=60.0, pool=None)
"""A large model reads a long prompt for minutes before it says anything."""

logging.getLogger("httpx2").setLevel(logging.WARNING)  # else it logs every request


class Refused(Exception):
    """The server answered with an error that may be about how it was asked."""

    def __init__(self, status: int, said: str) -> None:
        self.status = status
        self.said = said
        super().__init__(f"{status}: {said}")


class Aborted(Exception):
    """Nobody waits for this answer any more."""


class Link:
    """The connections to one server."""

    def __init__(self, url: str, key: str | None, timeout: httpx.Timeout = TIMEOUT) -> None:
        """Connect to nothing yet."""
        self.url = url.rstrip("/")
        parts = urlsplit(self.url)
        self.root = f"{parts.scheme}://{parts.netloc}"
        self.host = parts.netloc
        headers = {"Accept": "application/json"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        # A proxy could not reach this machine as we do. Redirects would take the key elsewhere.
        self._client = httpx.AsyncClient(
            headers=headers,
            timeout=timeout,
            follow_redirects=False,
            trust_env=not is_loopback(parts.hostname or ""),
        )
        self.owner: object = None
        """On whose behalf requests are made now; set by the thread that makes them."""
        self._lock = threading.Lock()
        self._waiting: dict[Future[Any], object] = {}
        self._aborted: object = None

    def get(self, url: str, kind: type[T]) -> T:
        """What is at an address.

        Raises:
            EngineError, Refused, Aborted: as `ask`.
        """
        return self._result(self._fetch("GET", url, None, kind))

    def ask(self, url: str, body: object, kind: type[T]) -> T:
        """The answer to one request, as a value of this type.

        Raises:
            EngineError: ``network`` if there is none, or if it is none of a server of models;
                ``unable`` if the key is wrong.
            Refused: the server answered with an error.
            Aborted: `abort` was called.
        """
        return self._result(self._fetch("POST", url, body, kind))

    def ask_all(self, url: str, bodies: Sequence[object], kind: type[T]) -> Iterator[tuple[int, T]]:
        """The answers to many requests as they come, with the number of each; raises as `ask`."""
        todo = list(enumerate(bodies))[::-1]
        running: dict[Future[T], int] = {}
        done = threading.Semaphore(0)
        try:
            while todo or running:
                while todo and len(running) < AT_ONCE:
                    number, body = todo.pop()
                    future = self._start(self._fetch("POST", url, body, kind))
                    running[future] = number
                    future.add_done_callback(lambda _: done.release())
                done.acquire()
                ready = next(future for future in running if future.done())
                number = running.pop(ready)
                yield number, self._settled(ready)
        finally:
            for future in running:
                future.cancel()

    def stream(self, url: str, body: object, kind: type[T]) -> Iterator[T]:
        """The parts of a streamed answer as they come; closing it stops the server's work.

        Raises:
            EngineError, Refused, Aborted: as `ask`; ``network`` too if it is cut off.
        """
        parts = self._parts(url, body, kind)
        try:
            while (part := self._result(_following(parts))) is not None:
                yield part
        finally:
            asyncio.run_coroutine_threadsafe(_closed(parts), _loop())

    def abort(self, owner: object) -> None:
        """End the requests of one owner, and let none of its others begin; from any thread."""
        with self._lock:
            self._aborted = owner
            theirs = [future for future, whose in self._waiting.items() if whose is owner]
        for future in theirs:
            future.cancel()

    # ------------------------------------------------------------------ on the asking thread

    def _start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        with self._lock:
            if self.owner is not None and self.owner is self._aborted:
                work.close()
                raise Aborted
            future = asyncio.run_coroutine_threadsafe(work, _loop())
            self._waiting[future] = self.owner
        future.add_done_callback(self._finished)
        return future

    def _finished(self, future: Future[Any]) -> None:
        with self._lock:
            self._waiting.pop(future, None)

    def _result(self, work: Coroutine[Any, Any, T]) -> T:
        return self._settled(self._start(work))

    def _settled(self, future: Future[T]) -> T:
        try:
            return future.result()
        except CancelledError:
            raise Aborted from None
        except httpx.HTTPError as error:
            raise self._failed(error) from error
        except httpx.InvalidURL as error:
            raise refusal("bad_request", "bad_server_url", url=self.url) from error

    def _failed(self, error: httpx.HTTPError) -> EngineError:
        """The error to show for one of the transport."""
        for cause in _causes(error):
            if isinstance(cause, ssl.SSLCertVerificationError):
                why = _cut(cause.verify_message)
                return refusal("network", "server_certificate", server=self.host, why=why)
        match error:
            case httpx.ConnectTimeout():
                return refusal("network", "server_no_connection", server=self.host)
            case httpx.TimeoutException():
                return refusal("network", "server_silent", server=self.host)
            case httpx.ConnectError() | httpx.ProxyError() | httpx.UnsupportedProtocol():
                said = _system_reason(error)
                return refusal("network", "server_unreachable", server=self.host, why=said)
            case _:
                return refusal("network", "server_cut", server=self.host)

    # ------------------------------------------------------------------- in the event loop

    async def _fetch(self, method: str, url: str, body: object, kind: type[T]) -> T:
        content = None if body is None else json.dumps(body).encode()
        async with self._client.stream(method, url, content=content, headers=_JSON) as response:
            return self._decoded(await self._read(response), kind)

    async def _read(self, response: httpx.Response) -> bytes:
        """The whole of a good answer."""
        found = bytearray()
        async for some in response.aiter_bytes():
            found += some
            if len(found) > LARGEST:
                raise self._odd()
        if response.status_code != httpx.codes.OK:
            raise self._error(response, bytes(found))
        return bytes(found)

    async def _parts(self, url: str, body: object, kind: type[T]) -> AsyncIterator[T]:
        content = json.dumps(body).encode()
        async with self._client.stream("POST", url, content=content, headers=_JSON) as response:
            if response.status_code != httpx.codes.OK:
                await self._read(response)
            if "event-stream" not in response.headers.get("content-type", ""):
                raise self._odd()
            async for line in response.aiter_lines():
                name, _, value = line.partition(":")
                value = value.strip()
                if name == "data" and value == "[DONE]":
                    return
                if name == "error" and value:
                    raise Refused(httpx.codes.OK, _said(value.encode()))
                if name == "data" and value:
                    yield self._decoded(value.encode(), kind)

    def _error(self, response: httpx.Response, found: bytes) -> EngineError | Refused:
        code = response.status_code
        if code in (401, 403):
            return refusal("unable", "server_key", server=self.host)
        if 300 <= code < 400:
            place = response.headers.get("location", "?")
            return refusal("network", "server_redirect", server=self.host, place=_cut(place))
        if code in (429, 502, 503, 504):
            return refusal("network", "server_busy", server=self.host, code=code)
        return Refused(code, _said(found))

    def _decoded(self, found: bytes, kind: type[T]) -> T:
        try:
            failed = msgspec.json.decode(found, type=_Failed)
            if failed.error is not None:
                raise Refused(httpx.codes.OK, _said(found))
            return msgspec.json.decode(found, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._odd() from error

    def _odd(self) -> EngineError:
        return refusal("network", "server_odd", url=self.url)


class _Failed(msgspec.Struct):
    error: object = None


_JSON = {"Content-Type": "application/json"}


def refused(link: Link, error: Refused) -> EngineError:
    """The error to show for a server's own."""
    # It may be the model that is not found, which the server then says.
    if error.status == httpx.codes.NOT_FOUND and "model" not in error.said.lower():
        return refusal("network", "server_no_route", url=link.url)
    return refusal("unable", "server_refused", server=link.host, said=error.said or error.status)


async def _following(parts: AsyncIterator[T]) -> T | None:
    return await anext(parts, None)


async def _closed(parts: Any) -> None:
    await parts.aclose()


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="servers", daemon=True).start()
    return loop


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and all those that led to it."""
    yield error
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _causes(each)
    cause = error.__cause__ or error.__context__
    if cause is not None:
        yield from _causes(cause)


def _system_reason(error: Exception) -> Words:
    """What the system said, which the client's own words may leave out."""
    for cause in _causes(error):
        if isinstance(cause, OSError) and (cause.errno or 0) in errno.errorcode:
            return reason(OSError(cause.errno, os.strerror(cause.errno or 0)))
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    return _line(error)


def _line(error: Exception) -> str:
    return _cut(str(error) or type(error).__name__)


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SAID else line[: SAID - 1] + "…"


def _said(found: bytes) -> str:
    """What an error says, in whichever of the usual places."""
    try:
        value = msgspec.json.decode(found)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    for name in ("error", "detail", "message", "msg"):
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, dict):
            value = value.get(name, value)
    return _cut(value if isinstance(value, str) else "")
