"""Reads the JSON files about the tokenizer in a model's folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from engine import json_files
from engine.errors import EngineError, refusal
from engine.json_files import Unreadable
from engine.messages import Message, Words
from engine.tokenization.classes import (
    AS_WRITTEN,
    BY_MODEL,
    CORRECTED,
    DEFAULTS,
    GREEDY_MASKS,
    SAME,
    TokenSpec,
)

ROLES = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")


class NamedTemplate(Struct, frozen=True):
    """One of several chat templates."""

    name: str
    template: str


NamedToken = str | TokenSpec | None | UnsetType


class SpecialTokens(Struct, frozen=True):
    """Special tokens by role: null means "has none", a missing key means nothing."""

    bos_token: NamedToken = UNSET
    eos_token: NamedToken = UNSET
    unk_token: NamedToken = UNSET
    sep_token: NamedToken = UNSET
    pad_token: NamedToken = UNSET
    cls_token: NamedToken = UNSET
    mask_token: NamedToken = UNSET
    additional_special_tokens: list[str | TokenSpec] | None = None
    extra_special_tokens: list[str | TokenSpec] | dict[str, str | TokenSpec] | None = None

    def by_role(self, role: str) -> NamedToken:
        """The token for a role in `ROLES`."""
        value: NamedToken = getattr(self, f"{role}_token")
        return value


class TokenizerConfig(SpecialTokens, frozen=True):
    """tokenizer_config.json, as far as it affects tokenization."""

    tokenizer_class: str | None = None
    word_tokenizer_type: str | None = None
    subword_tokenizer_type: str | None = None
    do_word_tokenize: bool | None = None
    do_subword_tokenize: bool | None = None
    never_split: list[str] | None = None
    src_lang: str | None = None
    split_by_punct: bool | None = None
    do_lower_case: bool | None = None
    keep_accents: bool | None = None
    strip_accents: bool | None = None
    tokenize_chinese_chars: bool | None = None
    add_bos_token: bool | None = None
    add_eos_token: bool | None = None
    add_prefix_space: bool | None = None
    legacy: bool | None = None
    trim_offsets: bool | None = None
    added_tokens_decoder: dict[str, TokenSpec] = {}
    chat_template: str | list[NamedTemplate] | None = None


class ModelConfig(Struct, frozen=True):
    """config.json, as far as it affects tokenization."""

    model_type: str = ""
    architectures: list[str] | None = None
    tokenizer_class: str | None = None
    bos_token_id: int | None = None
    eos_token_id: int | list[int] | None = None


class GenerationConfig(Struct, frozen=True):
    """generation_config.json: where texts begin and end."""

    bos_token_id: int | None = None
    eos_token_id: int | list[int] | None = None


@dataclass(frozen=True)
class TokenizerFiles:
    """The tokenizer files of a model's folder."""

    folder: Path
    tokenizer: TokenizerConfig
    model: ModelConfig
    generation: GenerationConfig | None
    map: SpecialTokens
    added: dict[str, int]

    @property
    def reader(self) -> str:
        """The transformers class that reads the folder; empty if its files are used unchanged."""
        written = ("tokenizer.json", "tokenizer.model")
        if self.model.model_type in AS_WRITTEN and any(
            (self.folder / name).is_file() for name in written
        ):
            return ""
        named = self.tokenizer.tokenizer_class or self.model.tokenizer_class
        by_model = BY_MODEL.get(self.model.model_type, "")
        name = CORRECTED.get(self.model.model_type, named or by_model).removesuffix("Fast")
        return SAME.get(name, name)

    @property
    def family(self) -> str:
        """The class whose rules apply, if it is supported; else empty."""
        return self.reader if self.reader in DEFAULTS else ""

    @property
    def causal(self) -> bool:
        """Whether the model is causal, so that texts have no frame."""
        names = self.model.architectures
        if names:
            return any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in names)
        return self.special("cls") is None

    def special(self, role: str) -> TokenSpec | None:
        """The special token for a role in `ROLES`, or None if the model has none."""
        value = self.tokenizer.by_role(role)
        if value is UNSET or not self.tokenizer.added_tokens_decoder:
            # special_tokens_map.json is older; newer files have it all in one place.
            older = self.map.by_role(role)
            value = older if older is not UNSET else value
        if value is UNSET:
            value = DEFAULTS.get(self.family, {}).get(role)
        if value is None or isinstance(value, UnsetType):
            return None
        if isinstance(value, str) and role == "mask" and self.family in GREEDY_MASKS:
            return TokenSpec(value, lstrip=True)
        return TokenSpec(value) if isinstance(value, str) else value

    def extra(self) -> list[TokenSpec]:
        """Special tokens without a role."""
        found: list[TokenSpec] = []
        for source in (self.tokenizer, self.map):
            for group in (source.additional_special_tokens, source.extra_special_tokens):
                values = group.values() if isinstance(group, dict) else group or ()
                found += [TokenSpec(v) if isinstance(v, str) else v for v in values]
        return found

    def chat_template(self) -> str | None:
        """The chat template: a separate file takes precedence over tokenizer_config.json."""
        separate = self.folder / "chat_template.jinja"
        if separate.is_file():
            return text(separate)
        template = self.tokenizer.chat_template
        if isinstance(template, list):
            return next((t.template for t in template if t.name == "default"), None)
        return template

    def ends(self) -> list[int]:
        """Ids that end a text, from the files that `generate` uses; empty if there are none."""
        for source in (self.generation, self.model):
            if source is not None and source.eos_token_id is not None:
                ids = source.eos_token_id
                return [each for each in (ids if isinstance(ids, list) else [ids]) if _is_id(each)]
        return []

    def start(self) -> int | None:
        """The id that begins a text, if the model's (not the tokenizer's) files specify one."""
        for source in (self.generation, self.model):
            if source is not None and source.bos_token_id is not None:
                return source.bos_token_id if _is_id(source.bos_token_id) else None
        return None


def read(folder: Path) -> TokenizerFiles:
    """Read a model's folder; missing files are ignored.

    Raises:
        EngineError: ``broken_model`` if a file is not valid JSON of the expected form.
    """
    generation = folder / "generation_config.json"
    return TokenizerFiles(
        folder=folder,
        tokenizer=_json(folder / "tokenizer_config.json", TokenizerConfig),
        model=_json(folder / "config.json", ModelConfig),
        generation=_json(generation, GenerationConfig) if generation.is_file() else None,
        map=_json(folder / "special_tokens_map.json", SpecialTokens),
        added=_json(folder / "added_tokens.json", dict[str, int]),
    )


def _is_id(number: int) -> bool:
    """Whether a token can have this id: -1 means none, as for transformers."""
    return 0 <= number < 2**31


T = TypeVar("T")


def _json(path: Path, kind: type[T]) -> T:
    try:
        return json_files.json(path, kind)
    except FileNotFoundError:
        return msgspec.json.decode(b"{}", type=kind)
    except Unreadable as error:
        raise broken(path.parent, error.reason) from error


def text(path: Path) -> str:
    """The content of a text file, with every line ending as ``\\n``.

    Raises:
        EngineError: ``broken_model`` if it is not UTF-8 or cannot be read.
    """
    try:
        # A byte order mark is not part of the first line.
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        why = Message.of("reason.byte_not_utf8", file=path.name, byte=error.start + 1)
        raise broken(path.parent, why) from error
    except OSError as error:
        raise broken(
            path.parent,
            Message.of("reason.unreadable", file=path.name, why=json_files.reason(error)),
        ) from error


def lines(path: Path) -> list[str]:
    """The lines of a text file; U+2028 and the like do not end a line.

    Raises:
        EngineError: see `text`.
    """
    return text(path).removesuffix("\n").split("\n")


@contextmanager
def guarded(folder: Path) -> Iterator[None]:
    """Turn exceptions of the `tokenizers` library into an `EngineError` (``broken_model``).

    It raises bare exceptions, and panics, which do not derive from `Exception`, when its own code
    fails: an uncaught panic would end the worker and unload every model.
    """
    try:
        yield
    except EngineError:
        raise
    except BaseException as error:
        why: Words = str(error).partition("\n")[0]
        if not isinstance(error, Exception):
            if type(error).__name__ != "PanicException":
                raise
            why = Message.of("reason.library_fails", error=why)
        raise broken(folder, why) from error


def broken(folder: Path, why: Words) -> EngineError:
    """The error for a folder whose tokenizer cannot be used."""
    return refusal("broken_model", "tokenizer", folder=folder.name, why=why)
