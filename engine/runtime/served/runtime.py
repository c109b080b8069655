"""A model on a server, with the seam of the runtimes that run here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import torch

from engine.errors import EngineError, refusal
from engine.interfaces import Branches, Listing, Tokenizer
from engine.runtime.served.dialect import Dialect, Place
from engine.runtime.served.link import Link, Refused, refused

T = TypeVar("T")

GUESSES = 64
"""The longest stream that is asked for. Each is twice as long as the one before, as long as what
the server draws is what is drawn here."""
FEW = 4
"""Ids that are asked about one by one, at a server that gives no probabilities of a prompt."""


@dataclass
class Rows:
    """Rows of ids. What may follow them is asked for when it is needed."""

    runtime: ServedRuntime
    ids: list[list[int]]
    known: torch.Tensor | None = field(default=None, repr=False)

    @property
    def rows(self) -> int:
        """The number of branches."""
        return len(self.ids)

    @property
    def length(self) -> int:
        """Tokens fed so far, the prompt included."""
        return len(self.ids[0])

    @property
    def memory(self) -> Mapping[int, int]:
        """Bytes of what is known of what follows: the server has the keys and values."""
        return {} if self.known is None else {self.known.data_ptr(): self.known.nbytes}

    @property
    def regime(self) -> int:
        """The server's own affair."""
        return 0

    @property
    def logits(self) -> torch.Tensor:
        """Log-probabilities, float32 [rows, vocabulary], -inf for what is not listed."""
        if self.known is None:
            self.known = self.runtime.following(self.ids)
        return self.known


class ServedRuntime:
    """Implements `CausalRuntime` and `WholeTexts` over a dialect."""

    reversible = False
    bytes = 0

    def __init__(
        self, link: Link, dialect: Dialect, tokenizer: Tokenizer, context: int | None
    ) -> None:
        """`context` is the server's, if it says."""
        self.vocabulary = tokenizer.vocabulary
        self.context = context
        self.link = link
        self._dialect = dialect
        self._ahead: _Ahead | None = None
        self._guesses = 1
        self._kept: tuple[tuple[int, ...], Place] | None = None
        self._thread = ThreadPoolExecutor(1, "server")
        abilities = dialect.abilities
        self.listing = Listing(abilities.listed, ranked=abilities.ranked)

    def take(self, owner: object, step: Callable[[], T]) -> Future[T]:
        """See `engine.interfaces.Remote`."""

        def taken() -> T:
            self.link.owner = owner
            return step()

        return self._thread.submit(taken)

    def leave(self, owner: object, close: Callable[[], None]) -> None:
        """See `engine.interfaces.Remote`; what the server does ahead ends too."""

        def closed() -> None:
            close()
            self.rest()

        self.link.abort(owner)
        self._thread.submit(closed)

    def empty(self) -> Rows:
        """One empty row. It has no logits."""
        return Rows(self, [[]])

    def regime(self, length: int) -> int:
        """Always 0: how positions are computed is the server's affair."""
        return 0

    def feed(self, branches: Branches, ids: Sequence[Sequence[int]], whole: int = 0) -> Rows:
        """Add ids to the rows; nothing is asked yet."""
        rows = zip(_own(branches).ids, ids, strict=True)
        return Rows(self, [[*row, *more] for row, more in rows])

    def read(
        self, branches: Branches, ids: Sequence[Sequence[int]], whole: int = 0
    ) -> tuple[Rows, torch.Tensor]:
        """Add ids; also return what the server lists after each: float32 [rows, ids, vocabulary].

        Raises:
            EngineError: as `predicted`.
        """
        parts = [self.predicted(self.select(branches, [n]), row) for n, row in enumerate(ids)]
        logits = torch.stack([torch.cat([before[1:], fed.logits]) for fed, before in parts])
        return Rows(self, [fed.ids[0] for fed, _ in parts], logits[:, -1].clone()), logits

    def predicted(self, branches: Branches, ids: Sequence[int]) -> tuple[Rows, torch.Tensor]:
        """Add ids to one row; see `engine.interfaces.WholeTexts`.

        A server that gives no probabilities of a prompt is asked what follows before each of a few
        ids, as when another token is put somewhere.

        Raises:
            EngineError: ``unable``, if it gives no probabilities of a prompt, and there are many
                ids or one that it does not list.
        """
        fed, begin = self.feed(branches, [ids]), branches.length
        if not self._dialect.abilities.prompt and len(ids) <= FEW:
            row, found = _own(branches), list[torch.Tensor]()
            for number in ids:
                found.append(row.logits[0])
                if found[-1][number] == -torch.inf:
                    raise refusal("unable", "server_not_listed", server=self.link.host)
                row = self.feed(row, [[number]])
            return row, torch.stack(found)
        ((_, places),) = self._read(fed.ids)
        logits = torch.stack(
            [
                self._laid_out(place, fed.ids[0][: begin + offset])
                for offset, place in enumerate(places[begin:])
            ]
        )
        fed.known = logits[-1:].clone()
        return fed, logits[:-1]

    def select(self, branches: Branches, rows: Sequence[int]) -> Rows:
        """Keep these rows, in this order; a row named twice is forked."""
        own = _own(branches)
        known = None if own.known is None else own.known[list(rows)]
        return Rows(self, [list(own.ids[row]) for row in rows], known)

    def crop(self, branches: Branches, length: int, logits: torch.Tensor | None = None) -> Rows:
        """Drop all tokens after the first `length`; see `CausalRuntime.crop`."""
        return Rows(self, [row[:length] for row in _own(branches).ids], logits)

    def states(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """A server gives no states.

        Raises:
            EngineError: always.
        """
        raise refusal("unable", "server_no_states", server=self.link.host)

    def figures(
        self, sequences: Sequence[Sequence[int]]
    ) -> Iterator[tuple[int, list[tuple[float, int | None, float | None]]]]:
        """The log-probability and rank of every token but the first; the entropy is not known."""
        for number, places in self._read([list(ids) for ids in sequences]):
            ids = sequences[number]
            found: list[tuple[float, int | None, float | None]] = []
            for at in range(1, len(ids)):
                place = places[at]
                row = self._laid_out(place, ids[:at])
                logprob = float(row[ids[at]])
                if place is None and logprob == -torch.inf:
                    raise refusal("unable", "server_no_prompt", server=self.link.host)
                found.append((logprob, self.rank(row, ids[at]), None))
            yield number, found

    def rank(self, row: torch.Tensor, token: int) -> int | None:
        """The rank of a token in a row, float32 [vocabulary], if the list is long enough to say."""
        rank = 1 + int((row > row[token]).sum())
        return rank if self.listing.ranked and rank <= self.listing.count else None

    def following(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """What may follow each row: float32 [rows, vocabulary], -inf for what is not listed."""
        if len(rows) == 1:
            return self._next(rows[0])[None]
        self.rest()
        return torch.stack([self._drawn_from(place) for place in self._after(rows)])

    def rest(self) -> None:
        """Let the server stop what it is doing ahead."""
        if self._ahead is not None:
            self._ahead.close()
            self._ahead = None

    def _next(self, ids: Sequence[int]) -> torch.Tensor:
        ahead = self._ahead
        if ahead is not None:
            if ahead.ids == list(ids):
                if (place := self._streamed(ahead)) is not None:
                    return self._drawn_from(place)
                self._guesses = min(2 * self._guesses, GUESSES)  # all of it was right
            else:
                self._guesses = min(1, self._guesses)
            self.rest()
        if self._guesses > 1:
            self._ahead = _Ahead(self._dialect, ids, self.listing.count, self._guesses)
            if (place := self._streamed(self._ahead)) is not None:
                return self._drawn_from(place)
            self.rest()
        (place,) = self._after([ids])
        if self._guesses > 0:
            self._ahead = _Ahead.after(ids, place)
        return self._drawn_from(place)

    def _streamed(self, ahead: _Ahead) -> Place | None:
        """The next place of a stream; None after the last, and for one that needs asking again."""
        try:
            place = ahead.place()
            return None if place is not None and place.best_hidden else place
        except Refused as error:
            raise refused(self.link, error) from error
        except EngineError as error:
            if error.event.kind != "unable":
                raise
            self._guesses = 0  # llama-server reports properly only one at a time if it speculates
            return None

    def _after(self, rows: Sequence[Sequence[int]]) -> list[Place]:
        """The place after each row."""
        try:
            places = self._dialect.following(rows, self.listing.count)
        except Refused as error:
            raise refused(self.link, error) from error
        if any(place is None for place in places):
            raise refusal("unable", "server_no_end", server=self.link.host)
        return [place for place in places if place is not None]

    def _read(self, rows: Sequence[Sequence[int]]) -> Iterator[tuple[int, list[Place | None]]]:
        if not self._dialect.abilities.prompt:
            raise refusal("unable", "server_no_prompt", server=self.link.host)
        start = self._dialect.abilities.start
        if start is not None and any(row[0] != start for row in rows):
            raise refusal("unable", "server_needs_start", server=self.link.host)
        self.rest()
        try:
            yield from self._dialect.read(rows, self.listing.count)
        except Refused as error:
            raise refused(self.link, error) from error

    def _drawn_from(self, place: Place) -> torch.Tensor:
        """A row to draw from, for which the likeliest token must be known."""
        if place.best_hidden:
            raise refusal("unable", "server_hidden", server=self.link.host)
        return self._row(place)

    def _laid_out(self, place: Place | None, before: Sequence[int]) -> torch.Tensor:
        """A row for a place of a prompt; what the server leaves out there is asked for."""
        if place is None:
            place = self._all_after(before)
        return self._row(place)

    def _all_after(self, before: Sequence[int]) -> Place:
        """As much as the server lists of what follows: llama-cpp-python says nothing of the token
        after the start token, which is the same for every text."""
        kept = tuple(before)
        if self._kept is None or self._kept[0] != kept:
            try:
                (place,) = self._dialect.following([before], self.vocabulary)
            except Refused:  # it is too many for it
                place = None
            if place is None:
                (place,) = self._after([before])
            self._kept = kept, place
        return self._kept[1]

    def _row(self, place: Place) -> torch.Tensor:
        row = torch.full((self.vocabulary,), -torch.inf)
        listed = {number: value for number, value in place.top.items() if number < self.vocabulary}
        row[list(listed)] = torch.tensor(list(listed.values()))
        if place.token is not None and place.logprob is not None and place.token < self.vocabulary:
            row[place.token] = place.logprob
        return row


def _own(branches: Branches) -> Rows:
    assert isinstance(branches, Rows)
    return branches


class _Ahead:
    """A stream of what the server draws after some ids, which are guesses of what is drawn here."""

    def __init__(self, dialect: Dialect | None, ids: Sequence[int], top: int, count: int) -> None:
        self.ids = list(ids)
        self._places = iter(()) if dialect is None else dialect.stream(ids, top, count)

    @classmethod
    def after(cls, ids: Sequence[int], place: Place) -> _Ahead:
        """A stream of one place that has been read."""
        ahead = cls(None, ids, 0, 0)
        ahead._guessed(place)
        return ahead

    def place(self) -> Place | None:
        """The next place; None after the last."""
        place = next(self._places, None)
        if place is not None:
            self._guessed(place)
        return place

    def close(self) -> None:
        """Read no more."""
        close = getattr(self._places, "close", None)
        if close is not None:
            close()

    def _guessed(self, place: Place) -> None:
        self.ids.append(-1 if place.token is None else place.token)
