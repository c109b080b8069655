"""Trains an n-gram model on its text."""

from __future__ import annotations

from engine.interfaces import LoadReport, ModelFiles
from engine.messages import Message
from engine.runtime.ngram.kneser_ney import KneserNey
from engine.runtime.ngram.runtime import NgramRuntime
from engine.store import ngram_files
from engine.tokenization import ngrams
from engine.tokenization.ngrams import NgramTokenizer


def load_ngrams(files: ModelFiles, tokenizer: NgramTokenizer, report: LoadReport) -> NgramRuntime:
    """Count the n-grams of a text whose words the tokenizer has; see `engine.runtime.load`.

    Raises:
        EngineError: see `ngrams.read`.
    """
    report(Message.of("stage.counting"), 0.0)
    named = ngram_files.named(files.id)
    assert named is not None, "the store found it by this name"
    model = KneserNey(
        tokenizer.sentences(ngrams.read(named.file)),
        order=named.order,
        vocabulary=tokenizer.vocabulary,
        start=ngrams.START,
        end=ngrams.END,
    )
    report(Message.of("stage.ready"), 100.0)
    return NgramRuntime(model)
