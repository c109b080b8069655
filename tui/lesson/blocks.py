"""The few lines of Python that compute what a stop shows, on the learner's own text."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from string import Template

import yaml

from tui.lesson.network import RATE, Network, Weights
from tui.lesson.progress import Texts
from tui.lesson.stops import DRAWN, HEAD, LAYER, TOP, StopId


@cache
def _blocks() -> Mapping[str, str]:
    found = resources.files(__name__.rpartition(".")[0]).joinpath("blocks.yaml")
    return dict(yaml.safe_load(found.read_text(encoding="utf-8")))


def block(stop: StopId, texts: Texts, causal: str, masked: str, network: Network) -> str:
    """A stop's lines as they are to be run; `causal` and `masked` are the models' folders."""
    begun = Weights()
    values = {
        "causal_folder": causal,
        "masked_folder": masked,
        **{name: getattr(texts, name) for name in Texts.__struct_fields__},
        "top": TOP,
        "drawn": DRAWN,
        "layer": LAYER,
        "head": HEAD,
        "hidden": [list(row) for row in begun.hidden],
        "hidden_bias": list(begun.hidden_bias),
        "output": list(begun.output),
        "output_bias": begun.output_bias,
        "steps": network.steps,
        "rate": RATE,
        "function": "torch.tanh" if network.bent else "",
    }
    raw = {"function"}
    written = {name: value if name in raw else repr(value) for name, value in values.items()}
    return Template(_blocks()[stop]).substitute(written)
