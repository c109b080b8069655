"""Draws: transformers' processors by hand, and branches that do not know each other."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    AutoModelForCausalLM,
    GenerationConfig,
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

from engine.decoding.sampling import Sampler, choose_seed, processors
from engine.decoding.steps import TopP
from engine.messages import GREEDY, Sampling
from tests.conftest import Tiny

NEUTRAL = Sampling(temperature=1.0, top_p=1.0)
VARIED = Sampling(
    temperature=0.7, top_k=40, top_p=0.9, min_p=0.02, typical_p=0.8, repetition_penalty=1.3
)


def by_both(top_p: float, scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores after our top-p and after that of transformers."""
    none = torch.empty(0)
    return TopP(top_p)(none, scores), TopPLogitsWarper(top_p)(none, scores)


def logits(rows: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(rows, 200, generator=generator)


@pytest.mark.parametrize(
    "sampling",
    [
        VARIED,
        Sampling(temperature=1.5, top_p=1.0),
        Sampling(temperature=1.0, top_p=0.5),
        Sampling(temperature=1.0, top_p=1.0, top_k=5),
        Sampling(temperature=1.0, top_p=1.0, min_p=0.1),
        Sampling(temperature=1.0, top_p=1.0, typical_p=0.5),
        Sampling(temperature=1.0, top_p=1.0, repetition_penalty=1.5),
        Sampling(temperature=1, top_p=1, repetition_penalty=2),
    ],
)
def test_the_steps_are_those_of_generate(tiny: Tiny, sampling: Sampling) -> None:
    """`generate` itself makes the list, from the equivalent configuration."""
    model = AutoModelForCausalLM.from_pretrained(tiny("gpt2"))
    config = GenerationConfig(
        do_sample=True,
        temperature=float(sampling.temperature),
        top_k=sampling.top_k,
        top_p=float(sampling.top_p),
        min_p=sampling.min_p or None,
        typical_p=sampling.typical_p,
        repetition_penalty=float(sampling.repetition_penalty),
    )
    config, _ = model._prepare_generation_config(config)
    ids = torch.arange(10).unsqueeze(0)
    theirs = model._get_logits_processor(config, input_ids_seq_length=10)
    ours = LogitsProcessorList(processors(sampling).values())
    assert len(ours) == len(theirs)
    names = zip((type(step).__name__ for step in ours), theirs, strict=True)
    assert all(type(other).__name__.startswith(own) for own, other in names)
    scores = logits(1)
    assert torch.equal(ours(ids, scores), theirs(ids, scores))


@settings(deadline=None, max_examples=50)
@given(
    top_p=st.floats(0.01, 0.999),
    spread=st.floats(0.01, 8.0),
    rows=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
def test_top_p_is_that_of_transformers_where_it_looks_at_a_part(
    top_p: float, spread: float, rows: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    scores = spread * torch.randn(rows, 4096, generator=generator)
    scores[:, ::7] = -torch.inf
    ours, theirs = by_both(top_p, scores)
    # Sums of floats in another order may move the cut by an id that weighs next to nothing.
    differ = ours != theirs
    assert float(scores.softmax(-1)[differ].sum()) < 1e-5 * rows
    assert torch.equal(ours[~differ], scores.where(ours.isfinite(), -torch.inf)[~differ])


@settings(deadline=None, max_examples=100)
@given(
    top_p=st.floats(0.01, 0.999),
    levels=st.integers(1, 6),
    size=st.integers(1, 300),
    seed=st.integers(0, 1000),
)
def test_top_p_keeps_as_many_equal_ids_as_transformers(
    top_p: float, levels: int, size: int, seed: int
) -> None:
    """Which of them, its sort leaves open."""
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randint(levels, (1, size), generator=generator).float()
    ours, theirs = by_both(top_p, scores)
    assert torch.equal(ours.sort().values, theirs.sort().values)
    kept = ours.isfinite()
    assert torch.equal(ours[kept], scores[kept])


def test_draws_come_as_often_as_their_probability() -> None:
    sampler = Sampler(NEUTRAL, seed=7)
    scores = torch.tensor([[0.1, 0.0, 0.6, 0.3]]).log()
    draws = [sampler.draw(scores, [0], [range(n)]).ids[0] for n in range(4000)]
    shares = [draws.count(number) / len(draws) for number in range(4)]
    assert shares == pytest.approx([0.1, 0.0, 0.6, 0.3], abs=0.03)


def test_neutral_values_leave_their_steps_out() -> None:
    assert processors(NEUTRAL) == {}
    assert processors(GREEDY) == {}


def test_the_logprob_is_that_of_the_processed_scores() -> None:
    scores = logits(3)
    histories = [[1, 2, 3], [4, 5, 5], [7, 8, 9]]
    drawn = Sampler(VARIED, seed=3).draw(scores, [0, 1, 2], histories)
    by_hand = LogitsProcessorList(
        [
            RepetitionPenaltyLogitsProcessor(1.3),
            TemperatureLogitsWarper(0.7),
            TopKLogitsWarper(40),
            TopPLogitsWarper(0.9),
            MinPLogitsWarper(0.02),
            TypicalLogitsWarper(0.8),
        ]
    )(torch.tensor(histories), scores)
    expected = by_hand.log_softmax(-1)[range(3), drawn.ids]
    assert expected.isfinite().all()
    assert drawn.logprobs == pytest.approx(expected.tolist(), abs=1e-5)


@pytest.mark.parametrize("branches", range(1, 9))
def test_a_branch_draws_the_same_however_many_there_are(branches: int) -> None:
    def draws(alone: list[int]) -> list[list[int]]:
        sampler = Sampler(NEUTRAL, seed=11)
        steps = [
            sampler.draw(
                logits(1, seed=step).expand(len(alone), -1), alone, [range(step)] * len(alone)
            )
            for step in range(20)
        ]
        return [list(row) for row in zip(*(step.ids for step in steps), strict=True)]

    together = draws(list(range(branches)))
    assert together == [draws([branch])[0] for branch in range(branches)]
    assert len({tuple(row) for row in together}) == branches


def test_a_branch_that_leaves_changes_nothing_for_the_others() -> None:
    staying, leaving = Sampler(NEUTRAL, seed=5), Sampler(NEUTRAL, seed=5)
    for step in range(10):
        scores = logits(3, seed=step)
        fed = [range(step)] * 3
        whole = staying.draw(scores, [0, 1, 2], fed).ids
        if step < 5:
            assert leaving.draw(scores, [0, 1, 2], fed).ids == whole
        else:
            assert leaving.draw(scores[[0, 2]], [0, 2], fed[:2]).ids == whole[::2]


def test_any_draw_can_be_made_again_alone() -> None:
    sampler = Sampler(NEUTRAL, seed=5)
    drawn = [sampler.draw(logits(1, n), [2], [range(n)]).ids for n in range(10)]
    assert Sampler(NEUTRAL, seed=5).draw(logits(1, 7), [2], [range(7)]).ids == drawn[7]
    same = [Sampler(NEUTRAL, seed=5).draw(logits(1), [2], [range(n)]).ids[0] for n in range(9)]
    assert len(set(same)) > 1


def test_seeds_that_differ_only_in_high_bits_differ() -> None:
    first, second = (
        [Sampler(NEUTRAL, seed).draw(logits(1, n), [0], [[0]]).ids[0] for n in range(20)]
        for seed in (7, 7 + 2**40)
    )
    assert first != second


def test_draws_follow_the_distribution() -> None:
    scores = torch.tensor([[0.5, 0.3, 0.2]]).log()
    sampler = Sampler(NEUTRAL, seed=1)
    counts = [0, 0, 0]
    for length in range(4000):
        counts[sampler.draw(scores, [0], [range(length)]).ids[0]] += 1
    # Four standard deviations of a binomial count are at most 4 * sqrt(4000 / 4) = 127.
    assert counts == pytest.approx([2000, 1200, 800], abs=127)


def test_greedy_takes_the_likeliest_and_changes_no_logprob() -> None:
    scores = logits(2)
    scores[1, [3, 5]] = 100.0
    drawn = Sampler(GREEDY, seed=None).draw(scores, [0, 1], [[0], [0]])
    assert drawn.ids == [int(scores[0].argmax()), 3]
    assert drawn.logprobs == [None, None]


def test_greedy_with_a_penalty_avoids_what_was_drawn() -> None:
    scores = torch.tensor([[2.0, 1.9, 0.0]])
    sampling = Sampling(temperature=0.0, repetition_penalty=1.2)
    drawn = Sampler(sampling, None).draw(scores, [0], [[0]])
    assert drawn.ids == [1]
    expected = torch.tensor([2.0 / 1.2, 1.9, 0.0]).log_softmax(-1)[1]
    assert drawn.logprobs == pytest.approx([float(expected)])


@pytest.mark.parametrize("temperature", [1e-300, 1e-30, 1e-6, 100.0])
def test_extreme_temperatures_still_draw(temperature: float) -> None:
    drawn = Sampler(Sampling(temperature=temperature), 0).draw(1e4 * logits(1), [0], [[0]])
    (logprob,) = drawn.logprobs
    assert logprob is not None
    assert math.isfinite(logprob)


def test_a_seed_is_kept_drawn_or_needless() -> None:
    assert choose_seed(Sampling(seed=2**63 - 1)) == 2**63 - 1
    assert choose_seed(Sampling(seed=3, temperature=0.0)) is None
    drawn = {choose_seed(Sampling()) for _ in range(4)}
    assert None not in drawn
    assert len(drawn) == 4
