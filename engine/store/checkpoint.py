"""Inspects a folder in transformers layout without loading weights or importing torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from safetensors import SafetensorError, safe_open

from engine import json_files
from engine.errors import Fault
from engine.json_files import Unreadable
from engine.messages import Head, Message
from engine.store import config_sizes, gguf_files, heads

SINGLE = "model.safetensors"
SHARDED = "model.safetensors.index.json"
_ADAPTER = "adapter_config.json"
PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json")


class Broken(Fault):
    """The folder cannot be used."""


@dataclass(frozen=True)
class Checkpoint:
    """Information from the configuration and the headers of the weight files."""

    folder: Path
    model_type: str
    heads: frozenset[Head]
    weight_bytes: int
    """Size of the weight files."""
    memory: int
    tied: int
    context: int | None
    chat: bool


class ShardIndex(msgspec.Struct, frozen=True):
    """`model.safetensors.index.json`: which file contains which tensor."""

    weight_map: dict[str, str]


def read(folder: Path) -> Checkpoint:
    """Inspect a model folder.

    Raises:
        Broken: the configuration or the weights are missing, unreadable or not supported.
    """
    config = read_config(folder)
    files = weight_files(folder)
    shapes: dict[str, tuple[int, ...]] = {}
    for file in files:
        shapes.update(_shapes(file))
    model_type = config.get("model_type")
    if not isinstance(model_type, str):
        raise Broken("reason.no_model_type")
    if not heads.supported(model_type):
        raise Broken("reason.unsupported_type", type=model_type)
    if "quantization_config" in config:
        raise Broken("reason.stored_quantised")
    if heads.looks_ahead(config):
        raise Broken("reason.looks_ahead")
    if reason := config_sizes.impossible(config):
        raise Broken("reason.impossible_config", why=reason)
    found = heads.find(config, shapes)
    if not found:
        decoder = heads.CAUSAL.get(model_type)
        raise Broken(
            Message.of("reason.no_output", tensor=decoder.output)
            if decoder
            else Message.of("reason.no_head")
        )
    if reason := config_sizes.unlike(config, shapes):
        raise Broken("reason.impossible_config", why=reason)
    return Checkpoint(
        folder=folder,
        model_type=model_type,
        heads=found,
        weight_bytes=sum(file.stat().st_size for file in files),
        memory=heads.memory(config, shapes),
        tied=heads.tied(config, shapes),
        context=heads.context(config),
        chat=has_chat_template(folder),
    )


def read_config(folder: Path) -> Mapping[str, object]:
    """Read config.json.

    Raises:
        Broken: it is missing or not a JSON object.
    """
    try:
        return json_files.json(folder / "config.json", dict[str, object])
    except FileNotFoundError as error:
        raise Broken(_no_model(folder)) from error
    except Unreadable as error:
        raise Broken(error.reason) from error


def _no_model(folder: Path) -> Message:
    """What a folder without a configuration seems to be instead."""
    try:
        adapter = json_files.json(folder / _ADAPTER, dict[str, object])
    except FileNotFoundError:
        pass
    except Unreadable as error:
        return error.reason
    else:
        base = adapter.get("base_model_name_or_path")
        if isinstance(base, str) and base:
            return Message.of("reason.adapter_of", base=base)
        return Message.of("reason.adapter")
    below = sorted(folder.glob("*/config.json")) or _cached(folder)
    if below:
        return Message.of("reason.model_below", path=below[0].parent)
    if files := sorted(file for file in folder.glob("*") if gguf_files.named(file)):
        return Message.of("reason.model_is_file", path=files[0])
    return Message.of("reason.no_model_folder")


def _cached(folder: Path) -> list[Path]:
    """The configurations of a model in the hub's cache, that of its main branch first."""
    found = sorted(folder.glob("snapshots/*/config.json"))
    try:
        main = (folder / "refs" / "main").read_text("utf-8").strip()
    except (OSError, ValueError):
        return found
    return sorted(found, key=lambda path: path.parent.name != main)


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a folder: the single one if it is there, else the shards.

    Raises:
        Broken: there are none, or a shard is missing.
    """
    if (folder / SINGLE).is_file():
        return [folder / SINGLE]
    if (folder / SHARDED).is_file():
        names = shard_names((folder / SHARDED).read_bytes())
        if missing := [name for name in names if not (folder / name).is_file()]:
            raise Broken("reason.weights_missing", file=missing[0])
        return [folder / name for name in names]
    if any((folder / name).is_file() for name in PICKLES):
        raise Broken("reason.pickle")
    if (folder / _ADAPTER).is_file():
        raise Broken(_no_model(folder))
    raise Broken("reason.weights_missing", file=SINGLE)


def shard_names(index: bytes) -> list[str]:
    """The files named in a shard index, which must be in the same folder.

    Raises:
        Broken: the index cannot be read or points elsewhere.
    """
    try:
        names = sorted(set(msgspec.json.decode(index, type=ShardIndex).weight_map.values()))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Broken("reason.broken_index", why=json_files.fault(error)) from error
    if not names:
        raise Broken("reason.empty_index")
    for name in names:
        if not plain(name):
            raise Broken("reason.index_elsewhere", name=name)
    return names


def plain(name: str) -> bool:
    """Whether this is a plain file name, without a path, on any system."""
    return bool(name) and name not in {".", ".."} and not set(name) & {"/", "\\", ":", "\0"}


def has_chat_template(folder: Path) -> bool:
    """Whether a chat template comes with the tokenizer."""
    if any((folder / name).is_file() for name in ("chat_template.jinja", "chat_template.json")):
        return True
    try:
        settings = json_files.json(folder / "tokenizer_config.json", dict[str, object])
    except (FileNotFoundError, Unreadable):
        return False  # an unreadable tokenizer is reported when it is loaded
    return bool(settings.get("chat_template"))


def _shapes(file: Path) -> dict[str, tuple[int, ...]]:
    try:
        file.open("rb").close()
        with safe_open(file, framework="numpy") as weights:
            return {
                name: tuple(weights.get_slice(name).get_shape()) for name in weights.offset_keys()
            }
    except SafetensorError as error:
        raise Broken("reason.damaged", file=file.name, error=error) from error
    except OSError as error:
        raise Broken("reason.unreadable", file=file.name, why=json_files.reason(error)) from error
