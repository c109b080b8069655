"""All interface text, from one YAML file per language."""

from __future__ import annotations

from functools import cache
from importlib import resources
from string import Formatter

import yaml

# Every start reads a language: libyaml, where PyYAML was built with it, takes a tenth of the time.
_LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def _table(language: str) -> dict[str, str]:
    """A language's texts under their dotted keys."""
    source = resources.files(__name__).joinpath(f"{language}.yaml").read_text(encoding="utf-8")
    table: dict[str, str] = {}
    pending = [("", yaml.load(source, Loader=_LOADER))]
    while pending:
        prefix, node = pending.pop()
        if isinstance(node, dict):
            pending.extend((f"{prefix}.{key}" if prefix else key, n) for key, n in node.items())
        else:
            table[prefix] = str(node)
    return table


class _Formatter(Formatter):
    """Adds ``{n:path|paths}`` to the format of `str.format`: the first form for 1, else the second.

    The number itself is not written.
    """

    def format_field(self, value: object, format_spec: str) -> str:
        one, bar, many = format_spec.partition("|")
        if bar:
            return one if value == 1 else many
        return str(super().format_field(value, format_spec))


_FORMATTER = _Formatter()


def text(key: str, /, **values: object) -> str:
    """The text under a dotted key, with its ``{placeholders}`` filled in.

    Raises:
        KeyError: there is no such text, or a placeholder has no value.
    """
    return _FORMATTER.format(_table("en")[key], **values)
