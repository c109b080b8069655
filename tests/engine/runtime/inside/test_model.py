"""What is seen inside a model against transformers' own `output_attentions` and hidden states."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
import transformers

from engine.errors import EngineError
from engine.interfaces import ModelFiles
from engine.messages import Change, Piece
from engine.runtime.inside import attending, model
from engine.runtime.inside.attending import Watch
from engine.runtime.inside.model import InsideModel, load_inside
from tests.conftest import Tiny
from tests.support.families import FAMILIES, build, text
from tests.support.tiny import STARTER

HEADS = {
    "bert": {"masked", "next_sentence"},
    "bert-mlm": {"masked"},
    "bert-nsp": {"next_sentence"},
    "starter-en": {"masked", "next_sentence"},
    "albert-order": {"masked", "sentence_order"},
}
CAUSAL = {"gpt2", "llama", "qwen2", "starter-ja"}
ENCODERS = ("bert", "bert-mlm", "bert-nsp", "distilbert", "albert-order", "roberta", "modernbert")


def files(folder: Path, name: str) -> ModelFiles:
    heads = {"causal"} if name in CAUSAL else HEADS.get(name, {"masked"})
    return ModelFiles(
        id=name,
        folder=folder,
        revision="",
        model_type="",
        heads=frozenset(heads),  # type: ignore[arg-type]
        roles=(),
        languages=(),
        weight_bytes=0,
        memory=0,
    )


def pieces(ids: list[int], second: int | None = None) -> list[Piece]:
    """Ids as pieces; those from `second` on are of the second text."""
    return [
        Piece(number, "", "", segment=int(second is not None and at >= second))
        for at, number in enumerate(ids)
    ]


def seen(
    inside: InsideModel, fed: list[Piece], change: Change | None = None
) -> tuple[list[torch.Tensor], list[torch.Tensor], torch.Tensor | None]:
    """Attention of each layer [heads, positions, positions], streams, and the words' logits."""
    rows: dict[int, list[torch.Tensor]] = {}
    streams: list[torch.Tensor] = []
    watch = Watch(weights=lambda layer, first, some: rows.setdefault(layer, []).append(some))
    if inside.names is not None:
        watch.stream = lambda index, states: streams.append(states.clone())
    outputs = inside.run(fed, len(fed) - 1, watch, change or Change())
    return [torch.cat(each, dim=1) for each in rows.values()], streams, outputs.words


def reference(model: transformers.PreTrainedModel, fed: dict[str, torch.Tensor]) -> object:
    plain = copy.deepcopy(model)
    plain.set_attn_implementation("eager")
    with torch.inference_mode():
        return plain(**fed, output_attentions=True, output_hidden_states=True)


def check(inside: InsideModel, model: transformers.PreTrainedModel, fed: list[Piece]) -> None:
    attentions, streams, _ = seen(inside, fed)
    expected = reference(model, inside.inputs(fed))
    assert len(attentions) == inside.layers
    for found, own in zip(attentions, expected.attentions, strict=True):  # type: ignore[attr-defined]
        assert torch.allclose(found, own[0], atol=1e-5)
        assert torch.allclose(found.sum(-1), torch.ones(()), atol=1e-5)
    if inside.names is None:
        return
    norm = inside.final_norm
    if norm is not None:
        with torch.inference_mode():
            streams[-1] = norm(streams[-1])
    for state, own in zip(streams, expected.hidden_states, strict=True):  # type: ignore[attr-defined]
        assert torch.allclose(state, own[0], atol=1e-4)


@pytest.mark.parametrize("cells", [attending._CELLS, 7 * 4 * 24])
@pytest.mark.parametrize("family", [name for name in FAMILIES if "recurrent" not in name])
def test_a_decoder_shows_what_transformers_returns(
    family: str, cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, and a few queries at a time."""
    monkeypatch.setattr(attending, "_CELLS", cells)
    built = build(family)
    shows = bool(getattr(built, "_supports_attention_backend", False))
    built.set_attn_implementation(attending.NAME if shows else "eager")
    inside = InsideModel(built, files(Path(), "gpt2"))
    fed = pieces(text(24))
    check(inside, built, fed)
    mask = seen(inside, fed)[0][0].triu(1)
    assert not mask.any(), "no position sees a later one"


@pytest.mark.parametrize("cap", [None, 2.0])
def test_what_the_last_layer_would_answer_is_the_answer(cap: float | None) -> None:
    built = build("gemma3, sliding and full")
    built.set_attn_implementation(attending.NAME)
    built.config.final_logit_softcapping = cap
    inside = InsideModel(built, files(Path(), "gpt2"))
    _, streams, words = seen(inside, pieces(text(24)))
    assert words is not None
    assert torch.allclose(inside.words(streams[-1][-1:])[0], words, atol=1e-4)


@pytest.mark.parametrize("family", ["bloom", "falcon, alibi", "gpt-neo, local", "mpt", "xglm"])
def test_a_class_that_returns_its_attention_keeps_one_layer_of_it(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attending, "_CELLS", 7 * 4 * 24)
    inside = InsideModel(build(family), files(Path(), "gpt2"))
    assert not inside.shown_attention
    *_, layers = (each for each in inside._model.modules() if isinstance(each, torch.nn.ModuleList))
    steps: list[str] = []
    for number, layer in enumerate(layers):
        layer.register_forward_hook(lambda *_, number=number: steps.append(f"end of {number}"))
    watch = Watch(weights=lambda layer, first, some: steps.append(f"{layer} from {first}"))
    inside.run(pieces(text(24)), 23, watch)
    parts = [[f"{n} from {first}" for first in (0, 7, 14, 21)] + [f"end of {n}"] for n in (0, 1)]
    assert steps == [*parts[0], *parts[1]]


def test_attention_that_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "_LAYER", 4 * 24**2 - 1)
    inside = InsideModel(build("bloom"), files(Path(), "gpt2"))
    watch = Watch(weights=lambda layer, first, some: None)
    inside.run(pieces(text(23)), 22, watch)
    with pytest.raises(EngineError) as caught:
        inside.run(pieces(text(24)), 23, watch)
    assert caught.value.event.kind == "too_long"


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_shows_what_transformers_returns(tiny: Tiny, name: str) -> None:
    inside = load_inside(files(tiny(name), name), lambda stage, percent: None)
    check(inside, inside._model, pieces([2, 7, 9, 3, 8, 11, 3], second=4))


@pytest.mark.parametrize("name", ["starter-ja", "starter-en"])
def test_the_bundled_models_show_what_transformers_returns(name: str) -> None:
    inside = load_inside(files(STARTER / name, name), lambda stage, percent: None)
    check(inside, inside._model, pieces([2, 70, 90, 30, 80, 110, 3], second=4))


def test_two_segments_are_told_apart(tiny: Tiny) -> None:
    inside = load_inside(files(tiny("bert"), "bert"), lambda stage, percent: None)
    ids = [2, 7, 9, 3, 8, 11, 3]
    one, two = (seen(inside, pieces(ids, second))[1][0] for second in (None, 4))
    assert torch.equal(one[:4], two[:4])
    assert not torch.allclose(one[4:], two[4:])


@pytest.mark.parametrize("name", ["gpt2", "llama", "bert"])
def test_a_head_that_is_off_adds_nothing(tiny: Tiny, name: str) -> None:
    """As if its rows of the projection were zero."""
    inside = load_inside(files(tiny(name), name), lambda stage, percent: None)
    fed = pieces([2, 7, 9, 3, 8, 11])
    _, _, off = seen(inside, fed, Change(heads=[(1, 2)]))
    model = copy.deepcopy(inside._model)
    own = {"gpt2": "h.1.attn.c_proj", "llama": "layers.1.self_attn.o_proj"}
    weight = model.base_model.get_submodule(
        own.get(name, "encoder.layer.1.attention.output.dense")
    ).weight
    part = weight if name == "gpt2" else weight.T
    part[16:24] = 0
    output = reference(model, inside.inputs(fed))
    logits = getattr(output, "prediction_logits", None)
    logits = output.logits if logits is None else logits  # type: ignore[attr-defined]
    assert off is not None
    assert torch.allclose(off, logits[0, -1], atol=1e-4)
    assert not torch.allclose(off, seen(inside, fed)[2], atol=1e-2)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["gpt2", "llama", "bert", "albert-order"])
def test_a_layer_that_is_off_passes_its_input_on(tiny: Tiny, name: str) -> None:
    inside = load_inside(files(tiny(name), name), lambda stage, percent: None)
    _, streams, _ = seen(inside, pieces([2, 7, 9, 3]), Change(layers=[0]))
    assert torch.equal(streams[0], streams[1])
    assert not torch.equal(streams[1], streams[2])


@pytest.mark.parametrize("name", ["gpt2", "llama", "bert", "modernbert"])
def test_a_position_that_is_cut_is_seen_by_itself_alone(tiny: Tiny, name: str) -> None:
    inside = load_inside(files(tiny(name), name), lambda stage, percent: None)
    attentions, _, _ = seen(inside, pieces([2, 7, 9, 3, 5]), Change(cut=[0, 2]))
    for weights in attentions:
        assert not weights[:, [1, 3, 4]][:, :, [0, 2]].any()
        assert (weights[:, 2, 2] > 0).all()
        assert torch.allclose(weights.sum(-1), torch.ones(()), atol=1e-5)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (Change(heads=[(0, 4)]), "bad_request"),
        (Change(layers=[2]), "bad_request"),
        (Change(cut=[3]), "bad_request"),
    ],
)
def test_what_is_not_there_is_refused(tiny: Tiny, change: Change, kind: str) -> None:
    inside = load_inside(files(tiny("gpt2"), "gpt2"), lambda stage, percent: None)
    with pytest.raises(EngineError) as caught:
        inside.run(pieces([2, 7, 9]), 0, Watch(), change)
    assert caught.value.event.kind == kind
