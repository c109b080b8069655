"""The protocols and types shared by the engine's rooms. Imports no torch at run time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from engine.messages import Head, Piece, Role, ServerEntry, Turn, Words

if TYPE_CHECKING:
    import torch

T = TypeVar("T")

LoadReport = Callable[[Words, float], None]
"""Called with the stage of a load and the percentage of weights read (0 in other stages)."""


@dataclass(frozen=True)
class ModelFiles:
    """A model on disk, as the store found it: a folder in transformers layout."""

    id: str
    folder: Path
    revision: str
    model_type: str
    heads: frozenset[Head]
    """Only heads whose tensors are in the weight files."""
    roles: tuple[Role, ...]
    languages: tuple[str, ...]
    weight_bytes: int
    memory: int
    """Estimated bytes in memory, from the weight files' headers."""
    tied: int = 0
    """Of these, the bytes of an embedding that is a causal model's output layer too."""
    start_token: str | None = None
    """The token that begins a text when B is scored alone, if the catalogue names one."""
    weights: str = ""
    """How the original file stored the weights, if they were converted: "Q4_1"; else ""."""
    derived: Path | None = None
    """Folder in the store for files computed from the weights; see `engine.store.artifacts`."""
    server: ServerEntry | None = None
    """The server that runs it; `folder` then holds its tokenizer alone, and `derived` is the store,
    which keeps what the server gives."""


class Stream(Protocol):
    """Decodes ids one at a time, holding back the bytes of incomplete characters."""

    def push(self, token_id: int) -> str:
        """Add one id; return the characters that are now complete, if any."""

    def flush(self) -> str:
        """Return what is still held back, with U+FFFD for invalid bytes."""


class Tokenizer(Protocol):
    """Text <-> pieces <-> ids. Implementations are in `engine.tokenization`."""

    vocabulary: int
    unknown: int | None
    start: int | None
    ends: frozenset[int]
    mask: int | None

    def encode(self, text: str) -> list[Piece]:
        """Tokenize a text without adding special tokens."""

    def prompt(self, text: str) -> list[Piece]:
        """Tokenize a text as a causal model's prompt: with a start token if its configuration
        asks for one, never with an end token."""

    def single(self, text: str) -> list[Piece]:
        """Tokenize a text for a masked model: framed by special tokens, each `[MASK]` one id."""

    def pair(self, a: str, b: str) -> list[Piece]:
        """Tokenize two texts for a next-sentence head, with segment ids."""

    def words(self, text: str) -> list[int | None]:
        """For each piece of `single`, the number of its word in this tokenizer's pre-tokenization
        (at spaces, usually at punctuation too); None for tokens that frame the text."""

    def after(self, text: str) -> list[Piece]:
        """Tokenize a text that directly follows another: no space is put before it."""

    def fed(self, text: str) -> list[Piece]:
        """Tokenize a text as input of this model: `prompt` for a causal one, else `single`."""

    def laid_out(self, text: str) -> list[Piece]:
        """Tokenize the result of `chat`, in which special tokens are recognised."""

    def decode(self, ids: Sequence[int]) -> str:
        """The text of these ids, special tokens included."""

    def token(self, token_id: int) -> Piece:
        """Describe one id: its text, its spelling in the vocabulary, whether it is special."""

    def find(self, piece: str) -> int | None:
        """The id of a token by its spelling in the vocabulary; None if there is none."""

    def stream(self, before: Sequence[int] = ()) -> Stream:
        """A decoder for ids that follow `before` (which it does not repeat)."""

    def chat(self, turns: Sequence[Turn]) -> str | None:
        """Render turns with the chat template, ready for the answer; None without a template."""


class Branches(Protocol):
    """Rows of one batch, each with its own keys and values, all of one length."""

    @property
    def rows(self) -> int:
        """The number of branches."""

    @property
    def length(self) -> int:
        """Tokens fed so far, the prompt included."""

    @property
    def memory(self) -> Mapping[int, int]:
        """Bytes of each tensor that holds their keys and values, by its address.

        Forks may share tensors.
        """

    @property
    def regime(self) -> int:
        """The regime in which they were read; see `CausalRuntime.regime`."""

    @property
    def logits(self) -> torch.Tensor:
        """float32 [rows, vocabulary], for the token after the last one fed."""


class CausalRuntime(Protocol):
    """Runs a causal model step by step. Implementations are in `engine.runtime`.

    `feed`, `read` and `crop` may reuse the memory of the branches they are given, which are then
    invalid; `select` leaves them unchanged. Callers must stay within `context`.
    """

    vocabulary: int
    context: int | None
    reversible: bool
    """Whether it supports `crop`: recurrent layers do not."""

    @property
    def bytes(self) -> int:
        """Bytes in memory, without branches."""

    def empty(self) -> Branches:
        """One empty row. Its logits are invalid."""

    def regime(self, length: int) -> int:
        """How a text of `length` tokens is read: 0 for short texts, and in most models for all.

        Some models compute every position differently once a text exceeds a certain length.
        Cached keys and values can be reused only while the regime stays the same.
        """

    def feed(self, branches: Branches, ids: Sequence[Sequence[int]], whole: int = 0) -> Branches:
        """Feed ids to the rows: a list for each row, all of the same length and not empty.

        They are read as part of a text of `whole` tokens if that is longer than what has been
        fed. Rows of another regime are computed again.
        """

    def read(
        self, branches: Branches, ids: Sequence[Sequence[int]], whole: int = 0
    ) -> tuple[Branches, torch.Tensor]:
        """Feed ids; also return the logits after each: float32 [rows, ids, vocabulary]."""

    def select(self, branches: Branches, rows: Sequence[int]) -> Branches:
        """Keep these rows, in this order; a row named twice is forked."""

    def crop(self, branches: Branches, length: int, logits: torch.Tensor | None = None) -> Branches:
        """Drop all tokens after the first `length`.

        `logits`, float32 [rows, vocabulary], are those after the last token that is left; without
        them the logits are NaN until the rows are fed.
        """

    def states(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """The last hidden states of texts, before the output layer: float32 [rows, longest, width].

        All are read in one forward pass; values beyond a text's end are meaningless.
        """


@dataclass(frozen=True)
class Listing:
    """What a server gives instead of logits: the log-probabilities of the likeliest tokens.

    Where a runtime has one, its logits are these, -inf for what is not listed. They do not add up
    to 1, and nothing is known of the rest but how likely it is altogether.
    """

    count: int
    """How many tokens are listed; one that is asked about is listed besides."""
    ranked: bool
    """Whether none of them is left out, so that their order gives their ranks."""


@runtime_checkable
class WholeTexts(Protocol):
    """A runtime that is asked for whole texts at once: a server, to which every step is a trip."""

    def figures(
        self, sequences: Sequence[Sequence[int]]
    ) -> Iterator[tuple[int, list[tuple[float, int | None, float | None]]]]:
        """The log-probability, rank and entropy of every token but the first.

        Yields the number of each sequence with its figures as they come.

        Raises:
            EngineError: ``unable``, if the server gives no probabilities of a prompt.
        """

    def predicted(self, branches: Branches, ids: Sequence[int]) -> tuple[Branches, torch.Tensor]:
        """Feed ids to one row; also return the logits before each: float32 [ids, vocabulary].

        Each has the figure of the id that is fed there, whether or not it is among the listed.

        Raises:
            EngineError: as `figures`.
        """


class Remote(Protocol):
    """A model whose steps wait for a network; they are taken on a thread of its own."""

    def take(self, owner: object, step: Callable[[], T]) -> Future[T]:
        """Take a step on behalf of an owner, after those that were given before."""

    def leave(self, owner: object, close: Callable[[], None]) -> None:
        """End what an owner waits for, and then close it, after its last step."""


class MaskedRuntime(Protocol):
    """A bidirectional encoder with the heads that its weight files hold."""

    vocabulary: int
    context: int | None
    bytes: int
    segments: bool
    """Whether it is fed segment ids."""

    def mask_logits(
        self, rows: Sequence[Sequence[Piece]], places: Sequence[tuple[int, int]]
    ) -> torch.Tensor:
        """Logits at places, each a row and a position in it: float32 [len(places), vocabulary].

        All rows are read in one forward pass, padded to the longest; see `next_sentence`.

        Raises:
            EngineError: ``unable`` without a masked-LM head.
        """

    def next_sentence(self, pairs: Sequence[Sequence[Piece]]) -> torch.Tensor:
        """Logits of a next-sentence head: float32 [len(pairs), 2], index 0 = "B continues A".

        All pairs are read in one forward pass, padded to the longest, which changes the last digits
        of the shorter ones (by about 1e-6): batch pairs of similar length.

        Raises:
            EngineError: ``unable`` without such a head.
        """

    def sentence_order(self, pairs: Sequence[Sequence[Piece]]) -> torch.Tensor:
        """Logits of a sentence-order head: float32 [len(pairs), 2], index 0 = "in original order".

        All pairs are read in one forward pass; see `next_sentence`.

        Raises:
            EngineError: ``unable`` without such a head.
        """

    def states(self, rows: Sequence[Sequence[Piece]]) -> torch.Tensor:
        """The last hidden states of texts: float32 [rows, longest, width].

        All are read in one forward pass; values beyond a text's end are meaningless.
        """
