"""Encoders that read both ways: masked words and next sentences from one set of weights, in fp32.

A head is loaded only where its tensors are in the weight files (`ModelFiles.heads`); what is
missing all the same is refused by `read_model`. One BERT with both heads serves both questions
from one encoder: `BertForPreTraining` is `BertForMaskedLM` and `BertForNextSentencePrediction`
in one, to the bit.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import transformers

from engine.errors import EngineError
from engine.messages import Error, Piece
from engine.model import ModelFiles
from engine.runtime.loading import Report, read_model
from engine.runtime.soundness import sound

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_AFTER_PADDING = frozenset(
    {"roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "roberta-prelayernorm"}
)
"""Model types whose positions are counted from the padding id on, which takes that many away."""


class EncoderRuntime:
    """A `MaskedRuntime` over one of transformers' classes."""

    def __init__(self, model: PreTrainedModel, *, masked: bool, next_sentence: bool) -> None:
        """Take a model that is on the CPU, in fp32 and in evaluation mode, with these heads."""
        self._model = model
        self._masked = masked
        self._next_sentence = next_sentence
        config = model.config
        accepted = inspect.signature(model.forward).parameters
        self._segments = "token_type_ids" in accepted and getattr(config, "type_vocab_size", 0) > 1
        self.context: int | None = getattr(config, "max_position_embeddings", None)
        if self.context is not None and config.model_type in _AFTER_PADDING:
            self.context -= config.pad_token_id + 1
        self.bytes: int = model.get_memory_footprint()

    def mask_logits(self, pieces: Sequence[Piece], positions: Sequence[int]) -> torch.Tensor:
        """Logits of every word of the vocabulary at some positions; see `MaskedRuntime`.

        Raises:
            EngineError: ``unable`` without a masked-language head, ``broken_model`` as `sound`
                says.
        """
        if not self._masked:
            raise _headless(
                "masked words", "Take a model that can fill, such as bert-base-uncased."
            )
        with torch.inference_mode():
            output = self._model(**self._inputs(pieces))
            both = self._masked and self._next_sentence
            logits: torch.Tensor = output.prediction_logits if both else output.logits
            return sound(logits[0, list(positions)])

    def next_sentence(self, pairs: Sequence[Sequence[Piece]]) -> torch.Tensor:
        """Logits of "the second follows" and "it does not"; see `MaskedRuntime`.

        Pairs are judged one by one: padding them to one length would change the last digits.

        Raises:
            EngineError: ``unable`` without a next-sentence head, ``broken_model`` as `sound` says.
        """
        if not self._next_sentence:
            raise _headless("the next sentence", "Take a BERT with that head, or a causal model.")
        with torch.inference_mode():
            return sound(torch.cat([self._judge(pair) for pair in pairs]))

    def _judge(self, pair: Sequence[Piece]) -> torch.Tensor:
        inputs = self._inputs(pair)
        if self._masked:
            # Only the head that is asked for: the other's is as wide as the vocabulary.
            pooled = self._model.base_model(**inputs).pooler_output
            judged: torch.Tensor = self._model.cls.seq_relationship(pooled)
            return judged
        logits: torch.Tensor = self._model(**inputs).logits
        return logits

    def _inputs(self, pieces: Sequence[Piece]) -> dict[str, torch.Tensor]:
        inputs = {
            "input_ids": torch.tensor([[piece.id for piece in pieces]]),
            "attention_mask": torch.ones(1, len(pieces), dtype=torch.long),
        }
        if self._segments:
            inputs["token_type_ids"] = torch.tensor([[piece.segment for piece in pieces]])
        return inputs


def load_masked(files: ModelFiles, report: Report) -> EncoderRuntime:
    """Read an encoder with the heads that its weight files hold.

    Raises:
        EngineError: ``broken_model`` when a tensor is missing or the files cannot be read,
            ``unable`` when the files hold neither head.
    """
    masked, next_sentence = "masked" in files.heads, "next_sentence" in files.heads
    if masked and next_sentence:
        architecture = transformers.AutoModelForPreTraining
    elif masked:
        architecture = transformers.AutoModelForMaskedLM
    elif next_sentence:
        architecture = transformers.AutoModelForNextSentencePrediction
    else:
        raise _headless("masked words or next sentences", "Take another model.")
    model = read_model(architecture, files, report)
    return EncoderRuntime(model, masked=masked, next_sentence=next_sentence)


def _headless(what: str, hint: str) -> EngineError:
    return EngineError(
        Error(kind="unable", message=f"This model has no head for {what}.", hint=hint)
    )
