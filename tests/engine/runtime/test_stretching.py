"""Models that read a text otherwise once it is longer than a border: before, at and past it."""

from __future__ import annotations

import pytest
import torch

from engine.messages import GREEDY, Continue, Token
from engine.runtime.generic import GenericRuntime
from engine.runtime.prefix_cache import PrefixCache
from engine.runtime.scoring import logprobs
from engine.tasks import continuation
from tests.support.fake_models import loaded
from tests.support.families import (
    BORDER,
    BORDERED,
    FAMILIES,
    build,
    close,
    finish,
    plain,
    text,
)

LENGTHS = (BORDER - 1, BORDER, BORDER + 1, 2 * BORDER + 3)


@pytest.fixture(params=BORDERED)
def family(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_the_border_is_one(family: str) -> None:
    """Else nothing here would test anything."""
    model, ids = build(family), text(BORDER + 1)
    assert not close(plain(model, ids)[:BORDER], plain(model, ids[:BORDER]))
    runtime = GenericRuntime(build(family))
    assert runtime.regime(1) == runtime.regime(BORDER) == 0
    assert runtime.regime(BORDER + 1)


@pytest.mark.parametrize("name", FAMILIES)
def test_others_have_none(name: str) -> None:
    assert GenericRuntime(build(name)).regime(10**6) == 0


@pytest.mark.parametrize("chunk", [3, 64])
def test_a_prompt_in_chunks_then_steps(family: str, chunk: int) -> None:
    model, ids = build(family), text(2 * BORDER)
    runtime = GenericRuntime(build(family))
    for start in (BORDER - 2, BORDER + 3):
        row, _ = finish(PrefixCache(runtime, chunk=chunk).prefill(ids[:start]))
        for length in range(start, len(ids)):
            assert close(row.logits[0], plain(model, ids[:length])[-1])
            row = runtime.feed(row, [[ids[length]]])


def test_rows_fork_and_go_back_over_the_border(family: str) -> None:
    model, ids = build(family), text(BORDER - 1)
    runtime = GenericRuntime(build(family))
    one, _ = finish(PrefixCache(runtime).prefill(ids))
    two = runtime.select(one, [0, 0])
    rows = [list(ids), list(ids)]
    for step in range(4):
        new = [[step + 3], [step + 30]]
        two = runtime.feed(two, new)
        rows = [[*row, *more] for row, more in zip(rows, new, strict=True)]
        for number, row in enumerate(rows):
            assert close(two.logits[number], plain(model, row)[-1])
    two = runtime.select(two, [1])
    for length in (BORDER + 1, BORDER - 2):
        two = runtime.feed(runtime.crop(two, length), [[9]])
        rows[1] = [*rows[1][:length], 9]
        assert close(two.logits[0], plain(model, rows[1])[-1])
    one = runtime.feed(one, [[5, 6, 7]])
    assert close(one.logits[0], plain(model, [*ids, 5, 6, 7])[-1])


def test_what_is_kept_serves_texts_of_any_length(family: str) -> None:
    model = build(family)
    prefix_cache = PrefixCache(GenericRuntime(build(family)), chunk=4)
    ids = text(3 * BORDER)
    for length in (*LENGTHS, *reversed(LENGTHS), BORDER, 3 * BORDER):
        for asked in (ids[:length], [*ids[: length - 1], 7]):
            row, _ = finish(prefix_cache.prefill(asked))
            assert close(row.logits[0], plain(model, asked)[-1])


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("prompt", [1, BORDER - 3])
def test_a_text_is_read_as_a_whole(family: str, length: int, prompt: int) -> None:
    model, ids = build(family), text(length)
    asked = Continue(model="m", prompt=ids[:prompt], begin=ids[prompt:], max_tokens=0, top=1)
    own = loaded(GenericRuntime(build(family)))
    expected = plain(model, ids).log_softmax(-1)
    for _ in range(2):
        events = list(continuation.run(own, asked, 0.0))
        found = [event.logprob for event in events if isinstance(event, Token)]
        wanted = [float(expected[n - 1, ids[n]]) for n in range(prompt, length)]
        assert found == pytest.approx(wanted, abs=1e-4)


def test_texts_side_by_side(family: str) -> None:
    model, runtime = build(family), GenericRuntime(build(family))
    texts = [[*text(5), *text(length, seed=length)] for length in (3, *LENGTHS)]
    found, _ = finish(logprobs(runtime, texts))
    states = runtime.states(texts)
    for ids, own, state in zip(texts, found, states, strict=True):
        expected = plain(model, ids).log_softmax(-1)[:-1]
        wanted = expected.gather(-1, torch.tensor(ids)[1:, None])[:, 0]
        assert close(own, wanted)
        with torch.inference_mode():
            whole = build(family)(torch.tensor([ids]), output_hidden_states=True)
        assert close(state[: len(ids)], whole.hidden_states[-1][0])


def test_look_up_reads_ahead_on_both_sides_of_the_border(family: str) -> None:
    model = build(family)
    own = loaded(GenericRuntime(build(family)))
    ids = [5, 6, 7, 5, 6, 7, 5, 6]
    request = Continue(model="m", prompt=list(ids), sampling=GREEDY, max_tokens=20, top=1)
    for event in continuation.run(own, request, 0.0):
        if isinstance(event, Token):
            expected = plain(model, ids)[-1].log_softmax(-1)
            assert event.logprob == pytest.approx(float(expected[event.id]), abs=1e-4)
            ids.append(event.id)
    assert len(ids) > 2 * BORDER - 1
