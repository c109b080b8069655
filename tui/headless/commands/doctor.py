"""`tsuzuki doctor`: what is installed, reachable and wrong."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Sequence
from time import monotonic
from typing import TYPE_CHECKING

from msgspec import Struct
from rich.cells import cell_len

from engine.messages import ListModels, ModelInfo, Models, Ping, Pong
from tui.headless import checks, checks_network
from tui.headless.checks import Check, Section
from tui.headless.command import Subcommand
from tui.headless.io import settings_file
from tui.headless.io.output import Output
from tui.headless.io.session import Session, run
from tui.render import model_words
from tui.strings import known, text, worded
from tui.terminal.exit_codes import Exit, Failure
from tui.terminal.units import padded, size

if TYPE_CHECKING:
    from tui.preferences import Preferences

_SIGNS = {"ok": "ok", "note": "--", "warning": "! ", "wrong": "XX"}


class DoctorDocument(Struct, frozen=True):
    """`tsuzuki doctor --json`."""

    healthy: bool
    sections: list[Section]


class DoctorCommand(Subcommand, frozen=True, kw_only=True):
    network: bool

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        parser.add_argument("--network", action="store_true", help=text("cli.option.network"))

    def execute(self, output: Output) -> Exit:
        """Run the command: exit code 1 when something is wrong."""
        from tui import preferences

        own = preferences.read(settings_file.load(self))
        sections = [
            _section("installation", checks.installation()),
            _section("folders", [*checks.settings_file(own), *checks.folders(own.settings)]),
            _section("machine", checks.machine()),
            _section("terminal", checks.terminal(os.environ)),
        ]
        engine: list[Check] = []
        models: list[ModelInfo] = []
        network = list(checks_network.chosen(os.environ))

        async def work(session: Session) -> Exit:
            await session.ask(Ping(), Pong)
            began = monotonic()
            await session.ask(Ping(), Pong)
            engine.append(_answers(session, monotonic() - began))
            models.extend((await session.ask(ListModels(), Models)).models)
            if self.network:
                network.extend([check async for check in checks_network.answering(models)])
            return Exit.DONE

        try:
            code = run(self, output, work)
        except Failure as failure:
            code = Exit.DONE
            engine.append(Check(text("doctor.worker"), "wrong", failure.message, failure.hint))
        if code is Exit.INTERRUPTED:
            return code
        if not self.network:
            network.append(Check(text("doctor.network"), "note", text("doctor.not_tried")))
        sections += [
            _section("engine", engine),
            _section("models", [*map(_model, models), *_wanted(own, models)]),
            _section("network", network),
        ]
        healthy = all(check.mark != "wrong" for section in sections for check in section.checks)
        if self.json:
            output.document(DoctorDocument(healthy, sections))
        else:
            _print(sections, healthy, output)
        return Exit.DONE if healthy else Exit.FAILED


def _answers(session: Session, latency_s: float) -> Check:
    """That the engine answers, and from where."""
    ready = session.ready
    if not session.elsewhere or ready is None:
        return Check(text("doctor.worker"), "ok", text("doctor.pong"))
    where = text(
        "doctor.far_pong",
        host=ready.host,
        memory=size(ready.memory_budget),
        threads=ready.threads,
        gpus=ready.gpus or text("doctor.no_gpu"),
        ms=f"{1000 * latency_s:.0f}",
    )
    return Check(text("doctor.worker"), "ok", where)


def _section(name: str, found: Iterable[Check]) -> Section:
    return Section(name, list(found))


def _model(model: ModelInfo) -> Check:
    state, does = model_words.state(model), model_words.does(model)
    described = f"{state}  {size(model.bytes)}  {does}"
    if model.state == "failed":
        return Check(model.id, "wrong", worded(model.reason), text("doctor.model_failed"))
    if model.state != "absent":
        return Check(model.id, "ok", described)
    if model.source == "bundled":
        return Check(model.id, "wrong", state, text("doctor.bundled_absent"))
    return Check(model.id, "note", described)


def _wanted(own: Preferences, models: Sequence[ModelInfo]) -> Iterator[Check]:
    """The models that the settings name and that cannot be used."""
    listed = {model.id: model for model in models}
    if listed:
        for problem in own.missing_models(listed):
            yield Check("settings", "wrong", str(problem), text("doctor.other_model"))


def _named(name: str) -> str:
    """What a check is called, where it has no name of its own such as that of a package."""
    key = f"doctor.name.{name}"
    return text(key) if known(key) else name


def _print(sections: Sequence[Section], healthy: bool, output: Output) -> None:
    for section in sections:
        if not section.checks:
            continue
        output.line(text(f"doctor.section.{section.name}"))
        names = [_named(check.name) for check in section.checks]
        width = max(map(cell_len, names), default=0)
        for name, check in zip(names, section.checks, strict=True):
            output.line(f"  {_SIGNS[check.mark]}  {padded(name, width)}  {check.value}")
            if check.advice:
                output.line(f"      {' ' * width}  {check.advice}")
    output.line(text("doctor.healthy" if healthy else "doctor.unhealthy"))
