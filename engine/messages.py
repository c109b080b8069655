"""Every request and every event that crosses between a front and the engine.

This module is the one contract: nothing else crosses the boundary. It imports neither torch
nor a screen, so both sides can afford it. Requests are complete and stateless: whatever the
engine remembers between two of them is a cache whose loss costs only time.

Units, everywhere: ``logprob``, ``entropy`` and ``margin`` are in nats and belong to the model
before any sampler; ``bits`` are base 2; ``rank`` is 1 + the number of ids with a strictly higher
logit; ``start`` and ``end`` count code points of the text the user gave.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct

PROTOCOL = 1
"""Raised when a change of this module would confuse an older peer."""

Role = Literal["continue", "fill", "score"]
Head = Literal["causal", "masked", "next_sentence"]
State = Literal["absent", "pulling", "converting", "on_disk", "loading", "ready", "failed"]
Finish = Literal["length", "stop", "eos", "context", "cancelled", "failed"]
Source = Literal["bundled", "hub", "index", "local"]
Precision = Literal["exact"]
"""``exact`` is fp32, equal to transformers to float tolerance."""

# ------------------------------------------------------------------------------- parts


class Sampling(Struct, frozen=True, kw_only=True):
    """How the next token is drawn. Temperature 0 is greedy; neutral values switch a step off."""

    temperature: Annotated[float, Meta(ge=0.0, le=100.0)] = 0.8
    top_k: Annotated[int, Meta(ge=0)] = 0
    top_p: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.95
    min_p: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.0
    typical_p: Annotated[float, Meta(gt=0.0, le=1.0)] = 1.0
    repetition_penalty: Annotated[float, Meta(gt=0.0, le=10.0)] = 1.0
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None
    """None: the engine draws one and reports it in `Started`."""

    @property
    def greedy(self) -> bool:
        """True when the likeliest token is always taken and no seed matters."""
        return self.temperature == 0.0


GREEDY = Sampling(temperature=0.0, top_p=1.0)


class Turn(Struct, frozen=True):
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    text: str


class Piece(Struct, frozen=True):
    """One token of an input as fed to the model.

    `text` is what it reads as, `piece` how the vocabulary writes it. `start` and `end` are None
    for tokens that stand for nothing in the user's text (start tokens, separators).
    """

    id: int
    text: str
    piece: str
    special: bool = False
    start: int | None = None
    end: int | None = None
    segment: int = 0


class Alternative(Struct, frozen=True):
    """Another token that could have stood here."""

    id: int
    text: str
    logprob: float


class Candidate(Struct, frozen=True):
    """A word proposed for a mask."""

    id: int
    text: str
    prob: float


class Hidden(Struct, frozen=True):
    """What the model thought of the word that the user hid behind a mask.

    `prob` and `rank` are None when the word is more than one piece (`pieces`) of this vocabulary.
    """

    word: str
    pieces: int
    prob: float | None = None
    rank: int | None = None


class MaskFill(Struct, frozen=True):
    """The answers for one mask; `position` counts in the tokens as fed."""

    position: int
    candidates: list[Candidate]
    hidden: Hidden | None = None


class NspDirection(Struct, frozen=True):
    """Next-sentence judgement of one order. Index 0 means "the second continues the first"."""

    probability: float
    logits: tuple[float, float]
    margin: float


class PmiDirection(Struct, frozen=True):
    """Causal judgement of one order: how much the first sentence helps to predict the second.

    `bits` is the pointwise mutual information (logprob_conditional - logprob_alone) / ln 2.
    """

    bits: float
    bits_per_token: float
    logprob_conditional: float
    logprob_alone: float
    tokens: list[ScoredToken]


class ScoredToken(Struct, frozen=True):
    """One token of the scored sentence, with and without the sentence before it (nats)."""

    id: int
    text: str
    conditional: float | None
    alone: float | None


class Timing(Struct, frozen=True):
    """Seconds spent waiting for the model and for the first token, and the speed after it."""

    load_s: float = 0.0
    first_token_s: float | None = None
    tokens_per_s: float | None = None
    total_s: float = 0.0


class ModelInfo(Struct, frozen=True, kw_only=True):
    """What is known of one model without loading it."""

    id: str
    title: str
    roles: list[Role]
    heads: list[Head]
    languages: list[str]
    bytes: int
    """Size of the weights on disk; for an absent model, of the download."""
    licence: str
    source: Source
    origin: str = ""
    """Where it comes from: a hub id, a wheel, a folder."""
    revision: str = ""
    path: str | None = None
    state: State = "absent"
    reason: str = ""
    note: str = ""
    memory: int = 0
    """Estimated bytes in memory when loaded; the measured figure once it is ready."""
    context: int | None = None
    chat: bool = False
    """True when a chat template comes with it."""
    precision: Precision = "exact"


# ---------------------------------------------------------------------------- requests


class Configure(Struct, tag="configure", frozen=True, kw_only=True):
    """The first request of every connection. Nothing else is answered before it."""

    protocol: int = PROTOCOL
    memory_budget: int | None = None
    """Bytes; None takes 60 % of what the machine has available."""
    idle_s: float = 900.0
    """Unload a model unused for so long; 0 never does."""
    threads: int | None = None
    store: str | None = None
    """Folder of pulled models; None takes the platform's data folder."""
    folders: list[str] = []
    """Local folders and .gguf files to list beside the catalogue."""


class ListModels(Struct, tag="list_models", frozen=True):
    """Answered by `Models`."""


class Load(Struct, tag="load", frozen=True):
    """Bring a model into memory; its progress is told by `ModelState`."""

    model: str


class Unload(Struct, tag="unload", frozen=True):
    """Give a model's memory back. A model in use is unloaded when its tasks end."""

    model: str


class Pull(Struct, tag="pull", frozen=True):
    """Download a model from where its catalogue entry says (or a hub id `owner/name`)."""

    model: str
    allow_pickle: bool = False
    """Accept a checkpoint that exists only as a pickle. Pickles can run code: off unless asked."""


class Remove(Struct, tag="remove", frozen=True):
    """Delete a pulled model from the store."""

    model: str


class Continue(Struct, tag="continue", frozen=True, kw_only=True):
    """Go on from a prompt, given as text or as ids.

    With `chat`, the prompt is the next user turn after those turns (an empty list starts a chat),
    laid out by the model's own chat template.
    """

    model: str
    prompt: str | list[int]
    chat: list[Turn] | None = None
    sampling: Sampling = Sampling()
    max_tokens: Annotated[int, Meta(ge=1, le=100_000)] = 64
    stop: list[str] = []
    branches: Annotated[int, Meta(ge=1, le=8)] = 1
    top: Annotated[int, Meta(ge=0, le=1000)] = 30


class Fill(Struct, tag="fill", frozen=True, kw_only=True):
    """Propose words for every `[MASK]` in the text (that is how it is written for any model)."""

    model: str
    text: str
    top: Annotated[int, Meta(ge=1, le=1000)] = 5
    hidden: list[str | None] = []
    """For the masks in order, the word that each one hides, where it is known."""


class Score(Struct, tag="score", frozen=True, kw_only=True):
    """How well B continues A, and A continues B."""

    model: str
    a: str
    b: str


class Tokenize(Struct, tag="tokenize", frozen=True, kw_only=True):
    """Cut a text as the model would. Never waits for torch."""

    model: str
    text: str


class Cancel(Struct, tag="cancel", frozen=True):
    """End another request; it answers with `Done(finish="cancelled")`."""

    request: int


class Ping(Struct, tag="ping", frozen=True):
    """Answered by the reader thread itself, whatever else is going on."""


class Shutdown(Struct, tag="shutdown", frozen=True):
    """End the worker in good order."""


Request = (
    Configure
    | ListModels
    | Load
    | Unload
    | Pull
    | Remove
    | Continue
    | Fill
    | Score
    | Tokenize
    | Cancel
    | Ping
    | Shutdown
)

# ------------------------------------------------------------------------------ events


class Ready(Struct, tag="ready", frozen=True):
    """The worker accepted `Configure`."""

    protocol: int
    pid: int
    memory_budget: int
    threads: int


class Pong(Struct, tag="pong", frozen=True):
    """The answer to `Ping`."""


class Models(Struct, tag="models", frozen=True):
    """The answer to `ListModels`."""

    models: list[ModelInfo]


class ModelState(Struct, tag="model_state", frozen=True, kw_only=True):
    """A model changed its state. Sent to everybody (request id 0)."""

    model: str
    state: State
    stage: str = ""
    """What is being done, for a person: "reading weights", "model.safetensors"."""
    done: int | None = None
    total: int | None = None
    percent: float | None = None
    reason: str = ""
    cause: Literal["", "asked", "idle", "evicted"] = ""
    """Why a model left memory."""
    memory: int = 0


class Memory(Struct, tag="memory", frozen=True):
    """Bytes that loaded models take, and the budget. Sent to everybody after each change."""

    used: int
    budget: int


class Started(Struct, tag="started", frozen=True, kw_only=True):
    """A continuation begins: exactly what was fed, and all that is needed to repeat it."""

    model: str
    revision: str
    precision: Precision
    prompt: str
    prompt_tokens: list[Piece]
    seed: int | None
    dropped_turns: int = 0
    """Chat turns left out, oldest first, because the context is full."""
    context: int | None = None


class Token(Struct, tag="token", frozen=True, kw_only=True):
    """One token of one branch.

    `text` holds whole characters only: the texts of a branch's tokens and its `BranchDone.tail`
    joined are the text of the branch. `sampled_logprob` is the log-probability after the samplers.
    """

    branch: int
    id: int
    text: str
    logprob: float
    sampled_logprob: float
    rank: int
    entropy: float
    top: list[Alternative] = []


class BranchDone(Struct, tag="branch_done", frozen=True, kw_only=True):
    """A branch ended; `tail` is text that was still held back (bytes of a broken character)."""

    branch: int
    finish: Finish
    tail: str = ""


class FillResult(Struct, tag="fill_result", frozen=True, kw_only=True):
    """The answer to `Fill`.

    Method ``mlm``: softmax over the vocabulary at the mask, from a masked model. Method ``causal``:
    candidates from the left context, re-ranked by log p(w | left) + log p(right | left, w),
    normalised over the `pool` candidates tried.
    """

    model: str
    method: Literal["mlm", "causal"]
    text: str
    tokens: list[Piece]
    masks: list[MaskFill]
    pool: int | None = None


class NspResult(Struct, tag="nsp_result", frozen=True, kw_only=True):
    """The answer to `Score` from a next-sentence head; `margin` is logits[0] - logits[1]."""

    model: str
    probability: float
    logits: tuple[float, float]
    margin: float
    reversed: NspDirection
    tokens: list[Piece]
    attention_mask: list[int]


class PmiResult(Struct, tag="pmi_result", frozen=True, kw_only=True):
    """The answer to `Score` from a causal model."""

    model: str
    bits: float
    bits_per_token: float
    logprob_conditional: float
    logprob_alone: float
    tokens: list[ScoredToken]
    reversed: PmiDirection
    join: str
    """What was put between A and B: one space, or nothing next to Japanese or Chinese."""
    start: str | None
    """The start token both were scored after, or None: then B's first id leaves both terms."""


class Tokens(Struct, tag="tokens", frozen=True, kw_only=True):
    """The answer to `Tokenize`, and how well the model knows such text."""

    model: str
    tokens: list[Piece]
    unknown: float
    """Share (0-1) of the text's characters that the vocabulary does not know."""
    foreign: float
    """Share (0-1) of the text's letters in scripts that none of the model's languages use."""


class Done(Struct, tag="done", frozen=True, kw_only=True):
    """The last event of a request that did not fail."""

    finish: Finish | None = None
    timing: Timing = Timing()


class Error(Struct, tag="error", frozen=True, kw_only=True):
    """The last event of a request that failed: one line what, one line what to do next."""

    kind: Literal[
        "bad_request",
        "unknown_model",
        "absent_model",
        "broken_model",
        "too_big",
        "unable",
        "too_long",
        "network",
        "worker_died",
        "internal",
    ]
    message: str
    hint: str = ""


Event = (
    Ready
    | Pong
    | Models
    | ModelState
    | Memory
    | Started
    | Token
    | BranchDone
    | FillResult
    | NspResult
    | PmiResult
    | Tokens
    | Done
    | Error
)

# ------------------------------------------------------------------------------- frames


class Frame(Struct, frozen=True):
    """One message on the wire: its request's id (0: for everybody) and its encoded body.

    The body stays raw until the id is known, so that a broken body can still be answered.
    """

    id: int
    body: Raw
