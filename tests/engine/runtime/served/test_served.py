"""Models on servers of every kind, against the same weights run here."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.messages import (
    Fill,
    FillResult,
    Find,
    Found,
    Match,
    NBest,
    NBestResult,
    PmiResult,
    Sampling,
    Score,
    ScoreTexts,
    TextScore,
)
from engine.runtime.loaded import LoadedModel
from engine.tasks import continuity, finding, masking, nbest, text_scoring
from tests.conftest import Tiny
from tests.support.bundles import load
from tests.support.model_server import LLAMA_SERVER, SGLANG, VLLM
from tests.support.served import CLOSE, PROMPT, alike, continued, served

READING = {"vllm": VLLM, "sglang": SGLANG}
KINDS = {**READING, "llama-server": LLAMA_SERVER}


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_and_its_figures_are_those_of_the_same_weights_here(
    kind: str, tiny: Tiny, tmp_path: Path
) -> None:
    folder = tiny("gpt2")
    ours, ends = continued(load(folder))
    with served(folder, KINDS[kind], tmp_path) as (model, _):
        theirs, their_ends = continued(model)
        assert model.listing is not None
        ranked = model.listing.ranked
    alike(ours, theirs)
    assert their_ends == ends
    for own, other in zip(ours, theirs, strict=True):
        assert other.rank == (own.rank if ranked else None)
        if ranked:
            assert [each.id for each in other.top] == [each.id for each in own.top]
            found = [each.logprob for each in other.top]
            assert found == pytest.approx([each.logprob for each in own.top], abs=CLOSE)


@pytest.mark.parametrize("kind", ["vllm", "llama-server"])
def test_a_seed_draws_what_it_draws_here_among_the_listed(
    kind: str, tiny: Tiny, tmp_path: Path
) -> None:
    folder = tiny("gpt2")
    sampling = Sampling(temperature=0.9, top_k=20, top_p=0.9, seed=3)
    ours, _ = continued(load(folder), sampling, branches=3)
    with served(folder, KINDS[kind], tmp_path) as (model, _):
        theirs, _ = continued(model, sampling, branches=3)
    alike(ours, theirs)
    drawn = [token.sampled_logprob for token in theirs]
    assert drawn == pytest.approx([token.sampled_logprob for token in ours], abs=CLOSE)


def test_what_the_server_draws_is_used_while_it_is_what_is_drawn_here(
    tiny: Tiny, tmp_path: Path
) -> None:
    with served(tiny("gpt2"), VLLM, tmp_path) as (model, server):
        server.requests.clear()
        tokens, _ = continued(model)
        asked = [body["max_tokens"] for body in server.asked("/v1/completions")]
    assert len(tokens) == 24
    assert asked == [1, 2, 4, 8, 16]


@pytest.mark.parametrize("kind", READING)
def test_texts_are_scored_as_here(kind: str, tiny: Tiny, tmp_path: Path) -> None:
    folder = tiny("gpt2")
    texts = ["I played baseball with my friends.", "a", "東京の夜は明るい。"]
    request = ScoreTexts(model="m", texts=texts)
    ours = scores(load(folder), request)
    with served(folder, READING[kind], tmp_path) as (model, _):
        theirs = scores(model, request)
    for own, other in zip(ours, theirs, strict=True):
        assert [token.id for token in other.tokens] == [token.id for token in own.tokens]
        found = [token.logprob for token in other.tokens]
        assert found == pytest.approx([token.logprob for token in own.tokens], abs=CLOSE)
        assert all(token.entropy is None for token in other.tokens)
    ranks = [
        (t.rank, u.rank)
        for own, other in zip(ours, theirs, strict=True)
        for t, u in zip(own.tokens, other.tokens, strict=True)
    ]
    if kind == "vllm":
        assert all(rank == (own if own is not None and own <= 20 else None) for own, rank in ranks)


def scores(model: LoadedModel, request: ScoreTexts) -> list[TextScore]:
    events = list(text_scoring.run(model, request, 0.0))
    found = [event for event in events if isinstance(event, TextScore)]
    return sorted(found, key=lambda score: score.index)


def test_a_text_is_read_as_here(tiny: Tiny, tmp_path: Path) -> None:
    folder = tiny("gpt2")
    text = "What is baseball? It is a game."
    ours, _ = continued(load(folder), prompt="", begin=text, max_tokens=0)
    with served(folder, VLLM, tmp_path) as (model, _):
        theirs, _ = continued(model, prompt="", begin=text, max_tokens=0)
        alike(ours, theirs)


def test_a_pair_is_scored_and_a_word_filled_as_here(tiny: Tiny, tmp_path: Path) -> None:
    folder = tiny("gpt2")
    pair = Score(model="m", a="What is baseball?", b="It is a game.", cosine=True)
    fill = Fill(model="m", text="I played [MASK] at school.", words=["baseball", "with"])
    (ours,) = results(load(folder), pair)
    here = filled(load(folder), fill)
    with served(folder, VLLM, tmp_path) as (model, _):
        (theirs,) = results(model, pair)
        there = filled(model, fill)
    assert theirs.bits == pytest.approx(ours.bits, abs=1e-3)
    # Fewer candidates are tried, so that only ratios are equal.
    one, other = ([word.logprob for word in each.masks[0].words] for each in (here, there))
    assert None not in (*one, *other)
    assert other[0] - other[1] == pytest.approx(one[0] - one[1], abs=1e-3)  # type: ignore[operator]


def results(model: LoadedModel, request: Score) -> list[PmiResult]:
    return [each for each in continuity.score_pair(model, request) if isinstance(each, PmiResult)]


def filled(model: LoadedModel, request: Fill) -> FillResult:
    (found,) = [e for e in masking.run(model, request, 0.0) if isinstance(e, FillResult)]
    return found


def test_the_likeliest_texts_are_those_found_here(tiny: Tiny, tmp_path: Path) -> None:
    folder = tiny("gpt2")
    request = NBest(model="m", prompt=PROMPT, n=5, max_tokens=1)
    ours = best(load(folder), request)
    with served(folder, VLLM, tmp_path) as (model, _):
        theirs = best(model, request)
        many = best(model, NBest(model="m", prompt=PROMPT, n=30, max_tokens=1))
    assert theirs.complete
    assert [path.ids for path in theirs.paths] == [path.ids for path in ours.paths]
    assert not many.complete and len(many.paths) == 20  # beyond them none is the next for certain


def best(model: LoadedModel, request: NBest) -> NBestResult:
    (found,) = [e for e in nbest.run(model, request, 0.0) if isinstance(e, NBestResult)]
    return found


def test_a_token_that_is_not_listed_is_scored_by_itself(tiny: Tiny, tmp_path: Path) -> None:
    folder = tiny("gpt2")
    local = load(folder)
    ids = [piece.id for piece in local.tokenizer.prompt(PROMPT)]
    listed = {each.id for each in continued(local)[0][0].top}
    word = next(
        text
        for number, text in enumerate(local.texts)
        if text.strip().isalpha() and text.isascii() and number not in listed
    )
    request = Find(model="m", ids=ids, query=word)
    with served(folder, VLLM, tmp_path) as (model, _):
        theirs = {tuple(match.ids): match.logprob for match in found(model, request)}
    ours = {tuple(match.ids): match.logprob for match in found(local, request)}
    assert theirs
    for one, logprob in theirs.items():
        assert logprob == pytest.approx(ours[one], abs=CLOSE)


def found(model: LoadedModel, request: Find) -> list[Match]:
    (answer,) = [e for e in finding.run(model, request, 0.0) if isinstance(e, Found)]
    return list(answer.matches)
