"""Requests: the messages from a front end to the engine."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from engine.messages.inside import LookInside
from engine.messages.parts import (
    Beside,
    DeviceChoice,
    Integer,
    JointMethod,
    Natural,
    PllMethod,
    PrecisionChoice,
    Sampling,
    ServerEntry,
    Turn,
    WitnessName,
)

PROTOCOL = 1
"""Incremented when a change of these messages is incompatible with an older peer."""


class Configure(Struct, tag="configure", frozen=True, kw_only=True):
    """The first request of every connection; no other is answered before it."""

    protocol: int = PROTOCOL
    memory_budget: Natural | None = None
    """Bytes; None takes 60 % of the available memory."""
    idle_s: Annotated[float, Meta(ge=0, le=1e9)] = 900.0
    """Seconds after which an unused model is unloaded; 0: never."""
    threads: Annotated[int, Meta(ge=1, le=1024)] | None = None
    device: DeviceChoice = "cpu"
    """Quantised forms always stay on the CPU."""
    store: str | None = None
    """Folder of pulled models; None takes that of the machine the engine runs on."""
    folders: list[str] = []
    """Local folders and .gguf files to list in addition to the catalogue."""
    servers: list[ServerEntry] = []
    """Models that servers run. Nothing but a request for one of them opens a socket."""


class ListModels(Struct, tag="list_models", frozen=True):
    """Ask for every model that is on disk or in the catalogue; answered by `Models`."""


class Load(Struct, tag="load", frozen=True):
    """Load a model into memory; `ModelState` reports the progress."""

    model: str
    precision: PrecisionChoice = "exact"


class Measure(Struct, tag="measure", frozen=True):
    """Measure how far the forms of a causal model are from exact; answered by `Distances`.

    Takes seconds to minutes, as every form is loaded; `ModelState` reports the progress.
    """

    model: str


class Unload(Struct, tag="unload", frozen=True):
    """Unload a model from memory. A model in use is unloaded when its tasks end."""

    model: str


class Pull(Struct, tag="pull", frozen=True):
    """Download a model from the source in its catalogue entry, or by hub id `owner/name`."""

    model: str
    allow_pickle: bool = False
    """Accept a checkpoint that exists only as a pickle. Off by default, as pickles can run code."""


class Remove(Struct, tag="remove", frozen=True):
    """Delete a pulled model from the store."""

    model: str


class Continue(Struct, tag="continue", frozen=True, kw_only=True):
    """Continue a prompt, given as text or as ids.

    With `chat`, the prompt is the next user turn after those turns (an empty list starts a chat),
    laid out by the model's own chat template.

    The answer begins with `begin`, a text or ids, instead of drawn tokens. This continues a text
    with another token at some place, or, with `max_tokens` 0, only reads it.
    """

    model: str
    prompt: str | list[Integer]
    chat: list[Turn] | None = None
    begin: str | list[Integer] = ""
    sampling: Sampling = Sampling()
    max_tokens: Annotated[int, Meta(ge=0, le=100_000)] = 64
    """How many tokens to draw after `begin`."""
    boundaries: bool = False
    """Also return how likely a new word begins before each token and after the last given one."""
    stop: list[str] = []
    branches: Annotated[int, Meta(ge=1, le=8)] = 1
    top: Annotated[int, Meta(ge=0, le=1000)] = 30
    precision: PrecisionChoice = "exact"


class NBest(Struct, tag="nbest", frozen=True, kw_only=True):
    """The likeliest continuations of up to `max_tokens` tokens; answered by `NBestResult`."""

    model: str
    prompt: str | list[Integer]
    n: Annotated[int, Meta(ge=1, le=1000)] = 5
    max_tokens: Annotated[int, Meta(ge=1, le=64)] = 4
    precision: PrecisionChoice = "exact"


class Find(Struct, tag="find", frozen=True, kw_only=True):
    """Which tokens contain a text, and how likely each is after these ids; answered by `Found`."""

    model: str
    ids: list[Integer]
    query: str = ""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 50
    precision: PrecisionChoice = "exact"


class Trace(Struct, tag="trace", frozen=True, kw_only=True):
    """How a token was drawn after these ids; answered by `Traced`.

    With the sampling and seed of a continuation and the number of the branch, this repeats the
    draw that was made there; with other parameters, it shows what would have been drawn.
    """

    model: str
    ids: list[Integer]
    sampling: Sampling
    branch: Natural = 0
    watch: Integer | None = None
    """The token to follow through all steps; None: the drawn one."""
    top: Annotated[int, Meta(ge=0, le=1000)] = 10
    precision: PrecisionChoice = "exact"


class Fill(Struct, tag="fill", frozen=True, kw_only=True):
    """Propose words for every `[MASK]` in the text, which is written like this for every model."""

    model: str
    text: str
    top: Annotated[int, Meta(ge=1, le=1000)] = 5
    hidden: list[str | None] = []
    """For each mask in order, the word that it hides, or None."""
    words: Annotated[list[str], Meta(max_length=10_000)] = []
    """Words to score at every mask, of any number of pieces."""
    pieces: Annotated[int, Meta(ge=1, le=4)] = 1
    """Search every mask for whole words of up to this many pieces."""
    joint_methods: list[JointMethod] = []
    """Fill all masks jointly, by each of these methods."""
    precision: PrecisionChoice = "exact"


class PseudoLikelihood(Struct, tag="pseudo_likelihood", frozen=True, kw_only=True):
    """Mask each token of a text in turn; each method is answered by a `PseudoLikelihoodResult`.

    Of a text that is longer than the context, what fits around the token is read.
    """

    model: str
    text: str
    methods: Annotated[list[PllMethod], Meta(min_length=1)] = field(
        default_factory=lambda: ["original"]
    )
    top: Annotated[int, Meta(ge=0, le=1000)] = 10
    """How many alternative tokens to return for each place."""
    precision: PrecisionChoice = "exact"


class Score(Struct, tag="score", frozen=True, kw_only=True):
    """How well B continues A, and A continues B.

    Each witness that the models provide sends its result: `NspResult`, `SopResult`, `PmiResult`,
    `CosineResult`; a `Verdict` comes last.
    """

    model: str
    a: str
    b: str
    cosine: bool = False
    """Whether to add the cosine of the two texts, for which each is read once more."""
    shuffles: Annotated[int, Meta(ge=0, le=1000)] = 0
    """How many shuffled texts to compare each figure with; each takes as long as the pair."""
    beside: Annotated[list[Beside], Meta(max_length=8)] = []
    """Other models to score with."""
    precision: PrecisionChoice = "exact"


class ScorePairs(Struct, tag="score_pairs", frozen=True, kw_only=True):
    """Score many pairs in few forward passes; each is answered by a `PairScore` when ready."""

    model: str
    pairs: Annotated[list[tuple[str, str]], Meta(min_length=1, max_length=1_000_000)]
    cosine: bool = False
    """As in `Score`."""
    shuffles: Annotated[int, Meta(ge=0, le=1000)] = 0
    precision: PrecisionChoice = "exact"


class ScoreTexts(Struct, tag="score_texts", frozen=True, kw_only=True):
    """Score every token of many texts in few forward passes; answered by a `ScoredBy` first.

    Each text is then answered by a `TextScore` when it is ready. A causal model scores a token
    after all that come before it, the start token first; a text that is longer than its context is
    read in windows, each of which begins with half a context of what came before. A masked model
    masks each token in turn, as in `PseudoLikelihood`.
    """

    model: str
    texts: Annotated[list[str], Meta(min_length=1, max_length=1_000_000)]
    method: Literal["causal"] | PllMethod | None = None
    """None: causal where the model can be, else original."""
    start: bool = True
    """Whether a causal model reads the start token, if it has one."""
    after: bool = False
    """Whether a causal model also says what it expects after the last token."""
    boundaries: bool = False
    """Whether a causal model also says how likely a new word begins before each token."""
    precision: PrecisionChoice = "exact"


class TrackWords(Struct, tag="track_words", frozen=True, kw_only=True):
    """How likely words are at every place of texts; answered by a `ScoredBy` first.

    Each text is then answered by a `TrackedText` when it is ready. A text of ids is read as it is,
    without a start token. A causal model says how likely a word is to come next, in place of each
    token and after the last one; a masked model, how likely it is where each token is masked.

    A word is written there as a word of its own: after a space, unless nothing or white space is
    before it, or Japanese or Chinese beside it. A piece that is written as the vocabulary spells it
    (``Ġhe``, ``▁he``, ``##ing``) is that piece.
    """

    model: str
    texts: Annotated[list[str | list[Integer]], Meta(min_length=1, max_length=1_000_000)]
    words: Annotated[list[str], Meta(min_length=1, max_length=1000)]
    start: bool = True
    """As in `ScoreTexts`."""
    precision: PrecisionChoice = "exact"


class Document(Struct, tag="document", frozen=True, kw_only=True):
    """How well each sentence of a text continues the one before; answered by `DocumentResult`.

    `text` is split into sentences, or is a list of sentences in order. The scores of pairs are
    cached, so that another request after a move computes only the new pairs.

    With `matrix`, the scores of all pairs follow in `MatrixCells`, near neighbours first. With
    `shuffles`, `place` or `order`, an `Arranged` comes last.
    """

    model: str
    text: str | list[str]
    witness: WitnessName | None = None
    """The figure to judge by; None: the first that the model provides."""
    reference: list[Integer] | None = None
    """The true boundaries, as gaps from 0; None: the blank lines of `text`."""
    matrix: bool = False
    shuffles: Annotated[int, Meta(ge=0, le=100_000)] = 0
    """How many random orders to compare the given one with."""
    place: Natural | None = None
    """A sentence, numbered from 0, to try at every place."""
    order: bool = False
    """Search for a better order."""
    precision: PrecisionChoice = "exact"


class Tokenize(Struct, tag="tokenize", frozen=True, kw_only=True):
    """Tokenize a text as the model does. Never waits for torch."""

    model: str
    text: str


class Cancel(Struct, tag="cancel", frozen=True):
    """End another request; it answers with `Done(finish="cancelled")`."""

    request: Integer


class Ping(Struct, tag="ping", frozen=True):
    """Answered by `Pong` between two steps of the running tasks: the engine does not hang."""


class Shutdown(Struct, tag="shutdown", frozen=True):
    """Shut the worker down."""


Request = (
    Configure
    | ListModels
    | Load
    | Measure
    | Unload
    | Pull
    | Remove
    | Continue
    | NBest
    | Find
    | Trace
    | Fill
    | PseudoLikelihood
    | Score
    | ScorePairs
    | ScoreTexts
    | TrackWords
    | Document
    | LookInside
    | Tokenize
    | Cancel
    | Ping
    | Shutdown
)
