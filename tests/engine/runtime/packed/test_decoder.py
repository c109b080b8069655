"""The packed decoder against plain forwards of transformers, on every variety of the families."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import PreTrainedModel

from engine.errors import EngineError
from engine.runtime.packed import cache
from engine.runtime.packed.decoder import PackedRuntime
from engine.runtime.packed.loading import load_packed
from engine.runtime.prefix_cache import CHUNK
from tests.support.bundles import files, quiet
from tests.support.comparing import check_rows, check_scores, check_states, check_steps
from tests.support.families import close, divergence, prefilled, text
from tests.support.families import plain as forward
from tests.support.packed_models import ODD, SCORED, VARIETIES, packed, plain
from tests.support.walks import Mirror, Walk, walks

Saved = Callable[[str], Path]


@pytest.mark.parametrize("variety", VARIETIES)
def test_prefill_and_steps_equal_transformers(saved: Saved, variety: str) -> None:
    ids = text(2 * CHUNK + 12)
    check_steps(packed(saved(variety)), plain(saved(variety)), ids, fed=2 * CHUNK + 2)


@pytest.mark.parametrize("variety", VARIETIES)
def test_every_position_can_be_read(saved: Saved, variety: str) -> None:
    check_rows(packed(saved(variety)), plain(saved(variety)))


@pytest.mark.parametrize("variety", ODD)
def test_what_is_built_otherwise_is_left_to_transformers(saved: Saved, variety: str) -> None:
    assert load_packed(files(saved(variety)), "exact", quiet) is None


@pytest.mark.parametrize("variety", VARIETIES)
def test_bf16_stays_near(saved: Saved, variety: str) -> None:
    ids = text(70)
    expected = forward(plain(saved(variety)), ids).log_softmax(-1)
    runtime = packed(saved(variety), "bf16")
    found = runtime.read(runtime.empty(), [ids])[1][0].log_softmax(-1)
    # A random model has no large margins; a wrong layout would be nats away.
    assert divergence(expected, found) < 0.002


def test_steps_and_chunks_agree(saved: Saved) -> None:
    runtime = packed(saved("llama"))
    ids = text(30)
    _, at_once = runtime.read(runtime.empty(), [ids])
    branches = runtime.empty()
    for position, number in enumerate(ids):
        branches = runtime.feed(branches, [[number]])
        assert close(branches.logits[0], at_once[0, position])


@pytest.mark.parametrize("variety", SCORED)
def test_several_rows_are_scored_as_one_is(saved: Saved, variety: str) -> None:
    check_scores(packed(saved(variety)), plain(saved(variety)))


@pytest.mark.parametrize("variety", VARIETIES)
def test_states_side_by_side_equal_those_of_one_text(saved: Saved, variety: str) -> None:
    check_states(packed(saved(variety)), plain(saved(variety)))


def test_broken_weights_are_no_answer(saved: Saved) -> None:
    runtime = packed(saved("gpt2"))
    with torch.inference_mode():
        runtime._model.positions[0] = torch.nan  # type: ignore[index]
    with pytest.raises(EngineError) as caught:
        runtime.feed(runtime.empty(), [[1, 2]])
    assert caught.value.event.kind == "broken_model"


# --------------------------------------------------------------- any walk through branches


@pytest.mark.parametrize("shared_from", [cache.SHARED_FROM, 4], ids=["copied", "shared"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(start=st.sampled_from([3, 20]), walk=walks)
def test_rows_hold_what_was_fed_to_them_whatever_is_forked_and_cropped(
    both: tuple[PackedRuntime, PreTrainedModel], shared_from: int, start: int, walk: Walk
) -> None:
    runtime, model = both
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "SHARED_FROM", shared_from)
        mirror = Mirror(runtime, text(start))
        for what, number in walk:
            mirror.go(what, number)
        mirror.go("feed", 0)
    assert mirror.branches.length == len(mirror.rows[0])
    for row, ids in enumerate(mirror.rows):
        assert close(mirror.branches.logits[row], forward(model, ids)[-1])


@pytest.fixture(scope="module", params=["llama", "gemma3"])
def both(saved: Saved, request: pytest.FixtureRequest) -> tuple[PackedRuntime, PreTrainedModel]:
    return packed(saved(request.param)), plain(saved(request.param))


def test_forks_of_a_long_row_read_it_together(
    both: tuple[PackedRuntime, PreTrainedModel],
) -> None:
    runtime, model = both
    prompt = text(cache.SHARED_FROM)
    one, _ = prefilled(runtime, prompt)
    four = runtime.select(one, [0] * 4)
    assert not one.memory.keys().isdisjoint(four.memory)
    # The row that lent its block goes back and on, without harm to the forks.
    back = runtime.feed(runtime.crop(one, 9), [[33]])
    four = runtime.feed(four, [[1], [2], [3], [4]])
    assert close(four.logits[3], forward(model, [*prompt, 4])[-1])
    assert close(back.logits[0], forward(model, [*prompt[:9], 33])[-1])


def test_rows_set_aside_cost_nothing_until_somebody_goes_on(
    both: tuple[PackedRuntime, PreTrainedModel],
) -> None:
    runtime, model = both
    one, _ = prefilled(runtime, text(20))
    kept = runtime.select(one, [0])
    assert kept.memory == one.memory
    one = runtime.feed(one, [[7]])
    assert one.memory == kept.memory  # it goes on in place,
    other = runtime.feed(kept, [[8]])
    assert other.memory.keys().isdisjoint(one.memory)  # and the second one copies.
    assert close(one.logits[0], forward(model, [*text(20), 7])[-1])
    assert close(other.logits[0], forward(model, [*text(20), 8])[-1])


def test_going_back_and_on_again_needs_no_copy(
    both: tuple[PackedRuntime, PreTrainedModel],
) -> None:
    runtime, model = both
    one, _ = prefilled(runtime, text(20))
    kept = runtime.select(one, [0])
    one = runtime.feed(one, [[7, 8, 9]])
    memory = one.memory
    one = runtime.feed(runtime.crop(one, 21), [[5]])
    assert one.memory == memory
    assert close(one.logits[0], forward(model, [*text(20), 7, 5])[-1])
    # What was set aside is never written over.
    one = runtime.feed(runtime.crop(one, 10), [[5]])
    assert one.memory.keys().isdisjoint(kept.memory)
    kept = runtime.feed(kept, [[6]])
    assert close(kept.logits[0], forward(model, [*text(20), 6])[-1])
