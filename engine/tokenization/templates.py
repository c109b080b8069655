"""Chat templates: programs in Jinja that come with a model, so they run in a sandbox.

The environment is the one that transformers gives them (utils/chat_template_utils.py): block
trimming, loop controls, `raise_exception`, `strftime_now`, plain `tojson`, and a `generation`
block that only marks the answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from jinja2 import Template, TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from engine.errors import EngineError
from engine.messages import Error, Turn
from engine.tokenization.files import ROLES, TokenizerFiles, broken


class ChatTemplate:
    """One model's chat layout."""

    def __init__(self, source: str, tokens: Mapping[str, str], folder: Path) -> None:
        """`tokens` are the special tokens that a template may name, such as `bos_token`.

        Raises:
            EngineError: ``broken_model`` when the template is not Jinja.
        """
        self._tokens = dict(tokens)
        self._folder = folder
        try:
            self._template = _compile(source)
        except TemplateError as error:
            raise broken(folder, f"its chat template does not parse: {error}") from error

    def render(self, turns: Sequence[Turn]) -> str:
        """The turns laid out, ending where the model's answer begins.

        Raises:
            EngineError: ``bad_request`` when the template refuses these turns.
        """
        messages = [{"role": turn.role, "content": turn.text} for turn in turns]
        try:
            return self._template.render(
                messages=messages,
                tools=None,
                documents=None,
                add_generation_prompt=True,
                **self._tokens,
            )
        except (TemplateError, TypeError, ValueError) as error:
            raise EngineError(
                Error(
                    kind="bad_request",
                    message=f"The chat template of {self._folder.name} refuses this: {error}",
                    hint="Some models take no system prompt, or want the turns to alternate.",
                )
            ) from error


def chat_template(files: TokenizerFiles) -> ChatTemplate | None:
    """The chat template of a folder, ready to be filled in; None where it has none.

    Raises:
        EngineError: ``broken_model`` when the template is not Jinja.
    """
    source = files.chat_template()
    if source is None:
        return None
    named = {f"{role}_token": files.special(role) for role in ROLES}
    tokens = {name: spec.content for name, spec in named.items() if spec is not None}
    return ChatTemplate(source, tokens, files.folder)


class _Generation(Extension):
    """`{% generation %}` ... `{% endgeneration %}`: its content, as it is."""

    tags = {"generation"}  # noqa: RUF012 (so declared by the base class)

    def parse(self, parser: Parser) -> nodes.Node:
        """Read the block."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)


class _Namespace(Namespace):
    """Jinja's `namespace`, which alone would also store attributes with an underscore."""

    def __setitem__(self, name: str, value: object) -> None:
        if name.startswith("_"):
            raise SecurityError(f"a template may not store {name}")
        super().__setitem__(name, value)


def _compile(source: str) -> Template:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = _strftime_now
    environment.globals["namespace"] = _Namespace
    return environment.from_string(source)


def _to_json(
    value: object,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    # Jinja's own filter escapes HTML, which models have not seen.
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


def _raise_exception(message: str) -> None:
    raise TemplateError(message)


def _strftime_now(form: str) -> str:
    return datetime.now().strftime(form)
