"""The shapes that the parts of the engine hand to each other. Imports no torch at run time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from engine.messages import Head, Piece, Role, Turn

if TYPE_CHECKING:
    import torch


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
    start_token: str | None = None
    """The token that begins a text when B is scored alone, where the catalogue names one."""
    weights: str = ""
    """How the file that they were converted from stored the weights: "Q4_1"; else ""."""
    derived: Path | None = None
    """Folder in the store for what is computed from the weights; see `engine.store.artifacts`."""


class Stream(Protocol):
    """Turns ids into text as they come, holding back bytes of unfinished characters."""

    def push(self, token_id: int) -> str:
        """Take one id; return the whole characters that are now complete, perhaps none."""

    def flush(self) -> str:
        """Return what is still held back, with U+FFFD for broken bytes."""


class Tokenizer(Protocol):
    """Text <-> pieces <-> ids. Implementations are in `engine.tokenization`."""

    vocabulary: int
    unknown: int | None
    start: int | None
    ends: frozenset[int]
    mask: int | None

    def encode(self, text: str) -> list[Piece]:
        """Cut a text into pieces with no special token added."""

    def prompt(self, text: str) -> list[Piece]:
        """Cut a text as a causal model's prompt: with a start token only where its
        configuration asks for one, never with an end token."""

    def single(self, text: str) -> list[Piece]:
        """Cut a text as a masked model is fed: special tokens around, each `[MASK]` one id."""

    def pair(self, a: str, b: str) -> list[Piece]:
        """Cut two texts as a next-sentence head is fed, with segment ids."""

    def words(self, text: str) -> list[int | None]:
        """For each piece of `single`, the number of its word as this tokenizer first splits a
        text (at spaces, mostly at punctuation too); None for tokens that frame the text."""

    def after(self, text: str) -> list[Piece]:
        """Cut a text that goes on right after another: no space is put before it."""

    def fed(self, text: str) -> list[Piece]:
        """Cut a text as this model is fed: `prompt` for a causal one, else `single`."""

    def laid_out(self, text: str) -> list[Piece]:
        """Cut what `chat` laid out: special tokens written in it stand for themselves."""

    def decode(self, ids: Sequence[int]) -> str:
        """The text of these ids, special tokens included as they are written."""

    def token(self, token_id: int) -> Piece:
        """One id of the vocabulary: what it reads as, how it is written, whether special."""

    def find(self, piece: str) -> int | None:
        """The id of a token as the vocabulary writes it; None where there is none such."""

    def stream(self, before: Sequence[int] = ()) -> Stream:
        """A decoder for ids that follow `before` (which it does not repeat)."""

    def chat(self, turns: Sequence[Turn]) -> str | None:
        """Lay turns out by the chat template, ready for the answer; None without a template."""


class Branches(Protocol):
    """Rows of one batch, each with its own keys and values, all of one length."""

    @property
    def rows(self) -> int:
        """How many branches are alive."""

    @property
    def length(self) -> int:
        """Tokens fed so far, the prompt included."""

    @property
    def memory(self) -> Mapping[int, int]:
        """Bytes of each piece of memory that holds their keys and values, by its address.

        Forks may share pieces.
        """

    @property
    def regime(self) -> int:
        """Of the text that they were read as the beginning of; see `CausalRuntime.regime`."""

    @property
    def logits(self) -> torch.Tensor:
        """float32 [rows, vocabulary]: for the token after the last one fed."""


class CausalRuntime(Protocol):
    """How a causal model takes a step. Implementations are in `engine.runtime`.

    `feed`, `read` and `crop` may take over the memory of the branches they are given, which are
    then spent; `select` leaves them as they were. Callers keep within `context`.
    """

    vocabulary: int
    context: int | None
    bytes: int
    reversible: bool
    """Whether it can `crop`: recurrent layers cannot go back."""

    def empty(self) -> Branches:
        """One row that nothing was fed to yet. Its logits are invalid."""

    def regime(self, length: int) -> int:
        """How a text of so many tokens is read: 0 for a short one, and for any by most models.

        Some read all of a text otherwise once it is longer than a border. What is kept of it can
        be gone on from only where the regime stays the same.
        """

    def feed(self, branches: Branches, ids: Sequence[Sequence[int]], whole: int = 0) -> Branches:
        """Feed ids to the rows: a list for each row, all equally long and not empty.

        They are read as in a text of `whole` tokens where that is longer than what is then fed;
        rows of another regime are read anew.
        """

    def read(
        self, branches: Branches, ids: Sequence[Sequence[int]], whole: int = 0
    ) -> tuple[Branches, torch.Tensor]:
        """Feed ids, and say the logits after each of them: float32 [rows, ids, vocabulary]."""

    def select(self, branches: Branches, rows: Sequence[int]) -> Branches:
        """Keep these rows, in this order; a row named twice is forked."""

    def crop(self, branches: Branches, length: int, logits: torch.Tensor | None = None) -> Branches:
        """Forget all tokens after the first `length`, which these logits followed.

        Without them, float32 [rows, vocabulary], its logits are NaN until it is fed.
        """

    def states(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """The last hidden states of texts, before the output layer: float32 [rows, longest, width].

        All are read in one forward; what stands beyond a text's end is meaningless.
        """


class MaskedRuntime(Protocol):
    """A bidirectional encoder with the heads that its weight files hold."""

    vocabulary: int
    context: int | None
    bytes: int

    def mask_logits(
        self, rows: Sequence[Sequence[Piece]], places: Sequence[tuple[int, int]]
    ) -> torch.Tensor:
        """float32 [len(places), vocabulary], a place being a row and a position in it; raises
        EngineError without a masked-LM head.

        All rows are read in one forward, padded to the longest; see `next_sentence`.
        """

    def next_sentence(self, pairs: Sequence[Sequence[Piece]]) -> torch.Tensor:
        """float32 [len(pairs), 2], index 0 = "B continues A"; raises EngineError without.

        All pairs are read in one forward, padded to the longest, which changes the last digits of
        the shorter ones (by some 1e-6): pairs of like length belong together.
        """

    def sentence_order(self, pairs: Sequence[Sequence[Piece]]) -> torch.Tensor:
        """float32 [len(pairs), 2], index 0 = "they are in their original order"; raises EngineError
        without. All pairs are read in one forward; see `next_sentence`.
        """

    def states(self, rows: Sequence[Sequence[Piece]]) -> torch.Tensor:
        """The last hidden states of texts: float32 [rows, longest, width].

        All are read in one forward; what stands beyond a text's end is meaningless.
        """
