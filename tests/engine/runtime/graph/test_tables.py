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

    def nodes(graph: Graph, table: Table) -> None:
        graph.input("ids", torch.int64, ["rows", "tokens"])
        graph.output(table.looked_up("ids"), ["rows", "tokens", width])

    (found,) = run(parts, width, nodes, ids=ids)
    assert torch.allclose(found, rows(weight, parts)[ids], atol=1e-6)


@pytest.mark.parametrize("outliers", [None, OUTLIERS])
@pytest.mark.parametrize("width", [64, 50])
def test_the_largest_logits_are_those_of_states_that_are_not_rounded(
    width: int, outliers: torch.Tensor | None
) -> None:
    weight, parts = table(width, outliers)
    states = torch.randn(6, width, generator=torch.Generator().manual_seed(5))
    exact = states @ rows(weight, parts).T
    coarse = exact.round()

    def nodes(graph: Graph, table: Table) -> None:
        logits = graph.input("logits", torch.float32, ["tokens", SIZE])
        given = graph.input("states", torch.float32, ["tokens", width])
        ids, values = table.refined(logits, given)
        graph.output(ids, ["tokens", REFINED], torch.int64)
        graph.output(values, ["tokens", REFINED])

    largest, refined = run(parts, width, nodes, logits=coarse, states=states)
    assert torch.allclose(refined, exact.gather(-1, largest), atol=1e-4)
    highest = coarse.sort(-1, descending=True).values[:, :REFINED]
    assert torch.equal(coarse.gather(-1, largest).sort(-1, descending=True).values, highest)
    assert all(len(set(ids)) == REFINED for ids in largest.tolist())


def table(width: int, outliers: torch.Tensor | None) -> tuple[torch.Tensor, Tensors]:
    weight = torch.randn(SIZE, width, generator=torch.Generator().manual_seed(1))
    return weight, matrices.prepare(8, Matrix(weight), outliers)


def rows(weight: torch.Tensor, parts: Tensors) -> torch.Tensor:
    """What the parts mean."""
    found = numbers(parts)[:, : weight.shape[1]]
    if "outliers" in parts:
        found[:, parts["outliers"]] = weight[:, parts["outliers"]]
    return found


def run(
    parts: Tensors, width: int, nodes: Callable[[Graph, Table], None], **inputs: torch.Tensor
) -> list[torch.Tensor]:
    """Run the nodes alone; returns what they declare as outputs."""
    graph = Graph()
    nodes(graph, Table(graph, "table", parts, width))
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
