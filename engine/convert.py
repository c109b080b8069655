"""Other weight formats to safetensors, once, so that later loads take about a second.

Runs in the child process of a pull. A converted folder holds exactly the weights that
transformers reads from the original: for a GGUF file, the dequantised ones, in fp32.
"""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from gguf import GGUFReader
from safetensors.torch import save_file
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer

from engine import checkpoint, heads, manifest
from engine.errors import EngineError
from engine.manifest import Manifest
from engine.messages import Error
from engine.progress import Report, require_space
from engine.store import Place

_MALFORMED = (ValueError, KeyError, IndexError, RuntimeError, OSError, EOFError)
"""What the libraries raise on a file that is not what it says, or that they do not support."""


def from_gguf(place: Place, gguf: Path, work: Path, report: Report) -> tuple[Path, Manifest]:
    """Convert a .gguf file of the user's, which stays where it is, in a folder under `work`.

    Raises:
        EngineError: unable (no room), broken_model.
    """
    folder = work / "model"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    convert_gguf(gguf, folder, report)
    return folder, Manifest(
        id=place.id,
        source="local",
        origin=str(gguf),
        revision=manifest.sha256(gguf),
        files=manifest.describe(folder, (path.name for path in folder.iterdir())),
    )


def convert_gguf(gguf: Path, folder: Path, report: Report) -> None:
    """Write a GGUF file's model in transformers layout, tokenizer and chat template included.

    Raises:
        EngineError: unable (no room), broken_model.
    """
    try:
        report("converting", "reading the file")
        reader = GGUFReader(gguf)
        require_space(folder, sum(heads.FP32 * int(tensor.n_elements) for tensor in reader.tensors))
        report("converting", "dequantising")
        model = AutoModelForCausalLM.from_pretrained(
            gguf.parent, gguf_file=gguf.name, dtype=torch.float32
        )
        report("converting", "building the tokenizer")
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    except _MALFORMED as error:
        raise _unreadable(gguf, error) from error
    field = reader.get_field("tokenizer.ggml.pre")
    if field is not None and field.contents() == "smollm":
        # transformers builds GPT-2's pre-tokenizer for every such file; SmolLM's first sets each
        # digit apart, which shows where spaces stand before a number.
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
            ]
        )
    report("converting", "writing safetensors")
    config = model.config
    del config.quantization_config
    config.architectures = [type(model).__name__]
    config.save_pretrained(folder)
    model.generation_config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _save(model.state_dict(), checkpoint.read_config(folder), folder)


def from_pickles(files: Sequence[Path], folder: Path, report: Report) -> None:
    """Turn a model's pickled weights, read as tensors and nothing else, into safetensors.

    The pickles are deleted.

    Raises:
        EngineError: broken_model, a file holds more than tensors or is damaged.
    """
    tensors: dict[str, torch.Tensor] = {}
    for file in files:
        report("converting", file.name)
        try:
            loaded = torch.load(file, map_location="cpu", weights_only=True)
        except (*_MALFORMED, pickle.UnpicklingError) as error:
            raise _unreadable(file, error) from error
        if not isinstance(loaded, Mapping):
            raise _unreadable(file, TypeError("it holds no table of tensors"))
        tensors.update(
            (name, tensor) for name, tensor in loaded.items() if isinstance(tensor, torch.Tensor)
        )
    report("converting", "writing safetensors")
    _save(tensors, checkpoint.read_config(folder), folder)
    for name in (*(file.name for file in files), checkpoint.PICKLES[1]):
        (folder / name).unlink(missing_ok=True)


def _save(tensors: Mapping[str, torch.Tensor], config: Mapping[str, object], folder: Path) -> None:
    """Write weights, leaving out the output layer where it is the embedding over again."""
    tied = heads.tied_output(config)
    kept: dict[str, torch.Tensor] = {}
    seen: set[int] = set()
    for name, tensor in tensors.items():
        if name == tied:
            continue
        # safetensors refuses tensors that share memory.
        shared = tensor.untyped_storage().data_ptr() in seen
        kept[name] = tensor.clone() if shared else tensor.contiguous()
        seen.add(kept[name].untyped_storage().data_ptr())
    save_file(kept, folder / checkpoint.SINGLE, metadata={"format": "pt"})


def _unreadable(file: Path, error: Exception) -> EngineError:
    reason = str(error).strip().splitlines()
    return EngineError(
        Error(
            kind="broken_model",
            message=f"{file.name} cannot be read: {reason[0] if reason else type(error).__name__}",
            hint="It may be damaged, cut short, or of a kind that transformers does not know.",
        )
    )
