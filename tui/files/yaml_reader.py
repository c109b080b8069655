"""Reads YAML that a person wrote, so that every problem can name its line.

Only what settings and themes need: mappings with text keys, lists, and scalars as YAML 1.2 reads
them, so that ``on``, ``y`` and ``1:30`` are texts. Anchors and aliases are refused: nobody needs
them here, and a few lines of them can unfold into gigabytes.
"""

from __future__ import annotations

import difflib
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import yaml

from tui.files import system_errors
from tui.strings import text

LIMIT = 1_000_000
"""Bytes; a longer file is no settings file."""


@dataclass(frozen=True)
class Mark:
    """A place in a file: line and column count from 1; 0 means the file as a whole."""

    line: int
    column: int


@dataclass(frozen=True)
class Problem:
    """Something wrong in a file, at a place as in `Mark`."""

    file: Path
    line: int
    column: int
    message: str

    @classmethod
    def at(cls, file: Path, mark: Mark, message: str) -> Problem:
        """A problem at a place."""
        return cls(file, mark.line, mark.column, message)

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else str(self.file)
        return f"{place}: {self.message}"


@dataclass(frozen=True)
class Scalar:
    """A single value."""

    mark: Mark
    value: str | int | float | bool | None


@dataclass(frozen=True)
class Items:
    """A YAML list, with the place where it begins."""

    mark: Mark
    items: list[Node]


@dataclass(frozen=True)
class Table:
    """A mapping; `keys` has the place of each key."""

    mark: Mark
    items: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Mark] = field(default_factory=dict)


Node = Scalar | Items | Table
Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]


def plain(node: Node) -> Plain:
    """A node as ordinary values, without its places."""
    match node:
        case Scalar():
            return node.value
        case Items():
            return [plain(item) for item in node.items]
        case Table():
            return {key: plain(item) for key, item in node.items.items()}


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint that names the valid word most like this one, or an empty text."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return text("problems.nearest", name=close[0]) if close else ""


def read(path: Path) -> tuple[Table | None, list[Problem]]:
    """Read a file whose top level is a mapping. A missing or empty file is an empty one."""
    try:
        # Without waiting: a pipe that nobody writes to would never open.
        with open(path, "rb", opener=_open) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None, [Problem(path, 0, 0, text("problems.no_file"))]
            raw = file.read(LIMIT + 1)
    except FileNotFoundError:
        return Table(Mark(0, 0)), []
    except OSError as error:
        return None, [
            Problem(path, 0, 0, text("problems.unreadable", reason=system_errors.reason(error)))
        ]
    if len(raw) > LIMIT:
        return None, [Problem(path, 0, 0, text("problems.too_long", limit=LIMIT))]
    try:
        source = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return None, [Problem(path, line, 1, text("problems.not_utf8"))]
    return parse(source, path)


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def parse(source: str, path: Path) -> tuple[Table | None, list[Problem]]:
    """Read a text whose top level is a mapping; `path` is what problems name."""
    problems: list[Problem] = []
    try:
        # An alias is written with a star; most files have none and need not be read twice.
        for event in yaml.parse(source, Loader=_Loader) if "*" in source else ():
            if isinstance(event, yaml.AliasEvent):
                at = _mark(event.start_mark)
                return None, [Problem.at(path, at, text("problems.alias"))]
        root = yaml.compose(source, Loader=_Loader)
        if root is None:
            return Table(Mark(0, 0)), []
        node = _convert(root, path, problems)
    except yaml.reader.ReaderError as error:
        line = source.count("\n", 0, error.position) + 1
        return None, [Problem(path, line, 1, text("problems.character"))]
    except yaml.MarkedYAMLError as error:
        at = _mark(error.problem_mark or error.context_mark)
        return None, [Problem.at(path, at, error.problem or text("problems.not_yaml"))]
    except RecursionError:
        return None, [Problem(path, 0, 0, text("problems.too_deep"))]
    if not isinstance(node, Table):
        return None, [Problem.at(path, node.mark, text("problems.no_names", name=path.name))]
    return node, problems


class _Loader(yaml.SafeLoader):
    """A safe loader with YAML 1.2's scalars."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|false|True|False|TRUE|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first)
    )


class _Place(Protocol):
    """PyYAML's marks, of which there are two kinds."""

    line: int
    column: int


def _mark(mark: _Place | None) -> Mark:
    """PyYAML counts from 0; people and editors count from 1."""
    return Mark(0, 0) if mark is None else Mark(mark.line + 1, mark.column + 1)


def _convert(node: yaml.nodes.Node, path: Path, problems: list[Problem]) -> Node:
    """Turn PyYAML's nodes into ours, noting keys that are set twice and values that are none."""
    mark = _mark(node.start_mark)
    if isinstance(node, yaml.nodes.SequenceNode):
        return Items(mark, [_convert(item, path, problems) for item in node.value])
    if isinstance(node, yaml.nodes.MappingNode):
        table = Table(mark)
        for key_node, value_node in node.value:
            at = _mark(key_node.start_mark)
            # A key is what is written: `y:` and `1:` are names like any other.
            key = key_node.value if isinstance(key_node, yaml.nodes.ScalarNode) else None
            if key is not None and not _is_text(key):
                problems.append(Problem.at(path, at, text("problems.no_text")))
            elif key is None:
                problems.append(Problem.at(path, at, text("problems.name")))
            elif key in table.items:
                problems.append(Problem.at(path, at, text("problems.twice", name=key)))
            else:
                table.items[key] = _convert(value_node, path, problems)
                table.keys[key] = at
        return table
    return Scalar(mark, _scalar(node, mark, path, problems))


def _is_text(written: str) -> bool:
    """Whether a text has no halves of characters, which an escape can spell, and no NUL."""
    return not re.search("[\0\ud800-\udfff]", written)


def _scalar(
    node: yaml.nodes.Node, mark: Mark, path: Path, problems: list[Problem]
) -> str | int | float | bool | None:
    written = str(node.value)
    if not _is_text(written):
        problems.append(Problem.at(path, mark, text("problems.no_text")))
        return None
    try:
        match node.tag.removeprefix("tag:yaml.org,2002:"):
            case "str":
                return written
            case "null":
                return None
            case "bool":
                return written.lower() == "true"
            case "int":
                return int(written)
            case "float":
                return float(written)
            case tag:
                problems.append(Problem.at(path, mark, text("problems.tag", tag=tag)))
    except ValueError:
        problems.append(Problem.at(path, mark, text("problems.number", value=written[:20])))
    return None
