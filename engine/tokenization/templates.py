"""Chat templates: programs that come with a model, so they are rendered in another process."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from engine.errors import refusal
from engine.messages import Message, Turn, Words
from engine.tokenization import rendering
from engine.tokenization.files import ROLES, TokenizerFiles, broken


class _Answer(msgspec.Struct):
    """An answer of `engine.tokenization.rendering`: exactly one field is set."""

    text: str | None = None
    broken: Words = ""
    refused: Words = ""


class ChatTemplate:
    """One model's chat template. The process that renders it starts with the first rendering."""

    def __init__(self, source: str, tokens: Mapping[str, str], folder: Path) -> None:
        """`tokens` are the special tokens that a template may use, such as `bos_token`."""
        self._source = source
        self._tokens = dict(tokens)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    def render(self, turns: Sequence[Turn]) -> str:
        """Render the turns, up to where the model's answer begins. Thread-safe.

        Raises:
            EngineError: ``bad_request`` if the template refuses these turns or exceeds its limits;
                ``broken_model`` if it is not valid Jinja.
        """
        arguments = {
            "messages": [{"role": turn.role, "content": turn.text} for turn in turns],
            "tools": None,
            "documents": None,
            "add_generation_prompt": True,
            **self._tokens,
        }
        line = msgspec.json.encode({"source": self._source, "arguments": arguments}) + b"\n"
        with self._turn:
            answer = self._ask(line)
        if answer.broken:
            raise broken(self._folder, Message.of("reason.bad_template", why=answer.broken))
        if answer.text is None:
            raise refusal(
                "bad_request", "template_refuses", model=self._folder.name, why=answer.refused
            )
        return answer.text

    def _ask(self, line: bytes) -> _Answer:
        process = self._process or self._start()
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(line)
            process.stdin.flush()
            reply = process.stdout.readline()
        except BrokenPipeError:
            reply = b""
        if reply:
            return msgspec.json.decode(reply, type=_Answer)
        self._process = None
        code = process.wait()
        if code == -signal.SIGPROF:
            return _Answer(refused=Message.of("reason.template_time", seconds=rendering.TIME_S))
        return _Answer(refused=Message.of("reason.template_ended"))

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", rendering.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        weakref.finalize(self, _end, self._process)
        return self._process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()  # closes the pipes too


def chat_template(files: TokenizerFiles) -> ChatTemplate | None:
    """The chat template of a folder, ready to be rendered; None if it has none."""
    source = files.chat_template()
    if source is None:
        return None
    named = {f"{role}_token": files.special(role) for role in ROLES}
    tokens = {name: spec.content for name, spec in named.items() if spec is not None}
    return ChatTemplate(source, tokens, files.folder)
