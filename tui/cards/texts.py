"""A text that a causal model went on from, and its forks."""

from __future__ import annotations

import math
import sys

import msgspec
from msgspec import Struct, field

from engine.messages import (
    BranchDone,
    Continue,
    Event,
    Finish,
    Piece,
    PrecisionChoice,
    Started,
    Token,
)
from tui.cards.base import BaseCard, Pane
from tui.cards.tracked import Tracked

_LARGEST = math.log(sys.float_info.max)


def perplexity(mean: float) -> float | None:
    """exp of the mean surprisal of a token, in nats; None where no float is that large."""
    return math.exp(mean) if mean < _LARGEST else None


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
        """`perplexity` of its tokens; None without tokens."""
        mean = self.surprisal
        return None if mean is None else perplexity(mean)


class Origin(Struct, frozen=True, kw_only=True):
    """Where a text was forked from another: it shares the first tokens of one of its branches."""

    card: str
    branch: int
    shared: int
    """How many tokens. They are the origin's and are not stored again."""
    apart: bool = False
    """Whether they are below the prompt instead of going on from it, as a chat's answers do."""
    chat: bool = False
    """Whether it is a turn of a chat."""


class ContinueCard(BaseCard, tag="continue"):
    """A prompt and what a model wrote after it.

    All forks of a text form a tree (`tui.cards.forks`). A fork has one branch, which holds the
    shared tokens too; its request's prompt is the ids of the prompt and of those.
    """

    request: Continue
    prompt: str
    """The prompt to show: what the person wrote, or the text that `request.prompt`'s ids say."""
    fed: str = ""
    """The text as it was fed, which a chat template may have laid out."""
    prompt_tokens: list[Piece] = field(default_factory=list)
    branches: list[Branch] = field(default_factory=list)
    seed: int | None = None
    """What makes the answer repeatable; None when greedy."""
    dropped_turns: int = 0
    context: int | None = None
    vocabulary: int = 0
    """How many logits the model computes for each token; 0 in cards of earlier versions."""
    origin: Origin | None = None
    name: str = ""
    """The user's name for this path."""
    bookmarked: bool = False
    won: list[str] = field(default_factory=list)
    """The ids of the texts that this one was found better than, as often as it was."""
    folded: bool = False
    """Whether the tree hides the forks of this text."""
    tracked: Tracked | None = None
    """Words whose probability at each token is shown."""
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
        """The special token that all of it is scored after; None where a text is before it."""
        first = self.prompt_tokens[:1]
        return first[0].piece if len(self.prompt_tokens) == 1 and first[0].special else None

    @property
    def shared(self) -> int:
        """How many tokens at the beginning of its branch belong to the text it was forked from."""
        return 0 if self.origin is None else self.origin.shared

    @property
    def apart(self) -> bool:
        """Whether the answer is below the prompt instead of going on from it."""
        if self.origin is not None:
            return self.origin.apart
        return self.request.branches > 1 or self.request.chat is not None

    @property
    def chatting(self) -> bool:
        """Whether it is a turn of a chat."""
        return self.request.chat is not None or (self.origin is not None and self.origin.chat)

    @property
    def system(self) -> str:
        """The system prompt of its chat, if it has one."""
        first = (self.request.chat or [])[:1]
        return first[0].text if first and first[0].role == "system" else ""

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
            origin=Origin(
                card=self.id, branch=branch, shared=at, apart=self.apart, chat=self.chatting
            ),
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
        """Extend the answer `by` tokens; return the request for them. Needs `extensible`."""
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
        """The request that repeats this answer."""
        sampling = msgspec.structs.replace(self.request.sampling, seed=self.seed)
        precision = self.precision or self.request.precision
        return msgspec.structs.replace(self.request, sampling=sampling, precision=precision)

    @property
    def answer(self) -> str:
        """What was written; several branches follow each other with a blank line between."""
        return "\n\n".join(branch.text for branch in self.branches)

    def fold(self, event: Event) -> None:
        """Store one event of the answer."""
        if isinstance(event, Started):
            if self.prompt_tokens:
                return  # it is only being extended
            self.revision = event.revision
            self.precision, self.weights = event.precision, event.weights
            self.fed = event.prompt
            if self.read:
                self.prompt = event.prompt  # a first token with nothing before it
            self.prompt_tokens = event.prompt_tokens[: len(event.prompt_tokens) - self.shared]
            self.seed, self.context = event.seed, event.context
            self.vocabulary = event.vocabulary
            self.dropped_turns = event.dropped_turns
        elif isinstance(event, Token):
            self._branch(event.branch).tokens.append(event)
        elif isinstance(event, BranchDone):
            branch = self._branch(event.branch)
            branch.finish, branch.tail = event.finish, event.tail
            branch.boundary = event.boundary
        else:
            self.end(event)

    def _branch(self, index: int) -> Branch:
        while len(self.branches) <= index:
            self.branches.append(Branch())
        return self.branches[index]
