"""Measures a model's forms against exact, and chooses the fastest that is close enough."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import Future
from functools import partial

from msgspec import structs

from engine.errors import refusal
from engine.interfaces import CausalRuntime, ModelFiles
from engine.machine.devices import home
from engine.messages import Device, Distance, Message, Precision
from engine.precision import QUANTISED, forms
from engine.runtime.loaded import LoadedModel
from engine.scheduler import Wait, settled
from engine.server.lifecycle import Lifecycle
from engine.store import distances

Steps = Generator[Wait | None, None, Distance]
Part = tuple[float, float]
"""Of all that is measured in a row: where this begins, and its share."""


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
        others = _others(files)
        for number, precision in enumerate(others):
            part = _part(number, len(others))
            found.append((yield from self._measure(files, precision, part)))
            distances.write(files, found)
        if not found:
            raise refusal("unable", "only_exact", model=files.id)
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
            if distances.worth_it(distance):
                return precision
        return "exact"

    def _measure(self, files: ModelFiles, precision: Precision, part: Part = (0.0, 1.0)) -> Steps:
        """Measure one form, which is this part of all that is measured in a row."""
        with (
            self._lifecycle.use(files, "exact") as exact_loading,
            self._lifecycle.use(files, precision) as form_loading,
        ):
            exact = yield from settled(exact_loading)
            form = yield from settled(form_loading)
            if exact.causal is None or form.causal is None:
                raise TypeError(f"{files.id} is no causal model")
            # Not at the top: the worker imports this module before torch.
            from engine.runtime.speed import speed

            ids = [piece.id for piece in exact.tokenizer.prompt(distances.text(files.languages))]
            try:
                if precision in QUANTISED:
                    found = yield from self._fastest_inputs(files, exact.causal, form, ids, part)
                else:
                    found = yield from self._compare(
                        files, precision, exact.causal, form.causal, ids, part
                    )
                times = yield from speed(exact.causal, form.causal, precision, ids)
                return structs.replace(found, speed=times)
            finally:
                self._lifecycle.report_stage(files, precision)

    def _fastest_inputs(
        self,
        files: ModelFiles,
        exact: CausalRuntime,
        form: LoadedModel,
        ids: Sequence[int],
        part: Part,
    ) -> Steps:
        """Choose which matrices of a quantised form multiply floats, and let it run so.

        The fastest way that is near enough to exact; if none is, the most accurate one.
        """
        from engine.runtime.graph.decoder import GraphRuntime

        if not isinstance(form.causal, GraphRuntime):
            raise TypeError(f"{files.id} is no graph")
        for number, floats in enumerate(distances.FLOAT_INPUTS):
            way: GraphRuntime = yield from settled(
                self._lifecycle.prepare(partial(form.causal.with_floats, floats))
            )
            tried = _part(number, len(distances.FLOAT_INPUTS), part)
            found = yield from self._compare(files, form.precision, exact, way, ids, tried)
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
        part: Part,
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
            begin, whole = part
            stage = Message.of("stage.measuring", form=precision)
            self._lifecycle.report_stage(files, precision, stage, 100 * (begin + share * whole))
            yield None


def _part(number: int, count: int, of: Part = (0.0, 1.0)) -> Part:
    """One of some equal parts of a part."""
    begin, whole = of
    return begin + whole * number / count, whole / count


def _others(files: ModelFiles) -> tuple[Precision, ...]:
    possible = forms(files.model_type)
    return tuple(precision for precision in distances.FASTEST if precision in possible)
