"""`python -P -m engine.bench.coherence`: how well scores of pairs distinguish a text from shuffles.

For each model and figure, over texts with blank lines between topics:

- ``random``: how often a sentence scores higher after its own predecessor than a sentence of
  another paragraph does there (50 % by chance).
- ``order``: how often a pair of neighbours scores higher than the reversed pair (50 % by chance).
- ``shuffles``: over blocks of 1 to 5 sentences, how many of 20 shuffles of the blocks have a lower
  mean score than the original text (50 % by chance).
- ``Pk``, ``WindowDiff``: how far the boundaries found are from the blank lines (0: no difference),
  from single sentences and from blocks of `BLOCK` on both sides of a gap, compared with lexical
  cohesion after Hearst (1997) in the same blocks, and with no boundary at all.
"""

from __future__ import annotations

import argparse
import lzma
import os
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from engine import runtime
from engine.bench import cohesion
from engine.machine.threads import default_threads
from engine.messages import NspResult, PairScore, PmiResult, ScorePairs, Sentence
from engine.runtime.loaded import LoadedModel
from engine.server import pipes
from engine.store import distances
from engine.store.store import Store
from engine.tasks import continuity
from engine.text import ordering, texttiling
from engine.text.sentences import split

BLOCK = 3
RANDOM_ORDERS = 20
"""Random orders of a text's blocks, which the original should beat."""
_SEED = 0

Texts = tuple[str, str]
Both = dict[str, tuple[float, float]]
"""Each figure of a pair, in its order and reversed."""


@dataclass(frozen=True)
class Sample:
    """The sentences of part of a text, ending at a blank line; `marked` are gaps at blank lines."""

    name: str
    sentences: list[str]
    marked: list[int]

    @classmethod
    def of(cls, name: str, text: str, most: int) -> Sample:
        """The beginning of a text, at most `most` sentences."""
        found = split(text)[:most]
        return cls(name, [_flat(each) for each in found], _marked(found))

    def blocks(self, size: int) -> list[str]:
        """The text in blocks of `size` sentences, without the rest at the end."""
        last = len(self.sentences) - size + 1
        return [" ".join(self.sentences[at : at + size]) for at in range(0, last, size)]

    def sides(self, gap: int) -> Texts:
        """The blocks before and after a gap."""
        before = self.sentences[max(0, gap + 1 - BLOCK) : gap + 1]
        return " ".join(before), " ".join(self.sentences[gap + 1 : gap + 1 + BLOCK])


def _flat(sentence: Sentence) -> str:
    return " ".join(sentence.text.split())


def _marked(sentences: Sequence[Sentence]) -> list[int]:
    return [at - 1 for at, sentence in enumerate(sentences) if at and sentence.opens]


class Judge:
    """Scores pairs with one model, each pair once."""

    def __init__(self, model: LoadedModel) -> None:
        self._model = model
        self._cache: dict[Texts, Both] = {}

    def __call__(self, pairs: Sequence[Texts]) -> list[Both]:
        """The figures of each pair.

        Raises:
            ValueError: a pair cannot be scored at all; long ones are trimmed.
        """
        missing = [pair for pair in dict.fromkeys(pairs) if pair not in self._cache]
        if missing:
            request = ScorePairs(model=self._model.files.id, pairs=missing)
            for event in continuity.run_pairs(self._model, request, 0.0):
                if isinstance(event, PairScore):
                    self._cache[missing[event.index]] = _figures(event)
        return [self._cache[pair] for pair in pairs]


def _figures(scored: PairScore) -> Both:
    match scored.result:
        case NspResult() as result:
            return {"nsp_margin": (result.margin, result.reversed.margin)}
        case PmiResult() as result:
            return {
                "pmi_bits": (result.bits, result.reversed.bits),
                "pmi_bits_per_token": (result.bits_per_token, result.reversed.bits_per_token),
            }
    raise ValueError(str(scored.error.message) if scored.error else "no figure")


def rows(judge: Judge, sample: Sample) -> Iterator[str]:
    """The lines of the table for one model and text."""
    sentences = sample.sentences
    gaps = range(len(sentences) - 1)
    inside = [at for at in gaps if at not in sample.marked]
    draw = random.Random(_SEED)
    others = [_elsewhere(sample, at, draw) for at in inside]
    own = judge([(sentences[at], sentences[at + 1]) for at in inside])
    foreign = judge([(sentences[at], other) for at, other in zip(inside, others, strict=True)])
    sides = {
        "single": list(pairwise(sentences)),
        f"blocks of {BLOCK}": [sample.sides(at) for at in gaps],
    }
    for name in own[0]:
        right = _share(a[name][0] > b[name][0] for a, b in zip(own, foreign, strict=True))
        yield f"{name:20} random        {right}"
        if name == "nsp_margin":
            signs = [each[name][0] > 0 for each in own] + [each[name][0] <= 0 for each in foreign]
            yield f"{name:20} random, by sign {_share(signs)}"
        yield f"{name:20} order         {_share(each[name][0] > each[name][1] for each in own)}"
        for label, pairs in sides.items():
            try:
                curve = [each[name][0] for each in judge(pairs)]
            except ValueError as error:
                yield f"{name:20} {label:13} {error}"
            else:
                yield f"{name:20} {_agreement(label, sample, texttiling.boundaries(curve))}"
    for name in own[0]:
        for size in range(1, 6):
            blocks = sample.blocks(size)
            if len(blocks) > 2:
                yield f"{name:20} shuffles, {size}   {_shuffles(judge, blocks, name)}"


def baselines(sample: Sample) -> Iterator[str]:
    """The lines of the table that need no model."""
    for block in (1, BLOCK):
        found = texttiling.boundaries(cohesion.scores(sample.sentences, block))
        yield f"{'lexical cohesion':20} {_agreement(f'blocks of {block}', sample, found)}"
    yield f"{'no boundary':20} {_agreement('', sample, [])}"


def _elsewhere(sample: Sample, at: int, draw: random.Random) -> str:
    """A sentence of another paragraph."""
    first = max((gap + 1 for gap in sample.marked if gap < at), default=0)
    after = min((gap + 1 for gap in sample.marked if gap >= at), default=len(sample.sentences))
    return draw.choice([*sample.sentences[:first], *sample.sentences[after:]])


def _share(right: Iterator[bool] | Sequence[bool]) -> str:
    counted = list(right)
    return f"{sum(counted) / len(counted):6.1%} of {len(counted)}"


def _shuffles(judge: Judge, blocks: Sequence[str], name: str) -> str:
    """How many shuffles score lower than the text."""
    orders = [list(range(len(blocks))), *ordering.shuffled(len(blocks), RANDOM_ORDERS)]
    pairs = [(blocks[a], blocks[b]) for order in orders for a, b in pairwise(order)]
    try:
        found = iter(judge(pairs))
    except ValueError as error:
        return str(error)
    own, *rest = [sum(next(found)[name][0] for _ in blocks[1:]) for _ in orders]
    return (
        f"{sum(each < own for each in rest) / len(rest):6.1%} of {len(rest)}, {len(blocks)} blocks"
    )


def _agreement(label: str, sample: Sample, found: Sequence[int]) -> str:
    count = len(sample.sentences)
    pk = texttiling.pk(count, sample.marked, found)
    window_diff = texttiling.window_diff(count, sample.marked, found)
    return f"{label:13} Pk {pk:.3f}  WindowDiff {window_diff:.3f}  {len(found)} boundaries"


def _read(path: Path) -> str:
    data = path.read_bytes()
    return (lzma.decompress(data) if path.suffix == ".xz" else data).decode("utf-8")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--model", action="append", required=True)
    parser.add_argument("--text", type=Path, action="append", default=[])
    parser.add_argument("--sentences", type=int, default=60)
    parser.add_argument("--threads", type=int, default=default_threads())
    options = parser.parse_args()
    pipes.go_offline(os.environ)

    import torch

    torch.set_num_threads(options.threads)
    store = Store(options.store)
    for name in options.model:
        files = store.find(name)
        judge = Judge(runtime.load(files, lambda stage, percent: None))
        held_out = ("held-out", distances.text(files.languages))
        for title, text in [(path.name, _read(path)) for path in options.text] or [held_out]:
            sample = Sample.of(title, text, options.sentences)
            topics = len(sample.marked) + 1
            sys.stdout.write(
                f"\n{files.id}, {title}: {len(sample.sentences)} sentences, {topics} topics\n"
            )
            for row in (*rows(judge, sample), *baselines(sample)):
                sys.stdout.write(f"  {row}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
