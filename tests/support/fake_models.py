"""A tokenizer of bytes and a model that is a function: tasks tested without weights."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from engine.interfaces import Branches, CausalRuntime, ModelFiles, Stream, Tokenizer
from engine.messages import Piece, Turn
from engine.runtime.loaded import LoadedModel

START, END, OTHER_END = 256, 257, 258
VOCABULARY = 259


class ByteStream:
    """UTF-8 as it comes."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def push(self, token_id: int) -> str:
        return self._decoder.decode(bytes([token_id])) if token_id < 256 else ""

    def flush(self) -> str:
        return self._decoder.decode(b"", final=True)


class ByteTokenizer:
    """Ids 0-255 are bytes; then a start token and two end tokens."""

    vocabulary = VOCABULARY
    unknown: int | None = None
    ends = frozenset({END, OTHER_END})
    mask: int | None = None

    def __init__(self, *, start: int | None = START, template: bool = False) -> None:
        self.start = start
        self._template = template

    def encode(self, text: str) -> list[Piece]:
        return [self.token(byte) for byte in text.encode()]

    def prompt(self, text: str) -> list[Piece]:
        return self.encode(text)

    def single(self, text: str) -> list[Piece]:
        return self.encode(text)

    def pair(self, a: str, b: str) -> list[Piece]:
        return self.encode(a + b)

    def words(self, text: str) -> list[int | None]:
        return [0] * len(self.encode(text))

    def after(self, text: str) -> list[Piece]:
        return self.encode(text)

    def fed(self, text: str) -> list[Piece]:
        return self.prompt(text)

    def laid_out(self, text: str) -> list[Piece]:
        return self.encode(text)

    def find(self, piece: str) -> int | None:
        return {"<other end>": OTHER_END}.get(piece)

    def decode(self, ids: Sequence[int]) -> str:
        return bytes(number for number in ids if number < 256).decode(errors="replace")

    def token(self, token_id: int) -> Piece:
        if not 0 <= token_id < VOCABULARY:
            raise IndexError(token_id)
        if token_id >= 256:
            return Piece(token_id, f"<{token_id}>", f"<{token_id}>", special=True)
        text = bytes([token_id]).decode(errors="replace")
        return Piece(token_id, text, f"{token_id:02x}")

    def stream(self, before: Sequence[int] = ()) -> Stream:
        return ByteStream()

    def chat(self, turns: Sequence[Turn]) -> str | None:
        """One letter for the role, then the text, for each turn."""
        return "".join(turn.role[0] + turn.text for turn in turns) if self._template else None


@dataclass(frozen=True)
class Rows:
    """Branches that remember their ids."""

    ids: list[list[int]]
    logits: torch.Tensor

    @property
    def rows(self) -> int:
        return len(self.ids)

    @property
    def length(self) -> int:
        return len(self.ids[0])

    @property
    def regime(self) -> int:
        return 0

    @property
    def memory(self) -> dict[int, int]:
        return {id(self): 8 * self.rows * self.length}


class FunctionModel:
    """A causal model whose logits are a function of all ids so far."""

    bytes = 0
    reversible = True

    def __init__(
        self,
        function: Callable[[Sequence[int]], torch.Tensor],
        context: int | None = None,
        vocabulary: int = VOCABULARY,
    ) -> None:
        self.vocabulary = vocabulary
        self.context = context
        self._function = function
        self.rows_fed: list[int] = []
        """How many rows each forward had."""

    def empty(self) -> Branches:
        return Rows([[]], torch.full((1, self.vocabulary), torch.nan))

    def regime(self, length: int) -> int:
        return 0

    def feed(self, branches: Branches, ids: Sequence[Sequence[int]], whole: int = 0) -> Branches:
        return self.read(branches, ids)[0]

    def read(
        self, branches: Branches, ids: Sequence[Sequence[int]], whole: int = 0
    ) -> tuple[Branches, torch.Tensor]:
        rows = self._own(branches)
        fed = [[*row, *new] for row, new in zip(rows.ids, ids, strict=True)]
        assert self.context is None or len(fed[0]) <= self.context
        self.rows_fed.append(len(fed))
        logits = torch.stack(
            [
                torch.stack(
                    [self._function(row[:end]) for end in range(rows.length + 1, len(row) + 1)]
                )
                for row in fed
            ]
        )
        return Rows(fed, logits[:, -1]), logits

    def select(self, branches: Branches, rows: Sequence[int]) -> Branches:
        source = self._own(branches)
        return Rows([list(source.ids[row]) for row in rows], source.logits[list(rows)])

    def crop(self, branches: Branches, length: int, logits: torch.Tensor | None = None) -> Branches:
        kept = [row[:length] for row in self._own(branches).ids]
        nothing = torch.full((len(kept), self.vocabulary), torch.nan)
        return Rows(kept, nothing if logits is None else logits)

    def states(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        raise NotImplementedError("a function has no states")

    def _own(self, branches: Branches) -> Rows:
        assert isinstance(branches, Rows)
        return branches


def scripted(
    prompt: int, script: Sequence[int], vocabulary: int = VOCABULARY, end: int = END
) -> Callable[[Sequence[int]], torch.Tensor]:
    """A model that almost certainly writes the script after the prompt's tokens, then ends."""

    def function(ids: Sequence[int]) -> torch.Tensor:
        logits = torch.zeros(vocabulary)
        written = len(ids) - prompt
        logits[script[written] if written < len(script) else end] = 50.0
        return logits

    return function


def dreaming(ids: Sequence[int]) -> torch.Tensor:
    """A model with random logits, always the same ones after the same ids."""
    seed = 0
    for number in ids:
        seed = (seed * 1000003 + number + 1) % 2**31
    return 2 * torch.randn(VOCABULARY, generator=torch.Generator().manual_seed(seed))


def loaded(
    causal: CausalRuntime | None,
    tokenizer: Tokenizer | None = None,
    start_token: str | None = None,
) -> LoadedModel:
    """A model in memory, as the lifecycle hands it to a task."""
    files = ModelFiles(
        id="fake",
        folder=Path("fake"),
        revision="r1",
        model_type="fake",
        heads=frozenset({"causal"}),
        roles=("continue",),
        languages=(),
        weight_bytes=0,
        memory=0,
        start_token=start_token,
    )
    return LoadedModel(files=files, tokenizer=tokenizer or ByteTokenizer(), causal=causal)
