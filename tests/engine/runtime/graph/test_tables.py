"""Rows of a table, looked up by ONNX Runtime, and logits computed again from them."""

from __future__ import annotations

from collections.abc import Callable

import onnxruntime
import pytest
import torch

from engine.runtime.graph import matrices
from engine.runtime.graph.matrices import Tensors
from engine.runtime.graph.nodes import Graph
from engine.runtime.graph.tables import Table
from engine.runtime.packed.weights import Matrix
from engine.runtime.refining import REFINED
from tests.support.graph_models import numbers

SIZE = 100
OUTLIERS = torch.tensor([1, 7])


@pytest.mark.parametrize("outliers", [None, OUTLIERS])
@pytest.mark.parametrize("width", [64, 50])
def test_a_table_gives_the_rows_asked_for(width: int, outliers: torch.Tensor | None) -> None:
    weight, parts = table(width, outliers)
    ids = torch.tensor([[3, 49, 3]])
    (found,) = run(parts, width, lambda graph, table: table.looked_up(ids_in(graph)), ids=ids)
    assert torch.allclose(found, rows(weight, parts)[ids], atol=1e-6)


@pytest.mark.parametrize("outliers", [None, OUTLIERS])
@pytest.mark.parametrize("width", [64, 50])
def test_the_largest_logits_are_those_of_states_that_are_not_rounded(
    width: int, outliers: torch.Tensor | None
) -> None:
    weight, parts = table(width, outliers)
    states = torch.randn(2, 3, width, generator=torch.Generator().manual_seed(5))
    exact = states @ rows(weight, parts).T
    coarse = exact.round()

    def nodes(graph: Graph, table: Table) -> str:
        logits = graph.input("logits", torch.float32, ["rows", "tokens", SIZE])
        given = graph.input("states", torch.float32, ["rows", "tokens", width])
        return table.refined(logits, given)

    (found,) = run(parts, width, nodes, logits=coarse, states=states)
    same = torch.isclose(found, exact, atol=1e-4)
    assert (same.sum(-1) >= REFINED).all()
    assert (same | (found == coarse)).all()
    lowest = coarse.sort(-1).values[..., SIZE - REFINED, None]
    assert (same | (coarse <= lowest)).all()


def table(width: int, outliers: torch.Tensor | None) -> tuple[torch.Tensor, Tensors]:
    weight = torch.randn(SIZE, width, generator=torch.Generator().manual_seed(1))
    return weight, matrices.prepare(8, Matrix(weight), outliers)


def rows(weight: torch.Tensor, parts: Tensors) -> torch.Tensor:
    """What the parts mean."""
    found = numbers(parts)[:, : weight.shape[1]]
    if "outliers" in parts:
        found[:, parts["outliers"]] = weight[:, parts["outliers"]]
    return found


def ids_in(graph: Graph) -> str:
    return graph.input("ids", torch.int64, ["rows", "tokens"])


def run(
    parts: Tensors, width: int, nodes: Callable[[Graph, Table], str], **inputs: torch.Tensor
) -> list[torch.Tensor]:
    """Run the nodes alone."""
    graph = Graph()
    graph.several("Identity", [nodes(graph, Table(graph, "table", parts, width))], ["found"])
    graph.output("found", ["rows", "tokens", "numbers"])
    given = {
        name: onnxruntime.OrtValue.ortvalue_from_numpy(each.contiguous().numpy())
        for name, each in graph.weights.items()
    }
    options = onnxruntime.SessionOptions()
    options.add_external_initializers(list(given), list(given.values()))
    session = onnxruntime.InferenceSession(
        graph.serialised(), options, providers=["CPUExecutionProvider"]
    )
    found = session.run(None, {name: each.numpy() for name, each in inputs.items()})
    return [torch.from_numpy(each) for each in found]
