"""Events as the engine sends them, for tests that do not need an engine."""

from __future__ import annotations

import msgspec

from engine.messages import (
    Alternative,
    BranchDone,
    Candidate,
    Done,
    Finish,
    Hidden,
    MaskFill,
    ModelInfo,
    Piece,
    Started,
    Timing,
    Token,
)


def started(seed: int | None = 7) -> Started:
    """The begin of a continuation of "春"."""
    return Started(
        model="starter-ja",
        revision="r1",
        precision="exact",
        prompt="春",
        prompt_tokens=[Piece(5, "春", "▁春", start=0, end=1)],
        seed=seed,
        context=256,
    )


def token(text: str, branch: int = 0) -> Token:
    """One token with two alternatives."""
    return Token(
        branch=branch,
        id=len(text),
        text=text,
        logprob=-0.5,
        sampled_logprob=-0.25,
        rank=2,
        entropy=1.5,
        top=[Alternative(1, "a", -0.25), Alternative(2, "b", -0.5)],
    )


def end(branch: int = 0, finish: Finish = "length", tail: str = "") -> BranchDone:
    """The end of a branch."""
    return BranchDone(branch=branch, finish=finish, tail=tail)


DONE = Done(timing=Timing(load_s=1.0, first_token_s=0.5, tokens_per_s=20.0, total_s=2.0))


def mask(word: str, hidden: Hidden | None = None, position: int = 2) -> MaskFill:
    """The answer for one mask, with one candidate."""
    return MaskFill(position=position, candidates=[Candidate(3, word, 0.25)], hidden=hidden)


def model(name: str, **fields: object) -> ModelInfo:
    """A bundled model on disk."""
    known: dict[str, object] = {
        "title": name,
        "roles": ["continue"],
        "heads": ["causal"],
        "languages": ["ja"],
        "bytes": 10_600_000,
        "licence": "MIT",
        "source": "bundled",
        "path": f"/models/{name}",
        "state": "on_disk",
    }
    return msgspec.convert({"id": name, **known, **fields}, ModelInfo)
