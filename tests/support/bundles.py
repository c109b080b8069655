"""Real models from folders, loaded as the engine loads them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import engine
from engine import runtime
from engine.interfaces import ModelFiles
from engine.messages import Head, Words
from engine.runtime.loaded import LoadedModel
from engine.store import artifacts

STARTER = Path(engine.__file__).resolve().parent / "starter"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "models"
"""Real tokenizers and one real small model; absent on a fresh clone."""


def files(folder: Path, *heads: Head, start_token: str | None = None) -> ModelFiles:
    """What the store would say of a folder with these heads, or with a causal one."""
    return ModelFiles(
        id=folder.name,
        folder=folder,
        revision="",
        model_type="",
        heads=frozenset(heads or ("causal",)),
        roles=(),
        languages=(),
        weight_bytes=0,
        memory=0,
        start_token=start_token,
    )


def kept(folder: Path, root: Path) -> ModelFiles:
    """The same of a model with a place for what is computed from it, in the store at `root`."""
    return dataclasses.replace(files(folder), derived=artifacts.place(root, folder))


def load(folder: Path, *heads: Head, start_token: str | None = None) -> LoadedModel:
    """A model in memory, with its tokenizer."""
    return runtime.load(files(folder, *heads, start_token=start_token), quiet)


def quiet(stage: Words, percent: float) -> None:
    """Report to nobody."""
