"""`tsuzuki` alone: opens the app, where there is a terminal to draw it on."""

from __future__ import annotations

import dataclasses
import os
import sys

from msgspec import structs

from tui.config.settings import Loaded, PaneModels
from tui.files import paths
from tui.headless.command import OpenApp
from tui.headless.commands.lesson import LessonCommand
from tui.headless.io.request import model_name
from tui.headless.io.settings_file import load
from tui.strings import listed, text
from tui.terminal.exit_codes import Exit, Failure
from tui.terminal.sanitise import clean


def execute(command: OpenApp) -> Exit:
    """Run the command.

    Raises:
        Failure: there is no terminal; Textual would wait for one for ever. Or there is no such
            theme or settings file. Or what was written last could not be saved.
    """
    terminal = os.environ.get("TERM", "")
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Failure.usage(text("cli.not_a_terminal"), text("cli.use_headless"))
    if terminal in ("", "dumb", "unknown"):
        term = terminal or text("cli.unset")
        raise Failure.usage(text("cli.dumb_terminal", term=term), text("cli.use_headless"))
    loaded = _chosen(command)

    from tui.app import TsuzukiApp

    app = TsuzukiApp(loaded, lesson=isinstance(command, LessonCommand))
    app.run(mouse=loaded.settings.mouse)
    if app.history.unsaved:
        raise Failure(text("history.lost"), clean(app.history.unsaved))
    return Exit(app.return_code or 0)


def _chosen(command: OpenApp) -> Loaded:
    """The settings of the file, overridden by those of the command line."""
    loaded = load(command)
    chosen = loaded.settings
    if command.theme is not None:
        _check_theme(command.theme)
        chosen = structs.replace(chosen, theme=command.theme)
    if command.model is not None:
        name = model_name(command.model)
        chosen = structs.replace(chosen, models=PaneModels(continue_=name, fill=name, score=name))
    if command.precision is not None:
        chosen = structs.replace(chosen, precision=command.precision)
    return dataclasses.replace(
        loaded,
        settings=chosen,
        theme_given=command.theme is not None,
        model_given=command.model is not None,
        precision_given=command.precision is not None,
    )


def _check_theme(name: str) -> None:
    from tui.theming import load_builtin, load_folder

    known = (load_builtin() | load_folder(paths.themes_folder())).themes
    if name not in known:
        raise Failure.usage(
            text("cli.no_theme", name=name), text("cli.themes", names=listed(known))
        )
