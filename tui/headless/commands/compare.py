"""`tsuzuki compare`: one text under two models, and where they differ."""

from __future__ import annotations

from argparse import ArgumentParser

from engine.messages import PrecisionChoice
from tui.analysis.alignment import align
from tui.analysis.heat import bits
from tui.headless.command import TextCommand
from tui.headless.io.advice import warn
from tui.headless.io.output import Output
from tui.headless.io.reading import Reading, read
from tui.headless.io.request import model_name, read_given
from tui.headless.io.session import Session, run
from tui.headless.options import add_precision, add_text
from tui.headless.schemas.compare import ComparedModel, CompareDocument, ComparedSpan
from tui.strings import text as string
from tui.terminal.exit_codes import Exit, Failure

MOST = 10
"""Spans that `CompareDocument.greatest` names."""


class CompareCommand(TextCommand, frozen=True, kw_only=True):
    """`tsuzuki compare`, with two models; the text as in `SurprisalCommand`."""

    model: list[str]
    precision: PrecisionChoice = "exact"

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        add_text(parser, "text_or_file", "TEXT|FILE")
        parser.add_argument(
            "--model",
            metavar="M",
            action="append",
            default=[],
            help=string("cli.option.compared_model"),
        )
        add_precision(parser)

    def execute(self, output: Output) -> Exit:
        """Run the command.

        Raises:
            Failure: there are not two models, or they do not read the same text.
        """
        written = read_given(self, files=True)
        if len(self.model) != 2:
            raise Failure.usage(string("cli.two_models"))

        async def work(session: Session) -> Exit:
            models = [model_name(model) for model in self.model]
            for model in models:
                await warn(session, output, model, written)
            one, other = [await read(session, model, self.precision, written) for model in models]
            document = compare(one, other)
            if self.json:
                output.document(document)
            else:
                _print(document, output)
            return Exit.DONE

        return run(self, output, work)


def compare(one: Reading, other: Reading) -> CompareDocument:
    """Set two readings against each other.

    Raises:
        Failure: the models write the text differently, as a model without capitals does.
    """
    leads = [side.unscored.text if side.unscored else "" for side in (one, other)]
    texts = [
        lead + "".join(token.text for token in side.tokens)
        for lead, side in zip(leads, (one, other), strict=True)
    ]
    if texts[0] != texts[1]:
        raise Failure(string("cli.texts_differ"), string("cli.texts_differ_hint"))
    found = align(one.tokens, other.tokens, len(leads[1]) - len(leads[0]))
    # `align` counts from where the side that begins earlier was scored from.
    shift = min(map(len, leads))
    spans = [
        ComparedSpan(
            start=part.start + shift,
            end=part.end + shift,
            text=texts[0][part.start + shift : part.end + shift],
            bits=(bits(part.nats[0]), bits(part.nats[1])),
            difference=bits(part.difference),
        )
        for part in found
    ]
    order = sorted(range(len(spans)), key=lambda number: -abs(spans[number].difference))
    return CompareDocument(
        models=[
            ComparedModel(
                model=side.model,
                bos=side.start,
                tokens=len(side.tokens),
                bits=bits(side.nats),
                revision=side.revision,
                precision=side.precision,
                weights=side.weights,
            )
            for side in (one, other)
        ],
        spans=spans,
        greatest=order[:MOST],
    )


def _print(document: CompareDocument, output: Output) -> None:
    """Print the two models, then the spans in the text's order."""
    for side, model in zip("AB", document.models, strict=True):
        start = model.bos or string("cli.no_start")
        figures = string("cli.compared", tokens=model.tokens, bits=f"{model.bits:.2f}", start=start)
        output.line(f"{side}  {model.model}  {figures}")
    output.line("\n" + string("cli.compared_spans"))
    for span in document.spans:
        one, other = span.bits
        output.line(f"{one:9.2f} {other:9.2f} {span.difference:+9.2f}  {span.text!r}")
