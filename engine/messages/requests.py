"""What a front may ask of the engine."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from engine.messages.parts import (
    Beside,
    DeviceChoice,
    Integer,
    JointMethod,
    Natural,
    PllMethod,
    PrecisionChoice,
    Sampling,
    Turn,
    WitnessName,
)

PROTOCOL = 1
"""Raised when a change of these messages would confuse an older peer."""


class Configure(Struct, tag="configure", frozen=True, kw_only=True):
    """The first request of every connection. Nothing else is answered before it."""

    protocol: int = PROTOCOL
    memory_budget: Natural | None = None
    """Bytes; None takes 60 % of what the machine has available."""
    idle_s: Annotated[float, Meta(ge=0, le=1e9)] = 900.0
    """Unload a model unused for so long; 0 never does."""
    threads: Annotated[int, Meta(ge=1, le=1024)] | None = None
    device: DeviceChoice = "cpu"
    """Quantised forms stay on the CPU all the same."""
    store: str | None = None
    """Folder of pulled models; None takes the platform's data folder."""
    folders: list[str] = []
    """Local folders and .gguf files to list beside the catalogue."""


class ListModels(Struct, tag="list_models", frozen=True):
    """Answered by `Models`."""


class Load(Struct, tag="load", frozen=True):
    """Bring a model into memory; its progress is told by `ModelState`."""

    model: str
    precision: PrecisionChoice = "exact"


class Measure(Struct, tag="measure", frozen=True):
    """Measure how far the forms of a causal model are from exact; answered by `Distances`.

    Takes seconds to minutes, as every form is loaded; progress is told by `ModelState`.
    """

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

    What follows the prompt begins with `begin`, a text or ids, whatever would have been drawn; so
    a text is gone on from with another token in a place, or, with `max_tokens` 0, only read.
    """

    model: str
    prompt: str | list[Integer]
    chat: list[Turn] | None = None
    begin: str | list[Integer] = ""
    sampling: Sampling = Sampling()
    max_tokens: Annotated[int, Meta(ge=0, le=100_000)] = 64
    """How many to draw, after `begin`."""
    boundaries: bool = False
    """Tell before each token, and after the last one given, how likely a new word begins."""
    stop: list[str] = []
    branches: Annotated[int, Meta(ge=1, le=8)] = 1
    top: Annotated[int, Meta(ge=0, le=1000)] = 30
    precision: PrecisionChoice = "exact"


class NBest(Struct, tag="nbest", frozen=True, kw_only=True):
    """The likeliest continuations of so many tokens, or to an end; answered by `NBestResult`."""

    model: str
    prompt: str | list[Integer]
    n: Annotated[int, Meta(ge=1, le=1000)] = 5
    max_tokens: Annotated[int, Meta(ge=1, le=64)] = 4
    precision: PrecisionChoice = "exact"


class Find(Struct, tag="find", frozen=True, kw_only=True):
    """Which tokens hold a text, and how likely each is after these ids; answered by `Found`."""

    model: str
    ids: list[Integer]
    query: str = ""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 50
    precision: PrecisionChoice = "exact"


class Trace(Struct, tag="trace", frozen=True, kw_only=True):
    """How a token was drawn after these ids; answered by `Traced`.

    With the sampling of a continuation and its seed, and the number of the branch, the draw is the
    very one that was made there; with other parameters, what it would then have been.
    """

    model: str
    ids: list[Integer]
    sampling: Sampling
    branch: Natural = 0
    watch: Integer | None = None
    """A token to follow through all steps; None follows the one that is drawn."""
    top: Annotated[int, Meta(ge=0, le=1000)] = 10
    precision: PrecisionChoice = "exact"


class Fill(Struct, tag="fill", frozen=True, kw_only=True):
    """Propose words for every `[MASK]` in the text (that is how it is written for any model)."""

    model: str
    text: str
    top: Annotated[int, Meta(ge=1, le=1000)] = 5
    hidden: list[str | None] = []
    """For the masks in order, the word that each one hides, where it is known."""
    words: Annotated[list[str], Meta(max_length=10_000)] = []
    """Words to score at every mask, however many pieces each has."""
    pieces: Annotated[int, Meta(ge=1, le=4)] = 1
    """Look for whole words of up to so many pieces in every slot."""
    joint_methods: list[JointMethod] = []
    """Fill all masks together, in each of these ways."""
    precision: PrecisionChoice = "exact"


class PseudoLikelihood(Struct, tag="pseudo_likelihood", frozen=True, kw_only=True):
    """Mask each token of a text in turn; each method is answered by a `PseudoLikelihoodResult`."""

    model: str
    text: str
    methods: Annotated[list[PllMethod], Meta(min_length=1)] = field(
        default_factory=lambda: ["original"]
    )
    top: Annotated[int, Meta(ge=0, le=1000)] = 10
    """How many tokens to name that could have stood in each place."""
    precision: PrecisionChoice = "exact"


class Score(Struct, tag="score", frozen=True, kw_only=True):
    """How well B continues A, and A continues B.

    Each witness that the models can give answers with its result: `NspResult`, `SopResult`,
    `PmiResult`, `CosineResult`; at the end comes a `Verdict`.
    """

    model: str
    a: str
    b: str
    cosine: bool = False
    """Whether to compare the two texts by themselves too, which reads each once more."""
    shuffles: Annotated[int, Meta(ge=0, le=1000)] = 0
    """How many shuffles to set each figure against, which takes as many times as long."""
    beside: Annotated[list[Beside], Meta(max_length=8)] = []
    """Models to ask as well."""
    precision: PrecisionChoice = "exact"


class ScorePairs(Struct, tag="score_pairs", frozen=True, kw_only=True):
    """Score many pairs in few forwards; each is answered by a `PairScore` as it is ready."""

    model: str
    pairs: Annotated[list[tuple[str, str]], Meta(min_length=1, max_length=1_000_000)]
    cosine: bool = False
    """As in `Score`."""
    shuffles: Annotated[int, Meta(ge=0, le=1000)] = 0
    precision: PrecisionChoice = "exact"


class Document(Struct, tag="document", frozen=True, kw_only=True):
    """How each sentence of a text goes on from the one before; answered by `DocumentResult`.

    `text` is split into sentences, or is a list of them in their order. The scores of pairs are
    kept for a while, so that asking again after a move computes only the pairs that are new.

    With `matrix` the score of every pair follows, in `MatrixCells`, those of near neighbours first.
    With `shuffles`, `place` or `order` an `Arranged` comes at the end.
    """

    model: str
    text: str | list[str]
    witness: WitnessName | None = None
    """The figure to judge by; None takes the first that the model has."""
    reference: list[Integer] | None = None
    """Gaps (from 0) at which a segment ends in truth; None takes the blank lines of `text`."""
    matrix: bool = False
    shuffles: Annotated[int, Meta(ge=0, le=100_000)] = 0
    """How many random orders to compare this one with."""
    place: Natural | None = None
    """A sentence, by number from 0, to try at every place."""
    order: bool = False
    """Look for a better order."""
    precision: PrecisionChoice = "exact"


class Tokenize(Struct, tag="tokenize", frozen=True, kw_only=True):
    """Cut a text as the model would. Never waits for torch."""

    model: str
    text: str


class Cancel(Struct, tag="cancel", frozen=True):
    """End another request; it answers with `Done(finish="cancelled")`."""

    request: Integer


class Ping(Struct, tag="ping", frozen=True):
    """Answered by `Pong` between two steps of whatever is going on: the engine does not hang."""


class Shutdown(Struct, tag="shutdown", frozen=True):
    """End the worker in good order."""


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
    | Document
    | Tokenize
    | Cancel
    | Ping
    | Shutdown
)
