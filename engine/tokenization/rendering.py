"""Renders a chat template, in a process of its own that can take only so much.

A template is a program in Jinja that came with a model. The sandbox keeps it from everything but
its arguments; how long it runs, how much memory it takes and how much it writes, only a process
bounds. `engine.tokenization.templates` starts it and gives it a line of JSON for each rendering;
a line comes back. The end of its input ends it.

The environment is the one that transformers gives templates (utils/chat_template_utils.py): block
trimming, loop controls, `raise_exception`, `strftime_now`, plain `tojson`, and a `generation`
block that only marks the answer.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from contextlib import suppress
from datetime import datetime

from jinja2 import Template, TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

TIME_S = 2.0
"""Seconds of processor time for each rendering."""
MEMORY = 512 * 1024 * 1024
"""Bytes of address space, where the system counts that."""
OUTPUT = 1_000_000
"""Characters that a template may add to the texts of the turns."""


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


def answer(source: str, arguments: dict[str, object]) -> dict[str, str]:
    """``text``; or why there is none: ``broken`` (the template), ``refused`` (these turns)."""
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
        return {"refused": f"it writes more than {OUTPUT:,} characters beside the turns"}
    return {"text": text}


def _words(error: BaseException) -> str:
    match error:
        case RecursionError():
            return "it calls itself without end"
        case MemoryError():
            return f"it takes more than {MEMORY >> 20} MB of memory"
        case ZeroDivisionError():
            return "it divides by zero"
        case UnicodeError():
            return "it writes what is not Unicode text"
        case _:
            return str(error).strip().partition("\n")[0] or "it gives no reason"


def main() -> None:
    """Answer each line of input with a line; take too long and be killed (SIGPROF)."""
    with suppress(OSError, ValueError):  # a system that does not count it
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    for line in sys.stdin.buffer:
        signal.setitimer(signal.ITIMER_PROF, TIME_S)
        reply = json.dumps(answer(**json.loads(line)))
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.write(reply + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
