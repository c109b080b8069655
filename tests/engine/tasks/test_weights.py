"""Every answer names the storage format of the weights that it was computed with."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import msgspec
import pytest

from engine.messages import (
    Continue,
    CosineResult,
    Document,
    DocumentResult,
    Event,
    Fill,
    FillResult,
    ModelState,
    NBest,
    NBestResult,
    NspResult,
    PmiResult,
    PseudoLikelihood,
    PseudoLikelihoodResult,
    Score,
    SopResult,
    Started,
)
from engine.runtime.loaded import LoadedModel
from engine.tasks import (
    continuation,
    continuity,
    document,
    masking,
    nbest,
    pseudo_likelihood,
)
from tests.support.bundles import STARTER, load


@pytest.fixture(scope="module")
def causal() -> LoadedModel:
    return _converted(load(STARTER / "starter-ja", "causal"))


@pytest.fixture(scope="module")
def masked() -> LoadedModel:
    return _converted(load(STARTER / "starter-en", "masked", "next_sentence"))


def _converted(model: LoadedModel) -> LoadedModel:
    return dataclasses.replace(model, files=dataclasses.replace(model.files, weights="Q4_1"))


def _weights_named(events: Iterable[object], *kinds: type[Event]) -> list[str]:
    return [
        str(msgspec.structs.asdict(event)["weights"])
        for event in events
        if isinstance(event, kinds)
    ]


def test_a_causal_model_names_them(causal: LoadedModel) -> None:
    asked = Continue(model="m", prompt="東京", max_tokens=1)
    assert _weights_named(continuation.run(causal, asked, 0.0), Started) == ["Q4_1"]
    asked_nbest = NBest(model="m", prompt="東京", n=1, max_tokens=1)
    assert _weights_named(nbest.run(causal, asked_nbest, 0.0), NBestResult) == ["Q4_1"]
    fill = Fill(model="m", text="東京の[MASK]")
    assert _weights_named(masking.run(causal, fill, 0.0), FillResult) == ["Q4_1"]
    events = continuity.score_pair(causal, Score(model="m", a="東京", b="街", cosine=True))
    assert _weights_named(events, PmiResult, CosineResult) == ["Q4_1"] * 2


def test_a_masked_model_names_them(masked: LoadedModel) -> None:
    fill = Fill(model="m", text="I play [MASK] .")
    assert _weights_named(masking.run(masked, fill, 0.0), FillResult) == ["Q4_1"]
    pll = PseudoLikelihood(model="m", text="I play")
    assert _weights_named(pseudo_likelihood.run(masked, pll, 0.0), PseudoLikelihoodResult) == [
        "Q4_1"
    ]
    events = continuity.score_pair(masked, Score(model="m", a="I play.", b="You too.", cosine=True))
    assert _weights_named(events, NspResult, CosineResult) == ["Q4_1"] * 2
    whole = Document(model="m", text="I play. You too.")
    assert _weights_named(document.run(masked, whole, 0.0), DocumentResult) == ["Q4_1"]


def test_whatever_names_a_form_names_what_it_was_made_of() -> None:
    for kind in (*Event.__args__, SopResult):
        names = {field.name for field in msgspec.structs.fields(kind)}
        if "precision" in names and kind is not ModelState:
            assert "weights" in names, kind
