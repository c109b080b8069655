"""Measures a model's forms against exact, and chooses the fastest that is close enough."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import Future

from engine.errors import refusal
from engine.interfaces import ModelFiles
from engine.machine.devices import home
from engine.messages import Device, Distance, Message, Precision
from engine.precision import forms
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
        forms = _others(files)
        for number, precision in enumerate(forms):
            part = (number, len(forms))
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
            if distances.near(distance):
                return precision
        return "exact"

    def _measure(
        self, files: ModelFiles, precision: Precision, part: tuple[int, int] = (0, 1)
    ) -> Steps:
        """Measure one form, reporting the share of all `part[1]` that are measured in a row."""
        before, total = part
        with (
            self._lifecycle.use(files, "exact") as exact_loading,
            self._lifecycle.use(files, precision) as form_loading,
        ):
            exact = yield from settled(exact_loading)
            form = yield from settled(form_loading)
            if exact.causal is None or form.causal is None:
                raise TypeError(f"{files.id} is no causal model")
            # Not at the top: the worker imports this module before torch.
            from engine.runtime.distance import measure

            ids = [piece.id for piece in exact.tokenizer.prompt(distances.text(files.languages))]
            measuring = measure(exact.causal, form.causal, precision, ids)
            try:
                while True:
                    share = next(measuring)
                    percent = 100 * (before + share) / total
                    self._lifecycle.report_stage(
                        files, precision, Message.of("stage.measuring", form=precision), percent
                    )
                    yield None
            except StopIteration as stop:
                found: Distance = stop.value
                return found
            finally:
                self._lifecycle.report_stage(files, precision)


def _others(files: ModelFiles) -> tuple[Precision, ...]:
    possible = forms(files.model_type)
    return tuple(precision for precision in distances.FASTEST if precision in possible)
