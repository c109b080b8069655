"""Guesses from the text itself, and that they change nothing but the number of readings."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.decoding.prompt_lookup import GUESSED, REST, Lookup
from engine.messages import Continue, Done, Event, Sampling, Token
from engine.tasks import continuation
from tests.support.fake_models import VOCABULARY, FunctionModel, loaded


def looping(ids: Sequence[int]) -> torch.Tensor:
    """All but sure to say again what followed the last id when it was there before."""
    logits = torch.randn(VOCABULARY, generator=torch.Generator().manual_seed(ids[-1]))
    logits[97 + (ids[-1] + 1) % 7] += 6.0
    return logits


def answer(model: FunctionModel, guessing: bool, **fields: object) -> list[Event]:
    patch = pytest.MonkeyPatch()
    if not guessing:
        patch.setattr(Lookup, "guess", lambda self, ids, most: [])
    request = Continue(model="fake", **{"prompt": "abcdefgabcdefgabc", "max_tokens": 40, **fields})  # type: ignore[arg-type]
    events = [event for event in continuation.run(loaded(model), request, 0.0) if event is not None]
    patch.undo()
    return [event for event in events if not isinstance(event, Done)]


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=0.0),
        Sampling(seed=3),
        Sampling(seed=3, temperature=2.0, top_p=1.0),
        Sampling(seed=3, repetition_penalty=1.3),
    ],
)
def test_the_text_is_the_same_and_takes_fewer_readings(sampling: Sampling) -> None:
    with_guesses, without = FunctionModel(looping), FunctionModel(looping)
    assert answer(with_guesses, True, sampling=sampling) == answer(
        without, False, sampling=sampling
    )
    if sampling.greedy:
        assert len(with_guesses.rows_fed) < 0.6 * len(without.rows_fed)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 99),
    temperature=st.sampled_from([0.0, 0.7, 3.0]),
    tokens=st.integers(1, 30),
    context=st.sampled_from([None, 20, 30]),
    prompt=st.text("abc", min_size=1, max_size=19),
)
def test_any_continuation_is_the_same_with_guesses(
    seed: int, temperature: float, tokens: int, context: int | None, prompt: str
) -> None:
    sampling = Sampling(temperature=temperature, seed=seed)
    both = [
        answer(
            FunctionModel(looping, context=context),
            guessing,
            prompt=prompt,
            sampling=sampling,
            max_tokens=tokens,
        )
        for guessing in (True, False)
    ]
    assert both[0] == both[1]


def test_what_is_kept_of_a_text_holds_no_guesses() -> None:
    model = loaded(FunctionModel(looping))
    assert model.prefix_cache is not None
    request = Continue(
        model="fake", prompt="abcdefgabcdefgabc", max_tokens=9, sampling=Sampling(temperature=0.0)
    )
    running = continuation.run(model, request, 0.0)
    tokens = [event for event in running if isinstance(event, Token)]
    ids = [*b"abcdefgabcdefgabc", *(token.id for token in tokens)]
    (longest,) = {max(len(kept.ids) for kept in model.prefix_cache._kept)}
    assert longest == len(ids) - 1
    assert all(list(kept.ids) == ids[: len(kept.ids)] for kept in model.prefix_cache._kept)
    assert all(kept.row.length == len(kept.ids) for kept in model.prefix_cache._kept)


def test_guesses_follow_the_latest_place_that_went_the_same_way() -> None:
    lookup = Lookup()
    ids = [1, 2, 3, 9, 1, 2, 3, 8, 5, 1, 2, 3]
    assert lookup.guess(ids, 9) == [8, 5, 1, 2]
    assert len(lookup.guess([*ids, 8], 9)) == GUESSED
    assert lookup.guess([*ids, 8, 4], 9) == []
    assert Lookup().guess(ids, 1) == [8]
    assert Lookup().guess([1, 2], 9) == []


def test_guessing_rests_when_it_does_not_pay_and_tries_again() -> None:
    lookup = Lookup()
    ids = [1, 2, 3, 4] * 3
    tries = []
    for number in range(3 * REST):
        guess = lookup.guess(ids, 9)
        tries.append(bool(guess))
        if guess:
            lookup.record_accepted(0)
        ids.append(1 + number % 4)
    assert tries[0]
    assert 0 < sum(tries) < REST / 2
    assert any(tries[REST:])
