"""One mask against transformers' pipeline, and many words at it against one forward pass each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer, pipeline

from engine import runtime
from engine.bench.timing import seconds, turns
from engine.interfaces import ModelFiles
from engine.messages import Fill, FillResult, MaskFill, Measured
from engine.runtime.loaded import LoadedModel
from engine.store import distances
from engine.tasks import masking

TEXT = "I played [MASK] with my friends at school yesterday"
TOP = 5
CLOSE = 1e-5
WORDS = tuple(dict.fromkeys(re.findall("[a-z]+", distances.text(["en"]).lower())))[:50]
"""Fifty words, of one piece or several."""


def fill(files: ModelFiles, repeats: int, rounds: int) -> Iterator[Measured]:
    """Seconds for one text with one mask, and for scoring all `WORDS` at it."""
    model = runtime.load(files, lambda stage, percent: None)
    tokenizer = AutoTokenizer.from_pretrained(files.folder)
    reference = AutoModelForMaskedLM.from_pretrained(files.folder, dtype=torch.float32).eval()
    pipe = pipeline("fill-mask", model=reference, tokenizer=tokenizer, device="cpu", top_k=TOP)
    text = TEXT.replace("[MASK]", tokenizer.mask_token)
    found = turns(
        {
            "ours": lambda: seconds(lambda: [_fill(model) for _ in range(repeats)]) / repeats,
            "pipeline": lambda: seconds(lambda: [pipe(text) for _ in range(repeats)]) / repeats,
        },
        rounds,
    )
    theirs = [(each["token"], each["score"]) for each in pipe(text)]
    candidates = [(each.id, each.prob) for each in _fill(model).candidates]
    yield Measured(
        group="fill",
        case=f"one mask, top {TOP}",
        unit="s",
        value=found["ours"],
        peers={'pipeline("fill-mask")': found["pipeline"]},
        agrees=all(
            own == other and abs(probability - score) < CLOSE
            for (own, probability), (other, score) in zip(candidates, theirs, strict=True)
        ),
    )

    def loop() -> list[float]:
        return [_alone(reference, tokenizer, word) for word in WORDS]

    found = turns(
        {
            "ours": lambda: seconds(lambda: _fill(model, WORDS)),
            "loop": lambda: seconds(loop),
        },
        rounds,
    )
    scores = [word.logprob for word in _fill(model, WORDS).words]
    yield Measured(
        group="fill",
        case=f"{len(WORDS)} candidate words",
        unit="s",
        value=found["ours"],
        peers={"one at a time in transformers": found["loop"]},
        agrees=all(
            own is not None and abs(own - other) < len(WORDS) * CLOSE
            for own, other in zip(scores, loop(), strict=True)
        ),
    )


def _fill(model: LoadedModel, words: Sequence[str] = ()) -> MaskFill:
    request = Fill(model=model.files.id, text=TEXT, top=TOP, words=list(words))
    (result,) = (e for e in masking.run(model, request, 0.0) if isinstance(e, FillResult))
    return result.masks[0]


def _alone(reference: torch.nn.Module, tokenizer: Any, word: str) -> float:
    """log p of a word's pieces from left to right, with a forward pass for each."""
    pieces = tokenizer(word, add_special_tokens=False)["input_ids"]
    text = TEXT.replace("[MASK]", tokenizer.mask_token * len(pieces))
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    begin = int((ids[0] == tokenizer.mask_token_id).nonzero()[0])
    total = 0.0
    with torch.inference_mode():
        for place, piece in enumerate(pieces, begin):
            total += float(reference(ids).logits[0, place].log_softmax(-1)[piece])
            ids[0, place] = piece
    return total
