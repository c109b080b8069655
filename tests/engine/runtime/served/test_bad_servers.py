"""Servers that cannot be asked, keys that must not be shown, and streams that break off."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from engine import runtime
from engine.errors import EngineError
from engine.messages import GREEDY, Continue, Event, ServerEntry, Token
from engine.runtime.served.keys import key
from engine.runtime.served.link import Aborted, Link
from engine.scheduler import Wait
from engine.server.stepping import stepped
from engine.store import servers
from engine.store.store import Store
from engine.tasks import continuation
from tests.conftest import Tiny
from tests.support.bundles import quiet
from tests.support.model_server import NAME, VLLM, ModelServer, serving
from tests.support.served import connected, continued, refused, served

PAGE = "<html><body>Welcome</body></html>"


@pytest.mark.parametrize(
    ("code", "content", "body", "expected"),
    [
        (200, "text/html", PAGE, "server_odd"),
        (404, "text/html", PAGE, "server_no_route"),
        (302, "text/html", PAGE, "server_redirect"),
        (401, "application/json", "{}", "server_key"),
        (403, "text/html", PAGE, "server_key"),
        (503, "application/json", '{"error": {"message": "Loading model"}}', "server_busy"),
        (500, "application/json", '{"detail": "it broke"}', "server_refused"),
        (200, "application/json", '{"data": "none"}', "server_odd"),
        (200, "application/json", "[" * 100_000, "server_odd"),
        (200, "application/json", "", "server_odd"),
    ],
)
def test_what_is_no_server_of_models_is_named(
    code: int, content: str, body: str, expected: str, tiny: Tiny, tmp_path: Path
) -> None:
    kind = replace(VLLM, said=(code, content, body))
    with pytest.raises(EngineError) as error, served(tiny("gpt2"), kind, tmp_path):
        pass
    assert refused(error) == expected


def test_nobody_there_is_named(tiny: Tiny, tmp_path: Path) -> None:
    with serving(tiny("gpt2")) as server:
        pass
    with pytest.raises(EngineError) as error:
        connected(server, tiny("gpt2"), tmp_path)
    assert refused(error) == "server_unreachable"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://", "bad_server_url"),
        ("https://host:port/v1", "bad_server_url"),
        ("https://user:secret@host/v1", "secret_in_url"),
        ("https://host/v1?key=secret", "secret_in_url"),
        ("http://192.0.2.1/v1", "plain_http"),
        ("http://127.0.0.1.example.com/v1", "plain_http"),
    ],
)
def test_addresses_that_must_not_be_asked(url: str, expected: str) -> None:
    with pytest.raises(EngineError) as error:
        servers.check(ServerEntry(url=url, model=NAME))
    assert refused(error) == expected
    assert "secret" not in str(error.value.event).replace("secret_in_url", "")


def test_plain_http_goes_to_this_machine_or_where_it_is_allowed() -> None:
    for host in ("127.0.0.1:8000", "localhost", "[::1]:80"):
        servers.check(ServerEntry(url=f"http://{host}/v1", model=NAME))
    servers.check(ServerEntry(url="http://192.0.2.1/v1", model=NAME, plain_http=True))


def test_a_key_comes_from_a_variable_or_a_file_of_ones_own(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder, file = tiny("gpt2"), tmp_path / "key"
    file.write_text("s3cret\n")
    file.chmod(0o600)
    monkeypatch.setenv("SERVED_KEY", "s3cret")
    caplog.set_level("DEBUG")
    with serving(folder, replace(VLLM, key="s3cret")) as server:
        with pytest.raises(EngineError) as error:
            connected(server, folder, tmp_path)
        assert refused(error) == "server_key"
        for given in ({"key_variable": "SERVED_KEY"}, {"key_file": str(file)}):
            tokens, _ = continued(connected(server, folder, tmp_path, **given), max_tokens=2)
            assert len(tokens) == 2
    assert "s3cret" not in caplog.text
    kept = [path.read_bytes() for path in (tmp_path / "store").rglob("*.json")]
    assert kept and not any(b"s3cret" in each for each in kept)


def test_keys_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SERVED_KEY", raising=False)
    file = tmp_path / "key"

    def found(**given: Any) -> str:
        with pytest.raises(EngineError) as error:
            key(ServerEntry(url="https://host/v1", **given))
        return refused(error)

    assert found(key_variable="SERVED_KEY") == "no_key_variable"
    assert found(key_file=str(file)) == "no_key_file"
    file.write_text("")
    file.chmod(0o600)
    assert found(key_file=str(file)) == "empty_key_file"
    file.write_text("two\nlines")
    assert found(key_file=str(file)) == "unusable_key"
    file.write_text("s3cret")
    for mode in (0o640, 0o604, 0o620):
        file.chmod(mode)
        assert found(key_file=str(file)) == "open_key_file"
    assert found(key_file=str(tmp_path)) == "no_key_file"


@pytest.fixture
def unvouched(tiny: Tiny, tmp_path: Path) -> Iterator[ModelServer]:
    """A server whose certificate nobody vouches for."""
    own = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(own.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(own, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        own.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with serving(tiny("gpt2")) as server:
        server.http.socket = context.wrap_socket(server.http.socket, server_side=True)
        yield server


def test_a_certificate_that_does_not_fit_is_named(
    unvouched: ModelServer, tiny: Tiny, tmp_path: Path
) -> None:
    url = unvouched.root.replace("http://", "https://")
    listed = ServerEntry(url=f"{url}/v1", model=NAME, tokenizer=str(tiny("gpt2")))
    with pytest.raises(EngineError) as error:
        runtime.load(Store(tmp_path, served=[listed]).find(listed.id), quiet)
    assert refused(error) == "server_certificate"
    assert not unvouched.requests


@pytest.mark.parametrize(
    ("fails", "expected", "said"),
    [
        (None, "server_cut", ""),
        ('data: {"error": {"message": "EngineCore died", "code": 500}}', "server_refused", "died"),
        ('data: {"error": "out of memory"}', "server_refused", "out of memory"),
        ('error: {"code": 500, "message": "it broke"}', "server_refused", "it broke"),
        ("data: <html>", "server_odd", ""),
    ],
)
def test_the_part_of_a_stream_that_came_is_kept(
    fails: str | None, expected: str, said: str, tiny: Tiny, tmp_path: Path
) -> None:
    request = Continue(model="m", prompt="The city", sampling=GREEDY, max_tokens=24)
    tokens: list[Token] = []
    with (
        served(tiny("gpt2"), replace(VLLM, cut=3, fails=fails), tmp_path) as (model, _),
        pytest.raises(EngineError) as error,
    ):
        events = continuation.run(model, request, 0.0)
        tokens.extend(event for event in events if isinstance(event, Token))
    assert refused(error) == expected
    assert said in str(error.value.event.message)
    assert len(tokens) == 1 + 2 + 3  # of a stream of four


def test_a_cancel_does_not_wait_for_a_silent_server(tiny: Tiny, tmp_path: Path) -> None:
    request = Continue(model="m", prompt="The city", sampling=GREEDY, max_tokens=2)
    with served(tiny("gpt2"), VLLM, tmp_path) as (model, server):
        server.hold.clear()
        asked = len(server.requests)
        task = stepped(model, continuation.run(model, request, 0.0))
        for event in task:
            if isinstance(event, Wait):
                woken = threading.Event()
                event.subscribe(woken.set)
                while not woken.wait(0.01) and len(server.requests) == asked:
                    pass
                if not woken.is_set():
                    break  # it waits for the server, which does not answer
        task.close()
        found = list(_events(stepped(model, _echo())))  # on the same thread, which is free
        server.hold.set()
    assert found == ["free"]


def _echo() -> Generator[Event | Wait | None, None, str]:
    yield None
    return "free"


def _events(task: Generator[Event | Wait | None, None, str]) -> Iterator[str]:
    while True:
        try:
            event = next(task)
        except StopIteration as end:
            yield end.value
            return
        if isinstance(event, Wait):
            woken = threading.Event()
            event.subscribe(woken.set)
            assert woken.wait(20)


def test_an_owner_that_left_makes_no_more_requests() -> None:
    link = Link("http://127.0.0.1:9/v1", None)
    link.owner = object()
    link.abort(link.owner)
    with pytest.raises(Aborted):
        link.ask(f"{link.url}/completions", {}, dict)
