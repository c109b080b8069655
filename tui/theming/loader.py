"""Turns theme files into Textual themes, judging everything that Textual would take in silence.

A bad colour ends the app when Textual applies it, so each one is parsed here first. A theme with
anything wrong in it is left out, and its problems name file and line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from textual.theme import Theme

from tui.config.validation import Reader
from tui.files.yaml_reader import Problem, Table, parse, read
from tui.strings import text
from tui.theming.builder import Builder
from tui.theming.schema import ThemeFile

DEFAULT = "dark"
"""The theme in use where none is chosen, or the chosen one is not there."""


@dataclass(frozen=True)
class LoadResult:
    """Themes by name, and why others are not among them."""

    themes: dict[str, Theme] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def __or__(self, other: LoadResult) -> LoadResult:
        """Both together; where a name is in both, the right one counts."""
        return LoadResult(self.themes | other.themes, self.problems + other.problems)


def load_builtin() -> LoadResult:
    """The themes that come with the app."""
    result = LoadResult()
    for file in sorted(resources.files("themes").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".yaml"):
            path = Path("themes") / file.name
            _add(result, path, *parse(file.read_text(encoding="utf-8"), path))
    return result


def load_folder(folder: Path) -> LoadResult:
    """A user's own themes; a folder that is not there holds none."""
    result = LoadResult()
    for path in sorted({*folder.glob("*.yaml"), *folder.glob("*.yml")}):
        _add(result, path, *read(path))
    return result


def _add(result: LoadResult, path: Path, table: Table | None, problems: list[Problem]) -> None:
    """Add a file's theme, or what is wrong with it."""
    if table is not None:
        theme, more = build(table, path)
        problems = [*problems, *more]
        if theme is not None and theme.name in result.themes:
            mark = table.items["name"].mark
            problems.append(Problem.at(path, mark, text("themes.twice", name=theme.name)))
        if theme is not None and not problems:
            result.themes[theme.name] = theme
    result.problems.extend(problems)


def build(table: Table, path: Path) -> tuple[Theme | None, list[Problem]]:
    """A document's theme, or None and what is wrong with it."""
    reader = Reader(path)
    file = reader.struct(table, ThemeFile)
    if not reader.problems:
        theme = Builder(file, reader).theme()
        if not reader.problems:
            return theme, []
    return None, reader.problems
