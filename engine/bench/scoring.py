"""Many sentence pairs in few forwards, beside a plain loop over transformers."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from transformers import AutoTokenizer, BertForNextSentencePrediction

from engine import distances, runtime
from engine.bench.timing import seconds, turns
from engine.messages import Measured, NspResult, PairScore, ScorePairs
from engine.model import ModelFiles
from engine.tasks import continuity

CLOSE = 1e-4


def pairs(files: ModelFiles, count: int, rounds: int) -> Iterator[Measured]:
    """Next-sentence logits of so many pairs, both orders of each."""
    model = runtime.load(files, lambda stage, percent: None)
    reference = BertForNextSentencePrediction.from_pretrained(
        files.folder, dtype=torch.float32
    ).eval()
    tokenizer = AutoTokenizer.from_pretrained(files.folder)
    sentences = [each for each in distances.text(["en"]).replace("\n", " ").split(". ") if each]
    asked = [(sentences[n % 40], sentences[(n * 7 + 3) % 40]) for n in range(count)]
    ours: dict[int, float] = {}
    theirs: dict[int, float] = {}

    def batched() -> None:
        request = ScorePairs(model=files.id, pairs=asked)
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
    yield Measured(
        group="score",
        case=f"{count} pairs, both orders",
        unit="s",
        value=found["ours"],
        peers={"one at a time in transformers": found["loop"]},
        agrees=all(abs(ours[index] - value) < CLOSE for index, value in theirs.items()),
    )
