"""Converts other weight formats to safetensors, once, so that later loads take about a second.

Runs in the child process of a pull. A converted folder contains exactly the weights that
transformers reads from the original: for a GGUF file, the dequantised ones, in fp32.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import pre_tokenizers
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.modeling_gguf_pytorch_utils import (
    TENSOR_PROCESSORS,
    TensorProcessor,
    get_gguf_hf_weights_map,
)

from engine.errors import EngineError
from engine.messages import Error
from engine.pull.gguf_header import Header
from engine.pull.progress import Report, require_memory, require_space
from engine.runtime.loading import readable, some, unfit
from engine.store import checkpoint, config_sizes, gguf_files, heads, manifest
from engine.store.checkpoint import Broken
from engine.store.manifest import Manifest
from engine.store.place import Place

_PEAK = 1.3
"""Memory of a conversion relative to its weights in fp32: 1.2 was measured."""


def from_gguf(place: Place, gguf: Path, work: Path, report: Report) -> tuple[Path, Manifest]:
    """Convert a user's .gguf file, which is left unchanged, into a folder under `work`.

    Raises:
        EngineError: unable (no room), broken_model.
    """
    folder = work / "model"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    kind = convert_gguf(gguf, folder, report)
    return folder, Manifest(
        id=place.id,
        source="local",
        origin=str(gguf),
        revision=manifest.sha256(*gguf_files.parts(gguf)),
        weights=kind,
        files=manifest.describe(folder, (path.name for path in folder.iterdir())),
    )


def convert_gguf(gguf: Path, folder: Path, report: Report) -> str:
    """Convert a GGUF file to transformers layout, including tokenizer and chat template.

    The parts of a split model are joined. Returns how its weights are stored: "Q4_1".

    Raises:
        EngineError: unable (no room), too_big, broken_model.
    """
    joined = folder / "joined.gguf"
    try:
        with readable(lambda reason: _unusable(gguf, reason)):
            report("converting", "reading the file")
            header = Header(gguf)
            file = gguf
            if len(header.files) > 1:
                report("converting", "joining its parts")
                require_space(folder, sum(part.stat().st_size for part in header.files))
                header.join(joined)
                file = joined
            model, tokenizer = _read(file, header, folder, report)
    finally:
        joined.unlink(missing_ok=True)
    report("converting", "writing safetensors")
    config = model.config
    del config.quantization_config
    config.architectures = [type(model).__name__]
    config.save_pretrained(folder)
    model.generation_config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _save(model.state_dict(), checkpoint.read_config(folder), folder)
    return header.kind


def _read(
    gguf: Path, header: Header, folder: Path, report: Report
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Read a model and its tokenizer from one file, to be written to `folder`.

    Raises:
        EngineError: unable (no room), too_big.
        Broken: it is incomplete; also what transformers raises.
    """
    config = AutoConfig.from_pretrained(gguf.parent, gguf_file=gguf.name)
    _complete(config, header)
    if not heads.supported(config.model_type):
        raise Broken(f"models of type {config.model_type!r} are not known here")
    if reason := config_sizes.impossible(config.to_dict()):
        raise Broken(f"its header cannot be right: {reason}")
    with torch.device("meta"):
        shell = AutoModelForCausalLM.from_config(config)
    weights = sum(parameter.numel() for parameter in shell.parameters())
    needed = heads.FP32 * max(weights, header.elements)
    require_memory(int(_PEAK * needed))
    require_space(folder, needed)
    _require_whole(header, shell)
    report("converting", "dequantising")
    model, info = AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        gguf_file=gguf.name,
        config=config,
        dtype=torch.float32,
        ignore_mismatched_sizes=True,  # refused below, with the tensor's name
        output_loading_info=True,
    )
    if reason := unfit(info, model):
        raise Broken(reason)
    report("converting", "building the tokenizer")
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    if header.tokenizer == "smollm":
        # transformers builds GPT-2's pre-tokenizer for every such file; SmolLM's first separates
        # each digit, which makes a difference to spaces before a number.
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
            ]
        )
    return model, tokenizer


def _complete(config: PreTrainedConfig, header: Header) -> None:
    """Put in what transformers passes over in a header: GPT-2's positions, the size of a head."""
    positions, head = header.size("context_length"), header.size("attention.key_length")
    if config.model_type == "gpt2" and positions is not None:
        config.n_positions = positions
    if hasattr(config, "head_dim") and head is not None:
        config.head_dim = head


def _require_whole(header: Header, shell: PreTrainedModel) -> None:
    """Check that the tensors in the file are exactly those of the model.

    transformers ignores tensors in the file that it does not recognise, and reports missing ones by
    names that are not in the file.

    Raises:
        Broken: something is missing, or would be left out.
    """
    processor = TENSOR_PROCESSORS.get(header.architecture, TensorProcessor)(config={})
    places = get_gguf_hf_weights_map(shell, processor)
    tied = shell.all_tied_weights_keys
    held = {places.get(name) for name in header.names}
    missing = sorted(
        name for name, place in places.items() if place not in held and place not in tied
    )
    if missing:
        raise Broken(f"it lacks {some(missing)}")
    # GPT-2's output layer is placed by the processor.
    if more := sorted(set(header.names) - places.keys() - {"output.weight"}):
        raise Broken(f"it contains {some(more)}, which transformers cannot place")


def from_pickles(files: Sequence[Path], folder: Path, report: Report) -> None:
    """Convert a model's pickled weights to safetensors, reading nothing but tensors.

    The pickles are deleted.

    Raises:
        EngineError: broken_model, if a file contains more than tensors or is damaged.
    """
    tensors: dict[str, torch.Tensor] = {}
    for file in files:
        report("converting", file.name)
        loaded = _unpickled(file)
        if not isinstance(loaded, Mapping):
            raise _unusable(file, "it does not contain a table of tensors")
        tensors.update(
            (name, tensor) for name, tensor in loaded.items() if isinstance(tensor, torch.Tensor)
        )
    report("converting", "writing safetensors")
    _save(tensors, checkpoint.read_config(folder), folder)
    for name in (*(file.name for file in files), checkpoint.PICKLES[1]):
        (folder / name).unlink(missing_ok=True)


def _unpickled(file: Path) -> object:
    with readable(lambda _: _unusable(file, "it is damaged, or holds more than tensors")):
        return torch.load(file, map_location="cpu", weights_only=True)


def _save(tensors: Mapping[str, torch.Tensor], config: Mapping[str, object], folder: Path) -> None:
    """Write weights, without the output layer if it equals the embedding."""
    output, embedding = heads.tied_output(config, tensors) or ("", "")
    twice = bool(output) and torch.equal(tensors[output], tensors[embedding])
    kept: dict[str, torch.Tensor] = {}
    seen: set[int] = set()
    for name, tensor in tensors.items():
        if twice and name == output:
            continue
        # safetensors refuses tensors that share memory.
        shared = tensor.untyped_storage().data_ptr() in seen
        kept[name] = tensor.clone() if shared else tensor.contiguous()
        seen.add(kept[name].untyped_storage().data_ptr())
    save_file(kept, folder / checkpoint.SINGLE, metadata={"format": "pt"})


def _unusable(file: Path, reason: str) -> EngineError:
    return EngineError(
        Error(
            kind="broken_model",
            message=f"{file.name} cannot be used: {reason}.",
            hint="It may be damaged, truncated, or of a kind that transformers does not support.",
        )
    )
