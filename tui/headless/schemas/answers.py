"""The JSON documents: their fields, in the order in which they are printed.

Structs of the contract are used as they are where they hold what is promised; the ones here name a
selection or an addition, filled by `msgspec.convert(..., from_attributes=True)`.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from engine.messages import (
    Alternative,
    Candidate,
    Distance,
    Finish,
    Head,
    Hidden,
    JointMethod,
    PairTable,
    Piece,
    PllMethod,
    Precision,
    Role,
    Source,
    State,
    Witness,
    WitnessName,
)
from tui.analysis.minimal_pairs import Difference


class TokenDocument(Struct, frozen=True, kw_only=True):
    """One token of a continuation."""

    id: int
    text: str
    logprob: float
    rank: int
    entropy: float
    top: list[Alternative]
    sampled_logprob: float


class BranchDocument(Struct, frozen=True, kw_only=True):
    """One continuation."""

    text: str
    finish: Finish
    tokens: list[TokenDocument]


class TimingDocument(Struct, frozen=True, kw_only=True):
    """Seconds and speed; None where nothing was measured."""

    load_s: float | None = None
    first_token_s: float | None = None
    tokens_per_s: float | None = None
    total_s: float | None = None


class NBestDocument(Struct, frozen=True):
    """One of the likeliest continuations."""

    text: str
    logprob: float
    ids: list[int]


class ContinueDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`tsuzuki continue --json`. The last three are there with `--nbest` alone."""

    model: str
    prompt: str
    prompt_tokens: list[Piece]
    branches: list[BranchDocument]
    seed: int | None
    timing: TimingDocument
    revision: str
    precision: str
    weights: str = ""
    """The form that it was run in; nothing where it was stopped before it began."""
    context: int | None
    dropped_turns: int
    fed: str
    """The text as the model was fed it, which a chat template may have laid out."""
    nbest: list[NBestDocument] | None = None
    mass: float | None = None
    """The probability (0-1) of all of `nbest` together."""
    complete: bool | None = None


class MaskDocument(Struct, frozen=True, kw_only=True):
    """The answers for one mask."""

    position: int
    candidates: list[Candidate]
    hidden: Hidden | None


class WordDocument(Struct, frozen=True, kw_only=True):
    """A whole word at a mask; `pieces` counts them, `mask` counts from 1."""

    text: str
    pieces: int
    logprob: float | None
    rank: int | None
    mask: int


class JointDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One filling of all masks; `method` is there where several were asked for."""

    words: list[str]
    logprob: float
    method: JointMethod | None = None


class FillDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`tsuzuki fill --json`; `text` has its masks in place, and tokens count in it.

    What was not asked for is left out: `words`, `whole`, `joint`, and `table`, which comes with
    `joint` where there are two masks.
    """

    model: str
    method: Literal["mlm", "causal"]
    text: str
    tokens: list[Piece]
    masks: list[MaskDocument]
    pool: int | None
    precision: Precision
    weights: str = ""
    words: list[WordDocument] = []
    whole: list[WordDocument] = []
    joint: list[JointDocument] = []
    table: PairTable | None = None


class PllToken(Struct, frozen=True, kw_only=True):
    """One token of a text that was scored."""

    id: int
    text: str
    logprob: float


class PllDocument(Struct, frozen=True, kw_only=True):
    """`tsuzuki pll --json`, in nats."""

    model: str
    method: PllMethod
    tokens: list[PllToken]
    total: float


class PairsRow(Struct, frozen=True, kw_only=True):
    """One pair of sentences; what is told of its tokens adds up to `difference`, in nats."""

    good: str
    bad: str
    good_logprob: float
    bad_logprob: float
    difference: float
    correct: bool
    tokens: list[Difference]


class PairsDocument(Struct, frozen=True, kw_only=True):
    """`tsuzuki pairs --json`; `method` is that of `pll`, or ``causal``. A tie is not correct."""

    model: str
    method: str
    accuracy: float | None
    """Of the rows that could be scored; None where there is none."""
    rows: list[PairsRow]
    errors: list[PairErrorDocument] = []
    """The rows of the file that could not be scored."""


class PairErrorDocument(Struct, frozen=True, kw_only=True):
    """A pair that could not be scored, by its place among the file's pairs and its line there."""

    index: int
    line: int
    error: str
    hint: str


class SentenceDocument(Struct, frozen=True):
    """A sentence of a text, and its place there."""

    text: str
    start: int
    end: int


class GapDocument(Witness, frozen=True, kw_only=True):
    """What stands between a sentence and the next; `score` is the figure that is judged by."""

    reversed: Witness
    score: float | None
    depth: float | None


class CoherenceDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`tsuzuki document --json`.

    `boundaries` and `reference` name gaps: i is the one after ``sentences[i]``. What was not asked
    for is left out: `pk`, `window_diff` and `window` without a reference, the rest without its
    option. ``matrix[i][j]`` is the score of sentence j right after i; `order` names sentences.
    """

    model: str
    witness: WitnessName
    sentences: list[SentenceDocument]
    gaps: list[GapDocument]
    boundaries: list[int]
    reference: list[int]
    coherence: float
    threshold: float
    precision: Precision
    weights: str = ""
    pk: float | None = None
    window_diff: float | None = None
    window: int | None = None
    percentile: float | None = None
    shuffles: int = 0
    matrix: list[list[float | None]] = []
    order: list[int] = []
    order_coherence: float | None = None
    order_exact: bool = False


class TokensDocument(Struct, frozen=True, kw_only=True):
    """`tsuzuki tokens --json`."""

    model: str
    tokens: list[Piece]
    unknown: float
    foreign: float


class ModelDocument(Struct, frozen=True, kw_only=True):
    """`tsuzuki models info|pull|remove --json`, and one entry of the list."""

    id: str
    roles: list[Role]
    languages: list[str]
    bytes: int
    licence: str
    source: Source
    path: str | None
    state: State
    reason: str
    title: str
    heads: list[Head]
    origin: str
    revision: str
    note: str
    memory: int
    context: int | None
    chat: bool
    precisions: list[Precision]
    weights: str = ""
    distances: list[Distance]


class ModelsDocument(Struct, frozen=True, kw_only=True):
    """`tsuzuki models list --json`."""

    models: list[ModelDocument]


class SurprisalToken(Struct, frozen=True):
    """A token of a text that was read; None where nothing stood before it to read it after."""

    id: int
    text: str
    logprob: float | None
    rank: int | None
    entropy: float | None


class SurprisalWord(Struct, frozen=True):
    """A word of it; None where a token of it was not scored."""

    text: str
    surprisal_bits: float | None


class SurprisalDocument(Struct, frozen=True, kw_only=True):
    """`tsuzuki surprisal --json`. `nats` is the sum over all tokens that were scored."""

    model: str
    bos: str | None
    tokens: list[SurprisalToken]
    words: list[SurprisalWord]
    perplexity: float | None
    word_method: str
    word_boundary: bool
    nats: float
    bits_per_token: float | None
    bits_per_word: float | None
    windows: int
    revision: str
    precision: str
    weights: str = ""


class ComparedModel(Struct, frozen=True, kw_only=True):
    """One side of a comparison."""

    model: str
    bos: str | None
    tokens: int
    bits: float
    revision: str
    precision: str
    weights: str = ""


class ComparedSpan(Struct, frozen=True, kw_only=True):
    """A span that both models cut the text at, with its surprisal on each side."""

    start: int
    end: int
    text: str
    bits: tuple[float, float]
    difference: float


class CompareDocument(Struct, frozen=True, kw_only=True):
    """`tsuzuki compare --json`; `greatest` names spans by index."""

    models: list[ComparedModel]
    spans: list[ComparedSpan]
    greatest: list[int]


class ReplayDocument(Struct, frozen=True, kw_only=True):
    """A line of `tsuzuki replay --json`: a continuation that was made again.

    Where it differs, `branch` and `token` (from 0) say where first.
    """

    card: str
    model: str
    prompt: str
    same: bool
    revision: str
    revision_now: str
    branch: int | None
    token: int | None
    was: str | None
    now: str | None
    error: str | None
