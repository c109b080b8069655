"""Cards such as the engine's answers make, for tests that store, export or show them."""

from __future__ import annotations

from engine.messages import (
    Alternative,
    BranchDone,
    Candidate,
    Continue,
    Done,
    Fill,
    FillResult,
    Hidden,
    MaskFill,
    NspDirection,
    NspResult,
    Piece,
    Score,
    Started,
    Timing,
    Token,
)
from tui.cards import ContinueCard, FillCard, ScoreCard


def token(number: int, branch: int = 0, text: str | None = None) -> Token:
    return Token(
        branch=branch,
        id=number,
        text=f"語{number}" if text is None else text,
        logprob=-0.5 * number,
        sampled_logprob=-0.1,
        rank=1,
        entropy=1.5,
        top=[Alternative(id=number, text="x", logprob=-0.5)],
    )


def running(prompt: str = "羽田空港に到着、", tokens: int = 0, branches: int = 1) -> ContinueCard:
    request = Continue(model="starter-ja", prompt=prompt, branches=branches)
    card = ContinueCard(request=request, prompt=prompt, title="Starter (ja)")
    card.fold(
        Started(
            model="starter-ja",
            revision="r1",
            precision="exact",
            prompt=prompt,
            prompt_tokens=[Piece(id=5, text=prompt, piece=prompt)],
            seed=7,
        )
    )
    for number in range(tokens):
        for branch in range(branches):
            card.fold(token(number, branch))
    return card


def finished(prompt: str = "羽田空港に到着、", tokens: int = 3, branches: int = 1) -> ContinueCard:
    card = running(prompt, tokens, branches)
    for branch in range(branches):
        card.fold(BranchDone(branch=branch, finish="length"))
    card.fold(Done(finish="length", timing=Timing(tokens_per_s=40.0)))
    return card


def filled(text: str = "I played [MASK] today") -> FillCard:
    card = FillCard(request=Fill(model="starter-en", text=text, hidden=["baseball"]))
    candidates = [Candidate(id=1, text="it", prob=0.25), Candidate(id=2, text="a|b`c", prob=0.125)]
    hidden = Hidden(word="baseball", pieces=1, prob=0.0625, rank=9)
    mask = MaskFill(position=3, candidates=candidates, hidden=hidden)
    card.fold(FillResult(model="starter-en", method="mlm", text=text, tokens=[], masks=[mask]))
    card.fold(Done())
    return card


def scored(a: str = "What is baseball ?", b: str = "It is a game.") -> ScoreCard:
    card = ScoreCard(request=Score(model="starter-en", a=a, b=b))
    back = NspDirection(probability=0.25, logits=(0.0, 1.1), margin=-1.1)
    card.fold(
        NspResult(
            model="starter-en",
            probability=0.75,
            logits=(1.1, 0.0),
            margin=1.1,
            reversed=back,
            tokens=[],
            attention_mask=[],
        )
    )
    card.fold(Done())
    return card
