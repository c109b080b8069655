"""The values that requests and events are made of."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from engine.messages.message import Words

Role = Literal["continue", "fill", "score"]
Head = Literal["causal", "masked", "next_sentence", "sentence_order"]
State = Literal["absent", "pulling", "converting", "on_disk", "loading", "ready", "failed"]
Finish = Literal["length", "stop", "eos", "context", "cancelled", "failed"]
Source = Literal["bundled", "hub", "index", "local", "server"]
Precision = Literal["exact", "bf16", "int8", "int4", "served"]
"""The form that a model's weights have in memory.

``exact`` is fp32, equal to transformers to float tolerance; the others are smaller and faster, and
their `Distance` from exact is measured. ``served`` is what a server runs, whatever that is."""
FloatInputs = Literal["none", "down", "layers"]
"""Which matrices of a quantised form multiply floats: none, the last of each layer, or all of the
layers'. What the others multiply is rounded to 8 bits, which is faster, but for a few channels."""
Device = Literal["cpu", "cuda", "mps"]
"""Where weights are held and multiplied."""
DeviceChoice = Literal["cpu", "cuda", "mps", "auto"]
"""``auto``: a GPU, if there is one that PyTorch can use."""
FormChoice = Literal["exact", "bf16", "int8", "int4", "auto"]
"""What people choose. ``auto``: the fastest form whose measured distance from exact is small."""
PrecisionChoice = Literal["exact", "bf16", "int8", "int4", "auto", "served"]
"""What requests ask for: one that repeats a server's answer has its form. A model on a server has
one form, whatever is asked for."""

Integer = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""An integer that fits into 64 bits, as torch and msgpack require."""
Natural = Annotated[int, Meta(ge=0, le=2**63 - 1)]

MASK = "[MASK]"
"""How a mask is written in a text to fill, whatever the model's own mask token is."""


class Sampling(Struct, frozen=True, kw_only=True):
    """How the next token is drawn. Temperature 0 is greedy; a neutral value disables its step."""

    temperature: Annotated[float, Meta(ge=0.0, le=100.0)] = 0.8
    top_k: Natural = 0
    top_p: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.95
    min_p: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.0
    typical_p: Annotated[float, Meta(gt=0.0, le=1.0)] = 1.0
    repetition_penalty: Annotated[float, Meta(gt=0.0, le=10.0)] = 1.0
    seed: Natural | None = None
    """None: the engine chooses one and reports it in `Started`."""

    @property
    def greedy(self) -> bool:
        """Whether the likeliest token is always taken, without a seed."""
        return self.temperature == 0.0


GREEDY = Sampling(temperature=0.0, top_p=1.0)


class Turn(Struct, frozen=True):
    """What one side says in a chat; the template makes a prompt of all turns."""

    role: Literal["system", "user", "assistant"]
    text: str


class Piece(Struct, frozen=True):
    """One token of an input as fed to the model.

    `text` is its text, `piece` its spelling in the vocabulary. `start` and `end` are None for
    tokens that correspond to nothing in the user's text (start tokens, separators).
    """

    id: int
    text: str
    piece: str
    special: bool = False
    start: int | None = None
    end: int | None = None
    segment: int = 0


class Alternative(Struct, frozen=True, gc=False):
    """Another possible token at the same place.

    A long text has tens of thousands. They cannot form cycles, so they are exempt from garbage
    collection.
    """

    id: int
    text: str
    logprob: float


class Match(Struct, frozen=True, kw_only=True):
    """A result of a search in a vocabulary: one token, or several that form a word.

    `logprob` is that of all of them, one after the other; `rank` is None for several.
    """

    ids: list[int]
    text: str
    logprob: float
    rank: int | None = None


class NBestPath(Struct, frozen=True, kw_only=True):
    """One of the likeliest continuations, and the log-probability of all its tokens."""

    ids: list[int]
    text: str
    logprob: float


class SamplerStep(Struct, frozen=True, kw_only=True):
    """The distribution after one step between the logits and the draw.

    `name` is empty for the model's own distribution, before any step. `removed` is the probability,
    before this step, of the tokens it made impossible. `logprob` and `rank` are those of the
    watched token; None if it is impossible.
    """

    name: str
    value: float | None
    """The parameter of the step."""
    kept: int
    removed: float
    entropy: float
    logprob: float | None
    rank: int | None
    top: list[Alternative]


PllMethod = Literal["original", "within_word_l2r"]
"""What is masked when a token is scored for the pseudo-log-likelihood.

``original``: the token alone (Salazar et al. 2020). ``within_word_l2r``: also the rest of its word,
so that the end of a long word does not give away its beginning (Kauf & Ivanova 2023)."""
JointMethod = Literal["independent", "left_to_right", "confident_first", "hcb"]
"""How several masks are filled jointly; see `engine.tasks.joint_filling`."""


class PllToken(Struct, frozen=True, kw_only=True):
    """One token of a text, with the model's prediction for it while it is masked."""

    id: int
    text: str
    start: int
    end: int
    logprob: float
    rank: int
    entropy: float
    top: list[Alternative] = []
    normaliser: float | None = None
    """As in `Token`."""


class TextToken(Struct, frozen=True, gc=False):
    """One token of a text that was scored among many; no figures for one that nothing precedes."""

    id: int
    text: str
    start: int
    end: int
    logprob: float | None = None
    rank: int | None = None
    entropy: float | None = None
    """Rank and entropy are None too where a server does not give them."""
    boundary: float | None = None
    """With `ScoreTexts.boundaries`: log-probability that a new word, or the end, comes here."""


class TextEnd(Struct, frozen=True, gc=False):
    """What a causal model expects after the last token of a text."""

    entropy: float | None
    """None where a server does not give it."""
    boundary: float | None = None
    """As in `TextToken`."""


class TrackedWord(Struct, frozen=True, kw_only=True):
    """A word at every place of a text.

    A log-probability is that of all its pieces, from left to right; a rank is that among the single
    pieces of the vocabulary. Both are None where nothing precedes the place, where the vocabulary
    cannot spell the word, and where its probability is 0.
    """

    word: str
    ids: list[int]
    """How it is spelled at the last place."""
    logprobs: list[float | None]
    ranks: list[int | None]


class WordScore(Struct, frozen=True, kw_only=True):
    """A whole word at a mask, of one piece or several.

    `logprob` is that of all its pieces from left to right, in a slot with one mask per piece.
    `rank` is its rank among the single pieces of the vocabulary (for a causal model, among the
    words tried). Both are None if the vocabulary cannot spell the word.
    """

    text: str
    ids: list[int]
    logprob: float | None
    rank: int | None


class JointFill(Struct, frozen=True, kw_only=True):
    """A word for each mask, and their joint log-probability.

    `ratio` is the score by which ``hcb`` ranks, a log-ratio that may exceed 0; None for the other
    methods, which rank by `logprob`. (Stored cards of ``hcb`` without it hold it as `logprob`.)
    """

    words: list[str]
    ids: list[int]
    logprob: float
    ratio: float | None = None


class JointFills(Struct, frozen=True, kw_only=True):
    """The likeliest fillings of all masks by one method, the likeliest first."""

    method: JointMethod
    fillings: list[JointFill]


class PairTable(Struct, frozen=True, kw_only=True):
    """Two masks at once: the likeliest ids of each, and the score of every pair in both orders.

    Row i and column j belong to ``left[i]`` and ``right[j]``. `left_first` is
    log p(left) + log p(right | left), `right_first` the same in the other order; they would be
    equal if the model's conditionals came from one joint distribution.
    """

    left: list[Candidate]
    right: list[Candidate]
    left_first: list[list[float]]
    right_first: list[list[float]]


class Candidate(Struct, frozen=True):
    """A word proposed for a mask; `logit` is None where the probability is no softmax of logits."""

    id: int
    text: str
    prob: float
    logit: float | None = None


class Hidden(Struct, frozen=True):
    """The model's prediction for the word that the user hid behind a mask.

    `prob` and `rank` are None if the word has more than one piece (`pieces`) in this vocabulary.
    """

    word: str
    pieces: int
    prob: float | None = None
    rank: int | None = None
    logit: float | None = None


class MaskFill(Struct, frozen=True):
    """The answers for one mask; `position` is its index in the tokens as fed."""

    position: int
    candidates: list[Candidate]
    hidden: Hidden | None = None
    words: list[WordScore] = []
    """The words that `Fill.words` asked for, in that order."""
    whole: list[WordScore] = []
    """The likeliest words of each number of pieces up to `Fill.pieces`, if that is above 1."""


class NspDirection(Struct, frozen=True):
    """Next-sentence judgement of one order. Index 0 means "the second continues the first"."""

    probability: float
    logits: tuple[float, float]
    margin: float


class SopDirection(Struct, frozen=True):
    """Sentence-order judgement of one order. Index 0 means "this is their original order"."""

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
    before: list[int] = []
    """The ids that were fed before `tokens`: the start token and the first sentence."""


class ScoredToken(Struct, frozen=True):
    """One token of the scored sentence, with and without the sentence before it (nats)."""

    id: int
    text: str
    conditional: float | None
    alone: float | None


class Trimmed(Struct, frozen=True, kw_only=True):
    """How much was read of two texts that are too long together for the model, in its tokens.

    The end of A and the beginning of B are kept, as they are nearest to each other.
    """

    a: int
    a_kept: int
    b: int
    b_kept: int


class Shuffled(Struct, frozen=True, kw_only=True):
    """The percentile of a witness's figure for A before B among those of shuffled texts.

    ``sentences``: all sentences of A and B are shuffled, and each gets as many as it had.
    ``words``: the words of B are shuffled, as separated by spaces. ``tokens``: the same with the
    tokens of a text that has hardly any spaces.
    """

    unit: Literal["sentences", "words", "tokens"]
    times: int
    percentile: float
    """The percentage (0-100) of the shuffled texts with a lower figure; ties count half."""


class Beside(Struct, frozen=True, kw_only=True):
    """Another model to score with."""

    model: str
    precision: PrecisionChoice = "exact"


class Sentence(Struct, frozen=True):
    """A sentence of a text: the slice from `start` to `end`."""

    text: str
    start: int
    end: int
    opens: bool = False
    """Whether it follows a blank line."""


WitnessName = Literal["nsp_margin", "nsp_probability", "pmi_bits", "pmi_bits_per_token", "cosine"]
"""A figure of `Witness`; a document is judged by the first of these that its model can give."""


class Witness(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model's figures for one sentence right after another; None where it has none.

    `nsp_margin` (nats) and `nsp_probability` (0-1) are a next-sentence head's. `pmi_bits` is the
    pointwise mutual information under a causal model, and `pmi_bits_per_token` the same per token
    of the second sentence. `cosine` is that of the two sentences' mean states, the same in both
    orders. `error` is the reason if there are no figures.
    """

    nsp_margin: float | None = None
    nsp_probability: float | None = None
    pmi_bits: float | None = None
    pmi_bits_per_token: float | None = None
    cosine: float | None = None
    error: Words = ""


class Gap(Struct, frozen=True, kw_only=True):
    """The gap between a sentence and the next.

    `depth` is TextTiling's depth for the figure that the document is judged by (see
    `engine.text.texttiling`); None without a score.
    """

    forward: Witness
    backward: Witness
    """The two sentences in the other order."""
    score: float | None
    """The figure of `forward` that the document is judged by."""
    depth: float | None


class Cell(Struct, frozen=True):
    """A cell of a matrix: the score of `second` right after `first`, both numbered from 0."""

    first: int
    second: int
    score: float | None


class Timing(Struct, frozen=True):
    """Seconds until the model was loaded and until the first token, and the speed after that."""

    load_s: float = 0.0
    first_token_s: float | None = None
    tokens_per_s: float | None = None
    total_s: float = 0.0


class Distance(Struct, frozen=True, kw_only=True):
    """How far a form of a model is from exact, measured on held-out text.

    `kl` is the mean Kullback-Leibler divergence KL(exact || form) in nats per token, `top1` the
    share (0-1) of positions at which both forms predict the same likeliest id.
    """

    precision: Precision
    kl: float
    top1: float
    perplexity: float
    tokens: int
    float_inputs: FloatInputs | None = None
    """How a quantised form was measured, and runs since; None for the others."""
    speed: float | None = None
    """Times exact's tokens per second, decoding one text where it was measured."""


MeasuredIn = Literal["tokens/s", "s", "ms", "MB", "GB/s", "nats", "%"]


class Measured(Struct, tag="measured", frozen=True, kw_only=True):
    """One result of a benchmark, with those of its peers from the same run, in the same unit."""

    group: str
    case: str
    unit: MeasuredIn
    value: float
    peers: dict[str, float] = {}
    agrees: bool | None = None
    """Whether both gave the same answer, if that was checked."""

    def ratio(self, peer: str) -> float:
        """How many times as fast or as near as a peer, or as large when rates are compared."""
        other = self.peers[peer]
        return other / self.value if self.unit in {"s", "ms", "nats"} else self.value / other


class ServerEntry(Struct, frozen=True, kw_only=True):
    """A model that a server on the network runs, and how it may be asked.

    Its key is never here: only the name of the environment variable, or of the file, that holds it.
    """

    url: str = ""
    """Where its API begins: ``http://127.0.0.1:8000/v1``."""
    model: str = ""
    """The server's name for it; "" where it has one model alone."""
    tokenizer: str = ""
    """A model or a folder here with the same vocabulary; "" takes the model of that name."""
    key_variable: str | None = None
    key_file: str | None = None
    plain_http: bool = False
    """Whether it may be asked without TLS although it is on another machine."""

    @property
    def id(self) -> str:
        """What requests call it: ``URL#MODEL``."""
        return f"{self.url}#{self.model}" if self.model else self.url


class ModelInfo(Struct, frozen=True, kw_only=True):
    """Information about one model that is available without loading it."""

    id: str
    title: str
    roles: list[Role]
    heads: list[Head]
    languages: list[str]
    bytes: int
    """Size of the weights on disk; for an absent model, size of the download."""
    licence: str
    source: Source
    origin: str = ""
    """Where it comes from: a hub id, a wheel, a folder."""
    revision: str = ""
    path: str | None = None
    state: State = "absent"
    reason: Words = ""
    note: Words = ""
    memory: int = 0
    """Estimated bytes in memory when loaded; the measured figure once it is ready."""
    context: int | None = None
    chat: bool = False
    """Whether it comes with a chat template."""
    weights: str = ""
    """How the original file stored the weights, if they were converted: "Q4_1"; else ""."""
    precisions: list[Precision] = []
    """The forms that it can be loaded in; empty while its files are not there."""
    in_memory: list[Precision] = []
    """The forms that are in memory."""
    device: Device = "cpu"
    """The GPU that some of them are on, if any is."""
    on_device: list[Precision] = []
    """Those that are on it; the others are on the CPU."""
    distances: list[Distance] = []
    """Their distances from exact, as far as they were measured."""
    unable: list[Words] = []
    """What a server cannot give, as far as it was asked."""
