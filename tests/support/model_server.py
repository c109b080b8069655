"""A server of one small model on this machine, that behaves exactly as a real kind of server does.

Its figures are those of transformers' own class on the model's folder, so that what the engine
makes of them can be compared with what it computes itself.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import tokenizers
import torch
import transformers
from transformers.convert_slow_tokenizer import bytes_to_unicode

from tests.support import ollama_routes

NAME = "served"

BYTES = {char: byte for byte, char in bytes_to_unicode().items()}
"""The bytes that the characters of a byte-level vocabulary stand for."""

Body = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """How a server behaves. The defaults are those of vLLM."""

    ids: bool = True
    """Whether it takes ids; else they are a validation error, as llama-cpp-python has it."""
    as_ids: bool = True
    """Whether `return_tokens_as_token_ids` counts; else tokens are named by their text."""
    blank: bool = False
    """Whether special tokens and halves of characters are "" as llama-cpp-python writes them; else
    a half is U+FFFD."""
    cap: int | None = 20
    """The longest list that it gives."""
    echo: bool = True
    shifted: bool = False
    """Whether the figures of a prompt belong to the tokens after theirs, unless it begins with the
    start token, which is left out: llama-cpp-python 0.3.36."""
    defaults: Body = field(default_factory=dict)
    """The model's own generation_config, for what a request leaves out."""
    warm: bool = False
    """Whether figures of what it generates are divided by the temperature, as SGLang's."""
    start: bool = False
    """Whether a start token is put before every text, whatever the request says."""
    logprobs: bool = True
    completions: bool = True
    native: bool = False
    """Whether it has llama-server's route `/completion`, which gives no figures of a prompt."""
    ollama: bool = False
    """Whether it is Ollama, which has routes of its own beside those of OpenAI."""
    speculates: bool = False
    """Whether all but the first figure of an answer of that route are 0.0, without a list."""
    quiet_end: bool = False
    """Whether it stops at an end token without any figures of it."""
    tokenize: str | None = "/tokenize"
    shift_ids: int = 0
    """By how much its ids are others than those of the tokenizer in the folder."""
    key: str | None = None
    cut: int | None = None
    """After how many parts a stream is cut off."""
    fails: str | None = None
    """A line that the server writes before it ends a stream there, instead of cutting it off."""
    spoil: str = ""
    """What is wrong with its figures: "nan", "missing", "above"."""
    said: tuple[int, str, str] | None = None
    """The code, content type and body of every answer, if it is no server of models at all."""


VLLM = Kind()
SGLANG = Kind(as_ids=False, warm=True, cap=None)
LLAMA_CPP_PYTHON = Kind(
    ids=False,
    as_ids=False,
    blank=True,
    cap=None,
    shifted=True,
    quiet_end=True,
    tokenize="/extras/tokenize",
)
LLAMA_SERVER = Kind(
    completions=False, native=True, cap=None, echo=False, tokenize="/tokenize", quiet_end=True
)
OLLAMA = Kind(blank=True, tokenize=None, ollama=True)


class ModelServer:
    """A running server, and what it was asked."""

    def __init__(self, folder: Path, kind: Kind) -> None:
        self.kind = kind
        self.requests: list[tuple[str, Body]] = []
        self.tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
        self.start: int = self._model.config.bos_token_id
        self.end: int = self._model.config.eos_token_id
        self._lock = threading.Lock()
        self.hold = threading.Event()
        """While this is not set, no request is answered."""
        self.hold.set()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.answer(self, {})

            def do_POST(self) -> None:
                size = int(self.headers.get("Content-Length", 0))
                server.answer(self, json.loads(self.rfile.read(size)))

            def log_message(self, *arguments: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.http.server_address[1]}"

    @property
    def model(self) -> str:
        """What the engine calls the model."""
        return f"{self.root}/v1#{NAME}"

    def asked(self, path: str) -> list[Body]:
        """The requests to a route."""
        return [body for where, body in self.requests if where == path]

    # ---------------------------------------------------------------------------- routes

    def answer(self, handler: BaseHTTPRequestHandler, body: Body) -> None:
        kind, path = self.kind, handler.path
        self.requests.append((path, body))
        self.hold.wait(60)
        if kind.said is not None:
            code, content, text = kind.said
            send(handler, code, text.encode(), content)
        elif kind.key and handler.headers.get("Authorization") != f"Bearer {kind.key}":
            send_json(handler, 401, {"error": {"message": "wrong key"}})
        elif kind.ollama:
            ollama_routes.answer(self, handler, body)
        elif path == "/v1/models":
            send_json(handler, 200, {"data": [{"id": NAME, "max_model_len": 96}]})
        elif path == kind.tokenize:
            text = body["input" if kind.tokenize == "/extras/tokenize" else "prompt"]
            ids = [number + kind.shift_ids for number in self.cut(text)]
            send_json(handler, 200, {"tokens": ids})
        elif path == "/v1/completions" and kind.completions:
            self._completions(handler, body)
        elif path == "/completion" and kind.native:
            self._native(handler, body)
        elif path == "/props" and kind.native:
            send_json(handler, 200, {"default_generation_settings": {"n_ctx": 96}})
        else:
            send_json(handler, 404, {"detail": "Not Found"})

    def _completions(self, handler: BaseHTTPRequestHandler, body: Body) -> None:
        kind = self.kind
        prompt, wanted = body["prompt"], body.get("logprobs", 0)
        if isinstance(prompt, list) and not kind.ids:
            send_json(handler, 422, {"detail": [{"msg": "Input should be a valid string"}]})
            return
        if kind.cap is not None and wanted > kind.cap:
            said = f"Requested sample logprobs of {wanted}, greater than {kind.cap}"
            send_json(handler, 400, {"error": {"message": said}})
            return
        if body.get("echo") and not kind.echo:
            send_json(handler, 400, {"error": {"message": "Only no echo is supported"}})
            return
        ids = prompt if isinstance(prompt, list) else self.cut(prompt)
        places: list[Any] = self.drawn(ids, body, body["max_tokens"])
        texts = not (kind.as_ids and body.get("return_tokens_as_token_ids"))
        if body.get("stream"):
            parts = (self._choice([place], body, texts) for place in places)
            _stream(handler, parts, kind)
            return
        if body.get("echo"):
            places = [*self._prompt(ids), *places]
        choice = self._choice(places, body, texts)
        choice["choices"][0]["text"] = self.tokenizer.decode(ids) if body.get("echo") else ""
        send_json(handler, 200, choice)

    def _native(self, handler: BaseHTTPRequestHandler, body: Body) -> None:
        drawn = self.drawn(body["prompt"], body, body["n_predict"])
        parts: list[Body] = []
        for number, (row, token, text) in enumerate(spoken(self, drawn)):
            if text is None:
                continue
            guessed = self.kind.speculates and number > 0
            top = [] if guessed else listed(row, body["n_probs"])
            own = 0.0 if guessed else logarithm(row[token])
            place = {"id": token, "logprob": own, "top_logprobs": top}
            counted = {"stop": False, "tokens_predicted": number + 1}
            parts.append({**counted, "completion_probabilities": [place]})
        end = {"stop": True, "tokens_predicted": len(drawn)}
        if body.get("stream"):
            _stream(handler, iter([*parts, end]), self.kind)
        else:
            places = [place for part in parts for place in part["completion_probabilities"]]
            send_json(handler, 200, {**end, "completion_probabilities": places})

    # --------------------------------------------------------------------------- figures

    def cut(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return [self.start, *ids] if self.kind.start else ids

    def rows(self, ids: list[int]) -> torch.Tensor:
        """Log-probabilities after each id: float32 [ids, vocabulary]."""
        with self._lock, torch.inference_mode():
            found: torch.Tensor = self._model(torch.tensor([ids])).logits[0].log_softmax(-1)
            return found

    def drawn(self, ids: list[int], body: Body, count: int) -> list[tuple[torch.Tensor, int]]:
        """What is reported of each place that is generated, and the token that is drawn there."""
        given = {**self.kind.defaults, **body}
        temperature = given.get("temperature", 1.0)
        bias = {int(number): value for number, value in given.get("logit_bias", {}).items()}
        found = []
        for _ in range(count):
            row = self.rows(ids)[-1].clone()
            row[ids] *= given.get("repetition_penalty", 1.0)
            row = row.log_softmax(-1)
            if self.kind.warm:
                row = (row / temperature).log_softmax(-1)
            scores = row.clone()
            for number, value in bias.items():
                scores[number] += value
            if given.get("top_k", 1) == 1:
                token = int(scores.argmax())
            else:
                best = scores.topk(given["top_k"])
                weights = (best.values / temperature).softmax(-1)
                seeded = torch.Generator().manual_seed(given["seed"] + len(ids))
                token = int(best.indices[weights.multinomial(1, generator=seeded)])
            if token == self.end and self.kind.quiet_end and not given.get("ignore_eos"):
                break
            found.append((row, token))
            if token == self.end:
                break
            ids = [*ids, token]
        return found

    def _prompt(self, ids: list[int]) -> list[Any]:
        rows = self.rows(ids)
        begins = ids[0] == self.start
        if self.kind.shifted and begins:
            # Without the start token, and without the first of those that remain.
            return [(None, ids[1]), *((rows[at - 1], ids[at]) for at in range(2, len(ids)))]
        if self.kind.shifted:
            return [(None, ids[0]), *((rows[at], ids[at]) for at in range(1, len(ids)))]
        return [(None, ids[0]), *((rows[at - 1], ids[at]) for at in range(1, len(ids)))]

    def _choice(self, places: list[Any], body: Body, texts: bool) -> Body:
        names, values, tops = [], [], []
        for row, token in places:
            names.append(self.named(token, texts))
            values.append(None if row is None else self.figure(float(row[token])))
            tops.append(None if row is None else self._top(row, token, body["logprobs"], texts))
        logprobs = {"tokens": names, "token_logprobs": values, "top_logprobs": tops}
        if self.kind.spoil == "missing":
            del logprobs["token_logprobs"]
        finish = "length" if places else "stop"
        shown = logprobs if self.kind.logprobs else None
        return {"choices": [{"text": "", "finish_reason": finish, "logprobs": shown}]}

    def _top(self, row: torch.Tensor, token: int, count: int, texts: bool) -> dict[str, float]:
        """Keyed by text, the last of those with one text counts; what is there comes besides."""
        best = row.topk(min(count, len(row)))
        found = {
            self.named(number, texts): self.figure(value)
            for number, value in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        }
        found[self.named(token, texts)] = self.figure(float(row[token]))
        return found

    def figure(self, value: float) -> float:
        match self.kind.spoil:
            case "nan":
                return math.nan
            case "above":
                return 0.5
            case _:
                return max(value, -9999.0)

    def named(self, token: int, texts: bool) -> str:
        if not texts:
            return f"token_id:{token}"
        special = token in (self.start, self.end)
        text = self.tokenizer.decode([token], skip_special_tokens=False)
        if not self.kind.blank:
            return text
        return "" if special else text.replace("\ufffd", "")

    def bytes(self, token: int) -> bytes:
        """What a token of a byte-level vocabulary stands for; nothing if it is special."""
        if token in (self.start, self.end):
            return b""
        return bytes(BYTES[char] for char in self.tokenizer.id_to_token(token) or "")


def spoken(
    server: ModelServer, drawn: list[tuple[torch.Tensor, int]]
) -> Iterator[tuple[torch.Tensor, int, str | None]]:
    """What llama-server says of generated tokens: nothing of one with which the text ends within a
    character; the one that completes the character has the text of all."""
    text, sent = b"", 0
    for row, token in drawn:
        text += server.bytes(token)
        if _incomplete(text):
            yield row, token, None
            continue
        yield row, token, text[sent:].decode(errors="replace")
        sent = len(text)


def _incomplete(text: bytes) -> bool:
    """Whether a text ends with the first bytes of a character, as llama-server finds out."""
    for back, byte in enumerate(reversed(text[-4:]), 1):
        for bits, size in ((0xC0, 2), (0xE0, 3), (0xF0, 4)):
            if byte & (0x100 - (1 << (7 - size))) == bits:
                return back < size
    return False


def listed(row: torch.Tensor, count: int) -> list[Body]:
    """The likeliest tokens, as llama-server lists them."""
    best = row.topk(count)
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return [{"id": number, "logprob": logarithm(value)} for number, value in pairs]


def logarithm(value: float | torch.Tensor) -> float:
    """What llama-server writes for minus infinity, which JSON does not have, is the least float."""
    return max(float(value), torch.finfo(torch.float32).min)


@contextmanager
def serving(folder: Path, kind: Kind = VLLM) -> Iterator[ModelServer]:
    """Serve the model of a folder until the block ends."""
    server = ModelServer(folder, kind)
    thread = threading.Thread(target=server.http.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.http.shutdown()
        server.http.server_close()
        thread.join()


def send_json(handler: BaseHTTPRequestHandler, code: int, value: object) -> None:
    send(handler, code, json.dumps(value).encode(), "application/json")


def send(handler: BaseHTTPRequestHandler, code: int, body: bytes, content: str) -> None:
    handler.send_response(code)
    if 300 <= code < 400:
        handler.send_header("Location", "https://elsewhere.example/v1")
    handler.send_header("Content-Type", content)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def _stream(handler: BaseHTTPRequestHandler, parts: Iterator[Body], kind: Kind) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream; charset=utf-8")
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    try:
        for number, part in enumerate(parts):
            if number == kind.cut and kind.fails is None:
                handler.close_connection = True
                return
            if number == kind.cut:
                _chunk(handler, f"{kind.fails}\n\n".encode())
                break
            _chunk(handler, f"data: {json.dumps(part)}\n\n".encode())
        _chunk(handler, b"data: [DONE]\n\n")
        _chunk(handler, b"")
    except ConnectionError:  # who asked has gone
        handler.close_connection = True


def _chunk(handler: BaseHTTPRequestHandler, data: bytes) -> None:
    handler.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
    handler.wfile.flush()
