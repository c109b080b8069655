"""How a token was drawn: the distribution after each sampler, and the repeated draw."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import TYPE_CHECKING

from engine.decoding.prompting import unknown_token
from engine.messages import Alternative, Done, Event, SamplerStep, Timing, Trace, Traced
from engine.runtime.loaded import LoadedModel
from engine.tasks.limits import check_whole, place

if TYPE_CHECKING:
    import torch

Events = Generator[Event | None, None, None]


def run(model: LoadedModel, request: Trace, load_s: float) -> Events:
    """Yield `Traced` and `Done`.

    Raises:
        EngineError: ``bad_request`` for a watched token outside the vocabulary; see
            `engine.tasks.limits.place`.
    """
    # Not at the top: the worker imports its tasks before torch.
    import torch

    from engine.decoding.sampling import Sampler, choose_seed, processors

    began = time.perf_counter()
    runtime, prefix_cache = place(model, request.ids)
    check_whole(model)
    if request.watch is not None and not 0 <= request.watch < runtime.vocabulary:
        raise unknown_token(model, request.watch, runtime.vocabulary)
    row = yield from prefix_cache.prefill(request.ids)
    sampler = Sampler(request.sampling, choose_seed(request.sampling))
    (drawn,) = sampler.draw(row.logits, [request.branch], [request.ids]).ids
    watched = drawn if request.watch is None else request.watch
    with torch.inference_mode():
        scores = row.logits
        steps = [_step(model, request, "", None, scores, scores, watched)]
        seen = torch.tensor([request.ids])
        for name, processor in processors(request.sampling).items():
            before, scores = scores, processor(seen, scores)
            value = float(getattr(request.sampling, name))
            steps.append(_step(model, request, name, value, before, scores, watched))
    yield Traced(
        model=model.files.id,
        drawn=drawn,
        drawn_text=model.tokenizer.token(drawn).text if drawn < model.tokenizer.vocabulary else "",
        steps=steps,
    )
    yield Done(timing=Timing(load_s=load_s, total_s=time.perf_counter() - began))


def _step(
    model: LoadedModel,
    request: Trace,
    name: str,
    value: float | None,
    before: torch.Tensor,
    scores: torch.Tensor,
    watched: int,
) -> SamplerStep:
    """The effect of a step on the scores before it; both are float32 [1, vocabulary]."""
    import torch

    from engine.runtime.distribution import rank

    logprobs = scores.log_softmax(-1)[0]
    possible = logprobs.isfinite()
    best = logprobs.topk(min(request.top, int(possible.sum())))
    own = float(logprobs[watched])
    removed = before.softmax(-1)[0][~possible].double().sum()
    return SamplerStep(
        name=name,
        value=value,
        kept=int(possible.sum()),
        removed=float(removed),
        entropy=float(torch.special.entr(logprobs.exp()).sum()),
        logprob=own if bool(possible[watched]) else None,
        rank=rank(logprobs, watched) if bool(possible[watched]) else None,
        top=[
            Alternative(number, model.texts[number] if number < len(model.texts) else "", logprob)
            for number, logprob in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ],
    )
