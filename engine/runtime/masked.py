"""Bidirectional encoders: masked words and next sentences from one set of weights, in fp32.

A head is loaded only if its tensors are in the weight files (`ModelFiles.heads`); `read_model`
refuses a model with tensors missing nonetheless. A BERT with both heads uses one encoder for both:
`BertForPreTraining` equals `BertForMaskedLM` and `BertForNextSentencePrediction`, to the bit.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
import transformers

from engine.errors import refusal
from engine.interfaces import LoadReport, ModelFiles
from engine.messages import Device, Piece
from engine.runtime.loading import read_model
from engine.runtime.soundness import sound

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class EncoderRuntime:
    """A `MaskedRuntime` over one of transformers' classes."""

    def __init__(
        self,
        model: PreTrainedModel,
        *,
        masked: bool,
        next_sentence: bool,
        sentence_order: bool = False,
    ) -> None:
        """Wrap a model in fp32 and evaluation mode, with these heads."""
        self._model = model
        self._device = model.device
        self._masked = masked
        self._next_sentence = next_sentence
        self._sentence_order = sentence_order
        self._words = word_head(model) if masked else None
        config = model.config
        self._padding: int = getattr(config, "pad_token_id", None) or 0
        accepted = inspect.signature(model.forward).parameters
        self.segments = "token_type_ids" in accepted and getattr(config, "type_vocab_size", 0) > 1
        self.vocabulary: int = config.vocab_size
        self.context = position_count(model)
        self.bytes: int = model.get_memory_footprint()

    def mask_logits(
        self, rows: Sequence[Sequence[Piece]], places: Sequence[tuple[int, int]]
    ) -> torch.Tensor:
        """Logits of the whole vocabulary at some places; see `MaskedRuntime`.

        Raises:
            EngineError: ``unable`` without a masked-LM head; ``broken_model``, see `sound`.
        """
        if not self._masked:
            raise refusal("unable", "no_masked_head")
        with torch.inference_mode():
            inputs = self._inputs(rows)
            wanted = tuple(zip(*places, strict=True))
            if self._words is None:
                logits: torch.Tensor = self._model(**inputs).logits
                return sound(logits[wanted])
            states = self._model.base_model(**inputs)[0]
            return sound(self._words(states[wanted]))

    def next_sentence(self, pairs: Sequence[Sequence[Piece]]) -> torch.Tensor:
        """Logits of "the second follows" and "it does not"; see `MaskedRuntime`.

        Raises:
            EngineError: ``unable`` without a next-sentence head; ``broken_model``, see `sound`.
        """
        if not self._next_sentence:
            raise refusal("unable", "no_next_sentence_head")
        # The head uses only the first state, so the last layer skips the others after its
        # attention, which saves three quarters of a layer.
        last = self._model.base_model.encoder.layer[-1].attention.output
        with torch.inference_mode(), last.register_forward_pre_hook(_only_first):
            inputs = self._inputs(pairs)
            if not self._masked:
                logits: torch.Tensor = self._model(**inputs).logits
                return sound(logits)
            # Only the head that is needed: the other is as wide as the vocabulary.
            pooled = self._model.base_model(**inputs).pooler_output
            judged: torch.Tensor = self._model.cls.seq_relationship(pooled)
            return sound(judged)

    def sentence_order(self, pairs: Sequence[Sequence[Piece]]) -> torch.Tensor:
        """Logits of "in their original order" and "swapped"; see `MaskedRuntime`.

        Raises:
            EngineError: ``unable`` without a sentence-order head; ``broken_model``, see `sound`.
        """
        if not self._sentence_order:
            raise refusal("unable", "no_sentence_order_head")
        with torch.inference_mode():
            pooled = self._model.base_model(**self._inputs(pairs)).pooler_output
            judged: torch.Tensor = self._model.sop_classifier(pooled)
            return sound(judged)

    def states(self, rows: Sequence[Sequence[Piece]]) -> torch.Tensor:
        """The last hidden states of texts; see `MaskedRuntime`.

        Raises:
            EngineError: ``broken_model``, see `sound`.
        """
        with torch.inference_mode():
            states: torch.Tensor = self._model.base_model(**self._inputs(rows))[0]
            return sound(states)

    def _inputs(self, rows: Sequence[Sequence[Piece]]) -> dict[str, torch.Tensor]:
        """A batch of rows, the shorter ones padded and masked from attention."""
        width = max(map(len, rows))
        padded = [[*row, *[None] * (width - len(row))] for row in rows]

        def tensor(value: Callable[[Piece], int], padding: int) -> torch.Tensor:
            return torch.tensor(
                [[padding if piece is None else value(piece) for piece in row] for row in padded],
                device=self._device,
            )

        inputs = {
            "input_ids": tensor(lambda piece: piece.id, self._padding),
            "attention_mask": tensor(lambda piece: 1, 0),
        }
        if self.segments:
            inputs["token_type_ids"] = tensor(lambda piece: piece.segment, 0)
        return inputs


def position_count(model: PreTrainedModel) -> int | None:
    """The number of positions in the model's table, else in its configuration.

    If the table has a row for padding, only the rows after it count.
    """
    for module in model.modules():
        table = getattr(module, "position_embeddings", None)
        if isinstance(table, torch.nn.Embedding):
            spent = 0 if table.padding_idx is None else table.padding_idx + 1
            return table.num_embeddings - spent
    limit: int | None = getattr(model.config, "max_position_embeddings", None)
    return limit


def _only_first(
    module: torch.nn.Module, states: tuple[torch.Tensor, ...]
) -> tuple[torch.Tensor, ...]:
    """Pass only the first state of each row to a module, [rows, 1, width]."""
    return tuple(each[:, :1] for each in states)


_HEADS = (
    ("cls.predictions",),
    ("lm_head",),
    ("predictions",),
    ("head", "decoder"),
    ("vocab_transform", "activation", "vocab_layer_norm", "vocab_projector"),
)
"""Where classes keep the modules of their masked-LM head, in the order they are applied."""


def word_head(model: PreTrainedModel) -> Callable[[torch.Tensor], torch.Tensor] | None:
    """The masked-LM head alone, if this class keeps it in one of the known places.

    It is most of the work for a short text, and is needed only at the masks.
    """
    for paths in _HEADS:
        parts = [part for part in (_part(model, path) for path in paths) if part is not None]
        if len(parts) == len(paths):
            last = parts[-1]
            words = last if len(parts) > 1 else getattr(last, "decoder", None)
            if isinstance(words, torch.nn.Linear):
                return torch.nn.Sequential(*parts)
    return None


def _part(model: PreTrainedModel, path: str) -> torch.nn.Module | None:
    part: torch.nn.Module | None = model
    for name in path.split("."):
        part = getattr(part, name, None)
    return part


def load_masked(files: ModelFiles, report: LoadReport, device: Device = "cpu") -> EncoderRuntime:
    """Load an encoder onto a device, with the heads in its weight files.

    Raises:
        EngineError: ``broken_model`` if a tensor is missing or the files cannot be read;
            ``unable`` if the files contain none of the heads.
    """
    return EncoderRuntime(
        read_model(encoder_class(files), files, report, device),
        masked="masked" in files.heads,
        next_sentence="next_sentence" in files.heads,
        sentence_order="sentence_order" in files.heads,
    )


def encoder_class(files: ModelFiles) -> Any:
    """The class of transformers with the heads in an encoder's weight files.

    Raises:
        EngineError: ``unable`` if the files contain none of the heads.
    """
    masked, next_sentence = "masked" in files.heads, "next_sentence" in files.heads
    if masked and (next_sentence or "sentence_order" in files.heads):
        return transformers.AutoModelForPreTraining
    if masked:
        return transformers.AutoModelForMaskedLM
    if next_sentence:
        return transformers.AutoModelForNextSentencePrediction
    raise refusal("unable", "no_bidirectional_head")
