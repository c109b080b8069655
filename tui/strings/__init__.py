"""All text of the interface, in a folder of YAML files for each language.

``interface.yaml`` holds what the interface says itself, ``engine.yaml`` the sentences of the
engine's messages, ``lesson.yaml`` those of the lesson, ``settings.yaml`` the file that a user
starts from. All languages have the same keys.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from string import Formatter
from typing import Literal, get_args

import yaml

from engine.messages import Message, Words
from engine.messages.units import size

Language = Literal["en", "ja"]
Choice = Literal["auto", "en", "ja"]
"""``auto`` is the language of the locale."""
LANGUAGES: tuple[Language, ...] = get_args(Language)

# Every start reads a language: libyaml, where PyYAML was built with it, takes a tenth of the time.
_LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_FILES = ("interface.yaml", "engine.yaml", "lesson.yaml", "shards.yaml")


class _Keys:
    """What ``{keys[send]}`` is read from: how to reach an action."""

    def __init__(self, way: Callable[[str], str]) -> None:
        self._way = way

    def __getitem__(self, action_id: str) -> str:
        return self._way(action_id)


@dataclass
class _Current:
    language: Language | None = None
    keys: _Keys = field(default_factory=lambda: _Keys(str))


_current = _Current()


def use(choice: Choice) -> None:
    """Choose the language of all text from now on."""
    _current.language = of_locale(os.environ) if choice == "auto" else choice


def name_keys(way: Callable[[str], str]) -> None:
    """Name keys this way from now on: `way` gives those of an action, by its id."""
    _current.keys = _Keys(way)


def language() -> Language:
    """The language in use."""
    if _current.language is None:
        use("auto")
    assert _current.language is not None, "`use` has set it"
    return _current.language


def of_locale(environ: Mapping[str, str]) -> Language:
    """The language that an environment asks for, by name: the locale need not be installed.

    As POSIX has it, the first of LC_ALL, LC_MESSAGES and LANG that is set counts. As with GNU
    gettext, LANGUAGE lists languages to prefer, unless the locale is C.
    """
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((environ[name] for name in names if environ.get(name)), "")
    preferred = [] if locale in ("C", "POSIX") else environ.get("LANGUAGE", "").split(":")
    for name in (*preferred, locale):
        for known in LANGUAGES:
            if re.match(rf"{known}\b|{known}_", name):
                return known
    return "en"


@cache
def table(language: Language) -> Mapping[str, str]:
    """A language's texts under their dotted keys."""
    folder = resources.files(__name__).joinpath(language)
    texts: dict[str, str] = {}
    for name in _FILES:
        pending = [("", yaml.load(folder.joinpath(name).read_text("utf-8"), Loader=_LOADER))]
        while pending:
            prefix, node = pending.pop()
            if isinstance(node, dict):
                pending.extend((f"{prefix}.{key}" if prefix else key, n) for key, n in node.items())
            else:
                texts[prefix] = str(node)
    return texts


def document(name: str) -> str:
    """A whole file in the language in use."""
    return resources.files(__name__).joinpath(language(), name).read_text("utf-8")


class _Formatter(Formatter):
    """The format of `str.format`, and more.

    - ``{n:path|paths}`` is the first form for 1, else the second; the number is not written.
    - ``{n:size}`` is a number of bytes: 1.3 GB.
    - ``{keys[send]}`` is how to reach an action, as `name_keys` has it: no text names a key that
      can be changed.
    - A list is written as `listed` does.
    - A text takes the place of a number as it is, whatever the number's format.
    """

    def get_value(
        self, key: int | str, args: Sequence[object], kwargs: Mapping[str, object]
    ) -> object:
        return _current.keys if key == "keys" else super().get_value(key, args, kwargs)

    def format_field(self, value: object, format_spec: str) -> str:
        one, bar, many = format_spec.partition("|")
        if bar:
            return one if value == 1 else many
        if isinstance(value, Message):
            return worded(value)
        if isinstance(value, list):
            return listed(value)
        if isinstance(value, int) and format_spec == "size":
            return size(value)
        return value if isinstance(value, str) else str(super().format_field(value, format_spec))


_FORMATTER = _Formatter()


def text(key: str, /, **values: object) -> str:
    """The text under a dotted key, with its ``{placeholders}`` filled in.

    Raises:
        KeyError: there is no such text, or a placeholder has no value.
    """
    return _FORMATTER.format(table(language())[key], **values)


def listed(items: Iterable[str]) -> str:
    """Texts one after the other, as the language in use separates them."""
    return text("list").join(items)


def known(key: str) -> bool:
    """Whether there is a text under this key, for what has one only where it is usual."""
    return key in table(language())


def worded(*words: Words) -> str:
    """What the engine says, in the user's language: sentences in one line, without empty ones.

    A message that only another version has, as it may be in an old session, is shown by its id.
    """
    return " ".join(filter(None, map(_worded, words)))


def _worded(words: Words) -> str:
    if isinstance(words, str):
        return words
    try:
        return text(f"engine.{words.id}", **words.arguments)
    except KeyError:
        return str(words)


def placeholders(language: Language) -> Mapping[str, frozenset[str]]:
    """The names of the placeholders in each text of a language, by its key."""
    return {
        key: frozenset(name for _, name, _, _ in _FORMATTER.parse(written) if name is not None)
        for key, written in table(language).items()
    }
