from __future__ import annotations

from engine.messages import (
    Done,
    Error,
    PllToken,
    Progress,
    PseudoLikelihood,
    PseudoLikelihoodResult,
)
from tests.support.scripted_engine import ScriptedEngine
from tests.tui.headless.conftest import Tsuzuki

TOKENS = [
    PllToken(id=7, text="so", start=0, end=2, logprob=-1.5, rank=3, entropy=0.5),
    PllToken(id=8, text="it", start=3, end=5, logprob=-0.25, rank=1, entropy=0.5),
]


def answer(engine: ScriptedEngine) -> None:
    engine.scripts[PseudoLikelihood] = [
        Progress(done=1, total=2),
        PseudoLikelihoodResult(
            model="starter-en", method="original", text="so it", tokens=TOKENS, total=-1.75
        ),
        Done(),
    ]


def test_the_document_is_the_promised_one(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    answer(engine)
    assert tsuzuki("pll", "so it", "--json").json == {
        "model": "starter-en",
        "method": "original",
        "tokens": [
            {"id": 7, "text": "so", "logprob": -1.5},
            {"id": 8, "text": "it", "logprob": -0.25},
        ],
        "total": -1.75,
    }
    assert engine.asked == [PseudoLikelihood(model="starter-en", text="so it", top=0)]


def test_tokens_are_listed_and_summed(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    answer(engine)
    result = tsuzuki("pll", "so it", "--method", "within_word_l2r")
    first, _, last = result.out.splitlines()
    assert first.split() == ["-1.5000", "3", "so"]
    assert last == "-1.7500 nats, 2 tokens"
    (asked,) = engine.asked
    assert isinstance(asked, PseudoLikelihood) and asked.methods == ["within_word_l2r"]


def test_a_refusal_is_two_lines(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    engine.scripts[PseudoLikelihood] = [Error(kind="unable", message="No head.", hint="Take one.")]
    result = tsuzuki("pll", "so it")
    assert (result.code, result.out, result.err) == (1, "", "No head.\nTake one.\n")
