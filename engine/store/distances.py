"""The measured distances of a model's forms from exact, and the thresholds for `auto`.

They are measured on a text in the model's language that no model was trained on (`heldout/`,
written for this purpose), and kept in the store until the weights change. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path

from engine.interfaces import ModelFiles
from engine.messages import Distance, FloatInputs, Precision
from engine.store import artifacts

NAME = "distances-2.json"
"""The number grows when a form computes otherwise than before: it is then measured again."""
FASTEST: tuple[Precision, ...] = ("int4", "int8", "bf16")
"""The forms other than exact, the fastest first."""
MOST_KL = 2e-3
"""Nats per token; with the two below, the limits of what `auto` accepts."""
LEAST_TOP1 = 0.97
LEAST_TOKENS = 1000
FLOAT_INPUTS: tuple[FloatInputs, ...] = ("none", "down", "layers")
"""How a quantised form can run, the fastest first, the most accurate last."""
UNMEASURED: FloatInputs = "down"
"""How it runs before it was measured."""


def text(languages: Sequence[str]) -> str:
    """The held-out text for a model of these languages."""
    name = "ja.txt" if "ja" in languages else "en.txt"
    return resources.files("engine.store").joinpath("heldout", name).read_text(encoding="utf-8")


def near(distance: Distance) -> bool:
    """Whether a form is close enough to exact for `auto`."""
    return (
        distance.kl <= MOST_KL and distance.top1 >= LEAST_TOP1 and distance.tokens >= LEAST_TOKENS
    )


def worth_it(distance: Distance) -> bool:
    """Whether `auto` takes a form: it is close enough, and not slower than exact here."""
    return near(distance) and (distance.speed is None or distance.speed >= 1)


def read(folder: Path | None) -> list[Distance]:
    """The measured distances of a model; none if the file is missing or damaged."""
    return artifacts.read_json(folder, NAME, list[Distance]) or []


def float_inputs(folder: Path | None, precision: Precision) -> FloatInputs:
    """How a model's quantised form runs, as it was measured."""
    chosen = (each.float_inputs for each in read(folder) if each.precision == precision)
    return next(chosen, None) or UNMEASURED


def write(files: ModelFiles, measured: Iterable[Distance]) -> list[Distance]:
    """Add to a model's measured distances, and return all of them, the fastest form first."""
    found = {distance.precision: distance for distance in read(files.derived)}
    found |= {distance.precision: distance for distance in measured}
    ordered = [found[precision] for precision in FASTEST if precision in found]
    artifacts.write_json(files.derived, NAME, files.folder, ordered)
    return ordered
