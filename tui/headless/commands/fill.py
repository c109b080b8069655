"""`tsuzuki fill`: words for the masks of a text."""

from __future__ import annotations

import math
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import get_args

import msgspec
from msgspec import structs

from engine.messages import (
    MASK,
    Fill,
    FillResult,
    JointMethod,
    MaskFill,
    PrecisionChoice,
    WordScore,
)
from tui.headless.command import ShardedCommand
from tui.headless.commands import fill_table
from tui.headless.io import tables
from tui.headless.io.advice import warn
from tui.headless.io.masking import masked
from tui.headless.io.output import Output
from tui.headless.io.request import given, pane_model, read_given, validated
from tui.headless.io.session import Session, run
from tui.headless.io.word_list import read_words
from tui.headless.options import (
    add_model,
    add_number,
    add_precision,
    add_shards,
    add_text,
)
from tui.headless.schemas.fill import FillDocument, JointDocument, WordDocument
from tui.render.weights import form, plain
from tui.strings import text
from tui.terminal.exit_codes import Exit
from tui.terminal.units import percent


class FillCommand(ShardedCommand, frozen=True, kw_only=True):
    """`tsuzuki fill`; `mask` holds the numbers of the words to hide, from 1."""

    model: str | None = None
    precision: PrecisionChoice = "exact"
    top: int | None
    mask: list[int]
    words: str | None
    pieces: int | None
    joint: list[JointMethod]

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        add_text(parser, "masked_text")
        add_model(parser, "fill")
        add_precision(parser)
        parser.add_argument("--top", type=int, metavar="K", help=text("cli.option.candidates"))
        parser.add_argument(
            "--mask",
            type=int,
            metavar="N",
            action="append",
            default=[],
            help=text("cli.option.mask"),
        )
        parser.add_argument("--words", metavar="LIST|FILE", help=text("cli.option.words"))
        add_number(parser, "--pieces", int, "N")
        parser.add_argument(
            "--joint",
            metavar="METHOD",
            choices=get_args(JointMethod),
            action="append",
            default=[],
            help=text("cli.option.joint"),
        )
        tables.add_column(parser)
        tables.add_outputs(parser)
        add_shards(parser)

    def execute(self, output: Output) -> Exit:
        if self.tabular:
            # The numbers of the command line are looked at once, before any row.
            request = build(structs.replace(self, mask=[]), MASK)
            return fill_table.execute(self, self.mask, request, output)
        request = build(self, read_given(self))

        async def work(session: Session) -> Exit:
            await warn(session, output, request.model, request.text)
            result = await session.ask(request, FillResult)
            if self.json:
                output.document(_document(result))
            else:
                _print(result, output)
            return Exit.DONE

        return run(self, output, work)


def build(command: FillCommand, given_text: str) -> Fill:
    """The request that a command line means.

    Raises:
        Failure: there is no mask, no such word or none asked for, or a number is out of range.
    """
    with_masks, hidden = masked(given_text, command.mask)
    asked = None if command.words is None else read_words(command.words)
    fields = given(top=command.top, words=asked, pieces=command.pieces)
    return validated(
        Fill,
        {
            **fields,
            "model": pane_model(command, command.model, "fill"),
            "precision": command.precision,
            "text": with_masks,
            "hidden": hidden,
            "joint_methods": command.joint,
        },
    )


def _document(result: FillResult) -> FillDocument:
    added = {
        kind: [
            WordDocument(
                text=word.text,
                pieces=len(word.ids),
                logprob=word.logprob,
                rank=word.rank,
                mask=number,
            )
            for number, mask in enumerate(result.masks, start=1)
            for word in (mask.words if kind == "words" else mask.whole)
        ]
        for kind in ("words", "whole")
    }
    joint = [
        JointDocument(
            words=filling.words,
            logprob=filling.logprob,
            ratio=filling.ratio,
            method=each.method if len(result.joint) > 1 else None,
        )
        for each in result.joint
        for filling in each.fillings
    ]
    fields = {**structs.asdict(result), **added, "joint": joint}
    return msgspec.convert(fields, FillDocument, from_attributes=True)


def _print(result: FillResult, output: Output) -> None:
    if not plain(result):
        output.note(text("cli.ran_in", model=result.model, form=form(result)))
    if result.method == "causal":
        output.note(text("cli.fill_causal", model=result.model, pool=result.pool))
    for number, mask in enumerate(result.masks, start=1):
        if len(result.masks) > 1:
            heading = text("cli.mask_heading", number=number, position=mask.position)
            output.line(("" if number == 1 else "\n") + heading)
        _print_mask(mask, output)
        _print_words(text("cli.asked_words"), mask.words, output)
        _print_words(text("cli.whole_words"), mask.whole, output)
    for joint in result.joint:
        output.line("\n" + text("cli.joint_heading", method=joint.method))
        output.line(text("cli.joint_header" if joint.method != "hcb" else "cli.hcb_header"))
        for filling in joint.fillings:
            ratio = "" if filling.ratio is None else f"  {filling.ratio:>+10.4f}"
            output.line(f"{filling.logprob:>10.4f}{ratio}  {'  '.join(filling.words)}")


def _print_words(heading: str, scored: Sequence[WordScore], output: Output) -> None:
    if scored:
        output.line(f"\n{heading}")
    for word in sorted(scored, key=_logprob, reverse=True):
        if word.logprob is None or word.rank is None:
            output.line(f"{'-':>4}  {'-':>10}  {word.text}  ({text('cli.word_unspelt')})")
        else:
            output.line(f"{word.rank:>4}  {word.logprob:>10.4f}  {word.text}")


def _logprob(word: WordScore) -> float:
    return -math.inf if word.logprob is None else word.logprob


def _print_mask(mask: MaskFill, output: Output) -> None:
    for rank, candidate in enumerate(mask.candidates, start=1):
        output.line(f"{rank:>4}  {percent(candidate.prob, 8)}  {candidate.text}")
    hidden = mask.hidden
    if hidden is None:
        return
    if hidden.prob is None or hidden.rank is None:
        output.line(text("cli.hidden_pieces", word=hidden.word, pieces=hidden.pieces))
    else:
        output.line(
            f"{hidden.rank:>4}  {percent(hidden.prob, 8)}  {hidden.word}  {text('cli.hidden')}"
        )
