"""What Ollama answers, beside what its llama-server says: `server/routes.go`, `llm/llama_server.go`
and `openai/openai.go` of August 2026.

It knows no ids, applies a template unless it is told not to, and drops every token without a text
of its own, of which only its count remains.
"""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.support.model_server import ModelServer

TEMPLATE = "<user>{{ .Prompt }}<assistant>"
"""The model's own."""
OPTIONS = {"temperature": 0.8, "top_k": 40, "seed": 5, "num_predict": 64}
"""What counts where a request leaves an option out."""

Body = dict[str, Any]


def answer(server: ModelServer, handler: BaseHTTPRequestHandler, body: Body) -> None:
    """Answer a request to any route."""
    from tests.support.model_server import NAME, send, send_json

    match handler.path:
        case "/v1/models":
            send_json(handler, 200, {"object": "list", "data": [{"id": NAME, "object": "model"}]})
        case "/api/ps":
            loaded = [{"name": NAME, "model": NAME, "context_length": 96}]
            send_json(handler, 200, {"models": loaded})
        case "/v1/completions" if not isinstance(body["prompt"], str):
            said = "json: cannot unmarshal array into Go struct field .prompt of type string"
            send_json(handler, 400, {"error": {"message": said, "type": "invalid_request_error"}})
        case "/v1/completions":
            asked = {**body, "options": {"num_predict": body["max_tokens"]}, "logprobs": False}
            _, text = _generated(server, asked)
            choices = [{"text": text, "index": 0, "finish_reason": "length"}]
            send_json(handler, 200, {"object": "text_completion", "choices": choices})
        case "/api/generate" if body.get("top_logprobs", 0) > 20:
            send_json(handler, 400, {"error": "top_logprobs must be between 0 and 20"})
        case "/api/generate" if body["model"] != NAME:
            send_json(handler, 404, {"error": f"model '{body['model']}' not found"})
        case "/api/generate":
            assert body.get("stream") is False, "it would stream"
            send_json(handler, 200, _generated(server, body)[0])
        case _:
            send(handler, 404, b"404 page not found", "text/plain")


def _generated(server: ModelServer, body: Body) -> tuple[Body, str]:
    """The answer to a request, and its text."""
    from tests.support.model_server import listed, logarithm, spoken

    prompt = body["prompt"]
    if not body.get("raw"):
        prompt = body.get("template", TEMPLATE).replace("{{ .Prompt }}", prompt)
    if not prompt:
        return {"done": True, "done_reason": "load", "response": ""}, ""
    options = {**OPTIONS, **body.get("options", {})}
    ids = server.cut(prompt)
    counting = {name: options[name] for name in ("temperature", "top_k", "seed")}
    drawn = server.drawn(ids, counting, options["num_predict"])
    text, figures = "", []
    for number, (row, token, said) in enumerate(spoken(server, drawn)):
        if not said:
            continue
        text += said
        guessed = server.kind.speculates and number > 0
        top = [
            _named(server.named(each["id"], texts=True), each["logprob"])
            for each in listed(row, max(body.get("top_logprobs", 0), 1))
        ]
        own = _named(said, 0.0 if guessed else logarithm(row[token]))
        figures.append(own if guessed else {**own, "top_logprobs": top})
    ended = bool(drawn) and drawn[-1][1] == server.end
    found: Body = {
        "model": body["model"],
        "response": text,
        "done": True,
        "done_reason": "stop" if ended else "length",
        "prompt_eval_count": len(ids),
        "eval_count": len(drawn),
    }
    if body.get("logprobs") and figures and server.kind.logprobs:
        found["logprobs"] = figures
    if not body.get("raw"):
        cut = server.tokenizer.encode(prompt + text, add_special_tokens=False).ids
        found["context"] = [number + server.kind.shift_ids for number in cut]
    return found, text


def _named(text: str, logprob: float) -> Body:
    """A token; its bytes are those of its text, not its own."""
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}
