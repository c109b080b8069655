"""Models in memory: forward passes and caches.

    loading.py       loads a model through transformers
    loaded.py        a model in memory: its runtimes, its tokenizer and its caches
    generic.py       any causal model of transformers, in fp32: the reference
    packed/          a fast decoder for the GPT-2, Llama and Gemma 3 families, exact and bf16
    graph/           their quantised forms, run by ONNX Runtime
    ngram/           n-gram models, trained on a text when they are loaded
    masked.py        encoders: masked words and next sentences
    inside/          a model that can be looked into
    served/          a model that a server runs
    prefix_cache.py  keys and values kept between requests
    pair_cache.py    scores of pairs of sentences, kept likewise
    scoring.py       log-probabilities of whole texts under a causal model
    masked_rows.py   many positions in many texts under a masked model
    batches.py       texts of similar length, read together
    padding.py       texts padded to one length
    distribution.py  the logits after a token as a distribution, and its figures
    refining.py      the largest logits of a coarser form, computed again in fp32
    stretching.py    rotary positions that depend on the length of the text
    distance.py      how much one runtime's predictions differ from another's
    speed.py         how fast one runtime decodes beside another
    soundness.py     refuses NaN and infinity

Importing this package does not import torch.
"""

from __future__ import annotations

from engine import tokenization
from engine.errors import refusal
from engine.interfaces import CausalRuntime, LoadReport, ModelFiles
from engine.machine.devices import full, home
from engine.messages import Device, Message, Precision
from engine.precision import PACKED, QUANTISED
from engine.runtime.loaded import LoadedModel
from engine.store import ngram_files
from engine.tokenization.ngrams import NgramTokenizer


def load(
    files: ModelFiles,
    report: LoadReport,
    precision: Precision = "exact",
    device: Device = "cpu",
) -> LoadedModel:
    """Load a model into memory: its tokenizer and a runtime for each kind of head it has.

    `report` is called on the calling thread with the stage and the percentage of weights read.
    Quantised forms stay on the CPU, whatever the device. Takes seconds and cannot be interrupted,
    so call it on the loader thread.

    Raises:
        EngineError: ``broken_model`` if the files are incomplete or damaged; ``unable`` if they
            contain no head that this engine can use, or not in this form; ``too_big`` if it does
            not fit on the device; for a server's model, what `served.connecting.connect` raises.
    """
    if files.server is not None:
        from engine.runtime.served.connecting import connect

        return connect(files, files.server, report)
    report(Message.of("stage.reading_tokenizer"), 0.0)
    tokenizer = tokenization.load(files.folder)
    report(Message.of("stage.torch"), 0.0)
    if isinstance(tokenizer, NgramTokenizer):
        from engine.runtime.ngram.loading import load_ngrams

        return LoadedModel(files, tokenizer, causal=load_ngrams(files, tokenizer, report))
    device = home(device, precision)
    try:
        causal = _causal(files, precision, device, report) if "causal" in files.heads else None
        masked = None
        if files.heads & {"masked", "next_sentence", "sentence_order"}:
            from engine.runtime.masked import load_masked

            masked = load_masked(files, report, device)
    except Exception as error:
        if refused := full(error, files.id, device):
            raise refused from error
        raise
    if causal is None and masked is None:
        raise refusal("unable", "no_head", model=files.id)
    report(Message.of("stage.ready"), 100.0)
    return LoadedModel(
        files, tokenizer, causal=causal, masked=masked, precision=precision, device=device
    )


def load_to_look(files: ModelFiles, report: LoadReport) -> LoadedModel:
    """Load a model to look into it, in fp32 on the CPU; see `engine.runtime.inside`.

    Takes seconds and cannot be interrupted, so call it on the loader thread.

    Raises:
        EngineError: ``broken_model`` if the files are incomplete or damaged; ``unable`` if they
            contain no head that this engine can use.
    """
    if files.model_type == ngram_files.MODEL_TYPE:
        raise refusal("unable", "ngram_inside")
    report(Message.of("stage.reading_tokenizer"), 0.0)
    tokenizer = tokenization.load(files.folder)
    report(Message.of("stage.torch"), 0.0)
    from engine.runtime.inside.model import load_inside

    inside = load_inside(files, report)
    report(Message.of("stage.ready"), 100.0)
    return LoadedModel(files, tokenizer, inside=inside)


def _causal(
    files: ModelFiles, precision: Precision, device: Device, report: LoadReport
) -> CausalRuntime:
    """A graph or the packed decoder if they support the model.

    Otherwise transformers' own, which is exact only.
    """
    if files.model_type in PACKED and precision in QUANTISED:
        from engine.runtime.graph.loading import load_graph

        graph = load_graph(files, precision, report)
        if graph is not None:
            return graph
    elif files.model_type in PACKED:
        from engine.runtime.packed.loading import load_packed

        packed = load_packed(files, precision, report, device)
        if packed is not None:
            return packed
    if precision != "exact":
        raise refusal("unable", "unpackable", model=files.id, form=precision)
    from engine.runtime.generic import load_causal

    return load_causal(files, report, device)
