"""What the session file holds, as values: summaries, whole sessions, cards ready to be written."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

from engine.messages import Token
from tui.cards import Card, ContinueCard, Pane, Status
from tui.drafts import Draft

encode = msgspec.msgpack.Encoder().encode
decode_card: msgspec.msgpack.Decoder[Card] = msgspec.msgpack.Decoder(Card)
decode_tokens = msgspec.msgpack.Decoder(list[Token])
decode_draft = msgspec.msgpack.Decoder(Draft)


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


@dataclass
class Session:
    """A session as it was left."""

    id: str
    name: str = ""
    created: float = 0.0
    drafts: dict[Pane, Draft] = field(default_factory=dict)
    cards: list[Card] = field(default_factory=list)
    unreadable: int = 0
    """Cards and drafts that this version cannot read; they stay in the file."""


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
            card.wrote,
            fold(f"{card.wrote}\n{answer}"),
            encode(bare),
            tuple(chunks),
        )


def fold(written: str) -> str:
    """A text in the form it is searched in: without case, and without the widths of letters."""
    return unicodedata.normalize("NFKC", written).casefold()


def token_counts(card: Card) -> list[int]:
    """How many tokens each branch of a card has."""
    return [len(b.tokens) for b in card.branches] if isinstance(card, ContinueCard) else []
