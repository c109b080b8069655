"""Measures a model's forms against exact, and chooses the fastest that is close enough."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import Future
from functools import partial

from msgspec import structs

from engine.errors import EngineError
from engine.interfaces import CausalRuntime, ModelFiles
from engine.machine.devices import home
from engine.messages import Device, Distance, Error, Precision
from engine.precision import QUANTISED, forms
from engine.runtime.loaded import LoadedModel
from engine.scheduler import Wait, settled
from engine.server.lifecycle import Lifecycle
from engine.store import distances

Steps = Generator[Wait | None, None, Distance]


class Fidelity:
    """The distances of forms from exact, read from the store or measured when first needed."""

    def __init__(self, lifecycle: Lifecycle, device: Future[Device]) -> None:
        """Load models through `lifecycle`, which puts them on `device`."""
        self._lifecycle = lifecycle
        self._device = device

    def all(self, files: ModelFiles) -> Generator[Wait | None, None, list[Distance]]:
        """Measure every form of a model again, and store the results.

        Raises:
            EngineError: ``unable``, if it has no form but exact; what loading raises.
        """
        found: list[Distance] = []
        for precision in _others(files):
            found.append((yield from self._measure(files, precision)))
            distances.write(files, found)
        if not found:
            raise EngineError(
                Error(
                    kind="unable",
                    message=f"{files.id} runs in fp32 only, so there is nothing to compare.",
                    hint="Causal models of the GPT-2 and Llama families have other forms.",
                )
            )
        return distances.write(files, found)

    def fastest(self, files: ModelFiles) -> Generator[Wait | None, None, Precision]:
        """The fastest form that is close enough to exact, measured first if necessary.

        Raises:
            EngineError: ``unable``, if the device does not exist; what loading raises.
        """
        device = yield from settled(self._device)
        measured = {distance.precision: distance for distance in distances.read(files.derived)}
        for precision in _others(files):
            if home(device, precision) != device:
                continue  # not faster when it has to leave the GPU
            distance = measured.get(precision)
            if distance is None:
                distance = yield from self._measure(files, precision)
                distances.write(files, [distance])
            if distances.near(distance):
                return precision
        return "exact"

    def _measure(self, files: ModelFiles, precision: Precision) -> Steps:
        with (
            self._lifecycle.use(files, "exact") as exact_loading,
            self._lifecycle.use(files, precision) as form_loading,
        ):
            exact = yield from settled(exact_loading)
            form = yield from settled(form_loading)
            if exact.causal is None or form.causal is None:
                raise TypeError(f"{files.id} is no causal model")
            ids = [piece.id for piece in exact.tokenizer.prompt(distances.text(files.languages))]
            try:
                if precision not in QUANTISED:
                    return (
                        yield from self._compare(files, precision, exact.causal, form.causal, ids)
                    )
                return (yield from self._fastest_inputs(files, exact.causal, form, ids))
            finally:
                self._lifecycle.report_stage(files, precision)

    def _fastest_inputs(
        self, files: ModelFiles, exact: CausalRuntime, form: LoadedModel, ids: Sequence[int]
    ) -> Steps:
        """Choose which matrices of a quantised form multiply floats, and let it run so.

        The fastest way that is near enough to exact; if none is, the most accurate one.
        """
        from engine.runtime.graph.decoder import GraphRuntime

        if not isinstance(form.causal, GraphRuntime):
            raise TypeError(f"{files.id} is no graph")
        for floats in distances.FLOAT_INPUTS:
            way: GraphRuntime = yield from settled(
                self._lifecycle.prepare(partial(form.causal.with_floats, floats))
            )
            found = yield from self._compare(files, form.precision, exact, way, ids)
            found = structs.replace(found, float_inputs=floats)
            if distances.near(found):
                break
        form.replace_causal(way)
        return found

    def _compare(
        self,
        files: ModelFiles,
        precision: Precision,
        exact: CausalRuntime,
        form: CausalRuntime,
        ids: Sequence[int],
    ) -> Steps:
        # Not at the top: the worker imports this module before torch.
        from engine.runtime.distance import measure

        measuring = measure(exact, form, precision, ids)
        while True:
            try:
                share = next(measuring)
            except StopIteration as stop:
                found: Distance = stop.value
                return found
            self._lifecycle.report_stage(files, precision, f"measuring {precision}", 100 * share)
            yield None


def _others(files: ModelFiles) -> tuple[Precision, ...]:
    possible = forms(files.model_type)
    return tuple(precision for precision in distances.FASTEST if precision in possible)
