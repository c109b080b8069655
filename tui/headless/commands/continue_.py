"""`tsuzuki continue`: a continuation, streamed as plain text or printed as one JSON document."""

from __future__ import annotations

import math
from argparse import ArgumentParser
from contextlib import aclosing

import msgspec

from engine.messages import (
    GREEDY,
    BranchDone,
    Continue,
    NBest,
    NBestResult,
    PrecisionChoice,
    Progress,
    Sampling,
    Token,
    Turn,
)
from tui.cards import Branch, ContinueCard
from tui.headless.command import TextCommand
from tui.headless.io.advice import warn
from tui.headless.io.output import Output
from tui.headless.io.request import given, pane_model, read_given, validated
from tui.headless.io.session import Session, run
from tui.headless.options import add_model, add_number, add_precision, add_text
from tui.headless.schemas.continue_ import (
    BranchDocument,
    ContinueDocument,
    NBestDocument,
    TimingDocument,
)
from tui.render.facts import facts
from tui.strings import text
from tui.terminal.exit_codes import Exit, Failure
from tui.terminal.sanitise import UNICODE

ALTERNATIVES = 5
"""For each token of a document, unless more or fewer are asked for."""


class ContinueCommand(TextCommand, frozen=True, kw_only=True):
    """`tsuzuki continue`. None leaves a value to its default."""

    model: str | None = None
    precision: PrecisionChoice = "exact"
    max_tokens: int | None
    temperature: float | None
    top_k: int | None
    top_p: float | None
    min_p: float | None
    typical_p: float | None
    repetition_penalty: float | None
    seed: int | None
    branches: int | None
    stop: list[str]
    top: int | None
    nbest: int | None
    greedy: bool
    chat: bool
    system: str | None

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        add_text(parser)
        add_model(parser, "continue")
        add_precision(parser)
        add_number(parser, "--max-tokens", int, "N")
        drawing = parser.add_mutually_exclusive_group()
        drawing.add_argument("--greedy", action="store_true", help=text("cli.option.greedy"))
        drawing.add_argument(
            "--temperature", type=float, metavar="T", help=text("cli.option.temperature")
        )
        add_number(parser, "--top-k", int, "K")
        add_number(parser, "--top-p", float, "P")
        add_number(parser, "--min-p", float, "P")
        add_number(parser, "--typical-p", float, "P")
        add_number(parser, "--repetition-penalty", float, "R")
        add_number(parser, "--seed", int, "S")
        parser.add_argument(
            "--n", type=int, metavar="B", dest="branches", help=text("cli.option.branches")
        )
        parser.add_argument(
            "--stop", metavar="STR", action="append", default=[], help=text("cli.option.stop")
        )
        add_number(parser, "--top", int, "A")
        add_number(parser, "--nbest", int, "N")
        parser.add_argument("--chat", action="store_true", help=text("cli.option.chat"))
        parser.add_argument("--system", metavar="TEXT", help=text("cli.option.system"))

    def execute(self, output: Output) -> Exit:
        import asyncio

        prompt = read_given(self)
        request = build(self, prompt)
        search = None if self.nbest is None else _search(self, request)

        async def work(session: Session) -> Exit:
            await warn(session, output, request.model, prompt)
            card = ContinueCard(request=request, prompt=prompt)
            printer = None if self.json else BranchPrinter(output, request.branches)
            try:
                async with aclosing(session.events(request)) as events:
                    async for event in events:
                        card.fold(event)
                        if printer is not None and isinstance(event, Token):
                            printer.add(event.branch, event.text)
                        elif printer is not None and isinstance(event, BranchDone):
                            printer.end(event.branch, event.tail)
            except asyncio.CancelledError:
                _cancel(card)
                _conclude(card, printer, output)
                raise
            likeliest = None if search is None else await _likeliest(search, session, output)
            _conclude(card, printer, output, likeliest)
            return Exit.DONE

        return run(self, output, work)


def build(command: ContinueCommand, prompt: str) -> Continue:
    """The request that a command line means.

    Raises:
        Failure: an option is out of range, or lacks the option that it belongs to.
    """
    if command.system is not None and not command.chat:
        raise Failure.usage(text("cli.system_needs_chat"))
    if command.nbest is not None and command.chat:
        raise Failure.usage(text("cli.nbest_no_chat"))
    system = [] if command.system is None else [Turn("system", command.system)]
    greedy = command.greedy or command.temperature == 0
    sampling = given(
        temperature=command.temperature,
        top_k=command.top_k,
        top_p=command.top_p,
        min_p=command.min_p,
        typical_p=command.typical_p,
        repetition_penalty=command.repetition_penalty,
        seed=command.seed,
    )
    fields = given(
        max_tokens=command.max_tokens,
        branches=command.branches,
        top=command.top,
    )
    return validated(
        Continue,
        {
            "top": ALTERNATIVES if command.json else 0,
            **fields,
            "model": pane_model(command, command.model, "continue"),
            "precision": command.precision,
            "prompt": prompt,
            "chat": system if command.chat else None,
            "sampling": {**msgspec.structs.asdict(GREEDY if greedy else Sampling()), **sampling},
            "stop": command.stop,
        },
        branches="--n",
    )


def _search(command: ContinueCommand, request: Continue) -> NBest:
    """The request for the likeliest continuations of the same prompt.

    Raises:
        Failure: an option is out of range.
    """
    fields = given(
        model=request.model,
        prompt=request.prompt,
        n=command.nbest,
        precision=request.precision,
        max_tokens=command.max_tokens,
    )
    return validated(NBest, fields, n="--nbest", max_tokens=text("cli.nbest_tokens"))


def _cancel(card: ContinueCard) -> None:
    """Give every branch that was still being written, or not begun, its end."""
    card.status = "cancelled"
    missing = card.request.branches - len(card.branches)
    card.branches += [Branch() for _ in range(missing)]
    for branch in card.branches:
        branch.finish = branch.finish or "cancelled"


async def _likeliest(request: NBest, session: Session, output: Output) -> NBestResult:
    """Search for the likeliest continuations."""
    found: NBestResult | None = None
    async for event in session.events(request):
        if isinstance(event, Progress):
            output.status(text("cli.searching"), f"{event.done}/{event.total}")
        elif isinstance(event, NBestResult):
            found = event
    if found is None:
        raise Failure(text("cli.no_answer"))
    return found


def _conclude(
    card: ContinueCard,
    printer: BranchPrinter | None,
    output: Output,
    likeliest: NBestResult | None = None,
) -> None:
    """Write the rest after the last event."""
    if printer is None:
        output.document(_document(card, likeliest))
    else:
        printer.close()
        if likeliest is not None:
            for path in likeliest.paths:
                output.line(f"{path.logprob:9.4f}  {path.text!r}")
            key = "cli.nbest_summary" if likeliest.complete else "cli.nbest_incomplete"
            mass = f"{_mass(likeliest):.2%}"
            output.line(text(key, n=len(likeliest.paths), mass=mass))
        output.note("".join(span.text for span in facts(card, UNICODE, note="", speed=None)))


def _mass(likeliest: NBestResult) -> float:
    """The probability of all the paths together."""
    return math.fsum(math.exp(path.logprob) for path in likeliest.paths)


def _document(card: ContinueCard, likeliest: NBestResult | None) -> ContinueDocument:
    # The engine times what it finishes; a cancelled request has no times.
    timing = card.timing if card.status == "done" else TimingDocument()
    return ContinueDocument(
        model=card.request.model,
        prompt=card.prompt,
        prompt_tokens=card.prompt_tokens,
        branches=msgspec.convert(card.branches, list[BranchDocument], from_attributes=True),
        seed=card.seed,
        timing=msgspec.convert(timing, TimingDocument, from_attributes=True),
        revision=card.revision,
        precision=card.precision,
        weights=card.weights,
        context=card.context,
        dropped_turns=card.dropped_turns,
        fed=card.fed,
        nbest=None
        if likeliest is None
        else [NBestDocument(path.text, path.logprob, path.ids) for path in likeliest.paths],
        mass=None if likeliest is None else _mass(likeliest),
        complete=None if likeliest is None else likeliest.complete,
    )


class BranchPrinter:
    """Streams branches one below the other, though their tokens come interleaved.

    The first branch streams as it comes; what comes meanwhile for the others waits its turn.
    """

    def __init__(self, output: Output, branches: int) -> None:
        self._output = output
        self._waiting: list[list[str]] = [[] for _ in range(branches)]
        self._ended = [False] * branches
        self._current = 0
        self._headed = branches == 1

    def add(self, branch: int, part: str) -> None:
        """Add a part of a branch's text."""
        self._waiting[branch].append(part)
        self._catch_up()

    def end(self, branch: int, tail: str) -> None:
        """End a branch; `tail` is the last of its text."""
        self._waiting[branch].append(tail)
        self._ended[branch] = True
        while self._current < len(self._ended) and self._ended[self._current]:
            self._catch_up()
            self._turn()

    def close(self) -> None:
        """Write what waits, of branches that never ended too."""
        while self._current < len(self._ended):
            if self._waiting[self._current]:
                self._catch_up()
            self._turn()

    def _catch_up(self) -> None:
        """Write what has come for the branch whose turn it is."""
        parts = self._waiting[self._current]
        if parts and not self._headed:
            # Not before there is something to head: a failure leaves standard output empty.
            heading = text("cli.branch", number=self._current + 1, total=len(self._ended))
            self._output.line(heading if self._current == 0 else f"\n{heading}")
            self._headed = True
        self._output.write("".join(parts))
        parts.clear()

    def _turn(self) -> None:
        self._output.end_line()
        self._current += 1
        self._headed = len(self._ended) == 1
