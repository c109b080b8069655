"""Scoring a text of any length with a causal model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from engine.messages import (
    GREEDY,
    BranchDone,
    Continue,
    Piece,
    PrecisionChoice,
    Started,
    Token,
    Tokenize,
    Tokens,
)
from tui.headless.io.session import Session
from tui.strings import text as string
from tui.terminal.exit_codes import Exit, Failure


@dataclass
class Reading:
    """A text as a model scored it."""

    model: str
    written: str
    """The text as it was given, in which places of tokens count."""
    revision: str = ""
    precision: str = ""
    weights: str = ""
    start: str | None = None
    """The token that the text was read after; None where there was none."""
    pieces: list[Piece] = field(default_factory=list)
    """All tokens of the text, with their places in it."""
    unscored: Piece | None = None
    """The text's first token, where nothing came before it."""
    tokens: list[Token] = field(default_factory=list)
    after: float | None = None
    """How likely a new word begins after the last token, where that was asked for."""
    windows: int = 1
    """How many pieces the text was read in; each begins with half a context of what came before."""

    @property
    def nats(self) -> float:
        """The surprisal of all tokens that were scored."""
        return -sum(token.logprob for token in self.tokens)


async def read(
    session: Session,
    model: str,
    precision: PrecisionChoice,
    written: str,
    *,
    start: bool = True,
    boundaries: bool = False,
    on_progress: Callable[[int, int], None] = lambda done, of: None,
) -> Reading:
    """Read a text after the model's start token, where it has one and `start` asks for it.

    `on_progress` gets the number of tokens read and their total.

    Raises:
        Failure: the text is empty, or the engine refused.
    """
    if not written:
        raise Failure(string("cli.nothing_to_read"), code=Exit.USAGE, of_text=True)
    cut = await session.ask(Tokenize(model=model, text=written), Tokens)
    special = [piece for piece in cut.tokens if piece.special and piece.start is None]
    ids = [piece.id for piece in cut.tokens[len(special) :]]
    prompt = [piece.id for piece in special] if start else []
    if not start:
        prompt, ids = ids[:1], ids[1:]
    context = await _context(session, model, [*prompt, *ids])
    room = len(ids) if context is None else context - max(1, len(prompt))
    reading = Reading(model=model, written=written, pieces=cut.tokens[len(special) :])
    done = 0
    while done < len(ids) or not done:
        size = room // 2 if done else room
        before = ids[max(0, done - (room - size)) : done] if done else prompt
        part = ids[done : done + size]
        request = Continue(
            model=model,
            prompt=before,
            begin=part,
            sampling=GREEDY,
            max_tokens=0,
            top=0,
            precision=precision,
            boundaries=boundaries,
        )
        reading.windows += done > 0
        await _add(reading, session.events(request), first=not done)
        done += len(part)
        if not part:
            break
        on_progress(done, len(ids))
    if not start or reading.start is None:
        reading.unscored = next(iter(reading.pieces), None)
    return reading


async def _add(reading: Reading, events: AsyncIterator[object], *, first: bool) -> None:
    """Add the answer to one request."""
    async for event in events:
        match event:
            case Started() if first:
                reading.revision = event.revision
                reading.precision, reading.weights = event.precision, event.weights
                piece = event.prompt_tokens[0]
                if piece.special:
                    reading.start = piece.piece
            case Token():
                reading.tokens.append(event)
            case BranchDone():
                reading.after = event.boundary


async def _context(session: Session, model: str, ids: list[int]) -> int | None:
    """The context length of a model in tokens, which is reported once it is loaded."""
    probe = Continue(model=model, prompt=ids[:1], sampling=GREEDY, max_tokens=0)
    return (await session.ask(probe, Started)).context
