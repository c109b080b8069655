"""Many pairs, or sentences, in few forward passes, against plain loops over transformers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, BertForNextSentencePrediction

from engine import runtime
from engine.bench.timing import seconds, turns
from engine.decoding.prompting import start_token
from engine.interfaces import ModelFiles
from engine.messages import Measured, NspResult, PairScore, Piece, ScorePairs, ScoreTexts, TextScore
from engine.runtime.loaded import LoadedModel
from engine.store import distances
from engine.tasks import continuity, text_scoring

CLOSE = 1e-4
PARTS = (
    ("author", "farmer", "senator", "manager", "officer"),
    ("next to", "behind", "near", "across from", "in front of"),
    ("guards", "doctors", "students", "drivers", "teachers", "pilots", "singers", "judges"),
    ("is", "are"),
    ("good", "very tired", "at home"),
)
"""A suite of sentences that differ in few words, as those of published suites do."""


def pairs(files: ModelFiles, count: int, rounds: int) -> Iterator[Measured]:
    """Next-sentence logits of `count` short pairs and `count` long ones, in both orders."""
    model = runtime.load(files, lambda stage, percent: None)
    reference = BertForNextSentencePrediction.from_pretrained(
        files.folder, dtype=torch.float32
    ).eval()
    tokenizer = AutoTokenizer.from_pretrained(files.folder)
    sentences = [each for each in distances.text(["en"]).replace("\n", " ").split(". ") if each]
    # Sentences of a typical length, and the longest of this text, which are compute-bound.
    for name, chosen in (
        ("short", sorted(sentences, key=len)[:40]),
        ("long", sorted(sentences, key=len)[-40:]),
    ):
        asked = [(chosen[n % 40], chosen[(n * 7 + 3) % 40]) for n in range(count)]
        yield _beside(name, model, reference, tokenizer, asked, rounds)


def _beside(
    name: str,
    model: LoadedModel,
    reference: torch.nn.Module,
    tokenizer: Any,
    asked: list[tuple[str, str]],
    rounds: int,
) -> Measured:
    ours: dict[int, float] = {}
    theirs: dict[int, float] = {}

    def batched() -> None:
        request = ScorePairs(model=model.files.id, pairs=asked)
        for event in continuity.run_pairs(model, request, 0.0):
            if isinstance(event, PairScore) and isinstance(event.result, NspResult):
                ours[event.index] = event.result.logits[0]

    def loop() -> None:
        with torch.inference_mode():
            for index, (a, b) in enumerate(asked):
                theirs[index] = float(
                    reference(**tokenizer(a, b, return_tensors="pt")).logits[0, 0]
                )
                reference(**tokenizer(b, a, return_tensors="pt"))

    found = turns({"ours": lambda: seconds(batched), "loop": lambda: seconds(loop)}, rounds)
    fed = sum(len(tokenizer(a, b)["input_ids"]) for a, b in asked) / len(asked)
    return Measured(
        group="score",
        case=f"{len(asked)} {name} pairs ({fed:.0f} tokens), both orders",
        unit="s",
        value=found["ours"],
        peers={"one at a time in transformers": found["loop"]},
        agrees=all(abs(ours[index] - value) < CLOSE for index, value in theirs.items()),
    )


def sentences(model: LoadedModel, count: int, rounds: int) -> Iterator[Measured]:
    """The log-probability of `count` sentences of a suite under a causal model."""
    reference = AutoModelForCausalLM.from_pretrained(model.files.folder, dtype=torch.float32).eval()
    asked = [
        f"The {noun} {place} the {others} {verb} {end}."
        for noun, place, others, verb, end in product(*PARTS)
    ][:count]
    ours: dict[int, float] = {}
    theirs: list[float] = []

    def batched() -> None:
        request = ScoreTexts(model=model.files.id, texts=asked)
        for event in text_scoring.run(model, request, 0.0):
            if isinstance(event, TextScore):
                ours[event.index] = sum(token.logprob or 0.0 for token in event.tokens)

    def loop() -> None:
        theirs.clear()
        with torch.inference_mode():
            for text in asked:
                ids = torch.tensor([[piece.id for piece in _begun(model, text)]])
                scores = reference(ids).logits[0, :-1].log_softmax(-1)
                theirs.append(float(scores.gather(-1, ids[0, 1:, None]).sum()))

    found = turns({"ours": lambda: seconds(batched), "loop": lambda: seconds(loop)}, rounds)
    fed = sum(len(_begun(model, text)) for text in asked) / len(asked)
    yield Measured(
        group="score",
        case=f"{len(asked)} sentences of a suite ({fed:.0f} tokens)",
        unit="s",
        value=found["ours"],
        peers={"one at a time in transformers": found["loop"]},
        agrees=all(abs(ours[index] - value) < CLOSE * fed for index, value in enumerate(theirs)),
    )


def _begun(model: LoadedModel, text: str) -> list[Piece]:
    """The pieces of a text, after the start token."""
    start = start_token(model)
    pieces = model.tokenizer.prompt(text)
    return pieces if start is None or pieces[0].special else [start, *pieces]
