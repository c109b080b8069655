"""Many sentence pairs in few forward passes, against a plain loop over transformers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from transformers import AutoTokenizer, BertForNextSentencePrediction

from engine import runtime
from engine.bench.timing import seconds, turns
from engine.interfaces import ModelFiles
from engine.messages import Measured, NspResult, PairScore, ScorePairs
from engine.runtime.loaded import LoadedModel
from engine.store import distances
from engine.tasks import continuity

CLOSE = 1e-4


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
