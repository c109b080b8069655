"""What a transcript shows: one card for each thing asked, with its answer as it came.

Cards are plain data. They hold the raw text of models; `tui.display` makes it safe to draw. A card
is built from a request, takes the events of its answer one by one (`fold`), and is stored and
exported as it stands, so that a partial answer survives whatever happens to the process.
"""

from __future__ import annotations

import math
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import Struct, field

from engine.messages import (
    GREEDY,
    MASK,
    Arranged,
    Beside,
    BranchDone,
    Continue,
    CosineResult,
    Document,
    DocumentResult,
    Done,
    Error,
    Event,
    Fill,
    FillResult,
    Finish,
    MatrixCells,
    NspResult,
    Piece,
    PllMethod,
    PllToken,
    PmiResult,
    Precision,
    PrecisionChoice,
    PseudoLikelihood,
    PseudoLikelihoodResult,
    Request,
    Score,
    ScoredToken,
    ScoreResult,
    Sentence,
    SopResult,
    Started,
    Timing,
    Token,
    Verdict,
)

Pane = Literal["continue", "fill", "score"]
PANES: tuple[Pane, ...] = ("continue", "fill", "score")
"""In the order of their keys."""
Status = Literal["running", "done", "cancelled", "failed", "interrupted"]
"""`interrupted`: the app or the worker ended before the answer did."""


def _new_id() -> str:
    return uuid.uuid4().hex


class _Card(Struct, kw_only=True):
    """What every card has."""

    id: str = field(default_factory=_new_id)
    created: float = field(default_factory=time.time)
    """Seconds since 1970."""
    title: str = ""
    """The model's name for people; its id is in the request."""
    revision: str = ""
    precision: Precision | Literal[""] = ""
    """The form of the weights that answered; nothing until that is known."""
    status: Status = "running"
    error: Error | None = None
    timing: Timing = Timing()

    def _end(self, event: Event) -> None:
        """Take the event that ends every answer."""
        if isinstance(event, Done):
            self.status = "cancelled" if event.finish == "cancelled" else "done"
            self.timing = event.timing
        elif isinstance(event, Error):
            self.status = "interrupted" if event.kind == "worker_died" else "failed"
            self.error = event

    @property
    def wrote(self) -> str:
        """What the person wrote."""
        raise NotImplementedError

    def interrupt(self) -> None:
        """Mark a card that was running when its process ended."""
        if self.status == "running":
            self.status = "interrupted"


_LARGEST = math.log(sys.float_info.max)


class Branch(Struct):
    """One of the texts that a continuation wrote."""

    tokens: list[Token] = []
    tail: str = ""
    """Text held back until the end: bytes that never became a whole character."""
    finish: Finish | None = None
    boundary: float | None = None
    """After the last given token, how likely a new word begins; see `Token.boundary`."""

    @property
    def text(self) -> str:
        """All that was written."""
        return "".join(token.text for token in self.tokens) + self.tail

    @property
    def surprisal(self) -> float | None:
        """Mean surprisal of a token, in nats, by the model before any sampler; None without."""
        if not self.tokens:
            return None
        return -sum(token.logprob for token in self.tokens) / len(self.tokens)

    @property
    def perplexity(self) -> float | None:
        """exp of the mean surprisal; None without tokens."""
        mean = self.surprisal
        if mean is None:
            return None
        return math.exp(mean) if mean < _LARGEST else math.inf


class Origin(Struct, frozen=True, kw_only=True):
    """Where a text was forked from another: it shares the first tokens of one of its branches."""

    card: str
    branch: int
    shared: int
    """How many tokens. They are the origin's and are not stored again."""
    apart: bool = False
    """Whether they stand below the prompt instead of going on from it, as a chat's answers do."""


class ContinueCard(_Card, tag="continue"):
    """A prompt and what a model wrote after it.

    All forks of a text form a tree (`tui.trees`). A fork has one branch, which holds the shared
    tokens too; its request's prompt is the ids of the prompt and of those.
    """

    request: Continue
    prompt: str
    """The prompt to show: what the person wrote, or the text that `request.prompt`'s ids say."""
    fed: str = ""
    """The text as it was fed, which a chat template may have laid out."""
    prompt_tokens: list[Piece] = []
    branches: list[Branch] = []
    seed: int | None = None
    """What makes the answer repeatable; None when greedy."""
    dropped_turns: int = 0
    context: int | None = None
    origin: Origin | None = None
    name: str = ""
    """What the person calls this path."""
    bookmarked: bool = False
    folded: bool = False
    """Whether the tree hides the forks of this text."""
    seen: float = 0.0
    """When it was last chosen among its tree's, in seconds since 1970; 0: not since it was made."""

    @property
    def pane(self) -> Pane:
        """Where the card belongs."""
        return "continue"

    @property
    def read(self) -> str:
        """The text that was only read, where this is such a card, else nothing."""
        return self.request.begin if isinstance(self.request.begin, str) else ""

    @property
    def wrote(self) -> str:
        """What the person wrote."""
        return self.read or self.prompt

    @property
    def start(self) -> str | None:
        """The special token that all of it is scored after; None where a text stands before it."""
        first = self.prompt_tokens[:1]
        return first[0].piece if len(self.prompt_tokens) == 1 and first[0].special else None

    @property
    def shared(self) -> int:
        """How many tokens at the beginning of its branch belong to the text it was forked from."""
        return 0 if self.origin is None else self.origin.shared

    @property
    def apart(self) -> bool:
        """Whether the answer stands below the prompt instead of going on from it."""
        if self.origin is not None:
            return self.origin.apart
        return self.request.branches > 1 or self.request.chat is not None

    def path(self, branch: int, length: int) -> list[int]:
        """The ids of the prompt and of the first `length` tokens of a branch."""
        written = self.branches[branch].tokens[:length]
        return [piece.id for piece in self.prompt_tokens] + [token.id for token in written]

    def fork(self, branch: int, at: int, begin: list[int], max_tokens: int) -> ContinueCard:
        """The card that goes on with other tokens from the `at`-th of a branch on."""
        sampling = msgspec.structs.replace(self.request.sampling, seed=self.seed)
        request = msgspec.structs.replace(
            self.request,
            prompt=self.path(branch, at),
            chat=None,
            begin=begin,
            sampling=sampling,
            max_tokens=max_tokens,
            branches=1,
        )
        return ContinueCard(
            request=request,
            prompt=self.prompt,
            branches=[Branch(tokens=self.branches[branch].tokens[:at])],
            origin=Origin(card=self.id, branch=branch, shared=at, apart=self.apart),
        )

    def under(self, model: str, precision: PrecisionChoice) -> ContinueCard:
        """The card that asks another model the same. Ids are another vocabulary's: texts count.

        What was taken by hand is what the other model's text begins with too.
        """
        by_hand = "" if self.origin is None else self._by_hand()
        request = msgspec.structs.replace(
            self.request,
            model=model,
            precision=precision,
            prompt="" if self.read else self.prompt,
            begin=self.read or by_hand,
        )
        return ContinueCard(request=request, prompt="" if self.read else self.prompt)

    def _by_hand(self) -> str:
        """The text of a fork up to where the model goes on by itself."""
        tokens = self.branches[0].tokens
        given = sum(token.given for token in tokens[self.shared :])
        return "".join(token.text for token in tokens[: self.shared + given])

    @property
    def extensible(self) -> bool:
        """Whether more tokens can be put at its end: a lone text of whole characters."""
        return len(self.branches) == 1 and not self.branches[0].tail and self.status != "running"

    def extend(self, by: int) -> Continue:
        """Count on so many tokens more, and return the request for them. Needs `extensible`."""
        tokens = self.branches[0].tokens
        drawn = sum(not token.given for token in tokens[self.shared :])
        sampling = msgspec.structs.replace(self.request.sampling, seed=self.seed)
        self.request = msgspec.structs.replace(self.request, max_tokens=drawn + by)
        self.status = "running"
        return msgspec.structs.replace(
            self.request,
            prompt=self.path(0, len(tokens)),
            chat=None,
            begin=[],
            sampling=sampling,
            max_tokens=by,
        )

    def graft(self, origin: ContinueCard | None) -> None:
        """Put the shared tokens back before its own; without their card, they become the prompt."""
        if self.origin is None:
            return
        if origin is not None and self.origin.branch < len(origin.branches):
            shared = origin.branches[self.origin.branch].tokens[: self.origin.shared]
            self.branches = [
                msgspec.structs.replace(branch, tokens=[*shared, *branch.tokens])
                for branch in self.branches or [Branch()]
            ]
        else:
            self.prompt, self.origin = self.fed or self.prompt, None

    @property
    def repeatable(self) -> Continue:
        """The request that gives this very answer again."""
        sampling = msgspec.structs.replace(self.request.sampling, seed=self.seed)
        precision = self.precision or self.request.precision
        return msgspec.structs.replace(self.request, sampling=sampling, precision=precision)

    @property
    def answer(self) -> str:
        """What was written; several branches follow each other with a blank line between."""
        return "\n\n".join(branch.text for branch in self.branches)

    def fold(self, event: Event) -> None:
        """Take one event of the answer."""
        if isinstance(event, Started):
            if self.prompt_tokens:
                return  # it is only being extended
            self.revision, self.precision = event.revision, event.precision
            self.fed = event.prompt
            if self.read:
                self.prompt = event.prompt  # a first token that nothing stands before
            self.prompt_tokens = event.prompt_tokens[: len(event.prompt_tokens) - self.shared]
            self.seed, self.context = event.seed, event.context
            self.dropped_turns = event.dropped_turns
        elif isinstance(event, Token):
            self._branch(event.branch).tokens.append(event)
        elif isinstance(event, BranchDone):
            branch = self._branch(event.branch)
            branch.finish, branch.tail = event.finish, event.tail
            branch.boundary = event.boundary
        else:
            self._end(event)

    def _branch(self, index: int) -> Branch:
        while len(self.branches) <= index:
            self.branches.append(Branch())
        return self.branches[index]


class FillCard(_Card, tag="fill"):
    """A text with masks and the words proposed for them."""

    request: Fill
    result: FillResult | None = None

    @property
    def pane(self) -> Pane:
        """Where the card belongs."""
        return "fill"

    @property
    def wrote(self) -> str:
        """What the person wrote."""
        return self.request.text

    @property
    def answer(self) -> str:
        """The text with the likeliest word in each mask's place."""
        if self.result is None:
            return ""
        first, *rest = self.request.text.split(MASK)
        words = [mask.candidates[0].text if mask.candidates else "" for mask in self.result.masks]
        return first + "".join(w + part for w, part in zip(words, rest, strict=False))

    def put(self, words: Mapping[int, str]) -> tuple[str, Fill | None]:
        """The text with words in the place of masks, by the masks' numbers, and the question
        about those that are left; None where none is."""
        first, *rest = self.request.text.split(MASK)
        left = [number for number in range(len(rest)) if number not in words]
        filled = first + "".join(words.get(n, MASK) + part for n, part in enumerate(rest))
        if not left:
            return filled, None
        hidden = [*self.request.hidden, *[None] * len(rest)]
        request = msgspec.structs.replace(
            self.request,
            text=filled,
            hidden=[hidden[number] for number in left] if self.request.hidden else [],
            joint_methods=self.request.joint_methods if len(left) > 1 else [],
        )
        return filled, request

    def fold(self, event: Event) -> None:
        """Take one event of the answer."""
        if isinstance(event, FillResult):
            self.result, self.precision = event, event.precision
        else:
            self._end(event)


class ScoreCard(_Card, tag="score"):
    """Two sentences and how well the second continues the first."""

    request: Score
    result: ScoreResult | None = None
    """The first witness's word."""
    others: list[ScoreResult] = []
    """That of the others, as they came."""
    verdict: Verdict | None = None

    @property
    def results(self) -> list[ScoreResult]:
        """What every witness said."""
        return [*([] if self.result is None else [self.result]), *self.others]

    def tokens(self, part: int) -> Sequence[Piece | ScoredToken]:
        """The tokens that can be walked through: part 2 n is those of B after A under the n-th
        witness, part 2 n + 1 those of A after B. A head is fed both at once, in part 2 n."""
        match self.results[part // 2]:
            case PmiResult() as found:
                return found.reversed.tokens if part % 2 else found.tokens
            case CosineResult():
                return []
            case found:
                return [] if part % 2 else found.tokens

    def asking(self, *, shuffles: int | None = None, beside: Beside | None = None) -> Score:
        """Ask for more than before, or another model too: the answer takes the place of this."""
        self.request = msgspec.structs.replace(
            self.request,
            shuffles=self.request.shuffles if shuffles is None else shuffles,
            beside=[*self.request.beside, *([] if beside is None else [beside])],
        )
        self.status, self.error = "running", None
        self.result, self.others, self.verdict = None, [], None
        return self.request

    @property
    def pane(self) -> Pane:
        """Where the card belongs."""
        return "score"

    @property
    def wrote(self) -> str:
        """What the person wrote."""
        return f"{self.request.a}\n{self.request.b}"

    @property
    def answer(self) -> str:
        """The judgement in one figure with its unit."""
        match self.result:
            case NspResult() | SopResult():
                return f"{self.result.margin:+.2f} nats, {self.result.probability:.2%}"
            case PmiResult():
                return f"{self.result.bits:+.2f} bits"
            case CosineResult():
                return f"{self.result.cosine:+.4f}"
            case None:
                return ""

    def fold(self, event: Event) -> None:
        """Take one event of the answer."""
        match event:
            case NspResult() | SopResult() | PmiResult() | CosineResult():
                if self.result is None:
                    self.result, self.precision = event, event.precision
                else:
                    self.others.append(event)
            case Verdict():
                self.verdict = event
            case _:
                self._end(event)


class DocumentCard(_Card, tag="document"):
    """A text as a row of sentences, which a person can move, and how each follows the one before.

    The request is that for the text as it was given; `asking` makes the one for the sentences as
    they stand now. `result`, `matrix` and `arranged` are about the sentences as they stand, and
    gone once they are moved.
    """

    request: Document
    sentences: list[Sentence] = []
    """As the text has them."""
    reference: list[int] = []
    """The gaps that are marked as boundaries; a sentence that is moved past one changes sides."""
    order: list[int] = []
    """How the sentences stand now, by number."""
    earlier: list[list[int]] = []
    """The orders before, to go back to."""
    result: DocumentResult | None = None
    matrix: list[list[float | None]] = []
    """A row of scores for each first sentence; None where there is none, or none yet."""
    arranged: Arranged | None = None

    @property
    def pane(self) -> Pane:
        """Where the card belongs."""
        return "score"

    @property
    def wrote(self) -> str:
        """What the person wrote."""
        text = self.request.text
        return text if isinstance(text, str) else "\n".join(text)

    @property
    def answer(self) -> str:
        """The sentences as they stand now."""
        return "\n".join(self.sentences[number].text for number in self.order)

    def asking(self) -> Document:
        """The request for the sentences as they stand."""
        if not self.sentences:
            return self.request
        return msgspec.structs.replace(
            self.request,
            text=[self.sentences[number].text for number in self.order],
            reference=self.reference,
        )

    def reorder(self, order: list[int]) -> None:
        """Let the sentences stand in another order."""
        self.earlier.append(self.order)
        self._stand(order)

    def undo(self) -> bool:
        """Go back to the order before; False where there is none."""
        if not self.earlier:
            return False
        self._stand(self.earlier.pop())
        return True

    def _stand(self, order: list[int]) -> None:
        self.order = order
        self.result, self.matrix, self.arranged = None, [], None

    def fold(self, event: Event) -> None:
        """Take one event of the answer."""
        match event:
            case DocumentResult():
                self.result, self.precision = event, event.precision
                if not self.sentences:
                    self.sentences, self.reference = event.sentences, event.reference
                    self.order = list(range(len(event.sentences)))
            case MatrixCells():
                count = len(self.sentences)
                self.matrix = self.matrix or [[None] * count for _ in range(count)]
                for cell in event.cells:
                    self.matrix[cell.first][cell.second] = cell.score
            case Arranged():
                self.arranged = event
            case _:
                self._end(event)


class PllCard(_Card, tag="pll"):
    """A text whose every token a masked model judged behind a mask."""

    request: PseudoLikelihood
    results: list[PseudoLikelihoodResult] = []
    """One for each method."""

    @property
    def pane(self) -> Pane:
        """Where the card belongs."""
        return "fill"

    @property
    def wrote(self) -> str:
        """What the person wrote."""
        return self.request.text

    @property
    def result(self) -> PseudoLikelihoodResult | None:
        """The newest result."""
        return self.results[-1] if self.results else None

    @property
    def answer(self) -> str:
        """The total of each method, in nats."""
        return "\n".join(f"{found.method} {found.total:.4f}" for found in self.results)

    def fold(self, event: Event) -> None:
        """Take one event of the answer."""
        if isinstance(event, PseudoLikelihoodResult):
            self.results = [*self.results, event]
            self.precision = event.precision
        else:
            self._end(event)


class Pair(Struct, frozen=True, kw_only=True):
    """Two sentences to be scored by two models, the one masked, the other causal."""

    model: str
    """The pane's."""
    masked: str
    causal: str
    a: str
    b: str
    method: PllMethod
    """Of the masked model."""
    precision: PrecisionChoice
    """Of the pane's model; the other is run exactly."""

    def parts(self) -> list[PllCard | ContinueCard]:
        """A card for each sentence under each model, the masked one first."""
        return [*(self._masked(each) for each in (self.a, self.b)), *map(self._causal, self.sides)]

    @property
    def sides(self) -> tuple[str, str]:
        """Both sentences."""
        return (self.a, self.b)

    def _masked(self, sentence: str) -> PllCard:
        request = PseudoLikelihood(
            model=self.masked,
            text=sentence,
            methods=[self.method],
            precision=self._form(self.masked),
        )
        return PllCard(request=request)

    def _causal(self, sentence: str) -> ContinueCard:
        request = Continue(
            model=self.causal,
            prompt="",
            begin=sentence,
            sampling=GREEDY,
            max_tokens=0,
            precision=self._form(self.causal),
        )
        return ContinueCard(request=request, prompt="")

    def _form(self, model: str) -> PrecisionChoice:
        return self.precision if model == self.model else "exact"


class PairCard(_Card, tag="pair"):
    """A minimal pair: which of two sentences each of two models finds likelier, and where."""

    request: Pair
    parts: list[PllCard | ContinueCard]
    """Both sentences under the masked model, then under the causal one."""

    @classmethod
    def of(cls, request: Pair) -> PairCard:
        """A card with nothing answered yet."""
        return cls(request=request, parts=request.parts())

    @property
    def pane(self) -> Pane:
        """Where the card belongs."""
        return "fill"

    @property
    def wrote(self) -> str:
        """What the person wrote last."""
        return self.request.b

    def scored(self, model: int) -> tuple[list[Measured], list[Measured]] | None:
        """The tokens of both sentences under one of the models; None until both are there."""
        one, other = (_measured(part) for part in self.parts[2 * model : 2 * model + 2])
        return None if one is None or other is None else (one, other)

    @property
    def result(self) -> PllCard | ContinueCard | None:
        """The last part, once all are answered."""
        return self.parts[-1] if self.status == "done" else None

    @property
    def answer(self) -> str:
        """How much likelier the first sentence is under each model, in nats."""
        found = ((self.parts[2 * model].request.model, self.scored(model)) for model in range(2))
        return "\n".join(
            f"{name} {total(sides[0]) - total(sides[1]):+.4f}"
            for name, sides in found
            if sides is not None
        )

    def fold(self, event: Event) -> None:
        """Take one event of the answer to the first part that has not ended."""
        part = next(part for part in self.parts if part.status == "running")
        part.fold(event)
        if part.status == "cancelled":
            for each in self.parts:
                each.interrupt()
            self.status = "cancelled"
        elif all(each.status != "running" for each in self.parts):
            self._conclude()

    def _conclude(self) -> None:
        self.precision = self.parts[0].precision
        self.timing = Timing(total_s=sum(part.timing.total_s for part in self.parts))
        failed = [part for part in self.parts if part.error is not None]
        self.status = "failed" if len(failed) == len(self.parts) else "done"

    def interrupt(self) -> None:
        """Mark a card that was running when its process ended."""
        super().interrupt()
        for part in self.parts:
            part.interrupt()


Measured = Token | PllToken
"""A token with what a model thinks of it there."""


def total(tokens: Sequence[Measured]) -> float:
    """The log-probability of all of them, in nats."""
    return sum(token.logprob for token in tokens)


def _measured(part: PllCard | ContinueCard) -> list[Measured] | None:
    """The tokens of a sentence that was scored whole; None where it was not."""
    if part.status != "done":
        return None
    if isinstance(part, PllCard):
        return [*part.results[0].tokens]
    return [*part.branches[0].tokens] if part.branches else None


Card = ContinueCard | FillCard | ScoreCard | DocumentCard | PllCard | PairCard


def asked(card: Card) -> str:
    """The model that answers next."""
    if isinstance(card, PairCard):
        waiting = (part.request.model for part in card.parts if part.status == "running")
        return next(waiting, card.request.model)
    return card.request.model


def questions(card: Card) -> Iterator[Request]:
    """What is to be asked for a card, each after the answer to the one before."""
    if not isinstance(card, PairCard):
        yield card.request
        return
    for part in card.parts:
        if part.status == "running":
            yield part.request


def copy_request(card: Card) -> Card:
    """A new card that asks what another asked."""
    match card:
        case ContinueCard():
            prompt = "" if card.read else card.prompt
            again = ContinueCard(request=card.request, prompt=prompt, origin=card.origin)
            if card.origin is not None:
                shared = card.branches[0].tokens[: card.shared]
                again.branches.append(Branch(tokens=shared))
            return again
        case FillCard():
            return FillCard(request=card.request)
        case ScoreCard():
            return ScoreCard(request=card.request)
        case DocumentCard():
            return DocumentCard(request=card.request)
        case PllCard():
            return PllCard(request=card.request)
        case PairCard():
            return PairCard.of(card.request)
