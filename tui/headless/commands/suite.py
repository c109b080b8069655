"""`tsuzuki suite`: which predictions of published suites hold for a model."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from engine.messages import PllMethod, PrecisionChoice
from tui.files import paths
from tui.headless.command import Subcommand
from tui.headless.commands.suite_scoring import ScoredSuite, about, scored
from tui.headless.io import pictures, suite_lines, tables
from tui.headless.io.advice import warn
from tui.headless.io.output import Output
from tui.headless.io.pictures import Panel
from tui.headless.io.request import own_models, pane_model, read_bytes
from tui.headless.io.session import Session, run
from tui.headless.io.tables import unwritable
from tui.headless.options import add_model, add_pll_method, add_precision
from tui.strings import text
from tui.suites import reading, results
from tui.suites.reading import NamedSuite
from tui.suites.suite import Unreadable
from tui.terminal.exit_codes import Exit, Failure


class SuiteCommand(Subcommand, frozen=True, kw_only=True):
    """`tsuzuki suite`; `method` is for a masked model."""

    files: list[str]
    model: str | None = None
    precision: PrecisionChoice = "exact"
    method: PllMethod | None = None
    out: str | None = None
    csv: str | None = None
    tsv: str | None = None
    svg: str | None = None
    png: str | None = None

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        parser.add_argument("files", metavar="FILE", nargs="+", help=text("cli.option.suites"))
        add_model(parser, "continue")
        add_precision(parser)
        add_pll_method(parser)
        parser.add_argument("--out", metavar="DIR", help=text("cli.option.suite_out"))
        tables.add_outputs(parser)
        pictures.add_pictures(parser)

    def execute(self, output: Output) -> Exit:
        pictured = pictures.wanted(self)
        suites, failed = _read(self.files, output)
        name = pane_model(self, self.model, "continue")
        folder = None if self.out is None else _folder(self.out)

        async def work(session: Session) -> Exit:
            model = await session.find(name)
            if model is None:
                raise Failure.usage(text("cli.no_model", model=name), text("cli.no_model_hint"))
            if "causal" in model.heads and self.method is not None:
                raise Failure.usage(text("cli.method_masked", model=model.id))
            await warn(session, output, model.id, *_sentences(suites))
            broken = failed
            done: list[ScoredSuite] = []
            for number, each in enumerate(suites):
                try:
                    found = await scored(session, model, each, self, folder, output)
                except Failure as failure:
                    if not failure.of_text:
                        raise
                    output.error(f"{each.file}: {failure.message}", failure.hint)
                    broken = True
                    continue
                done.append(found)
                broken = broken or bool(found.document.errors)
                if self.json:
                    output.document(found.document)
                else:
                    output.write("\n" * (number > 0))
                    for line in suite_lines.lines(each.suite, found.document):
                        output.line(line)
            description = about(done)
            if tables.to_file(self) and description is not None:
                rows = [row for each in done for row in each.rows()]
                tables.write(
                    self, output, [], results.COLUMNS, [({}, row) for row in rows], description
                )
            if pictured and done:
                pictures.draw(self, [_panel(each) for each in done], output)
            return Exit.FAILED if broken else Exit.DONE

        # A model that the settings do not name is listed because this command names it.
        return run(self, output, work, folders=own_models(name))


def _panel(scored_suite: ScoredSuite) -> Panel:
    """Means by region and condition, as bars."""
    document = scored_suite.document
    found = suite_lines.means(scored_suite.named.suite, document)
    return Panel(f"{document.suite}, {document.model}", found.regions, found.conditions)


def _read(files: list[str], output: Output) -> tuple[list[NamedSuite], bool]:
    """The suites of all files, and whether something in them is wrong, which is reported.

    Raises:
        Failure: no file holds a suite, or one cannot be read (exit code 2).
    """
    found: list[NamedSuite] = []
    failed = False
    for file in files:
        data = read_bytes(file)
        try:
            suites = reading.read_file(data, file)
        except Unreadable as error:
            output.error(f"{file}: {error}")
            failed = True
            continue
        for each in suites:
            for problem in each.suite.problems:
                output.error(f"{file}: {problem}")
            failed = failed or bool(each.suite.problems)
        found += suites
    if not found:
        raise Failure.usage(text("cli.no_suite"), text("cli.no_suite_hint"))
    return found, failed


def _folder(written: str) -> Path:
    """The folder for results, which is made.

    Raises:
        Failure: it cannot be.
    """
    folder = paths.written(written)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    return folder


def _sentences(suites: list[NamedSuite]) -> list[str]:
    return [
        sentence.text
        for each in suites
        for item in each.suite.items
        for sentence in item.conditions.values()
    ]
