"""What `--measures` and `--unigrams` add to the rows of a table.

Entropy is that of the next token, where a token, word or region begins. Its reduction is what
reading takes from it (Hale 2006)::

    max(0, H where it begins - H where what follows begins)

Hale means the entropy over all ways to go on; that of the next token stands for it here, as in
Roark et al. (2009). A masked model expects nothing after a word, and has no reduction; nor has it
one entropy for a word of several tokens. `rank` is that of a word of one token alone.

With the probability p(w) of each word by itself, its unigram, and S for the surprisal of all words
of a sentence in bits, punctuation apart (words that one token joins are taken together in S, each
by itself in U and in their number)::

    unigram_bits  U = sum of -log2 p(w)
    slor_bits     (U - S) / number of words     the syntactic log-odds ratio (Pauls & Klein 2012)
    norm_lp       -S / U                        "Norm LP (Div)" (Lau, Clark & Lappin 2017)

Both are higher where a sentence is better for the words that it has.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tui.analysis.heat import bits
from tui.analysis.unigrams import Unigrams
from tui.export.text_figures import Figures, ScoredText, Unit


@dataclass(frozen=True)
class Measures:
    """The figures asked for beside surprisal."""

    uncertainty: bool = False
    """Entropy, its reduction and ranks."""
    unigrams: Unigrams | None = None
    causal: bool = True
    """Whether a causal model scores: a masked one sees what follows."""

    def columns(self, unit: Unit) -> tuple[str, ...]:
        """The columns that are added."""
        found: dict[Unit, tuple[str, ...]] = {
            "token": (),
            "word": ("rank", "entropy_bits"),
            "region": ("entropy_bits",) if self.causal else (),
            "sentence": ("mean_entropy_bits",),
        }
        columns = found[unit] if self.uncertainty else ()
        if self.uncertainty and self.causal and unit != "sentence":
            columns += ("entropy_reduction_bits",)
        if self.unigrams is not None and unit == "word":
            columns += ("unigram_bits",)
        if self.unigrams is not None and unit == "sentence":
            columns += ("unigram_bits", "slor_bits", "norm_lp")
        return columns

    def rows(self, read: ScoredText, unit: Unit) -> Iterator[Figures]:
        """The cells that are added to each row of a text, in their order."""
        columns = self.columns(unit)
        for figures in self._rows(read, unit):
            yield {name: figures[name] for name in columns}

    def _rows(self, read: ScoredText, unit: Unit) -> Iterator[Figures]:
        match unit:
            case "token":
                for number in range(len(read.tokens)):
                    yield self._uncertainty(read, [number])
            case "word":
                for word, inside in zip(read.words, read.apart(), strict=True):
                    if word.text.strip():
                        yield self._uncertainty(read, word.tokens) | self._unigrams(inside)
            case "region":
                for tokens in read.by_region:
                    yield self._uncertainty(read, tokens)
            case "sentence":
                known = [token.entropy for token in read.tokens if token.entropy is not None]
                mean = bits(math.fsum(known)) / len(known) if known else None
                yield {"mean_entropy_bits": mean} | self._ratios(read)

    def _uncertainty(self, read: ScoredText, tokens: Sequence[int]) -> Figures:
        """Of tokens that follow each other."""
        if not tokens:
            return {"rank": None, "entropy_bits": None, "entropy_reduction_bits": None}
        first, follows = read.tokens[tokens[0]], tokens[-1] + 1
        single = len(tokens) == 1
        before = first.entropy if self.causal or single else None
        after = read.after.entropy if read.after is not None else None
        if follows < len(read.tokens):
            after = read.tokens[follows].entropy
        reduction = None
        if before is not None and after is not None:
            reduction = max(0.0, bits(before - after))
        return {
            "rank": first.rank if single else None,
            "entropy_bits": None if before is None else bits(before),
            "entropy_reduction_bits": reduction,
        }

    def _unigrams(self, words: Sequence[str]) -> Figures:
        if self.unigrams is None or not words:
            return {"unigram_bits": None}
        return {"unigram_bits": math.fsum(map(self.unigrams.bits, words))}

    def _ratios(self, read: ScoredText) -> Figures:
        counted = read.counted
        known = set(counted)
        words = [
            part
            for word, inside in zip(read.words, read.apart(), strict=True)
            if word in known
            for part in inside
        ]
        if self.unigrams is None or not words:
            return {"unigram_bits": None, "slor_bits": None, "norm_lp": None}
        alone = math.fsum(map(self.unigrams.bits, words))
        whole = math.fsum(read.surprisal(word) or 0.0 for word in counted)
        return {
            "unigram_bits": alone,
            "slor_bits": (alone - whole) / len(words),
            "norm_lp": -whole / alone if alone else None,
        }
