"""The user's settings: what can be set, its defaults, and reading the file.

The file is the user's own. The app writes it once, from `template`, when it is asked to and there
is none; after that it only reads it. A value that is wrong is reported with its line and
replaced by its default, so that a slip of the finger never keeps the app from starting.
"""

from __future__ import annotations

import dataclasses
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, structs

from engine.messages import (
    Configure,
    DeviceChoice,
    FormChoice,
    Role,
    Sampling,
    ServerEntry,
)
from engine.messages.starters import STARTER_CAUSAL, STARTER_MASKED
from tui import strings
from tui.config.validation import Reader, is_command
from tui.files import paths
from tui.files.yaml_reader import Mark, Problem, Table, read
from tui.strings import Choice, text


class PaneModels(Struct, frozen=True, kw_only=True, rename={"continue_": "continue"}):
    """The model that each pane begins with: a catalogue id, a folder, or a .gguf file."""

    continue_: str = STARTER_CAUSAL
    fill: str = STARTER_MASKED
    score: str = STARTER_MASKED

    def of(self, role: Role) -> str:
        """The model of one pane."""
        return {"continue": self.continue_, "fill": self.fill, "score": self.score}[role]


class Settings(Struct, frozen=True, kw_only=True):
    """Everything that can be set. The template explains each to the user."""

    language: Choice = "auto"
    theme: str = "dark"
    ascii: bool = False
    low_bandwidth: Literal["auto", "on", "off"] = "auto"
    mouse: bool = True
    layout: Literal["auto", "single"] = "auto"
    enter_sends: bool = True
    models: PaneModels = PaneModels()
    precision: FormChoice = "exact"
    sampling: Sampling = Sampling()
    max_tokens: Annotated[int, Meta(ge=1, le=100_000)] = 64
    branches: Annotated[int, Meta(ge=1, le=8)] = 1
    fill_top: Annotated[int, Meta(ge=1, le=1000)] = 5
    memory_gb: Annotated[float, Meta(gt=0, le=100_000)] | None = None
    idle_minutes: Annotated[float, Meta(ge=0, le=1_000_000)] = 15.0
    threads: Annotated[int, Meta(ge=1, le=1024)] | None = None
    device: DeviceChoice = "cpu"
    engine: str | None = None
    """The command that leads to another machine, whose store and folders then count."""
    store: str | None = None
    model_folders: list[str] = []
    servers: list[ServerEntry] = []
    export_folder: str | None = None
    keymap: dict[str, str | list[str]] = {}
    """Keys by action id, as written; `tui.keys.keymap` validates them."""

    def configure(self) -> Configure:
        """The part of the settings that the engine needs."""
        if self.engine is not None:
            store, folders, servers = self.store, self.model_folders, self.servers
        else:
            store = str(paths.store_folder() if self.store is None else _path(self.store))
            folders = [str(_path(folder)) for folder in self.model_folders]
            servers = [_here(entry) for entry in self.servers]
        return Configure(
            memory_budget=None if self.memory_gb is None else int(self.memory_gb * 1e9),
            idle_s=self.idle_minutes * 60,
            threads=self.threads,
            device=self.device,
            store=store,
            folders=folders,
            servers=servers,
        )

    def slow_link(self) -> bool:
        """True when the screen should send as few bytes as it can."""
        if self.low_bandwidth == "auto":
            return bool(os.environ.get("SSH_CONNECTION"))
        return self.low_bandwidth == "on"

    def exports(self) -> Path:
        """The folder that cards and sessions are saved to."""
        return Path.cwd() if self.export_folder is None else _path(self.export_folder)


@dataclass(frozen=True)
class Loaded:
    """Settings as read from a file, and what was wrong with it."""

    path: Path
    settings: Settings = field(default_factory=Settings)
    problems: list[Problem] = field(default_factory=list)
    marks: dict[str, Mark] = field(default_factory=dict)
    """The place of every value the file sets, by its dotted name."""
    model_given: bool = False
    """Whether the command line named the model, which then counts before the last session's."""
    precision_given: bool = False
    """The same of the form of its weights."""
    theme_given: bool = False
    """The same of the theme."""

    def problem(self, name: str, message: str) -> Problem:
        """A problem with one value, at its place in the file."""
        return Problem.at(self.path, self.marks.get(name, Mark(0, 0)), message)


def load(path: Path | None = None) -> Loaded:
    """Read the settings file (by default the user's). Never raises for what the file holds."""
    path = paths.settings_file() if path is None else path
    table, problems = read(path)
    if table is None:
        return Loaded(path, problems=problems)
    found = read_table(table, path)
    problems = sorted([*problems, *found.problems], key=lambda p: p.line)
    return dataclasses.replace(found, problems=problems)


def language(path: Path | None = None) -> Choice:
    """The language that the file names: to be in use before anything is said of the file."""
    return load(path).settings.language


def read_table(table: Table, path: Path) -> Loaded:
    """Take settings from a document; `path` is what problems name."""
    reader = Reader(path)
    settings = _engine_named(reader.struct(table, Settings), reader)
    settings = _homes_known(_servers_named(settings, reader), reader)
    return Loaded(path, settings, reader.problems, reader.marks)


def _engine_named(settings: Settings, reader: Reader) -> Settings:
    """The settings without a command for the engine that cannot be read."""
    if settings.engine is None or is_command(settings.engine):
        return settings
    reader.complain(reader.marks["engine"], text("problems.no_command", name="engine"))
    return structs.replace(settings, engine=None)


def _servers_named(settings: Settings, reader: Reader) -> Settings:
    """The settings without servers that no request could name."""
    named = []
    for number, entry in enumerate(settings.servers, 1):
        if entry.url and (entry.model or entry.tokenizer):
            named.append(structs.replace(entry, url=entry.url.rstrip("/")))
        else:
            mark = next(
                (
                    mark
                    for key, mark in reader.marks.items()
                    if key.startswith(f"servers.{number}.")
                ),
                Mark(0, 0),
            )
            reader.complain(mark, text("problems.no_server", name=f"servers.{number}"))
    return structs.replace(settings, servers=named)


def _homes_known(settings: Settings, reader: Reader) -> Settings:
    """The settings without the folders in the home of an unknown user."""

    def known(name: str, written: str | None) -> bool:
        here = settings.engine is None or name == "export_folder"
        if not here or written is None or not str(paths.written(written)).startswith("~"):
            return True
        message = text("problems.no_user", name=name, path=written)
        reader.complain(reader.marks[name], message)
        return False

    return structs.replace(
        settings,
        store=settings.store if known("store", settings.store) else None,
        export_folder=settings.export_folder
        if known("export_folder", settings.export_folder)
        else None,
        model_folders=[each for each in settings.model_folders if known("model_folders", each)],
    )


def template() -> str:
    """The documented file that a user starts from: every setting, commented out."""
    return strings.document("settings.yaml")


def create(path: Path | None = None) -> Path:
    """Write the template where there is no settings file yet, and return the file's path.

    Raises:
        OSError: it cannot be written.
    """
    path = paths.settings_file() if path is None else path
    paths.ensure(path.parent)
    with suppress(FileExistsError), path.open("x", encoding="utf-8") as file:
        file.write(template())
    return path


def _here(entry: ServerEntry) -> ServerEntry:
    """An entry whose tokenizer, if it is a folder of this machine, is written in full."""
    folder = _path(entry.tokenizer) if entry.tokenizer else None
    found = folder is not None and folder.is_dir()
    return structs.replace(entry, tokenizer=str(folder)) if found else entry


def _path(written: str) -> Path:
    """A path as a person writes it."""
    return paths.written(written).absolute()
