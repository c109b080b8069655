"""What was read before is not read again, and never changes an answer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.interfaces import Branches
from engine.runtime.generic import GenericRuntime
from engine.runtime.prefix_cache import CHUNK, GPU_WORK, PrefixCache, chunk
from tests.support.fake_models import FunctionModel, dreaming
from tests.support.families import FAMILIES, build, close, finish, plain, text


class Counting(FunctionModel):
    """A model that counts the ids that it is fed."""

    def __init__(self) -> None:
        super().__init__(dreaming)
        self.fed = 0

    def read(
        self, branches: Branches, ids: Sequence[Sequence[int]], whole: int = 0
    ) -> tuple[Branches, torch.Tensor]:
        self.fed += len(ids) * len(ids[0])
        return super().read(branches, ids, whole)

    def cost(self, prefix_cache: PrefixCache, ids: Sequence[int]) -> int:
        before = self.fed
        row, _ = finish(prefix_cache.prefill(ids))
        assert torch.equal(row.logits[0], dreaming(ids))
        assert row.length == len(ids)
        return self.fed - before


LONG = text(100)


def test_the_same_text_is_read_once() -> None:
    model = Counting()
    prefix_cache = PrefixCache(model)
    assert model.cost(prefix_cache, LONG) == 100
    assert model.cost(prefix_cache, LONG) == 0


@pytest.mark.parametrize(
    ("then", "cost"),
    [
        ([*LONG, 7, 8], 2),
        ([*LONG[:90], 7, 8, 9], 3),
        ([*LONG[:50], 7, *LONG[51:]], 50),
        (LONG[:60], 1),
        ([62, *LONG], 101),
        ([LONG[0]], 1),
    ],
    ids=["longer", "another end", "one token swapped", "shorter", "another start", "one token"],
)
def test_only_what_differs_is_read(then: list[int], cost: int) -> None:
    model = Counting()
    prefix_cache = PrefixCache(model)
    model.cost(prefix_cache, LONG)
    assert model.cost(prefix_cache, then) == cost
    assert model.cost(prefix_cache, LONG) == 0  # which is still kept


def test_what_a_branch_went_on_to_is_kept_as_well() -> None:
    model = Counting()
    prefix_cache = PrefixCache(model)
    row, _ = finish(prefix_cache.prefill(LONG))
    two = model.feed(model.select(row, [0, 0]), [[5], [6]])
    prefix_cache.keep([*LONG, 6], two, 1)
    assert model.cost(prefix_cache, [*LONG, 6, 9]) == 1
    assert model.cost(prefix_cache, [*LONG, 5, 9]) == 2


def test_an_interrupted_prompt_counts_as_far_as_it_was_read() -> None:
    model = Counting()
    prefix_cache = PrefixCache(model)
    ids = text(5 * CHUNK)
    reading = prefix_cache.prefill(ids)
    assert list(islice(reading, 2)) == [None, None]
    reading.close()
    assert model.cost(prefix_cache, ids) == 3 * CHUNK


@pytest.mark.parametrize(
    ("weights", "tokens"),
    [(0, CHUNK), (1, 512), (5_000_000, 512), (134_515_008, 128), (10**9, 32), (10**12, 32)],
)
def test_large_models_are_fed_fewer_tokens_at_once(weights: int, tokens: int) -> None:
    assert chunk(weights) == tokens


def test_a_gpu_is_fed_more_tokens_at_once() -> None:
    assert [chunk(weights, GPU_WORK) for weights in (10**9, 7 * 10**9, 10**12)] == [512, 256, 32]


def test_chunks_of_tokens_are_fed_at_once() -> None:
    _, yields = finish(PrefixCache(Counting(), chunk=16).prefill(text(33)))
    assert yields == 2


def test_the_least_recently_used_goes_first() -> None:
    model = Counting()
    one, other, third = text(10, seed=1), text(10, seed=2), text(10, seed=3)
    one[0], other[0], third[0] = 1, 2, 3
    prefix_cache = PrefixCache(model, limit=2 * 80)  # a row of the fake takes 8 bytes an id
    for ids in (one, other, one, third):
        model.cost(prefix_cache, ids)
    assert prefix_cache.bytes == 160
    assert model.cost(prefix_cache, one) == 0
    assert model.cost(prefix_cache, third) == 0
    assert model.cost(prefix_cache, other) == 10


def test_a_row_too_large_to_keep_is_not_kept() -> None:
    model = Counting()
    prefix_cache = PrefixCache(model, limit=50)
    assert model.cost(prefix_cache, LONG) == 100
    assert prefix_cache.bytes == 0


def test_clearing_forgets_everything() -> None:
    model = Counting()
    prefix_cache = PrefixCache(model)
    model.cost(prefix_cache, LONG)
    prefix_cache.clear()
    assert prefix_cache.bytes == 0
    assert model.cost(prefix_cache, LONG) == 100


@pytest.mark.parametrize("family", FAMILIES)
def test_answers_are_those_of_a_fresh_start(family: str) -> None:
    model = build(family)
    runtime = GenericRuntime(model)
    prefix_cache = PrefixCache(runtime)
    ids = text(60)
    for asked in (ids, ids[:40], [*ids[:30], 9, 9], [*ids, 4, 5], [*ids, 4, 6, 7], ids):
        row, _ = finish(prefix_cache.prefill(asked))
        assert row.length == len(asked)
        assert close(row.logits[0], plain(model, asked)[-1])
        row = runtime.feed(row, [[50]])
        prefix_cache.keep([*asked, 50], row)
        assert close(row.logits[0], plain(model, [*asked, 50])[-1])


def test_a_prompt_asked_for_again_gives_its_very_logits() -> None:
    prefix_cache = PrefixCache(GenericRuntime(build("llama")))
    first, _ = finish(prefix_cache.prefill(LONG))
    finish(prefix_cache.prefill([*LONG[:50], 9]))
    again, _ = finish(prefix_cache.prefill(LONG))
    assert torch.equal(again.logits, first.logits)


def test_a_model_that_cannot_go_back_goes_on_from_whole_rows() -> None:
    model = build("lfm2, recurrent and full")
    fed: list[int] = []
    model.register_forward_pre_hook(lambda module, given: fed.append(given[0].numel()))
    prefix_cache = PrefixCache(GenericRuntime(model))
    for asked, cost in ((LONG[:40], 40), (LONG[:50], 10), (LONG[:45], 5), (LONG[:30], 30)):
        before = sum(fed)
        finish(prefix_cache.prefill(asked))
        assert sum(fed) - before == cost


texts = st.lists(st.integers(1, 3), min_size=1, max_size=9)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(asked=st.lists(texts, min_size=1, max_size=8), limit=st.integers(0, 300))
def test_any_run_of_texts_gets_the_answers_of_fresh_starts(
    asked: list[list[int]], limit: int
) -> None:
    model = Counting()
    prefix_cache = PrefixCache(model, limit)
    for ids in asked:
        assert model.cost(prefix_cache, ids) <= len(ids)
        assert prefix_cache.bytes <= limit
