"""The steps of a continuation: feeds drawn tokens to the rows, and guessed ones ahead of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.decoding.prompt_lookup import Lookup
from engine.interfaces import Branches, CausalRuntime, WholeTexts

if TYPE_CHECKING:
    import torch


class Steps:
    """Rows of a batch, and the logits from which the next token of each is drawn.

    With `guessing`, a single row is also fed guesses (see `engine.decoding.prompt_lookup`); while
    they are accepted, the next logits are already there.
    """

    def __init__(self, runtime: CausalRuntime, rows: Branches, *, guessing: bool) -> None:
        """Continue from rows whose logits are valid."""
        self._runtime = runtime
        self._rows = rows
        self._lookup = Lookup() if guessing and runtime.reversible else None
        self._guess: list[int] = []
        self._accepted = 0
        self._ahead: torch.Tensor | None = None
        """float32 [1, 1 + guesses, vocabulary], after the last drawn id and after each guess."""

    @property
    def logits(self) -> torch.Tensor:
        """float32 [rows, vocabulary], for the next token."""
        return self._rows.logits if self._ahead is None else self._ahead[:, self._accepted]

    @property
    def rows(self) -> Branches:
        """The rows with all drawn ids except the latest, and without guesses."""
        beyond = len(self._guess) - self._accepted
        if beyond:
            length = self._rows.length - beyond
            self._rows = self._runtime.crop(self._rows, length, self.logits)
            self._guess, self._ahead = self._guess[: self._accepted], None
        return self._rows

    def stay(self, numbers: Sequence[int]) -> None:
        """Keep only these rows."""
        if len(numbers) < self._rows.rows:
            self._rows = self._runtime.select(self._rows, numbers)

    def feed(self, ids: Sequence[Sequence[int]], room: int) -> None:
        """Feed each row the last of its ids; at most `room` more may follow."""
        if self._accepted < len(self._guess) and ids[0][-1] == self._guess[self._accepted]:
            self._accepted += 1
            return
        if self._guess and self._lookup is not None:
            self._lookup.record_accepted(self._accepted)
        rows = self.rows
        self._guess, self._accepted, self._ahead = [], 0, None
        if self._lookup is not None and len(ids) == 1:
            self._guess = self._lookup.guess(ids[0], room)
            end, regime = len(ids[0]), self._runtime.regime
            if regime(end + len(self._guess)) != regime(end):
                self._guess = []
        if self._guess:
            fed = [ids[0][-1], *self._guess]
            self._rows, self._ahead = self._runtime.read(rows, [fed])
        else:
            self._rows = self._runtime.feed(rows, [[row[-1]] for row in ids])


def predicted(
    runtime: CausalRuntime, row: Branches, ids: Sequence[int], whole: int
) -> tuple[Branches, torch.Tensor]:
    """Feed ids to one row; also return the logits before each: float32 [ids, vocabulary].

    They are read as part of a text of `whole` tokens.
    """
    import torch

    if isinstance(runtime, WholeTexts):
        return runtime.predicted(row, ids)
    before = row.logits
    row, after = runtime.read(row, [ids], whole)
    return row, torch.cat([before, after[0, :-1]])
