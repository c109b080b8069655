"""What servers do that would spoil figures, each with a server that does exactly that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.messages import Sampling, ScorePairs, ScoreTexts, TextScore, Trace
from engine.runtime.loaded import LoadedModel
from engine.tasks import continuity, text_scoring, tracing
from tests.conftest import Tiny
from tests.support.bundles import load
from tests.support.model_server import LLAMA_CPP_PYTHON, LLAMA_SERVER, SGLANG, VLLM, Kind
from tests.support.served import PROMPT, alike, continued, refused, served

CONFIGURED = {"temperature": 0.3, "top_k": 3, "repetition_penalty": 1.5}
"""What a model's own generation_config may hold."""


@pytest.mark.parametrize("kind", [VLLM, SGLANG], ids=["vllm", "sglang"])
def test_the_models_own_generation_config_changes_nothing(
    kind: Kind, tiny: Tiny, tmp_path: Path
) -> None:
    folder = tiny("gpt2")
    ours, _ = continued(load(folder))
    with served(folder, replace(kind, defaults=CONFIGURED), tmp_path) as (model, server):
        theirs, _ = continued(model)
        asked = server.asked("/v1/completions")
    alike(ours, theirs)
    for name in ("temperature", "top_p", "top_k", "min_p", "repetition_penalty"):
        assert all(name in body for body in asked), name


def test_the_settings_of_a_draw_stay_here_so_that_figures_are_those_at_temperature_1(
    tiny: Tiny, tmp_path: Path
) -> None:
    folder = tiny("gpt2")
    sampling = Sampling(temperature=0.5, top_k=5, top_p=1.0, seed=1)
    ours, _ = continued(load(folder), sampling)
    with served(folder, replace(VLLM, warm=True), tmp_path) as (model, server):
        theirs, _ = continued(model, sampling)
        assert {body["temperature"] for body in server.asked("/v1/completions")} == {1.0}
    alike(ours, theirs)


def test_ids_are_asked_for_so_that_tokens_of_one_text_stay_apart(
    tiny: Tiny, tmp_path: Path
) -> None:
    folder = tiny("gpt2")
    texts = load(folder).texts
    shared = {text for text in texts if texts.count(text) > 1}
    assert shared
    with served(folder, VLLM, tmp_path) as (model, _):
        tokens, _ = continued(model, top=20)
    for token in tokens:
        assert len({each.id for each in token.top}) == 20
    assert any(each.text in shared for token in tokens for each in token.top)


def test_texts_that_fit_several_tokens_are_no_alternatives(tiny: Tiny, tmp_path: Path) -> None:
    folder = tiny("gpt2")
    local = load(folder)
    whole = [text.replace("\ufffd", "") for text in local.texts]
    halves = {n for n, text in enumerate(whole) if whole.count(text) > 1}
    with served(folder, SGLANG, tmp_path) as (model, _):
        theirs, _ = continued(model, top=100, max_tokens=8)
    ours, _ = continued(local, top=100, max_tokens=8)
    alike(ours, theirs)
    for own, other in zip(ours, theirs, strict=True):
        known = {each.id: each.logprob for each in own.top}
        assert halves & set(known)
        found = {each.id for each in other.top}
        assert halves & found <= {other.id}  # unless the server could be made to show which it is
        for each in other.top:
            if each.id in known:
                assert each.logprob == pytest.approx(known[each.id], abs=1e-4)


def test_a_list_of_more_than_20_is_asked_for_and_20_taken(tiny: Tiny, tmp_path: Path) -> None:
    with served(tiny("gpt2"), VLLM, tmp_path) as (model, server):
        assert [body["logprobs"] for body in server.asked("/v1/completions")][:2] == [100, 20]
        assert model.listing is not None and model.listing.count == 20
    with served(tiny("gpt2"), replace(VLLM, cap=None), tmp_path) as (model, _):
        assert model.listing is not None and model.listing.count == 100


def test_figures_of_a_prompt_that_are_one_place_off_are_not_used(
    tiny: Tiny, tmp_path: Path
) -> None:
    shifted = replace(VLLM, shifted=True, cap=None)
    folder = tiny("gpt2")
    with served(folder, shifted, tmp_path) as (model, _):
        (score,) = _scored(model)  # after the start token, where it does not shift
        with pytest.raises(EngineError) as error:
            _scored(model, start=False)
    assert refused(error) == "server_needs_start"
    (ours,) = _scored(load(folder))
    assert score == pytest.approx(ours, abs=1e-4)


def _scored(model: LoadedModel, *, start: bool = True) -> list[list[float | None]]:
    request = ScoreTexts(model="m", texts=[PROMPT], start=start)
    events = text_scoring.run(model, request, 0.0)
    scores = [event for event in events if isinstance(event, TextScore)]
    return [[token.logprob for token in score.tokens] for score in scores]


def test_a_server_that_takes_only_texts_is_asked_in_texts_it_cuts_alike(
    tiny: Tiny, tmp_path: Path
) -> None:
    folder = tiny("gpt2")
    ours, _ = continued(load(folder), max_tokens=1)
    with served(folder, LLAMA_CPP_PYTHON, tmp_path) as (model, server):
        theirs, _ = continued(model, max_tokens=1)
        asked = server.asked("/v1/completions")[-1]["prompt"]
        apart = [piece.id for text in ("Th", "e") for piece in model.tokenizer.encode(text)]
        with pytest.raises(EngineError) as error:
            continued(model, prompt=apart, max_tokens=1)
    alike(ours, theirs)
    assert asked == PROMPT
    assert refused(error) == "server_cuts_otherwise"


def test_a_start_token_that_the_server_adds_by_itself_is_counted_once(
    tiny: Tiny, tmp_path: Path
) -> None:
    folder = tiny("gpt2")
    adds = replace(LLAMA_CPP_PYTHON, start=True, shifted=True)
    local = load(folder)
    start = local.tokenizer.start
    assert start is not None
    ids = [start, *(piece.id for piece in local.tokenizer.encode(PROMPT))]
    ours, _ = continued(local, prompt=ids, max_tokens=1)
    with served(folder, adds, tmp_path) as (model, server):
        theirs, _ = continued(model, prompt=ids, max_tokens=1)
        assert server.asked("/v1/completions")[-1]["prompt"] == PROMPT
    alike(ours, theirs)


def test_another_vocabulary_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    folder = tiny("gpt2")
    for kind in (replace(VLLM, shift_ids=1), replace(VLLM, tokenize=None, echo=False)):
        with pytest.raises(EngineError) as error, served(folder, kind, tmp_path):
            pass
        assert refused(error) in ("server_other_tokens", "server_uncompared")
    with served(folder, replace(VLLM, tokenize=None), tmp_path):
        pass  # its echo of a text is that text


def test_speculation_does_not_spoil_figures(tiny: Tiny, tmp_path: Path) -> None:
    folder = tiny("gpt2")
    ours, _ = continued(load(folder))
    with served(folder, replace(LLAMA_SERVER, speculates=True), tmp_path) as (model, server):
        theirs, _ = continued(model)
        asked = [body["n_predict"] for body in server.asked("/completion")]
    alike(ours, theirs)
    assert asked[-5:] == [1] * 5  # of one token at a time the figures are right


def test_tokens_of_which_llama_server_says_nothing_are_not_taken_for_the_next(
    tiny: Tiny, tmp_path: Path
) -> None:
    folder = tiny("gpt2")
    ours, _ = continued(load(folder), prompt="羽田空港に到着、東京の")
    with served(folder, LLAMA_SERVER, tmp_path) as (model, server):
        theirs, _ = continued(model, prompt="羽田空港に到着、東京の")
        asked = server.asked("/completion")
    alike(ours, theirs)
    assert any("logit_bias" in body for body in asked)  # it drew the first bytes of a character
    for own, other in zip(ours, theirs, strict=True):
        assert [each.id for each in other.top] == [each.id for each in own.top]


def test_llama_server_says_how_likely_the_end_is(tiny: Tiny, tmp_path: Path) -> None:
    with served(tiny("gpt2"), LLAMA_SERVER, tmp_path) as (model, server):
        continued(model, max_tokens=2)
        assert all(body["ignore_eos"] for body in server.asked("/completion"))


def test_what_needs_all_logits_is_refused_in_words(tiny: Tiny, tmp_path: Path) -> None:
    with served(tiny("gpt2"), LLAMA_SERVER, tmp_path) as (model, _):
        with pytest.raises(EngineError) as penalty:
            continued(model, Sampling(repetition_penalty=1.2))
        with pytest.raises(EngineError) as trace:
            list(tracing.run(model, Trace(model="m", ids=[1, 2], sampling=Sampling()), 0.0))
        with pytest.raises(EngineError) as score:
            _scored(model)
        with pytest.raises(EngineError) as cosine:
            list(continuity.run_pairs(model, ScorePairs(model="m", pairs=[], cosine=True), 0.0))
    assert refused(cosine) == "server_no_states"
    assert refused(penalty) == "server_no_penalty"
    assert refused(trace) == "server_only_lists"
    assert refused(score) == "server_no_prompt"


def test_another_token_is_put_in_without_figures_of_a_prompt(tiny: Tiny, tmp_path: Path) -> None:
    folder = tiny("gpt2")
    (first, *_), _ = continued(load(folder))
    second = first.top[1].id
    ours, _ = continued(load(folder), begin=[second], max_tokens=3)
    with served(folder, LLAMA_SERVER, tmp_path) as (model, _):
        theirs, _ = continued(model, begin=[second], max_tokens=3)
        with pytest.raises(EngineError) as error:
            continued(model, begin="a long text that would be read token by token", max_tokens=0)
    alike(ours, theirs)
    assert theirs[0].given
    assert refused(error) == "server_no_prompt"


@pytest.mark.parametrize("spoil", ["nan", "missing", "above"])
def test_figures_that_are_none_are_refused(spoil: str, tiny: Tiny, tmp_path: Path) -> None:
    kind = replace(VLLM, spoil=spoil)
    with pytest.raises(EngineError) as error, served(tiny("gpt2"), kind, tmp_path):
        pass
    expected = {"nan": "odd", "missing": "no_figures", "above": "unsound"}[spoil]
    assert refused(error) == f"server_{expected}"


def test_no_log_probabilities_at_all_are_named(tiny: Tiny, tmp_path: Path) -> None:
    kind = replace(VLLM, logprobs=False)
    with pytest.raises(EngineError) as error, served(tiny("gpt2"), kind, tmp_path):
        pass
    assert refused(error) == "server_no_figures"
