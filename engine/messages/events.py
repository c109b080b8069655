"""Events: the messages from the engine to a front end."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from engine.messages.inside import InsideEvent
from engine.messages.message import Words
from engine.messages.parts import (
    Alternative,
    Cell,
    Device,
    Distance,
    Finish,
    Gap,
    JointFills,
    MaskFill,
    Match,
    ModelInfo,
    NBestPath,
    NspDirection,
    PairTable,
    Piece,
    PllMethod,
    PllToken,
    PmiDirection,
    Precision,
    SamplerStep,
    ScoredToken,
    Sentence,
    Shuffled,
    SopDirection,
    State,
    TextEnd,
    TextToken,
    Timing,
    TrackedWord,
    Trimmed,
    WitnessName,
)


class Ready(Struct, tag="ready", frozen=True):
    """The worker accepted `Configure`."""

    protocol: int
    pid: int
    memory_budget: int
    threads: int
    host: str = ""
    """The name of the machine that it runs on."""
    gpus: list[str] = []
    """The names of its GPUs, as far as the system has them."""


class Pong(Struct, tag="pong", frozen=True):
    """The answer to `Ping`."""


class Models(Struct, tag="models", frozen=True):
    """The answer to `ListModels`."""

    models: list[ModelInfo]


class ModelState(Struct, tag="model_state", frozen=True, kw_only=True):
    """A change in a model's state. Broadcast (request id 0)."""

    model: str
    state: State
    stage: Words = ""
    """The present step: a message, or the name of the file that is read."""
    done: int | None = None
    total: int | None = None
    percent: float | None = None
    reason: Words = ""
    cause: Literal["", "asked", "idle", "evicted"] = ""
    """Why a model was unloaded."""
    precision: Precision = "exact"
    """The form that is being loaded, or was the last to load or fail."""
    in_memory: list[Precision] = []
    """The forms of the model that are in memory."""
    device: Device = "cpu"
    """The GPU that some of them are on, if any is."""
    on_device: list[Precision] = []
    """Those that are on it; the others are on the CPU."""
    memory: int = 0
    """Bytes that all of them take."""


class Distances(Struct, tag="distances", frozen=True):
    """The answer to `Measure`."""

    model: str
    distances: list[Distance]


class Memory(Struct, tag="memory", frozen=True):
    """Bytes that loaded models take, and the budget. Broadcast after each change."""

    used: int
    budget: int


class Cores(Struct, tag="cores", frozen=True, kw_only=True):
    """How the engine shares the processor. Broadcast after each change."""

    threads: int
    """On how many threads models run."""
    busy: bool = False
    """Whether other programs use much of the processor."""


class Started(Struct, tag="started", frozen=True, kw_only=True):
    """A continuation begins: exactly what was fed, and everything needed to repeat it."""

    model: str
    revision: str
    precision: Precision
    weights: str = ""
    """How the original file stored the weights, if they were converted: "Q4_1"; else ""."""
    prompt: str
    prompt_tokens: list[Piece]
    seed: int | None
    dropped_turns: int = 0
    """Chat turns left out, oldest first, to fit the context."""
    context: int | None = None
    vocabulary: int = 0
    """How many logits the model computes for each token."""


class Token(Struct, tag="token", frozen=True, kw_only=True):
    """One token of one branch.

    `text` contains whole characters only: the texts of a branch's tokens and its `BranchDone.tail`,
    joined, are the text of the branch. `sampled_logprob` is the log-probability after the samplers;
    for a `given` token, part of `Continue.begin` and not drawn, it equals `logprob`.
    """

    branch: int
    id: int
    text: str
    logprob: float
    sampled_logprob: float
    rank: int | None
    entropy: float | None
    """Both are None where a server lists too few tokens to say."""
    top: list[Alternative] = []
    given: bool = False
    piece: str = ""
    """Its spelling in the vocabulary."""
    boundary: float | None = None
    """With `Continue.boundaries`: log-probability that a new word, or the end, comes here."""
    normaliser: float | None = None
    """log of the sum of exp(logit) over the vocabulary, before any sampler: the logit of an id is
    its log-probability plus this."""


class BranchDone(Struct, tag="branch_done", frozen=True, kw_only=True):
    """A branch ended; `tail` is text that was still held back, such as an incomplete character."""

    branch: int
    finish: Finish
    tail: str = ""
    boundary: float | None = None
    """As in `Token`, after the last given token."""


class Found(Struct, tag="found", frozen=True, kw_only=True):
    """The answer to `Find`: the best matches, and how many `tokens` contain the text."""

    model: str
    matches: list[Match]
    tokens: int


class NBestResult(Struct, tag="nbest_result", frozen=True, kw_only=True):
    """The answer to `NBest`, the likeliest first.

    `complete` is false if the search stopped at its limit of `reads` before it had found all; the
    paths it found are the likeliest nonetheless.
    """

    model: str
    revision: str
    precision: Precision
    weights: str = ""
    paths: list[NBestPath]
    complete: bool
    reads: int


class Traced(Struct, tag="traced", frozen=True, kw_only=True):
    """The answer to `Trace`: each step in order, and the token drawn at the end."""

    model: str
    drawn: int
    drawn_text: str
    steps: list[SamplerStep]


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
    precision: Precision = "exact"
    weights: str = ""
    joint: list[JointFills] = []
    """The likeliest fillings of all masks together, for each of `Fill.joint_methods`."""
    table: PairTable | None = None
    """In addition, if there are exactly two masks."""
    vocabulary: int = 0
    """How many logits the model computes for each token."""
    segments: bool = False
    """Whether the model is fed segment ids (`token_type_ids`)."""


class PseudoLikelihoodResult(Struct, tag="pseudo_likelihood_result", frozen=True, kw_only=True):
    """The answer to `PseudoLikelihood`, one for each of its methods.

    `total` is the sum of the tokens' log-probabilities.
    """

    model: str
    method: PllMethod
    text: str
    tokens: list[PllToken]
    total: float
    precision: Precision = "exact"
    weights: str = ""
    row: list[Piece] = []
    """The text as fed, before anything in it is masked; empty where it is longer than the context.
    """
    window: int | None = None
    """How many tokens around each were read, where the text is longer than the context."""
    vocabulary: int = 0
    segments: bool = False
    """Both as in `FillResult`."""


class Progress(Struct, tag="progress", frozen=True, kw_only=True):
    """Progress of a long request."""

    done: int
    total: int


class NspResult(Struct, tag="nsp_result", frozen=True, kw_only=True):
    """A next-sentence head's answer to `Score`; `margin` is logits[0] - logits[1]."""

    model: str
    probability: float
    logits: tuple[float, float]
    margin: float
    reversed: NspDirection
    tokens: list[Piece]
    attention_mask: list[int]
    precision: Precision = "exact"
    weights: str = ""
    shuffled: Shuffled | None = None
    """Of `margin`."""
    trimmed: Trimmed | None = None


class SopResult(Struct, tag="sop_result", frozen=True, kw_only=True):
    """ALBERT's sentence-order head's answer to `Score`; `margin` is logits[0] - logits[1]."""

    model: str
    probability: float
    logits: tuple[float, float]
    margin: float
    reversed: SopDirection
    tokens: list[Piece]
    attention_mask: list[int]
    precision: Precision = "exact"
    weights: str = ""
    shuffled: Shuffled | None = None
    """Of `margin`."""
    trimmed: Trimmed | None = None


class PmiResult(Struct, tag="pmi_result", frozen=True, kw_only=True):
    """A causal model's answer to `Score`."""

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
    """The start token both were scored after; if None, B's first id is left out of both terms."""
    precision: Precision = "exact"
    weights: str = ""
    shuffled: Shuffled | None = None
    """Of `bits_per_token`."""
    trimmed: Trimmed | None = None
    before: list[int] = []
    """As in `PmiDirection`."""
    vocabulary: int = 0
    """How many logits the model computes for each token."""


class CosineResult(Struct, tag="cosine_result", frozen=True, kw_only=True):
    """How similar A and B are, each read by itself: the cosine of their mean last hidden states.

    It is the same in both orders, and what counts as similar differs from model to model.
    """

    model: str
    cosine: float
    precision: Precision = "exact"
    weights: str = ""
    shuffled: Shuffled | None = None
    trimmed: Trimmed | None = None


ScoreResult = NspResult | SopResult | PmiResult | CosineResult
"""One witness's result for a pair."""


class Verdict(Struct, tag="verdict", frozen=True, kw_only=True):
    """The conclusion from all witnesses; see `engine.tasks.continuity.verdict` for the rules.

    None if no witness has a vote; ``split`` if they contradict each other.
    """

    topic: Literal["same", "other", "unclear", "split"] | None = None
    order: Literal["this", "reverse", "unclear", "split"] | None = None


class Tokens(Struct, tag="tokens", frozen=True, kw_only=True):
    """The answer to `Tokenize`, and how well the model covers the text."""

    model: str
    tokens: list[Piece]
    unknown: float
    """Share (0-1) of the text's characters that are unknown to the vocabulary."""
    foreign: float
    """Share (0-1) of the text's letters in scripts that none of the model's languages use."""


class Done(Struct, tag="done", frozen=True, kw_only=True):
    """The last event of a request that did not fail."""

    finish: Finish | None = None
    timing: Timing = Timing()


ErrorKind = Literal[
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


class Error(Struct, tag="error", frozen=True, kw_only=True):
    """The last event of a request that failed: one line on what happened, one on what to do."""

    kind: ErrorKind
    message: Words
    hint: Words = ""


class PairScore(Struct, tag="pair_score", frozen=True, kw_only=True):
    """One pair of `ScorePairs`, by its index there: its results, or why there are none.

    Pairs are sent as they are ready, those of similar length together.
    """

    index: int
    result: ScoreResult | None = None
    """The first witness's result; the results of the others are in `others`."""
    others: list[ScoreResult] = []
    verdict: Verdict | None = None
    error: Error | None = None


class ScoredBy(Struct, tag="scored_by", frozen=True, kw_only=True):
    """The first answer to `ScoreTexts`: what scores the texts, and how."""

    model: str
    revision: str
    method: Literal["causal"] | PllMethod
    start: str | None
    """The token that every text is scored after; None for a masked model, or where there is none.
    """
    precision: Precision = "exact"
    weights: str = ""


class TextScore(Struct, tag="text_score", frozen=True, kw_only=True):
    """One text of `ScoreTexts`, by its index there: its tokens, or why there are none."""

    index: int
    tokens: list[TextToken] = []
    windows: int = 1
    """How many parts it was read in."""
    after: TextEnd | None = None
    """With `ScoreTexts.after`."""
    error: Error | None = None


class TrackedText(Struct, tag="tracked_text", frozen=True, kw_only=True):
    """The words of `TrackWords` through one text, or why there are no figures.

    Their places are those of `tokens`, which have no figures of their own, and for a causal model
    the one after the last.
    """

    index: int
    """Of the text in the request."""
    tokens: list[TextToken] = []
    words: list[TrackedWord] = []
    windows: int = 1
    error: Error | None = None


class DocumentResult(Struct, tag="document_result", frozen=True, kw_only=True):
    """The answer to `Document`. Gap i lies between the sentences i and i + 1.

    `boundaries` are the gaps deeper than `threshold`, `reference` the true boundaries. If there are
    any, `pk` and `window_diff` (0-1, lower is better) measure how far the two are apart, over
    windows of `window` sentences.
    """

    model: str
    witness: WitnessName
    sentences: list[Sentence]
    gaps: list[Gap]
    coherence: float
    """The mean of the gaps' scores."""
    threshold: float
    boundaries: list[int]
    reference: list[int]
    pk: float | None = None
    window_diff: float | None = None
    window: int | None = None
    precision: Precision = "exact"
    weights: str = ""


class MatrixCells(Struct, tag="matrix_cells", frozen=True):
    """Some cells of a `Document`'s matrix, none of them sent before; `total` counts all cells."""

    cells: list[Cell]
    total: int


class Arranged(Struct, tag="arranged", frozen=True, kw_only=True):
    """What other orders of a `Document`'s sentences would score, as the mean over their gaps."""

    percentile: float | None = None
    """The percentage (0-100) of the shuffles that score below this order; ties count half."""
    shuffles: int = 0
    places: list[float] = []
    """By place, with the sentence `Document.place` there and the others in their order."""
    order: list[int] = []
    """The better order, sentences by number; the given order if none was found."""
    order_coherence: float | None = None
    exact: bool = False
    """Whether it is the best of all orders, not only of those that were tried."""


Event = (
    Ready
    | Pong
    | Models
    | Distances
    | ModelState
    | Memory
    | Cores
    | Started
    | Token
    | BranchDone
    | NBestResult
    | Found
    | Traced
    | FillResult
    | PseudoLikelihoodResult
    | Progress
    | ScoreResult
    | Verdict
    | PairScore
    | ScoredBy
    | TextScore
    | TrackedText
    | DocumentResult
    | MatrixCells
    | Arranged
    | InsideEvent
    | Tokens
    | Done
    | Error
)

LAST = (Ready, Pong, Models, Distances, Tokens, Done, Error)
"""Events that end the answer to a request."""
