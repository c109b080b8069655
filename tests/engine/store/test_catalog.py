from __future__ import annotations

import msgspec
import pytest

from engine.store import catalog
from engine.store.catalog import Bundled, Entry, Hub
from engine.store.checkpoint import read
from engine.store.store import STARTER

WANTED = {
    "starter-ja",
    "starter-en",
    "smollm2-135m-instruct",
    "rinna-japanese-gpt2-xsmall",
    "bert-base-uncased",
    "gpt2",
    "distilgpt2",
    "albert-base-v2",
}


def test_every_model_that_was_promised_is_there_once() -> None:
    ids = [entry.id for entry in catalog.load()]
    assert set(ids) >= WANTED
    assert len(ids) == len(set(ids))


def test_there_is_a_japanese_masked_model_on_the_hub() -> None:
    assert any(
        entry.source == "hub" and "masked" in entry.heads and "ja" in entry.languages
        for entry in catalog.load()
    )


def test_every_hub_model_is_pinned() -> None:
    hubs = [entry.origin for entry in catalog.load() if isinstance(entry.origin, Hub)]
    assert hubs
    assert all(origin.revision for origin in hubs)


@pytest.mark.parametrize("entry", [e for e in catalog.load() if e.source == "bundled"])
def test_the_catalogue_agrees_with_the_files_of_a_bundled_model(entry: Entry) -> None:
    assert isinstance(entry.origin, Bundled)
    found = read(STARTER / entry.origin.folder)
    assert set(entry.heads) == found.heads
    assert entry.bytes == found.weight_bytes
    assert entry.context == found.context
    assert entry.memory == pytest.approx(found.memory, rel=0.05)


@pytest.mark.parametrize(
    ("broken", "place"),
    [
        ("id: ../gpt2", "id"),
        ("id: gpt2\nheads: [speaking]", "heads"),
        ("id: gpt2\nsize: 3", "size"),
        ("id: gpt2\norigin: {source: hub, repo: a/b, revision: main}", "revision"),
        ("id: gpt2\norigin: {source: hub, repo: ../b, revision: null}", "repo"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_place(broken: str, place: str) -> None:
    whole = {
        "title": "T",
        "heads": ["causal"],
        "languages": ["en"],
        "bytes": 1,
        "memory": 1,
        "licence": "MIT",
        "origin": {"source": "bundled", "folder": "x"},
    }
    entry = {**whole, **msgspec.yaml.decode(broken)}
    with pytest.raises(msgspec.ValidationError, match=place):
        msgspec.convert(entry, Entry)
