"""One pass of a model over a text, with what is seen on the way."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
import transformers

from engine.errors import EngineError, refusal
from engine.interfaces import LoadReport, ModelFiles
from engine.machine.loader import Loader
from engine.messages import Change, Message, Piece
from engine.runtime.inside.anatomy import NAMES, Names
from engine.runtime.inside.attending import CURRENT, NAME, Pass, Watch, returned, show
from engine.runtime.loading import read_model
from engine.runtime.masked import encoder_class, position_count, word_head
from engine.runtime.soundness import sound
from engine.runtime.stretching import Stretching
from engine.store.heads import context

if TYPE_CHECKING:
    from transformers import PreTrainedModel

NO_CHANGE = Change()
_LAYER = 2**29
"""Weights of a layer at most, where a class computes them at once: 2 GB."""


@dataclass(frozen=True)
class Outputs:
    """What a pass gives at the end."""

    words: torch.Tensor | None
    """Logits of words at one position, float32 [vocabulary]; None without such a head."""
    pair: torch.Tensor | None
    """Logits of a next-sentence head, float32 [2]; None without one."""


class InsideModel:
    """A model whose pass can be watched and altered. One pass runs at a time, on `thread`."""

    def __init__(self, model: PreTrainedModel, files: ModelFiles) -> None:
        """Wrap a model in fp32 and evaluation mode, whose attention is `attending` or eager."""
        self._model = model
        self._files = files
        config = model.config.get_text_config(decoder=True)
        self.causal: bool = "causal" in files.heads
        self.layers: int = config.num_hidden_layers
        self.heads: int = config.num_attention_heads
        self.vocabulary: int = config.vocab_size
        self.context: int | None = (
            context(config.to_dict()) if self.causal else position_count(model)
        )
        self.bytes: int = model.get_memory_footprint()
        self.thread = Loader()
        self.shown_attention = getattr(config, "_attn_implementation", "") == NAME
        """Whether attention can be watched layer by layer, and altered."""
        self.names = NAMES.get(model.config.model_type)
        accepted = inspect.signature(model.forward).parameters
        self.segments = (
            "token_type_ids" in accepted
            and not self.causal
            and getattr(config, "type_vocab_size", 0) > 1
        )
        self._chosen = "logits_to_keep" in accepted
        self._cap: float | None = getattr(config, "final_logit_softcapping", None)
        self._stretching = Stretching(model)

    # --------------------------------------------------------------------------- a pass

    def inputs(self, pieces: Sequence[Piece]) -> dict[str, torch.Tensor]:
        """What the model is fed, by name: each int64 [1, positions]."""
        fed = {"input_ids": torch.tensor([[piece.id for piece in pieces]])}
        fed["attention_mask"] = torch.ones_like(fed["input_ids"])
        if self.segments:
            fed["token_type_ids"] = torch.tensor([[piece.segment for piece in pieces]])
        return fed

    def run(
        self,
        pieces: Sequence[Piece],
        position: int,
        watch: Watch,
        change: Change = NO_CHANGE,
        patched: torch.Tensor | None = None,
    ) -> Outputs:
        """One pass over a text; logits are those at `position`.

        `patched` is what `Change.patch` puts in place, [width].

        Raises:
            EngineError: ``unable`` for what this class cannot show or alter; ``bad_request`` for a
                layer, head or position that is not there; ``broken_model``, see `sound`.
        """
        self._check(change, len(pieces), watch)
        options: dict[str, Any] = {"use_cache": False} if self.causal else {}
        if self._chosen and self.causal:
            options["logits_to_keep"] = torch.tensor([position])
        returns = watch.weights is not None and not self.shown_attention
        if returns:
            options["output_attentions"] = True
        token = CURRENT.set(Pass(watch, change))
        try:
            with (
                torch.inference_mode(),
                self._stretching.reading(len(pieces)),
                self._hooked(watch, change, patched),
                returned(self._model, watch, self.heads, len(pieces)) if returns else nullcontext(),
            ):
                output = self._model(**self.inputs(pieces), **options)
                for layer, weights in enumerate(output.attentions if returns else ()):
                    if weights.numel():
                        show(watch, layer, weights[0])
                return self._outputs(output, position)
        finally:
            CURRENT.reset(token)

    def _outputs(self, output: Any, position: int) -> Outputs:
        heads = self._files.heads
        pair = words = None
        if "next_sentence" in heads:
            judged = getattr(output, "seq_relationship_logits", None)
            pair = sound((output.logits if judged is None else judged)[0])
        if heads & {"causal", "masked"}:
            logits = getattr(output, "prediction_logits", None)
            logits = (output.logits if logits is None else logits)[0]
            words = sound(logits[0 if self.causal and self._chosen else position])
        return Outputs(words, pair)

    @contextmanager
    def _hooked(self, watch: Watch, change: Change, patched: torch.Tensor | None) -> Iterator[None]:
        """Have the layers call `watch`, and alter what they give."""
        with ExitStack() as hooks:
            if watch.table is not None:
                for name, table in self._tables():
                    hook = table.register_forward_hook(_looked_up(watch.table, name))
                    hooks.callback(hook.remove)
            if watch.stream or watch.joined or watch.mlp or change.layers or change.patch:
                done = 0

                def after(
                    module: torch.nn.Module, args: Any, options: dict[str, Any], output: Any
                ) -> Any:
                    nonlocal done
                    layer, done = done, done + 1
                    given = _states(args, options)
                    states = output[0] if isinstance(output, tuple) else output
                    states = _altered(states, given, layer, change, patched)
                    if watch.stream is not None:
                        watch.stream(layer + 1, states[0])
                    return (states, *output[1:]) if isinstance(output, tuple) else states

                def before(module: torch.nn.Module, args: Any, options: dict[str, Any]) -> None:
                    if not done and watch.stream is not None:
                        watch.stream(0, _states(args, options)[0])

                names = self._named()
                hook = self._layers[0].register_forward_pre_hook(before, with_kwargs=True)
                hooks.callback(hook.remove)
                for number, layer in enumerate(self._layers):
                    hooks.callback(layer.register_forward_hook(after, with_kwargs=True).remove)
                    if watch.joined is not None:
                        projection = layer.get_submodule(names.projection)
                        hook = projection.register_forward_pre_hook(_given(watch.joined, number))
                        hooks.callback(hook.remove)
                    if watch.mlp is not None:
                        mlp = layer.get_submodule(names.mlp)
                        hooks.callback(mlp.register_forward_hook(_made(watch.mlp, number)).remove)
            yield

    # ------------------------------------------------------------------------ its parts

    @cached_property
    def _layers(self) -> list[torch.nn.Module]:
        """The modules of the layers; fewer where one is run several times."""
        found = self._model.base_model.get_submodule(self._named().layers)
        return list(found.children())

    def _named(self) -> Names:
        if self.names is None:
            raise self._unable(Message.of("inside.layers"))
        return self.names

    def project(self, layer: int, joined: torch.Tensor) -> torch.Tensor:
        """Outputs of all heads [rows, all heads], as they are added: [rows, width]."""
        module = self._layers[layer].get_submodule(self._named().projection)
        projected: torch.Tensor = module(joined)
        return projected

    @property
    def final_norm(self) -> torch.nn.Module | None:
        """The norm after all layers, if there is one."""
        norm = self._named().norm
        return self._model.base_model.get_submodule(norm) if norm else None

    @property
    def output_layer(self) -> torch.nn.Module:
        """The layer whose rows are the vocabulary's words."""
        layer: torch.nn.Module = self._model.get_output_embeddings()
        return layer

    def words(self, states: torch.Tensor) -> torch.Tensor:
        """What the final norm and the word head make of a layer's states [rows, width]:
        float32 [rows, vocabulary].

        Raises:
            EngineError: ``unable``, if this family keeps them in an unknown place.
        """
        head = self.output_layer if self.causal else word_head(self._model)
        if head is None or self.names is None:
            raise self._unable(Message.of("inside.answers"))
        norm = self.final_norm
        with torch.inference_mode():
            logits: torch.Tensor = head(states if norm is None else norm(states))
            if self._cap is not None:
                logits = self._cap * (logits / self._cap).tanh()
            return sound(logits)

    def pair(self, state: torch.Tensor) -> torch.Tensor:
        """What the next-sentence head makes of a layer's first state [width]: float32 [2]."""
        with torch.inference_mode():
            pooled = self._model.base_model.pooler(state[None, None])
            judge = getattr(self._model.cls, "seq_relationship", None)
            judged: torch.Tensor = (self._model.cls if judge is None else judge)(pooled)
            return sound(judged[0])

    def _tables(self) -> list[tuple[str, torch.nn.Embedding]]:
        """The tables that turn ids, positions and segments into vectors, by name."""
        return [
            (f"{name}.weight", module)
            for name, module in self._model.base_model.named_modules()
            if isinstance(module, torch.nn.Embedding)
        ]

    # -------------------------------------------------------------------------- refusing

    def check_place(self, layer: int, head: int | None = None) -> None:
        """Refuse a layer or a head that is not there.

        Raises:
            EngineError: ``bad_request``.
        """
        if layer >= self.layers:
            raise refusal(
                "bad_request",
                "no_layer",
                number=layer,
                count=self.layers,
                last=self.layers - 1,
                model=self._files.id,
            )
        if head is not None and head >= self.heads:
            raise refusal(
                "bad_request",
                "no_attention_head",
                number=head,
                count=self.heads,
                last=self.heads - 1,
                model=self._files.id,
            )

    def check_position(self, position: int, length: int) -> None:
        """Refuse a position beyond the text.

        Raises:
            EngineError: ``bad_request``.
        """
        if position >= length:
            raise refusal(
                "bad_request",
                "no_position",
                number=position,
                count=length,
                last=length - 1,
                model=self._files.id,
            )

    def _check(self, change: Change, length: int, watch: Watch) -> None:
        for layer, head in change.heads:
            self.check_place(layer, head)
        for layer in change.layers:
            self.check_place(layer)
        for position in change.cut:
            self.check_position(position, length)
        if change.patch is not None:
            self.check_place(change.patch.layer)
            self.check_position(change.patch.position, length)
        if (change.heads or change.cut or watch.attended) and not self.shown_attention:
            raise self._unable(Message.of("inside.heads"))
        too_long = self.heads * length**2 > _LAYER
        if watch.weights is not None and not self.shown_attention and too_long:
            raise refusal("too_long", "attention_too_long", model=self._files.id, n=length)

    def _unable(self, what: Message) -> EngineError:
        model_type = self._model.config.model_type
        return refusal("unable", "kept_elsewhere", model=self._files.id, what=what, type=model_type)


def _altered(
    states: torch.Tensor,
    given: torch.Tensor,
    layer: int,
    change: Change,
    patched: torch.Tensor | None,
) -> torch.Tensor:
    """What a layer passes on, [1, positions, width]."""
    if layer in change.layers:
        states = given
    if change.patch is not None and change.patch.layer == layer and patched is not None:
        states = states.clone()
        states[:, change.patch.position] = patched
    return states


def _states(args: tuple[Any, ...], options: dict[str, Any]) -> torch.Tensor:
    """What a layer is called with, [1, positions, width]."""
    states: torch.Tensor = args[0] if args else options["hidden_states"]
    return states


def _given(call: Callable[[int, torch.Tensor], None], layer: int) -> Callable[..., None]:
    def hook(module: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> None:
        call(layer, args[0][0])

    return hook


def _made(call: Callable[[int, torch.Tensor], None], layer: int) -> Callable[..., None]:
    def hook(module: torch.nn.Module, args: object, output: torch.Tensor) -> None:
        call(layer, output[0])

    return hook


def _looked_up(
    call: Callable[[str, list[int], torch.Tensor], None], name: str
) -> Callable[..., None]:
    def hook(module: torch.nn.Embedding, args: object, output: torch.Tensor) -> None:
        call(name, list(module.weight.shape), output)

    return hook


def load_inside(files: ModelFiles, report: LoadReport) -> InsideModel:
    """Load a model to look into, on the CPU.

    Raises:
        EngineError: ``broken_model``, see `read_model`; ``unable`` without a usable head.
    """
    causal = "causal" in files.heads
    architecture = transformers.AutoModelForCausalLM if causal else encoder_class(files)
    model = read_model(architecture, files, report)
    shows = bool(getattr(model, "_supports_attention_backend", False))
    model.set_attn_implementation(NAME if shows else "eager")
    return InsideModel(model, files)
