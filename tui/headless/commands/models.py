"""`tsuzuki models list|info|pull|remove`."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence

from msgspec import structs
from rich.cells import cell_len

from engine.messages import (
    Distances,
    Done,
    ListModels,
    Measure,
    ModelInfo,
    Models,
    Pull,
    Remove,
)
from tui.headless.command import Subcommand
from tui.headless.io.output import Output
from tui.headless.io.request import model_name, own_models
from tui.headless.io.session import Session, run
from tui.headless.schemas.models import ModelDocument, ModelsDocument
from tui.render import model_words
from tui.render.weights import forms
from tui.strings import listed, text, worded
from tui.terminal.exit_codes import Exit, Failure
from tui.terminal.units import padded, size


class ModelsList(Subcommand, frozen=True, kw_only=True):
    def execute(self, output: Output) -> Exit:
        async def work(session: Session) -> Exit:
            found = await session.ask(ListModels(), Models)
            if self.json:
                output.document(ModelsDocument([ModelDocument.of(each) for each in found.models]))
            else:
                _print_rows([_summary(model) for model in found.models], output)
            return Exit.DONE

        return run(self, output, work)


class OneModel(Subcommand, frozen=True, kw_only=True):
    """A command on one model, which prints what the model is afterwards."""

    model: str

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        parser.add_argument("model", metavar="MODEL", help=text("cli.option.which_model"))

    def execute(self, output: Output) -> Exit:
        name = model_name(self.model)

        async def work(session: Session) -> Exit:
            model = await self.work(session, name, output)
            if model is None:
                raise Failure.usage(text("cli.no_model", model=name), text("cli.no_model_hint"))
            if self.json:
                output.document(ModelDocument.of(model))
            else:
                _print_rows(_described(model), output)
                _print_distances(model, output)
            return Exit.DONE

        # A model that the settings do not name is listed because this command names it.
        return run(self, output, work, folders=own_models(name))

    async def work(self, session: Session, name: str, output: Output) -> ModelInfo | None:
        """Do the command's work and return the model as it then is; None where it is unknown."""
        raise NotImplementedError


class ModelsInfo(OneModel, frozen=True, kw_only=True):
    measure: bool

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--measure", action="store_true", help=text("cli.option.measure"))

    async def work(self, session: Session, name: str, output: Output) -> ModelInfo | None:
        model = await session.find(name)
        if model is not None and self.measure:
            measured = await session.ask(Measure(model=model.id), Distances)
            model = structs.replace(model, distances=measured.distances)
        return model


class ModelsPull(OneModel, frozen=True, kw_only=True):
    allow_pickle: bool

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--allow-pickle", action="store_true", help=text("cli.option.allow_pickle")
        )

    async def work(self, session: Session, name: str, output: Output) -> ModelInfo | None:
        import asyncio

        try:
            await session.ask(Pull(model=name, allow_pickle=self.allow_pickle), Done)
        except asyncio.CancelledError:
            output.note(text("cli.pull_stopped"))
            raise
        return await session.find(name)


class ModelsRemove(OneModel, frozen=True, kw_only=True):
    async def work(self, session: Session, name: str, output: Output) -> ModelInfo | None:
        """Return a model that no catalogue lists as absent."""
        before = await session.find(name)
        await session.ask(Remove(model=name), Done)
        if before is not None:
            before = structs.replace(before, state="absent", path=None)
        return await session.find(name) or before


def _summary(model: ModelInfo) -> tuple[str, ...]:
    """A model's line in the list. What has no sure width on a screen comes last."""
    return (
        model.id,
        model_words.state(model),
        model_words.does(model),
        listed(model.languages),
        size(model.bytes),
        model.licence,
        worded(model.reason),
    )


def _described(model: ModelInfo) -> list[tuple[str, str]]:
    """Label and value of each field of a model that has one."""
    values = {
        "id": model.id,
        "title": model.title,
        "state": model_words.state(model),
        "reason": worded(model.reason),
        "roles": model_words.does(model),
        "heads": model_words.heads(model),
        "languages": listed(model.languages),
        "size": size(model.bytes),
        "memory": size(model.memory) if model.memory else "",
        "context": "" if model.context is None else str(model.context),
        "chat": text("cli.has_chat") if model.chat else "",
        "licence": model.licence,
        "source": model_words.source(model),
        "origin": model_words.origin(model),
        "revision": model_words.revision(model),
        "path": model.path or "",
        "unable": "; ".join(map(worded, model.unable)),
        "note": worded(model.note),
        "forms": listed(forms(model)),
    }
    return [(text(f"cli.field.{name}"), value) for name, value in values.items() if value]


def _print_distances(model: ModelInfo, output: Output) -> None:
    """A table of how far each form is from exact, of a model that has several."""
    if len(model.precisions) < 2:
        return
    output.line("")
    if not model.distances:
        output.line(text("cli.unmeasured", model=model.id))
        return
    names = ("form", "kl", "top1", "perplexity", "tokens", "float_inputs", "speed")
    rows = [tuple(text(f"cli.distance.{name}") for name in names)]
    for each in model.distances:
        figures = (f"{each.kl:.1e}", f"{each.top1:.1%}", f"{each.perplexity:.2f}", str(each.tokens))
        speed = "" if each.speed is None else text("cli.distance.times", speed=f"{each.speed:.1f}")
        rows.append((each.precision, *figures, each.float_inputs or "", speed))
    _print_rows(rows, output)


def _print_rows(rows: Sequence[Sequence[str]], output: Output) -> None:
    """Print rows with their columns aligned."""
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [padded(cell, width) for cell, width in zip(row, widths, strict=True)]
        output.line("  ".join(cells).rstrip())
