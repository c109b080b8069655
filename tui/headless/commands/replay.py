"""`tsuzuki replay`: makes the continuations of a session again and reports differences."""

from __future__ import annotations

from argparse import ArgumentParser

import msgspec
from msgspec import Struct

from tui.cards import Card, ContinueCard
from tui.cards.replay import Replay, replay, request
from tui.files import paths
from tui.headless.command import Subcommand
from tui.headless.io.output import Output
from tui.headless.io.request import read_file
from tui.headless.io.session import Session, run
from tui.strings import text
from tui.terminal.exit_codes import Exit, Failure


class _Export(msgspec.Struct, frozen=True):
    """What counts of an exported session."""

    cards: list[Card]


class ReplayDocument(Struct, frozen=True, kw_only=True):
    """A line of `tsuzuki replay --json`: a continuation that was made again.

    Where it differs, `branch` and `token` (from 0) name the first difference.
    """

    card: str
    model: str
    prompt: str
    same: bool
    revision: str
    revision_now: str
    branch: int | None
    token: int | None
    was: str | None
    now: str | None
    error: str | None


class ReplayCommand(Subcommand, frozen=True, kw_only=True):
    """`tsuzuki replay`: of an exported session, or of the one used last."""

    file: str | None

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", nargs="?", help=text("cli.option.exported"))

    def execute(self, output: Output) -> Exit:
        """A card that comes out differently makes the exit code 1."""
        cards = _exported(self.file) if self.file is not None else _latest()
        texts = [card for card in cards if isinstance(card, ContinueCard) and card.branches]
        if not texts:
            raise Failure.usage(text("cli.nothing_to_replay"))

        async def work(session: Session) -> Exit:
            exit_code = Exit.DONE
            for number, card in enumerate(texts, 1):
                output.status(text("cli.replaying"), f"{number}/{len(texts)}")
                try:
                    found = await replay(card, session.events(request(card)))
                except Failure as failure:
                    found = Replay("", None)
                    document = _describe(card, found, error=failure.message)
                else:
                    document = _describe(card, found)
                if not document.same:
                    exit_code = Exit.FAILED
                if self.json:
                    output.document(document)
                else:
                    output.line(_line(document))
            return exit_code

        return run(self, output, work)


def _exported(file: str) -> list[Card]:
    """The cards of a session that was exported as JSON.

    Raises:
        Failure: it cannot be read, or is no such file (exit code 2).
    """
    try:
        return msgspec.json.decode(read_file(file), type=_Export).cards
    except msgspec.DecodeError as error:
        raise Failure.usage(text("cli.no_export", file=file), text("cli.no_export_hint")) from error


def _latest() -> list[Card]:
    """The cards of the session used last.

    Raises:
        Failure: there is none.
    """
    from tui.history.database import Database

    if not paths.history_file().is_file():
        raise Failure.usage(text("cli.nothing_to_replay"))
    database = Database(paths.history_file())
    try:
        latest = database.latest()
        session = None if latest is None else database.session(latest)
    finally:
        database.close()
    return [] if session is None else session.cards


def _describe(card: ContinueCard, found: Replay, error: str | None = None) -> ReplayDocument:
    difference = found.difference
    return ReplayDocument(
        card=card.id,
        model=card.request.model,
        prompt=card.wrote,
        same=found.same and error is None,
        revision=card.revision,
        revision_now=found.revision,
        branch=None if difference is None else difference.branch,
        token=None if difference is None else difference.at,
        was=difference.was.text if difference and difference.was else None,
        now=difference.now.text if difference and difference.now else None,
        error=error,
    )


def _line(document: ReplayDocument) -> str:
    prompt = " ".join(document.prompt.split())[:40]
    if document.error is not None:
        outcome = document.error
    elif document.same:
        outcome = text("replay.same")
    else:
        outcome = text(
            "replay.differs",
            branch=(document.branch or 0) + 1,
            token=(document.token or 0) + 1,
            was=repr(document.was),
            now=repr(document.now),
        )
    if document.revision_now not in ("", document.revision):
        outcome += text("replay.revision", was=document.revision, now=document.revision_now)
    return f"{document.model}  {prompt!r}  {outcome}"
