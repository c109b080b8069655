"""The few lines of Python that compute what a stop shows, on the learner's own text."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from string import Template

import yaml

from tui.lesson.network import RATE, Network, Weights
from tui.lesson.progress import Texts
from tui.lesson.stops import BEGUN_END, DRAWN, HEAD, LAYER, MASKED_END, SEEDS, TOP, TWICE, Stop


@cache
def _blocks() -> Mapping[str, str]:
    found = resources.files(__name__.rpartition(".")[0]).joinpath("blocks.yaml")
    return dict(yaml.safe_load(found.read_text(encoding="utf-8")))


def block(stop: Stop, asked: bool, texts: Texts, causal: str, masked: str, network: Network) -> str:
    """The lines for a stop's numbers, or for those that answer its question, as they are to be run.

    `causal` and `masked` are the models' folders.
    """
    blocks, begun = _blocks(), Weights()
    head = stop.sums[asked] if stop.sums else HEAD
    own = stop.asked(texts) if asked else texts
    values = {
        "causal_folder": causal,
        "masked_folder": masked,
        "begun": own.begun,
        "begun_end": BEGUN_END,
        "masked_text": own.masked,
        "masked_end": MASKED_END,
        "a": own.a,
        "b": own.b,
        "top": TOP,
        "drawn": DRAWN,
        "seeds": SEEDS,
        "twice": TWICE,
        "layer": LAYER,
        "head": head,
        "after": head + 1,
        "hidden": [list(row) for row in begun.hidden],
        "hidden_bias": list(begun.hidden_bias),
        "output": list(begun.output),
        "output_bias": begun.output_bias,
        "steps": network.steps,
        "rate": RATE,
    }
    written = {name: repr(value) for name, value in values.items()}
    written["function"] = "torch.tanh" if network.bent else ""
    lines = blocks.get(f"{stop.id}_question" if asked else stop.id, blocks[stop.id])
    whole = Template(lines).safe_substitute(causal=blocks["causal"], masked=blocks["masked"])
    return Template(whole).substitute(written)
