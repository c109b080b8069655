"""Pulls and conversions through the worker, from a hub on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from engine.messages import (
    GREEDY,
    Cancel,
    Configure,
    Continue,
    Done,
    Error,
    ListModels,
    Load,
    ModelInfo,
    Models,
    ModelState,
    Pull,
    Remove,
    Token,
    Tokenize,
    Tokens,
)
from tests.conftest import Tiny
from tests.support import pulls, tiny_gguf
from tests.support.hub_server import Hub, Repo, serve
from tests.support.processes import Peer, configured
from tui.strings import worded

pytestmark = pytest.mark.slow

MODEL = "someone/small"
WEIGHTS = "model.safetensors"


@pytest.fixture
def hub(tiny: Tiny) -> Iterator[Hub]:
    with serve({MODEL: Repo.of(tiny("gpt2"))}) as hub:
        yield hub


@pytest.fixture
def peer(tmp_path: Path, hub: Hub) -> Iterator[Peer]:
    configure = Configure(store=str(tmp_path / "store"), threads=1)
    environ = pulls.environment(tmp_path, HF_ENDPOINT=hub.url, HF_TOKEN="hf_secret")
    with configured(tmp_path / "log", configure, environ) as peer:
        yield peer


def shown(peer: Peer, model: str) -> ModelInfo | None:
    (models,) = peer.ask(ListModels())
    assert isinstance(models, Models)
    return next((info for info in models.models if info.id == model), None)


def states(peer: Peer, model: str) -> list[str]:
    """The sequence of states that were broadcast."""
    found: list[str] = []
    for _, event in peer.received:
        if isinstance(event, ModelState) and event.model == model and event.state not in found[-1:]:
            found.append(event.state)
    return found


def test_a_model_is_pulled_used_and_removed(peer: Peer) -> None:
    (error,) = peer.ask(Load(MODEL))
    assert isinstance(error, Error)
    assert error.kind == "absent_model"

    assert peer.ask(Pull(MODEL)) == [Done()]
    info = shown(peer, MODEL)
    assert info is not None
    assert (info.state, info.roles) == ("on_disk", ["continue", "fill", "score"])
    assert isinstance(peer.ask(Tokenize(model=MODEL, text="a"))[0], Tokens)
    events = peer.ask(Continue(model=MODEL, prompt="a", sampling=GREEDY, max_tokens=2))
    assert isinstance(events[-1], Done)

    assert peer.ask(Remove(MODEL)) == [Done()]
    assert shown(peer, MODEL) is None
    assert states(peer, MODEL) == ["pulling", "on_disk", "loading", "ready", "on_disk", "absent"]


def test_a_pull_is_cancelled_by_killing_it_and_can_be_asked_again(peer: Peer, hub: Hub) -> None:
    hub.hold[WEIGHTS] = 20_000
    pulling = peer.send(Pull(MODEL))
    assert hub.held.wait(60)
    (error,) = peer.ask(Remove(MODEL))
    assert isinstance(error, Error)
    assert error.kind == "unable"
    peer.send(Cancel(pulling))
    assert peer.rest_of(pulling) == [Done(finish="cancelled")]
    peer.until(ModelState(model=MODEL, state="absent", cause="asked"))
    assert shown(peer, MODEL) is None
    hub.hold.clear()
    hub.go.set()
    assert peer.ask(Pull(MODEL)) == [Done()]


def test_a_failed_pull_is_an_error_and_a_state(peer: Peer) -> None:
    (error,) = peer.ask(Pull("gpt2"))
    assert isinstance(error, Error)
    info = shown(peer, "gpt2")
    assert info is not None
    assert (info.state, worded(info.reason)) == ("failed", worded(error.message))


def test_the_log_holds_no_token(peer: Peer, hub: Hub, tmp_path: Path) -> None:
    hub.lie[WEIGHTS] = b"no weights"
    for model in (MODEL, "no/body"):
        assert isinstance(peer.ask(Pull(model))[-1], Error)
    assert "Bearer hf_secret" in [each.authorization for each in hub.asked]
    assert "hf_secret" not in (tmp_path / "log").read_text("utf-8", "replace")


def test_the_end_of_the_front_ends_a_pull_too(peer: Peer, hub: Hub, tmp_path: Path) -> None:
    hub.hold[WEIGHTS] = 20_000
    peer.send(Pull(MODEL))
    assert hub.held.wait(60)
    peer.stdin.close()
    assert peer.ended() == 0
    (lock,) = (tmp_path / "store" / ".locks").iterdir()
    with FileLock(lock, timeout=60):  # its holder is gone
        pass


def test_a_gguf_file_is_converted_when_it_is_first_used(peer: Peer, tmp_path: Path) -> None:
    file = tiny_gguf.write(tmp_path / "tiny.gguf")
    request = Continue(model=str(file), prompt="hello", sampling=GREEDY, max_tokens=3)
    events = peer.ask(request)
    assert sum(isinstance(event, Token) for event in events) == 3
    assert states(peer, str(file)) == ["converting", "on_disk", "loading", "ready"]
    peer.ask(request)
    assert states(peer, str(file)) == ["converting", "on_disk", "loading", "ready"]
