"""Tokens per second and the time to the first token, through the same task that the app runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from engine import runtime
from engine.bench.peers import Decode
from engine.bench.timing import seconds, turns
from engine.interfaces import ModelFiles
from engine.messages import GREEDY, Continue, Done, Measured, Precision, Token
from engine.runtime.loaded import LoadedModel
from engine.server.stepping import stepped
from engine.tasks import continuation

BRANCHES = (2, 4, 8)
PROMPTS = (16, 256, 1000)
NEAR_TIE = 1e-4
"""If the two best logits are closer than this, another order of summation may swap them."""


Forms = Mapping[Precision, LoadedModel]
"""One model in several forms, in memory."""


def load(files: ModelFiles, forms: Sequence[Precision]) -> Forms:
    """Load a model in these forms, without reporting progress."""
    return {form: runtime.load(files, lambda stage, percent: None, form) for form in forms}


def decode(
    name: str,
    models: Forms,
    peers: Mapping[str, Decode],
    tokens: int,
    rounds: int,
) -> Iterator[Measured]:
    """Measure one stream against the peers, then several branches, for each form."""
    ids = _prompt(next(iter(models.values())), 8)
    runs: dict[str, Callable[[], float]] = {
        form: _speed(model, ids, tokens, 1) for form, model in models.items()
    }
    found = turns(runs | {name: _peer(peer, ids, tokens) for name, peer in peers.items()}, rounds)
    beside = {name: found[name] for name in peers}
    for form, model in models.items():
        yield Measured(
            group=f"decode {name}",
            case=f"{form}, one stream",
            unit="tokens/s",
            value=found[form],
            peers=beside,
            agrees=_agrees(model, peers["generate fp32"], ids, tokens) if form == "exact" else None,
        )
    several = {
        f"{form}, {count} branches": _speed(model, ids, tokens, count)
        for form, model in models.items()
        for count in BRANCHES
    }
    for case, value in turns(several, rounds).items():
        yield Measured(
            group=f"decode {name}", case=case, unit="tokens/s", value=value, peers=beside
        )


def first_token(models: Forms, peers: Mapping[str, Decode], rounds: int) -> Iterator[Measured]:
    """Measure the first token with an empty cache, and after a text that differs in one token."""
    some = next(iter(models.values()))
    assert some.causal is not None
    for length in PROMPTS:
        if some.causal.context is not None and length >= some.causal.context:
            continue
        ids = _prompt(some, length)
        ways: dict[str, Callable[[], float]] = {}
        for form, model in models.items():
            ways[f"{form}, cold"] = _cold(model, ids)
            ways[f"{form}, swapped"] = _swapped(model, ids)
        found = turns(ways | {name: _first(peer, ids) for name, peer in peers.items()}, rounds)
        for form in models:
            yield Measured(
                group="first token",
                case=f"{form}, {length} tokens",
                unit="s",
                value=found[f"{form}, cold"],
                peers={name: found[name] for name in peers},
            )
            yield Measured(
                group="first token",
                case=f"{form}, {length} tokens, one swapped",
                unit="s",
                value=found[f"{form}, swapped"],
                peers={"cold": found[f"{form}, cold"]},
            )


def _cold(model: LoadedModel, ids: Sequence[int]) -> Callable[[], float]:
    """Time with an empty cache."""

    def run() -> float:
        model.forget()
        return seconds(lambda: _answer(model, ids, 1, 1))

    return run


def _swapped(model: LoadedModel, ids: Sequence[int]) -> Callable[[], float]:
    """Time after the same text with another token near its end."""
    swapped = [*ids[:-4], ids[0], *ids[-3:]]

    def run() -> float:
        model.forget()
        _answer(model, ids, 1, 1)
        return seconds(lambda: _answer(model, swapped, 1, 1))

    return run


def _prompt(model: LoadedModel, length: int) -> list[int]:
    """Ids without repetitions, so that prompt look-up finds nothing."""
    return [(number * 7919) % (model.tokenizer.vocabulary - 100) + 50 for number in range(length)]


def _answer(model: LoadedModel, ids: Sequence[int], tokens: int, branches: int) -> list[object]:
    request = Continue(
        model=model.files.id,
        prompt=list(ids),
        sampling=GREEDY,
        max_tokens=tokens,
        branches=branches,
    )
    return list(stepped(model, continuation.run(model, request, 0.0)))


def _speed(
    model: LoadedModel, ids: Sequence[int], tokens: int, branches: int
) -> Callable[[], float]:
    def run() -> float:
        done = _answer(model, ids, tokens, branches)[-1]
        assert isinstance(done, Done)
        return done.timing.tokens_per_s or 0.0

    return run


def _peer(peer: Decode, ids: Sequence[int], tokens: int) -> Callable[[], float]:
    return lambda: peer(ids, tokens).tokens_per_s


def _first(peer: Decode, ids: Sequence[int]) -> Callable[[], float]:
    return lambda: peer(ids, 2).first_s


def _agrees(model: LoadedModel, peer: Decode, ids: Sequence[int], tokens: int) -> bool:
    """Whether the greedy ids equal the peer's, up to the first near tie."""
    events = [event for event in _answer(model, ids, tokens, 1) if isinstance(event, Token)]
    for event, expected in zip(events, peer(ids, tokens).ids, strict=False):
        if event.id != expected:
            return event.top[0].logprob - event.top[1].logprob < NEAR_TIE
    return True
