"""Ollama, which gives neither ids nor figures of every token."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.messages import Sampling, ScoreTexts
from engine.store import servers
from engine.tasks import text_scoring
from tests.conftest import Tiny
from tests.support.bundles import load
from tests.support.model_server import NAME, OLLAMA
from tests.support.served import CLOSE, alike, by_letters, continued, refused, served


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return by_letters(tmp_path / "letters")


@pytest.mark.parametrize("sampling", [Sampling(temperature=0), Sampling(top_k=10, seed=2)])
def test_a_text_and_its_figures_are_those_of_the_same_weights_here(
    sampling: Sampling, folder: Path, tmp_path: Path
) -> None:
    ours, ends = continued(load(folder), sampling, branches=2)
    with served(folder, OLLAMA, tmp_path) as (model, server):
        theirs, their_ends = continued(model, sampling, branches=2)
        asked = server.asked("/api/generate")
    alike(ours, theirs)
    assert their_ends == ends
    for own, other in zip(ours, theirs, strict=True):
        assert [each.id for each in other.top] == [each.id for each in own.top]
        found = [each.logprob for each in other.top]
        assert found == pytest.approx([each.logprob for each in own.top], abs=CLOSE)
        assert other.rank is None
    # Neither a template nor the model's own sampling has any part in it.
    assert [body for body in asked if not body["raw"]] == [asked[3]]  # which compares tokens
    for name in ("temperature", "top_p", "top_k", "min_p", "typical_p", "repeat_penalty", "stop"):
        assert all(name in body["options"] for body in asked), name


def test_what_it_draws_is_used_while_it_is_what_is_drawn_here(folder: Path, tmp_path: Path) -> None:
    with served(folder, OLLAMA, tmp_path) as (model, server):
        server.requests.clear()
        tokens, _ = continued(model)
        asked = [body["options"]["num_predict"] for body in server.asked("/api/generate")]
    assert len(tokens) == 24
    assert asked == [1, 2, 4, 8, 8, 8]


def test_an_end_has_the_figure_that_other_draws_report(tmp_path: Path) -> None:
    folder = by_letters(tmp_path / "letters", end=2.5)
    ours, ends = continued(load(folder))
    assert ends[0].finish == "eos"
    with served(folder, OLLAMA, tmp_path) as (model, _):
        theirs, their_ends = continued(model)
    alike(ours, theirs)
    assert their_ends == ends


def test_what_it_cannot_give_is_said(folder: Path, tmp_path: Path) -> None:
    with served(folder, OLLAMA, tmp_path) as (model, server):
        found = servers.known(tmp_path / "store", server.model)
        with pytest.raises(EngineError) as score:
            list(text_scoring.run(model, ScoreTexts(model="m", texts=["a text"]), 0.0))
    assert refused(score) == "server_no_prompt"
    assert (found.roles, found.context) == (["continue"], 96)
    assert [str(each).partition(" ")[0] for each in found.unable] == [
        "server.listed",
        "server.no_states",
        "server.no_prompt",
        "server.texts",
        "server.no_ids",
    ]


@pytest.mark.parametrize("prompt", ["羽田空港に到着、東京の", "😀 and more 😀 and"])
def test_a_part_of_a_character_is_refused(prompt: str, tiny: Tiny, tmp_path: Path) -> None:
    with (
        served(tiny("gpt2"), OLLAMA, tmp_path) as (model, _),
        pytest.raises(EngineError) as error,
    ):
        continued(model, prompt=prompt)
    assert refused(error) in ("server_no_parts", "server_hidden", "server_cuts_otherwise")


def test_a_text_that_it_cuts_otherwise_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    with served(tiny("gpt2"), OLLAMA, tmp_path) as (model, server):
        apart = [piece.id for text in ("Th", "e") for piece in model.tokenizer.encode(text)]
        with pytest.raises(EngineError) as here:
            continued(model, prompt=apart, max_tokens=1)
        server.kind = replace(OLLAMA, start=True)
        with pytest.raises(EngineError) as there:
            continued(model, max_tokens=1)
    assert refused(here) == refused(there) == "server_cuts_otherwise"


def test_what_it_would_cut_otherwise_goes_on_where_it_draws_the_same_again(tmp_path: Path) -> None:
    folder = by_letters(tmp_path / "letters", pair='"(')
    ours, _ = continued(load(folder))
    assert '"(' in "".join(token.text for token in ours)
    with served(folder, OLLAMA, tmp_path) as (model, server):
        theirs, _ = continued(model)
        asked = [body["options"]["num_predict"] for body in server.asked("/api/generate")]
    alike(ours, theirs)
    assert max(asked) > 16  # some were drawn again


def test_a_start_token_that_it_adds_by_itself_is_counted_once(folder: Path, tmp_path: Path) -> None:
    local = load(folder)
    assert local.tokenizer.start is not None
    ids = [local.tokenizer.start, *(piece.id for piece in local.tokenizer.encode("The city"))]
    ours, _ = continued(local, prompt=ids)
    with served(folder, replace(OLLAMA, start=True), tmp_path) as (model, server):
        theirs, _ = continued(model, prompt=ids)
        assert server.asked("/api/generate")[4]["prompt"] == "The city"
        with pytest.raises(EngineError) as error:
            continued(model, prompt=ids[:1])
    alike(ours, theirs)
    assert refused(error) == "server_no_empty"


def test_speculation_does_not_spoil_figures(folder: Path, tmp_path: Path) -> None:
    ours, _ = continued(load(folder))
    with served(folder, replace(OLLAMA, speculates=True), tmp_path) as (model, _):
        theirs, _ = continued(model)
    alike(ours, theirs)


def test_what_cannot_be_vouched_for_is_refused(folder: Path, tmp_path: Path) -> None:
    kinds = {
        "server_other_tokens": replace(OLLAMA, shift_ids=1),
        "server_no_figures": replace(OLLAMA, logprobs=False),
    }
    for name, kind in kinds.items():
        with pytest.raises(EngineError) as error, served(folder, kind, tmp_path):
            pass
        assert refused(error) == name


def test_a_model_that_was_removed_is_named(folder: Path, tmp_path: Path) -> None:
    with served(folder, OLLAMA, tmp_path) as (model, server):
        server.kind = replace(
            OLLAMA, said=(404, "application/json", f'{{"error": "model \'{NAME}\' not found"}}')
        )
        with pytest.raises(EngineError) as error:
            continued(model)
    assert str(error.value.event.message).startswith("server_refused.message")
    assert f"model '{NAME}' not found" in str(error.value.event.message)
