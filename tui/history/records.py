"""What the session file holds, as values: summaries, whole sessions, cards ready to be written."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
from msgspec import Struct

from engine.messages import Token
from tui.cards import Branch, Card, ContinueCard, Pane, Status
from tui.cards.drafts import Draft

_T = TypeVar("_T")

_encoder = msgspec.msgpack.Encoder()
card_decoder: msgspec.msgpack.Decoder[Card] = msgspec.msgpack.Decoder(Card)
token_decoder = msgspec.msgpack.Decoder(list[Token])
draft_decoder = msgspec.msgpack.Decoder(Draft)

_AROUND = 16
"""Characters of a snippet before what was found; after it there are twice as many."""

GAP = "\N{REPLACEMENT CHARACTER}"
"""Takes the place of lost tokens."""


class Unreadable(Exception):
    """Damaged, or written by a later version."""


def encode(value: object) -> bytes:
    """A value as it is stored. What no UTF-8 can hold, half a surrogate pair, becomes "?"."""
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return _encoder.encode(_storable(msgspec.to_builtins(value)))


def storable(written: str) -> str:
    """A text with "?" for what no UTF-8 can hold."""
    return written.encode("utf-8", "replace").decode("utf-8")


def _storable(value: object) -> object:
    match value:
        case str():
            return storable(value)
        case dict():
            return {_storable(name): _storable(each) for name, each in value.items()}
        case list() | tuple():
            return [_storable(each) for each in value]
        case _:
            return value


def decode(decoder: msgspec.msgpack.Decoder[_T], data: object) -> _T:
    """A value from what was stored. A wrong byte within a text costs that character alone.

    Raises:
        Unreadable: more than that is wrong.
    """
    while isinstance(data, bytes):
        try:
            return decoder.decode(data)
        except UnicodeDecodeError as error:
            mended = bytearray(error.object)
            mended[error.start : error.end] = b"?" * (error.end - error.start)
            data = data.replace(error.object, bytes(mended), 1)
        except (msgspec.DecodeError, ValueError, OverflowError, RecursionError) as error:
            raise Unreadable from error
    raise Unreadable


class Summary(Struct, frozen=True, kw_only=True):
    """One line of the list of sessions."""

    id: str
    name: str
    """The user's name for it, or how its first prompt begins."""
    created: float
    updated: float
    cards: int
    held: bool
    """True while another running app has it open."""
    hit: str = ""
    """The id of the first card that holds what was searched for."""
    snippet: str = ""
    """That place with what is around it, in the form that is searched."""


@dataclass
class Session:
    """A session as it was left."""

    id: str
    name: str = ""
    created: float = 0.0
    drafts: dict[Pane, Draft] = field(default_factory=dict)
    cards: list[Card] = field(default_factory=list)
    mended: set[str] = field(default_factory=set)
    """The ids of cards that have lost tokens."""
    unreadable: int = 0
    """Cards and drafts that cannot be read; they stay in the file."""


@dataclass(frozen=True)
class Chunk:
    """Tokens of one branch, from the `start`-th on."""

    branch: int
    start: int
    data: bytes


@dataclass(frozen=True)
class Snapshot:
    """A card ready to be written, with only the tokens that are not in the file yet."""

    id: str
    pane: Pane
    created: float
    status: Status
    wrote: str
    folded: str
    data: bytes
    chunks: tuple[Chunk, ...]

    @classmethod
    def of(cls, card: Card, saved: Sequence[int] = ()) -> Snapshot:
        """Take a card's state; `saved` counts the tokens of each branch that are in the file."""
        bare, chunks = card, []
        if isinstance(card, ContinueCard):
            counts = [*saved, *[card.shared] * len(card.branches)]
            chunks = [
                Chunk(i, counts[i], encode(branch.tokens[counts[i] :]))
                for i, branch in enumerate(card.branches)
                if len(branch.tokens) > counts[i]
            ]
            branches = [msgspec.structs.replace(branch, tokens=[]) for branch in card.branches]
            bare = msgspec.structs.replace(card, branches=branches)
        # While it runs, its answer is not searched for: folding it anew each time would be work
        # that grows with the text.
        answer = "" if card.status == "running" else card.answer
        return cls(
            card.id,
            card.pane,
            card.created,
            card.status,
            storable(card.wrote),
            storable(fold(f"{card.wrote}\n{answer}")),
            encode(bare),
            tuple(chunks),
        )


def fold(written: str) -> str:
    """A text in the form it is searched in: without case, and without the widths of letters."""
    return unicodedata.normalize("NFKC", written).casefold()


def snippet(folded: str, needle: str) -> str:
    """A place in a text and what is around it, on one line."""
    at = folded.find(needle)
    start, end = max(0, at - _AROUND), at + len(needle) + 2 * _AROUND
    cut = " ".join(folded[start:end].split())
    return f"{'…' if start else ''}{cut}{'…' if end < len(folded) else ''}"


def token_counts(card: Card) -> list[int]:
    """How many tokens each branch of a card has."""
    return [len(b.tokens) for b in card.branches] if isinstance(card, ContinueCard) else []


def join(card: ContinueCard, chunks: Iterable[tuple[int, int, object]]) -> bool:
    """Put the tokens of chunks (branch, start, data) back into a card; False if some are lost.

    The text that comes after a gap is kept before the branch's tail: nothing that can be read is
    left out, and no figure is given for a token out of its place.
    """
    stray: dict[int, str] = {}
    for number, start, data in chunks:
        if not card.branches:
            card.branches.append(Branch())
        at = max(0, min(number, len(card.branches) - 1))
        branch = card.branches[at]
        try:
            tokens = decode(token_decoder, data)
        except Unreadable:
            stray.setdefault(at, GAP)
            continue
        if at == number and at not in stray and start == card.shared + len(branch.tokens):
            branch.tokens.extend(tokens)
        else:
            stray[at] = stray.get(at, GAP) + "".join(token.text for token in tokens)
    for at, written in stray.items():
        card.branches[at].tail = written + card.branches[at].tail
    return not stray
