"""Tensors, attention, lens and attribution against plain transformers."""

from __future__ import annotations

import math
import threading

import pytest
import torch
from msgspec import structs

from engine.errors import EngineError
from engine.machine.loader import Loader
from engine.messages import (
    Answer,
    AttentionRows,
    Attribution,
    Change,
    Followed,
    HeadNumbers,
    HeadsOfLayer,
    LensLayer,
    Opened,
    Patch,
    ShowAttention,
    ShowAttribution,
    ShowHead,
    ShowHeads,
    ShowLens,
    ShowTensors,
    Tensor,
)
from engine.runtime.loaded import LoadedModel
from engine.scheduler import Wait
from engine.tasks.inside.aside import Post, aside
from engine.tasks.inside.heads import _Layer
from tests.conftest import Tiny
from tests.engine.tasks.inside.looking import load, looked, only
from tests.support.tiny import STARTER

MASKED = "I played [MASK] with my friends"
PLAIN = "The city was quiet in the morning"
MODELS = (
    "gpt2",
    "llama",
    "qwen2",
    "starter-ja",
    "bert",
    "starter-en",
    "modernbert",
    "albert",
    "distilbert",
    "roberta",
)


def model_of(name: str, tiny: Tiny) -> LoadedModel:
    return load(STARTER / name if name.startswith("starter") else tiny(name), name)


def written(model: LoadedModel) -> str:
    return PLAIN if "causal" in model.files.heads else MASKED


def outputs(model: LoadedModel, opened: Opened) -> object:
    """What transformers itself returns for the tokens that were read."""
    assert model.inside is not None
    plain = model.inside._model
    plain.set_attn_implementation("eager")
    try:
        with torch.inference_mode():
            return plain(
                **model.inside.inputs(opened.tokens),
                output_hidden_states=True,
                output_attentions=True,
            )
    finally:
        plain.set_attn_implementation("inside")


def word_logits(output: object) -> torch.Tensor:
    logits = getattr(output, "prediction_logits", None)
    found: torch.Tensor = output.logits[0] if logits is None else logits[0]  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("name", MODELS)
def test_the_tensors_are_those_of_transformers(tiny: Tiny, name: str) -> None:
    model = model_of(name, tiny)
    events = looked(model, ShowTensors(model=name, text=written(model)))
    opened = only(events, Opened)[0]
    output = outputs(model, opened)
    tensors = {tensor.name: tensor for tensor in only(events, Tensor)}
    at = opened.position
    for index, states in enumerate(output.hidden_states):  # type: ignore[attr-defined]
        tensor = tensors[f"hidden_states[{index}]"]
        assert tensor.shape == list(states.shape)
        assert tensor.values == pytest.approx(states[0, at, :8].tolist(), abs=1e-4)
    for layer, weights in enumerate(output.attentions):  # type: ignore[attr-defined]
        tensor = tensors[f"attentions[{layer}]"]
        assert tensor.shape == list(weights.shape)
        assert tensor.values == pytest.approx(weights[0, 0, at, :8].tolist(), abs=1e-4)
    assert model.inside is not None
    words = model.inside._model.get_input_embeddings().weight
    (table,) = [each for each in tensors.values() if each.shape == list(words.shape)]
    row = words[opened.tokens[at].id, :8].tolist()
    assert table.stage == "embedding"
    assert table.values == pytest.approx(row, abs=1e-6)
    logits = word_logits(output)
    assert tensors["logits"].shape == [1, *logits.shape]
    assert tensors["logits"].values == pytest.approx(logits[at, :8].tolist(), abs=1e-4)
    best = only(events, Answer)[0].choices[0]
    assert best.id == int(logits[at].argmax())
    assert best.prob == pytest.approx(float(logits[at].softmax(-1).max()), abs=1e-5)


def test_a_pair_is_read_as_the_notebook_reads_it() -> None:
    model = load(STARTER / "starter-en", "starter-en")
    request = ShowTensors(model="starter-en", text="What is baseball ?", second="It is a game .")
    events = looked(model, request)
    opened = only(events, Opened)[0]
    output = outputs(model, opened)
    assert [piece.segment for piece in opened.tokens] == [0] * 6 + [1] * 6
    answer = only(events, Answer)[0]
    judged = output.seq_relationship_logits[0]  # type: ignore[attr-defined]
    assert answer.asks == "pair"
    logits = {choice.id: choice.logit for choice in answer.choices}
    assert logits == pytest.approx({0: float(judged[0]), 1: float(judged[1])}, abs=1e-4)
    shapes = {tensor.name: tensor.shape for tensor in only(events, Tensor)}
    assert shapes["token_type_ids"] == [1, 12]
    assert shapes["seq_relationship_logits"] == [1, 2]
    lens = ShowLens(model=request.model, text=request.text, second=request.second)
    followed = only(looked(model, lens), Followed)[0]
    assert followed.margins[-1] == pytest.approx(float(judged[0] - judged[1]), abs=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_the_lens_is_the_models_own_head_on_its_hidden_states(tiny: Tiny, name: str) -> None:
    model = model_of(name, tiny)
    events = looked(model, ShowLens(model=name, text=written(model)))
    opened = only(events, Opened)[0]
    output = outputs(model, opened)
    logits = word_logits(output)
    layers = only(events, LensLayer)
    assert [each.layer for each in layers] == [-1, *range(opened.layers)]
    assert [cell.id for cell in layers[-1].cells] == logits.argmax(-1).tolist()
    best = logits.softmax(-1).max(-1).values.tolist()
    assert [cell.prob for cell in layers[-1].cells] == pytest.approx(best, abs=1e-4)
    assert model.inside is not None
    for layer in layers[:-1]:
        states = output.hidden_states[layer.layer + 1][0]  # type: ignore[attr-defined]
        own = model.inside.words(states).softmax(-1).max(-1)
        assert [cell.prob for cell in layer.cells] == pytest.approx(own.values.tolist(), abs=1e-3)
    followed = only(events, Followed)[0]
    on_top = {layer.cells[opened.position].id for layer in layers}
    assert {word.id for word in followed.words} == on_top
    for word in followed.words:
        assert len(word.probs) == opened.layers + 1
        assert word.probs[-1] == pytest.approx(
            float(logits[opened.position].softmax(-1)[word.id]), abs=1e-4
        )


def test_a_window_of_the_lens_and_words_asked_for() -> None:
    model = load(STARTER / "starter-en", "starter-en")
    request = ShowLens(
        model="starter-en", text=MASKED, first=2, count=3, words=["tennis", "no such word"]
    )
    events = looked(model, request)
    assert {len(layer.cells) for layer in only(events, LensLayer)} == {3}
    followed = only(events, Followed)[0]
    assert followed.missing == ["no such word"]
    assert "tennis" in [word.text for word in followed.words]


@pytest.mark.parametrize("name", ["gpt2", "llama", "qwen2", "starter-ja"])
@pytest.mark.parametrize(
    "change", [Change(), Change(heads=[(0, 1)]), Change(layers=[1]), Change(cut=[1])]
)
def test_direct_attribution_adds_up(tiny: Tiny, name: str, change: Change) -> None:
    model = model_of(name, tiny)
    events = looked(model, ShowAttribution(model=name, text=PLAIN, change=change))
    found = only(events, Attribution)[0]
    answer = only(looked(model, ShowTensors(model=name, text=PLAIN, change=change)), Answer)[0]
    assert [found.a.id, found.b.id] == [choice.id for choice in answer.choices[:2]]
    gap = answer.choices[0].logit - answer.choices[1].logit
    assert found.difference == pytest.approx(gap, abs=1e-4)
    total = found.embedding + found.constant + sum(found.layers)
    assert total == pytest.approx(found.difference, abs=1e-3)
    parts = zip(found.layers, found.heads, found.mlp, found.bias, strict=True)
    for layer, heads, mlp, bias in parts:
        assert sum(heads) + mlp + bias == pytest.approx(layer, abs=1e-3)
    for layer, head in change.heads:
        assert found.heads[layer][head] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("text", [(MASKED, None), ("What is it ?", "It is a game .")])
def test_an_encoder_is_attributed_by_lens_and_by_switching_off(
    text: tuple[str, str | None],
) -> None:
    model = load(STARTER / "starter-en", "starter-en")
    request = ShowAttribution(model="starter-en", text=text[0], second=text[1])
    found = only(looked(model, request), Attribution)[0]
    assert found.method == "lens"
    assert found.embedding + sum(found.layers) == pytest.approx(found.difference, abs=1e-4)
    off = ShowTensors(
        model="starter-en", text=text[0], second=text[1], top=1000, change=Change(heads=[(2, 1)])
    )
    logits = {c.id: c.logit for c in only(looked(model, off), Answer)[0].choices}
    lost = found.difference - (logits[found.a.id] - logits[found.b.id])
    assert found.heads[2][1] == pytest.approx(lost, abs=1e-4)


@pytest.mark.parametrize("second", ["It is a game .", None])
def test_a_model_that_judges_pairs_alone_shows_margins_and_no_words(
    tiny: Tiny, second: str | None
) -> None:
    model = load(tiny("bert-nsp"), "bert-nsp")
    own = {"model": "bert-nsp", "text": "What is it ?", "second": second}
    answer = only(looked(model, ShowTensors(**own)), Answer)[0]  # type: ignore[arg-type]
    logits = {choice.id: choice.logit for choice in answer.choices}
    events = looked(model, ShowLens(**own))  # type: ignore[arg-type]
    assert not only(events, LensLayer)
    margins = only(events, Followed)[0].margins
    assert margins[-1] == pytest.approx(logits[0] - logits[1], abs=1e-4)
    found = only(looked(model, ShowAttribution(**own)), Attribution)[0]  # type: ignore[arg-type]
    assert found.difference == pytest.approx(margins[-1], abs=1e-4)
    assert [found.embedding, *found.layers][0] == pytest.approx(margins[0], abs=1e-4)


def test_words_to_compare_are_pieces() -> None:
    model = load(STARTER / "starter-en", "starter-en")
    request = ShowAttribution(model="starter-en", text=MASKED, a="games", b="tennis")
    found = only(looked(model, request), Attribution)[0]
    assert (found.a.text, found.b.text) == ("games", "tennis")
    with pytest.raises(EngineError) as caught:
        looked(model, structs.replace(request, a="two words"))
    assert caught.value.event.kind == "bad_request"


@pytest.mark.parametrize("name", MODELS)
def test_the_numbers_of_a_head_add_up(tiny: Tiny, name: str) -> None:
    model = model_of(name, tiny)
    request = ShowHead(model=name, text=written(model), layer=1, head=3, position=4, keys=1000)
    found = only(looked(model, request), HeadNumbers)[0]
    assert found.others == 0
    assert found.others_weight == pytest.approx(0, abs=1e-6)
    total = sum(math.exp(key.scaled) for key in found.keys)
    output = torch.zeros(len(found.output))
    for key in found.keys:
        dot = sum(q * k for q, k in zip(found.query, key.key, strict=True))
        assert key.dot == pytest.approx(dot, abs=1e-3)
        assert key.scaled == pytest.approx(dot * found.scale, abs=1e-3)
        assert key.weight == pytest.approx(math.exp(key.scaled) / total, abs=1e-4)
        output += key.weight * torch.tensor(key.value)
    assert found.output == pytest.approx(output.tolist(), abs=1e-3)


def test_a_window_of_attention_is_a_part_of_the_whole() -> None:
    model = load(STARTER / "starter-ja", "starter-ja")
    request = ShowAttention(model="starter-ja", text=PLAIN, layer=2, head=1)
    whole = only(looked(model, request), AttentionRows)
    assert len(whole) == 1
    part = structs.replace(request, first_row=2, rows=3, first_column=1, columns=2)
    (window,) = only(looked(model, part), AttentionRows)
    assert (window.first_row, window.first_column) == (2, 1)
    assert window.weights == [row[1:3] for row in whole[0].weights[2:5]]


def test_a_patch_from_the_same_text_changes_nothing_and_another_does() -> None:
    model = load(STARTER / "starter-en", "starter-en")
    request = ShowTensors(model="starter-en", text=MASKED)
    before = only(looked(model, request), Answer)[0]
    position = before.position
    same = Patch(text=MASKED, layer=4, source=position, position=position)
    patched = only(looked(model, structs.replace(request, change=Change(patch=same))), Answer)[0]
    assert patched == before
    other = structs.replace(same, text="I [MASK] to my friends")
    other = structs.replace(other, source=2)
    answer = only(looked(model, structs.replace(request, change=Change(patch=other))), Answer)[0]
    # After the last layer, the answer at the mask is that to the other text.
    own = looked(model, ShowTensors(model="starter-en", text="I [MASK] to my friends"))
    assert answer.choices == only(own, Answer)[0].choices


def test_heads_are_named_after_where_they_attend() -> None:
    model = load(STARTER / "starter-ja", "starter-ja")
    layers = only(looked(model, ShowHeads(model="starter-ja", text=PLAIN)), HeadsOfLayer)
    assert [layer.layer for layer in layers] == [0, 1, 2, 3, 4]
    assert {len(layer.heads) for layer in layers} == {6}
    pieces = model.tokenizer.prompt(PLAIN)
    count = len(pieces)
    previous = torch.zeros(count, count)
    previous[0, 0] = 1
    previous[torch.arange(1, count), torch.arange(count - 1)] = 1
    first = torch.zeros(count, count)
    first[:, 0] = 1
    spread = torch.ones(count, count).tril()
    spread /= spread.sum(1, keepdim=True)
    found = _Layer(pieces, 4)
    whole = torch.stack([previous, first, torch.eye(count), spread])
    for start in range(0, count, 2):
        found.add(start, whole[:, start : start + 2])
    named = found.heads()
    assert [head.pattern for head in named] == ["previous", "first", "same", ""]
    assert named[0].entropy == pytest.approx(0, abs=1e-6)
    mean = sum(math.log(n) for n in range(1, count + 1)) / count
    assert named[3].entropy == pytest.approx(mean, abs=1e-5)
    assert named[1].picture == [[1.0] + [0.0] * 7] * 8


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (ShowTensors(model="m", text=""), "bad_request"),
        (ShowTensors(model="m", text="a " * 300), "too_long"),
        (ShowTensors(model="m", text=[99999]), "bad_request"),
        (ShowTensors(model="m", text="a", position=9), "bad_request"),
        (ShowAttention(model="m", text="a", layer=5, head=0), "bad_request"),
        (ShowAttention(model="m", text="a", layer=0, head=6), "bad_request"),
        (ShowAttention(model="m", text="a", layer=0, head=0, first_row=9), "bad_request"),
        (ShowHead(model="m", text="a", layer=0, head=0, position=9), "bad_request"),
        (ShowLens(model="m", text="a", first=9), "bad_request"),
    ],
)
def test_bad_requests_get_a_clear_error(request_: ShowTensors, kind: str) -> None:
    model = load(STARTER / "starter-ja", "starter-ja")
    with pytest.raises(EngineError) as caught:
        looked(model, request_)
    assert caught.value.event.kind == kind


def test_work_aside_ends_when_its_task_is_closed() -> None:
    ended, go = threading.Event(), threading.Event()

    def work(post: Post) -> None:
        try:
            post(Answer(position=0, asks="next", choices=[]))
            go.wait()
            post(None)
        finally:
            ended.set()

    task = aside(Loader(), work)
    assert isinstance(next(task), Wait)
    event = next(task)
    while isinstance(event, Wait):
        event = next(task)
    task.close()
    assert not ended.is_set()
    go.set()
    assert ended.wait(60)
