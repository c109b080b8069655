"""What the engine tells a front."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

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
    Timing,
    Trimmed,
    WitnessName,
)


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
    precision: Precision = "exact"
    """The form that is being loaded, or was loaded or failed to last."""
    in_memory: list[Precision] = []
    """The forms of the model that are in memory."""
    device: Device = "cpu"
    """Where the latest of them was put."""
    memory: int = 0
    """Bytes that all of them take."""


class Distances(Struct, tag="distances", frozen=True):
    """The answer to `Measure`."""

    model: str
    distances: list[Distance]


class Memory(Struct, tag="memory", frozen=True):
    """Bytes that loaded models take, and the budget. Sent to everybody after each change."""

    used: int
    budget: int


class Started(Struct, tag="started", frozen=True, kw_only=True):
    """A continuation begins: exactly what was fed, and all that is needed to repeat it."""

    model: str
    revision: str
    precision: Precision
    weights: str = ""
    """How the file that they were converted from stored the weights: "Q4_1"; else ""."""
    prompt: str
    prompt_tokens: list[Piece]
    seed: int | None
    dropped_turns: int = 0
    """Chat turns left out, oldest first, because the context is full."""
    context: int | None = None


class Token(Struct, tag="token", frozen=True, kw_only=True):
    """One token of one branch.

    `text` holds whole characters only: the texts of a branch's tokens and its `BranchDone.tail`
    joined are the text of the branch. `sampled_logprob` is the log-probability after the samplers;
    a token that was `given`, as part of `Continue.begin`, was not drawn, and has its own there.
    """

    branch: int
    id: int
    text: str
    logprob: float
    sampled_logprob: float
    rank: int
    entropy: float
    top: list[Alternative] = []
    given: bool = False
    piece: str = ""
    """How the vocabulary writes it."""
    boundary: float | None = None
    """Where `Continue.boundaries` asks: log-probability that a new word, or the end, comes here."""


class BranchDone(Struct, tag="branch_done", frozen=True, kw_only=True):
    """A branch ended; `tail` is text that was still held back (bytes of a broken character)."""

    branch: int
    finish: Finish
    tail: str = ""
    boundary: float | None = None
    """As in `Token`, after the last given token."""


class Found(Struct, tag="found", frozen=True, kw_only=True):
    """The answer to `Find`: the best matches, of so many `tokens` that hold the text."""

    model: str
    matches: list[Match]
    tokens: int


class NBestResult(Struct, tag="nbest_result", frozen=True, kw_only=True):
    """The answer to `NBest`, the likeliest first.

    It is not `complete` where the search gave up, after so many paths read, before it had found
    all; those that it has are the likeliest all the same.
    """

    model: str
    revision: str
    precision: Precision
    weights: str = ""
    paths: list[NBestPath]
    complete: bool
    reads: int


class Traced(Struct, tag="traced", frozen=True, kw_only=True):
    """The answer to `Trace`: each step in its order, and the token drawn at the end."""

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
    """Beside them, where there are just two masks."""


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


class Progress(Struct, tag="progress", frozen=True, kw_only=True):
    """How far a request is that takes long."""

    done: int
    total: int


class NspResult(Struct, tag="nsp_result", frozen=True, kw_only=True):
    """What a next-sentence head says to `Score`; `margin` is logits[0] - logits[1]."""

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
    """What ALBERT's sentence-order head says to `Score`; `margin` is logits[0] - logits[1]."""

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
    """What a causal model says to `Score`."""

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
    precision: Precision = "exact"
    weights: str = ""
    shuffled: Shuffled | None = None
    """Of `bits_per_token`."""
    trimmed: Trimmed | None = None


class CosineResult(Struct, tag="cosine_result", frozen=True, kw_only=True):
    """How alike A and B are, each read by itself: the cosine of their mean last hidden states.

    Both ways round it is the same, and what counts as much differs from model to model.
    """

    model: str
    cosine: float
    precision: Precision = "exact"
    weights: str = ""
    shuffled: Shuffled | None = None
    trimmed: Trimmed | None = None


ScoreResult = NspResult | SopResult | PmiResult | CosineResult
"""One witness's word on a pair."""


class Verdict(Struct, tag="verdict", frozen=True, kw_only=True):
    """What the witnesses to a pair come to; see `engine.tasks.continuity.verdict` for the rules.

    None where no witness can tell; ``split`` where they contradict each other.
    """

    topic: Literal["same", "other", "unclear", "split"] | None = None
    order: Literal["this", "reverse", "unclear", "split"] | None = None


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


class PairScore(Struct, tag="pair_score", frozen=True, kw_only=True):
    """One pair of `ScorePairs`, by its place there: its results, or why there are none.

    Pairs come as they are ready, those of like length together.
    """

    index: int
    result: ScoreResult | None = None
    """The first witness's word; that of the others is in `others`."""
    others: list[ScoreResult] = []
    verdict: Verdict | None = None
    error: Error | None = None


class DocumentResult(Struct, tag="document_result", frozen=True, kw_only=True):
    """The answer to `Document`. Gap i lies between the sentences i and i + 1.

    `boundaries` are the gaps deeper than `threshold`, `reference` those where segments end in
    truth. Where there are such, `pk` and `window_diff` (0-1, less is better) tell how far the two
    are apart, counted over windows of `window` sentences.
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
    """Some cells of a `Document`'s matrix, which are in no earlier event; `total` is all."""

    cells: list[Cell]
    total: int


class Arranged(Struct, tag="arranged", frozen=True, kw_only=True):
    """What other orders of a `Document`'s sentences would score, as the mean over their gaps."""

    percentile: float | None = None
    """The percentage (0-100) of the shuffles that score below this order; ties count half."""
    shuffles: int = 0
    places: list[float] = []
    """By place, with the sentence `Document.place` there and the others as they stand."""
    order: list[int] = []
    """The better order, sentences by number; as they stand where none was found."""
    order_coherence: float | None = None
    exact: bool = False
    """Whether that order is the best of all, not only of those that were tried."""


Event = (
    Ready
    | Pong
    | Models
    | Distances
    | ModelState
    | Memory
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
    | DocumentResult
    | MatrixCells
    | Arranged
    | Tokens
    | Done
    | Error
)

LAST = (Ready, Pong, Models, Distances, Tokens, Done, Error)
"""After one of these nothing more comes for a request."""
