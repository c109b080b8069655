"""Turns a request to continue a text into the tokens that a causal model is fed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile

from engine.errors import EngineError, refusal
from engine.interfaces import CausalRuntime, Tokenizer
from engine.messages import Continue, Piece, Turn
from engine.runtime.loaded import LoadedModel


@dataclass(frozen=True)
class Prompt:
    """A prompt as text and as tokens, the number of chat turns that did not fit, and the ids that
    the answer must begin with."""

    text: str
    pieces: list[Piece]
    dropped_turns: int = 0
    begin: list[int] = field(default_factory=list)


def lay_out(model: LoadedModel, runtime: CausalRuntime, request: Continue) -> Prompt:
    """Make the prompt of a request: at least one token, all in the model's vocabulary.

    Raises:
        EngineError: ``bad_request`` for ids outside the vocabulary, or an empty prompt for a model
            without a start token; ``unable`` for a chat without a template; ``too_long`` for a
            prompt that leaves no room in the context.
    """
    tokenizer = model.tokenizer
    if request.chat is not None:
        prompt = _chat(model, runtime, request, request.chat)
    elif isinstance(request.prompt, str):
        prompt = Prompt(request.prompt, tokenizer.prompt(request.prompt))
    else:
        prompt = _from_ids(tokenizer, request.prompt, runtime.vocabulary)
    prompt = _begun(tokenizer, prompt, request.begin, runtime.vocabulary)
    if not prompt.pieces:
        start = start_token(model)
        if start is None and prompt.begin:
            # The first token of a text has no probability: it is what the rest is conditioned on.
            first, *rest = prompt.begin
            start = tokenizer.token(first)
            prompt = replace(prompt, text=start.text, begin=rest)
        if start is None:
            raise refusal("bad_request", "empty_prompt", model=model.files.id)
        prompt = replace(prompt, pieces=[start])
    for number in (*(piece.id for piece in prompt.pieces), *prompt.begin):
        if not 0 <= number < runtime.vocabulary:
            raise unknown_token(model, number, runtime.vocabulary)
    length = len(prompt.pieces) + len(prompt.begin) - (request.max_tokens == 0)
    if runtime.context is not None and length >= runtime.context:
        raise refusal(
            "too_long",
            "prompt_too_long",
            length=length,
            model=model.files.id,
            context=runtime.context,
            excess=length - runtime.context + 1,
        )
    return prompt


def unknown_token(model: LoadedModel, number: int, vocabulary: int) -> EngineError:
    """The error for an id beyond the weights, which have `vocabulary` ids."""
    if 0 <= number < model.tokenizer.vocabulary:
        return refusal(
            "unable",
            "token_without_weights",
            model=model.files.id,
            token=model.tokenizer.token(number).piece,
            number=number,
            vocabulary=vocabulary,
        )
    return refusal(
        "bad_request", "no_such_token", model=model.files.id, number=number, vocabulary=vocabulary
    )


def _begun(tokenizer: Tokenizer, prompt: Prompt, begin: str | list[int], vocabulary: int) -> Prompt:
    """Add to a prompt what the answer must begin with. After an empty prompt, it is tokenized as
    a prompt itself, and the start token, if the configuration asks for one, becomes the prompt."""
    if isinstance(begin, list):
        pieces = _from_ids(tokenizer, begin, vocabulary).pieces
        return replace(prompt, begin=[piece.id for piece in pieces])
    if prompt.text or not begin:
        return replace(prompt, begin=[piece.id for piece in tokenizer.after(begin)])
    pieces = tokenizer.prompt(begin)
    before = list(takewhile(lambda piece: piece.special, pieces))
    return replace(prompt, pieces=before, begin=[piece.id for piece in pieces[len(before) :]])


def _from_ids(tokenizer: Tokenizer, ids: Sequence[int], vocabulary: int) -> Prompt:
    """`vocabulary` is that of the weights: ids that no text encodes to can still be drawn."""
    for number in ids:
        if not 0 <= number < max(tokenizer.vocabulary, vocabulary):
            raise refusal("bad_request", "no_such_id", number=number, vocabulary=vocabulary)
    return Prompt(tokenizer.decode(ids), [tokenizer.token(number) for number in ids])


def start_token(model: LoadedModel) -> Piece | None:
    """The token that begins a text: from the catalogue, else from the configuration."""
    named = model.files.start_token
    number = None if named is None else model.tokenizer.find(named)
    if number is None:
        number = model.tokenizer.start
    return None if number is None else model.tokenizer.token(number)


def framing(model: LoadedModel) -> list[Piece]:
    """What every text is scored after: what the tokenizer puts before a prompt, else the start
    token, else nothing."""
    start = start_token(model)
    return model.tokenizer.prompt("") or ([] if start is None else [start])


def _chat(
    model: LoadedModel, runtime: CausalRuntime, request: Continue, earlier: Sequence[Turn]
) -> Prompt:
    """Render a chat, without its oldest turns (never the system's) if it is too long."""
    if not isinstance(request.prompt, str):
        raise refusal("bad_request", "turn_of_ids")
    system = [turn for turn in earlier[:1] if turn.role == "system"]
    middle = list(earlier[len(system) :])
    last = Turn("user", request.prompt)

    def laid_out(start: int) -> Prompt:
        text = model.tokenizer.chat([*system, *middle[start:], last])
        if text is None:
            raise refusal("unable", "no_chat_template", model=model.files.id)
        return Prompt(text, model.tokenizer.laid_out(text), dropped_turns=start)

    prompt = laid_out(0)
    if runtime.context is None:
        return prompt
    shortest = laid_out(len(middle))
    room = runtime.context - request.max_tokens
    if len(shortest.pieces) > room:
        # The answer would not fit even without earlier turns: share the context.
        room = max(room, runtime.context // 2)
    start = 0
    while len(prompt.pieces) > room and start < len(middle):
        start += 1
        while start < len(middle) and middle[start].role != "user":
            start += 1  # an answer is useless without its question
        prompt = laid_out(start)
    return prompt
