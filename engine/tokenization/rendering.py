"""Renders a chat template, in a separate process with limited resources.

A template is a Jinja program that comes with a model. The sandbox restricts it to its arguments;
its run time, memory and output can only be limited by a process. `engine.tokenization.templates`
starts it and sends it a line of JSON for each rendering, which it answers with a line. It exits at
the end of its input.

The environment is that of transformers (utils/chat_template_utils.py): block trimming, loop
controls, `raise_exception`, `strftime_now`, plain `tojson`, and a `generation` block that only
marks the answer.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from contextlib import suppress
from datetime import datetime

import msgspec
from jinja2 import Template, TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from engine.messages import Message, Words

TIME_S = 2.0
"""Seconds of CPU time for each rendering."""
MEMORY = 512 * 1024 * 1024
"""Bytes of address space, on systems that limit it."""
OUTPUT = 1_000_000
"""Characters that a template may add to the texts of the turns."""


class _Generation(Extension):
    """`{% generation %}` ... `{% endgeneration %}`: renders its content unchanged."""

    tags = {"generation"}  # noqa: RUF012 (so declared by the base class)

    def parse(self, parser: Parser) -> nodes.Node:
        """Parse the block."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)


class _Namespace(Namespace):
    """Jinja's `namespace`, but without attributes that begin with an underscore."""

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
    # Jinja's own filter escapes HTML, which models were not trained on.
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


def answer(source: str, arguments: dict[str, object]) -> dict[str, Words]:
    """Return ``text``, or the reason for having none: ``broken`` (the template) or ``refused``."""
    try:
        template = _compile(source)
    except (TemplateError, SyntaxError, RecursionError, MemoryError) as error:
        return {"broken": _words(error)}
    try:
        text = template.render(**arguments)
        text.encode()
    except Exception as error:
        return {"refused": _words(error)}
    if len(text) > OUTPUT + len(str(arguments["messages"])):
        return {"refused": Message.of("reason.template_output", characters=OUTPUT)}
    return {"text": text}


def _words(error: BaseException) -> Words:
    match error:
        case RecursionError():
            return Message.of("reason.endless_template")
        case MemoryError():
            return Message.of("reason.template_memory", megabytes=MEMORY >> 20)
        case ZeroDivisionError():
            return Message.of("reason.template_division")
        case UnicodeError():
            return Message.of("reason.template_unicode")
        case _:
            return str(error).strip().partition("\n")[0] or Message.of("reason.no_reason")


def main() -> None:
    """Answer each line of input with a line; SIGPROF kills the process if it takes too long."""
    with suppress(OSError, ValueError):  # a system without this limit
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    for line in sys.stdin.buffer:
        signal.setitimer(signal.ITIMER_PROF, TIME_S)
        reply = json.dumps(answer(**json.loads(line)), default=msgspec.to_builtins)
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.write(reply + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
