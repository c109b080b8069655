"""Reading a document into a struct, field by field, so that one mistake costs one value."""

from __future__ import annotations

import shlex
from contextlib import suppress
from pathlib import Path
from typing import Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec import Struct

from tui.files.values import wrong
from tui.files.yaml_reader import Items, Mark, Node, Problem, Table, nearest, plain
from tui.strings import listed, text

_S = TypeVar("_S", bound=Struct)


def is_command(written: str) -> bool:
    """Whether a shell could read it as a command and its words."""
    try:
        return bool(shlex.split(written))
    except ValueError:
        return False


def _struct_of_list(kind: object) -> type[Struct] | None:
    """The struct that a list is made of; None for anything else."""
    if get_origin(kind) is not list:
        return None
    (each,) = get_args(kind)
    return each if isinstance(each, type) and issubclass(each, Struct) else None


class Reader:
    """Turns a document into structs whose every field has a default.

    `problems` collects what was wrong, `marks` the place of every value by its dotted name.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.problems: list[Problem] = []
        self.marks: dict[str, Mark] = {}

    def struct(self, node: Node, kind: type[_S], name: str = "") -> _S:
        """Read a struct field by field; what is missing or wrong has its default."""
        if not isinstance(node, Table):
            self.complain(node.mark, text("problems.no_names", name=name))
            return kind()
        known = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        values: dict[str, object] = {}
        for key, item in node.items.items():
            dotted = f"{name}.{key}" if name else key
            field = known.get(key)
            if field is None:
                hint = nearest(key, known)
                self.complain(node.keys[key], text("problems.no_setting", name=dotted) + hint)
            elif isinstance(field.type, type) and issubclass(field.type, Struct):
                values[field.name] = self.struct(item, field.type, dotted)
            elif (each := _struct_of_list(field.type)) is not None:
                values[field.name] = self._structs(item, each, dotted)
            elif get_origin(field.type) is dict:
                values[field.name] = self._dict(item, get_args(field.type)[1], dotted)
            else:
                with suppress(msgspec.ValidationError):
                    values[field.name] = self._value(item, field.type, dotted)
        return kind(**values)

    def _structs(self, node: Node, kind: type[_S], name: str) -> list[_S]:
        """Read a list of structs, each as `struct` does."""
        if not isinstance(node, Items):
            self.complain(node.mark, text("problems.no_list", name=name))
            return []
        return [
            self.struct(item, kind, f"{name}.{number}") for number, item in enumerate(node.items, 1)
        ]

    def _dict(self, node: Node, kind: object, name: str) -> dict[str, object]:
        """Read a mapping entry by entry, leaving out those that are wrong."""
        if not isinstance(node, Table):
            self.complain(node.mark, text("problems.no_names", name=name))
            return {}
        values: dict[str, object] = {}
        for key, item in node.items.items():
            with suppress(msgspec.ValidationError):
                values[key] = self._value(item, kind, f"{name}.{key}")
        return values

    def _value(self, node: Node, kind: object, name: str) -> object:
        """Read one value and remember its place if it counts.

        Raises:
            msgspec.ValidationError: it is not of this kind; that has been noted.
        """
        value = plain(node)
        try:
            converted: object = msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            if get_origin(kind) is Literal:
                choices = [str(choice) for choice in get_args(kind)]
                hint = nearest(str(value), choices)
                self.complain(
                    node.mark, text("problems.choice", name=name, choices=listed(choices)) + hint
                )
            else:
                self.complain(node.mark, f"{name}: {wrong(error)}")
            raise
        self.marks[name] = node.mark
        return converted

    def complain(self, mark: Mark, message: str) -> None:
        """Note a problem at a place of this document."""
        self.problems.append(Problem.at(self._path, mark, message))
