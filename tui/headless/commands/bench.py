"""`tsuzuki bench`: the engine beside its peers, measured by a process of the engine's own."""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import msgspec
from msgspec import Struct, structs

from engine.messages import Error, Measured, MeasuredIn, Precision, Progress
from tui.files import paths
from tui.headless.command import Subcommand
from tui.headless.io import settings_file
from tui.headless.io.output import Output
from tui.headless.io.request import pane_model
from tui.headless.options import add_model
from tui.strings import text
from tui.terminal.exit_codes import Exit, Failure
from tui.terminal.forecast import Forecast

FORMS = ("exact", "int8", "int4")


class BenchDocument(Struct, frozen=True):
    """`tsuzuki bench --json`."""

    model: str
    results: list[Measured]


class BenchCommand(Subcommand, frozen=True, kw_only=True):
    model: str | None = None
    precision: list[Precision]
    quick: bool

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        add_model(parser, "continue")
        parser.add_argument(
            "--precision",
            metavar="FORM",
            choices=[form for form in get_args(Precision) if form != "served"],
            action="append",
            default=[],
            help=text("cli.option.bench_precision"),
        )
        parser.add_argument("--quick", action="store_true", help=text("cli.option.quick"))

    def execute(self, output: Output) -> Exit:
        """Results are printed as they come; with --json all at the end."""
        model = pane_model(self, self.model, "continue")
        results: list[Measured] = []
        forecast = Forecast()
        progress = ""
        for event in _measured(self, model):
            if isinstance(event, Progress):
                progress = forecast.progress(100 * event.done / event.total)
            else:
                results.append(event)
                if not self.json:
                    output.line(_line(event))
            output.status(text("cli.bench_running"), progress)
        if self.json:
            output.document(BenchDocument(model, results))
        return Exit.FAILED if any(result.agrees is False for result in results) else Exit.DONE


def _measured(command: BenchCommand, model: str) -> Iterator[Measured | Progress]:
    """The results of the child and its progress, as it prints them.

    Raises:
        Failure: it could not measure this model, or ended early.
    """
    if command.engine is not None:
        raise Failure.usage(text("cli.not_here", option="--engine"))
    own = settings_file.load(command).settings
    configure = structs.replace(own, engine=None).configure()
    arguments = [f"--store={configure.store}", f"--model={model}"]
    arguments += [f"--precision={form}" for form in command.precision or FORMS]
    if configure.threads is not None:
        arguments.append(f"--threads={configure.threads}")
    if command.quick:
        arguments.append("--quick")
    log = Path(os.devnull) if paths.log_problem() else paths.log_file()
    # -P: a folder named engine in the user's folder is not ours.
    call = [sys.executable, "-P", "-m", "engine.bench", *arguments]
    with log.open("ab") as errors:
        child = subprocess.Popen(
            call, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL
        )
    assert child.stdout is not None
    try:
        for line in child.stdout:
            result = msgspec.json.decode(line, type=Measured | Progress | Error)
            if isinstance(result, Error):
                raise Failure.from_error(result)
            yield result
    except BaseException:
        child.kill()
        raise
    finally:
        child.wait()
        child.stdout.close()
    if child.returncode:
        raise Failure(text("cli.bench_ended"), text("cli.bench_log", path=log))


_DIGITS: dict[MeasuredIn, int] = {"tokens/s": 1, "%": 1, "nats": 5}


def _line(result: Measured) -> str:
    digits = _DIGITS.get(result.unit, 3)
    parts = [f"{result.group:28} {result.case:40} {result.value:9.{digits}f} {result.unit:8}"]
    parts += [
        text("cli.bench_ratio", ratio=f"{result.ratio(peer):.2f}", peer=peer)
        for peer in result.peers
    ]
    if result.agrees is False:
        parts.append(text("cli.bench_differs"))
    return "  ".join(parts)
