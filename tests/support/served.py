"""Models on small servers, connected as the engine does it, and what they answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from engine import runtime
from engine.errors import EngineError
from engine.messages import GREEDY, BranchDone, Continue, Sampling, ServerEntry, Token
from engine.runtime.loaded import LoadedModel
from engine.store.store import Store
from engine.tasks import continuation
from tests.support.bundles import quiet
from tests.support.model_server import NAME, Kind, ModelServer, serving

PROMPT = "The city was quiet"
CLOSE = 1e-4


@contextmanager
def served(folder: Path, kind: Kind, tmp_path: Path) -> Iterator[tuple[LoadedModel, ModelServer]]:
    """A model of a server that runs until the block ends."""
    with serving(folder, kind) as server:
        yield connected(server, folder, tmp_path), server


def entry(server: ModelServer, folder: Path, **more: Any) -> ServerEntry:
    """What the settings would say of it."""
    return ServerEntry(url=f"{server.root}/v1", model=NAME, tokenizer=str(folder), **more)


def connected(server: ModelServer, folder: Path, tmp_path: Path, **more: Any) -> LoadedModel:
    """The model of a server."""
    listed = entry(server, folder, **more)
    store = Store(tmp_path / "store", served=[listed])
    return runtime.load(store.find(listed.id), quiet)


def continued(
    model: LoadedModel, sampling: Sampling = GREEDY, prompt: str | list[int] = PROMPT, **more: Any
) -> tuple[list[Token], list[BranchDone]]:
    """The tokens that continue a prompt, and how the branches ended."""
    request = Continue(model="m", prompt=prompt, sampling=sampling, max_tokens=24, top=5)
    events = list(continuation.run(model, structs.replace(request, **more), 0.0))
    tokens = [event for event in events if isinstance(event, Token)]
    return tokens, [event for event in events if isinstance(event, BranchDone)]


def alike(ours: Sequence[Token], theirs: Sequence[Token]) -> None:
    """Compare what a server's model gave with what the same weights gave here."""
    assert [token.id for token in theirs] == [token.id for token in ours]
    for own, other in zip(ours, theirs, strict=True):
        assert other.text == own.text
        assert other.logprob == pytest.approx(own.logprob, abs=CLOSE)
        assert other.entropy is None and other.normaliser is None


def refused(error: pytest.ExceptionInfo[EngineError]) -> str:
    """The name of a refusal."""
    return str(error.value.event.message).partition(".message")[0]
