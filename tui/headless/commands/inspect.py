"""`tsuzuki inspect`: what happens inside a model on one text."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

from msgspec import structs

from engine.messages import (
    MASK,
    AttentionRows,
    Attribution,
    Event,
    LensCell,
    LensLayer,
    LookInside,
    Opened,
    Piece,
    Progress,
    Role,
    ShowAttention,
    ShowAttribution,
    ShowLens,
    ShowTensors,
    Tensor,
    Tokenize,
    Tokens,
)
from tui.export import svg
from tui.files import paths
from tui.headless.command import Subcommand
from tui.headless.io.advice import warn
from tui.headless.io.output import Output
from tui.headless.io.request import given, pane_model, read_file, read_text, validated
from tui.headless.io.session import Session, run
from tui.headless.options import add_literal_sides
from tui.headless.schemas.inspect import (
    AttentionInside,
    AttributionFigures,
    AttributionInside,
    InspectedToken,
    LensInside,
    TensorShape,
    TensorsInside,
    TokensInside,
)
from tui.render.inside.view import layer_name
from tui.strings import listed, text
from tui.terminal.exit_codes import Exit, Failure

What = Literal["tokens", "tensors", "attention", "lens", "attribution"]
T = TypeVar("T")


class InspectCommand(Subcommand, frozen=True, kw_only=True):
    """`tsuzuki inspect`: one text or two, and a question."""

    text: str | None
    second: str | None
    literal: list[str]
    """With --text: one or both texts as they are."""
    file: str | None
    model: str | None = None
    what: What
    layer: int | None
    head: int | None
    position: int | None
    words: str | None
    ablate: list[str]
    svg: str | None

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        parser.add_argument("text", metavar="TEXT", nargs="?", help=text("cli.option.text"))
        parser.add_argument("second", metavar="TEXT_B", nargs="?", help=text("cli.option.second"))
        add_literal_sides(parser)
        parser.add_argument("--file", metavar="FILE", help=text("cli.option.text_file"))
        parser.add_argument("--model", metavar="M", help=text("cli.option.inspect_model"))
        parser.add_argument(
            "--what", choices=get_args(What), default="tokens", help=text("cli.option.what")
        )
        parser.add_argument("--layer", type=int, metavar="L", help=text("cli.option.layer"))
        parser.add_argument("--head", type=int, metavar="H", help=text("cli.option.head"))
        parser.add_argument("--position", type=int, metavar="P", help=text("cli.option.position"))
        parser.add_argument("--words", metavar="A,B", help=text("cli.option.words_ab"))
        parser.add_argument(
            "--ablate", metavar="L.H", action="append", default=[], help=text("cli.option.ablate")
        )
        parser.add_argument("--svg", metavar="FILE", help=text("cli.option.svg"))

    def execute(self, output: Output) -> Exit:
        if self.svg is not None and self.what in ("tokens", "tensors"):
            raise Failure.usage(text("cli.svg_of"), text("cli.svg_of_hint"))
        request = build(self, *_texts(self))
        if self.what != "attention" and (self.layer is not None or self.head is not None):
            output.note(text("cli.layer_unused"))

        async def work(session: Session) -> Exit:
            written = [str(request.text), *filter(None, [request.second])]
            await warn(session, output, request.model, *written)
            if self.what == "tokens" and request.second is None and not self.ablate:
                cut = await session.ask(Tokenize(model=request.model, text=written[0]), Tokens)
                _write(self, _tokens(self, cut.model, cut.tokens), output)
                return Exit.DONE
            _write(self, _shown(self, await _ask(session, request, output)), output)
            return Exit.DONE

        return run(self, output, work)


# ----------------------------------------------------------------------- the request


def _texts(command: InspectCommand) -> tuple[str, str | None]:
    """One text or two, from wherever they are given.

    Raises:
        Failure: there is none or too many, or one cannot be taken as a text.
    """
    ways = [command.text is not None, bool(command.literal), command.file is not None]
    if sum(ways) != 1 or len(command.literal) > 2:
        raise Failure.usage(text("cli.no_text"), text("cli.no_text_hint"))
    if command.file is not None:
        return read_file(command.file), None
    if command.text is None:
        first, *second = command.literal
        return first, second[0] if second else None
    if command.text == command.second == "-":
        raise Failure.usage(text("cli.one_stdin"))
    hint = text("cli.looks_named_hint", text=command.text)
    first = read_text(command.text, "TEXT", hint)
    if command.second is None:
        return first, None
    return first, read_text(command.second, "TEXT_B", text("cli.side_named_hint"))


def build(command: InspectCommand, first: str, second: str | None) -> LookInside:
    """The request that a command line means.

    Raises:
        Failure: a number is out of range, or a head or a pair of words cannot be understood.
    """
    role: Role = "score" if second is not None else "fill" if MASK in first else "continue"
    fields = given(
        model=pane_model(command, command.model, role),
        text=first,
        second=second,
        change={"heads": [_head(head) for head in command.ablate]},
    )
    match command.what:
        case "tokens" | "tensors":
            return validated(ShowTensors, {**fields, **given(position=command.position)})
        case "attention":
            place = {"layer": command.layer or 0, "head": command.head or 0}
            return validated(ShowAttention, {**fields, **place})
        case "lens":
            return validated(ShowLens, {**fields, **given(position=command.position)})
        case "attribution":
            a, b = (None, None) if command.words is None else _two_words(command.words)
            asked = given(position=command.position, a=a, b=b)
            return validated(ShowAttribution, {**fields, **asked})


def _head(written: str) -> tuple[int, int]:
    layer, dot, head = written.partition(".")
    if not (dot and layer.isdecimal() and head.isdecimal()):
        raise Failure.usage(text("cli.bad_head", head=written), text("cli.bad_head_hint"))
    return int(layer), int(head)


def _two_words(written: str) -> tuple[str, str]:
    words = [word.strip() for word in written.split(",")]
    if len(words) != 2 or not all(words):
        raise Failure.usage(text("cli.bad_words", words=written), text("cli.bad_words_hint"))
    return words[0], words[1]


# ------------------------------------------------------------------------ the answer


@dataclass(frozen=True)
class Shown:
    """An answer in each of its forms."""

    document: TokensInside
    lines: list[str]
    picture: str = ""


async def _ask(session: Session, request: LookInside, output: Output) -> list[Event]:
    events: list[Event] = []
    async for event in session.events(request):
        if isinstance(event, Progress):
            output.status(text("cli.inspecting"), f"{event.done}/{event.total}")
        elif isinstance(event, LensLayer | Tensor):
            output.status(text("cli.inspecting"))
        events.append(event)
    return events


def _of(events: Sequence[Event], kind: type[T]) -> list[T]:
    return [event for event in events if isinstance(event, kind)]


def _shown(command: InspectCommand, events: Sequence[Event]) -> Shown:
    (opened,) = _of(events, Opened)
    match command.what:
        case "tokens":
            return _tokens(command, opened.model, opened.tokens)
        case "tensors":
            return _tensors(command, opened, _of(events, Tensor))
        case "attention":
            return _attention(command, opened, _of(events, AttentionRows))
        case "lens":
            return _lens(command, opened, _of(events, LensLayer))
        case "attribution":
            return _attribution(command, opened, _of(events, Attribution)[0])


def _common(command: InspectCommand, opened: Opened) -> dict[str, Any]:
    return {"model": opened.model, "tokens": _named(opened.tokens), "altered": command.ablate}


def _named(pieces: Sequence[Piece]) -> list[InspectedToken]:
    return [InspectedToken(id=piece.id, text=piece.text) for piece in pieces]


def _tokens(command: InspectCommand, model: str, pieces: Sequence[Piece]) -> Shown:
    """The piece comes last: its width on a screen is not known."""
    document = TokensInside(model=model, tokens=_named(pieces), altered=command.ablate)
    rows = enumerate(pieces)
    lines = [f"{at:>4}  {piece.id:>7}  {piece.segment}  {piece.piece}" for at, piece in rows]
    return Shown(document, lines)


def _tensors(command: InspectCommand, opened: Opened, tensors: Sequence[Tensor]) -> Shown:
    shapes = [TensorShape(name=each.name, shape=each.shape) for each in tensors]
    lines = [f"{each.name}  torch.Size({each.shape})" for each in shapes]
    return Shown(TensorsInside(**_common(command, opened), tensors=shapes), lines)


def _attention(command: InspectCommand, opened: Opened, rows: Sequence[AttentionRows]) -> Shown:
    weights = [row for some in rows for row in some.weights]
    layer, head = rows[0].layer, rows[0].head
    document = AttentionInside(
        **_common(command, opened), layer=layer, head=head, attention=weights
    )
    lines = [
        f"{at:>4}  {' '.join(f'{weight:.3f}' for weight in row)}  {piece.piece}"
        for at, (row, piece) in enumerate(zip(weights, opened.tokens, strict=True))
    ]
    names = [piece.piece for piece in opened.tokens[: svg.LIMIT]]
    part = [row[: svg.LIMIT] for row in weights[: svg.LIMIT]]
    title = text("svg.attention", model=opened.model, layer=layer, head=head)
    return Shown(document, lines, svg.attention(_title(command, title), names, names, part))


def _lens(command: InspectCommand, opened: Opened, layers: Sequence[LensLayer]) -> Shown:
    """The table.

    Raises:
        Failure: the model answers with no words.
    """
    if not layers:
        raise Failure(text("cli.no_lens", model=opened.model), text("cli.no_lens_hint"))
    embeddings, *rest = layers
    document = LensInside(
        **_common(command, opened),
        lens=[layer.cells for layer in rest],
        embeddings=embeddings.cells,
    )
    lines = [f"{layer_name(layer.layer)}: {_cells(layer.cells)}" for layer in layers]
    names = [piece.piece for piece in opened.tokens[: svg.LIMIT]]
    part = [structs.replace(layer, cells=layer.cells[: svg.LIMIT]) for layer in layers]
    title = text("svg.lens", model=opened.model)
    return Shown(document, lines, svg.lens(_title(command, title), names, part))


def _cells(cells: Sequence[LensCell]) -> str:
    return "  ".join(f"{cell.text!r} {cell.prob:.3f}" for cell in cells)


def _attribution(command: InspectCommand, opened: Opened, found: Attribution) -> Shown:
    pair = [InspectedToken(id=each.id, text=each.text) for each in (found.a, found.b)]
    names = [each.text.strip() or text(f"svg.pair_{each.id}") for each in pair]
    figures = AttributionFigures(
        layers=found.layers,
        heads=found.heads,
        method=found.method,
        position=found.position,
        words=pair,
        difference=found.difference,
        embedding=found.embedding,
        constant=found.constant,
    )
    title = text(
        f"svg.attribution_{found.method}",
        model=opened.model,
        a=names[0],
        b=names[1],
        difference=f"{found.difference:+.3f}",
    )
    lines = [title, f"{layer_name(-1)}  {found.embedding:+.4f}"]
    if found.constant:
        lines.append(f"{text('svg.constant')}  {found.constant:+.4f}")
    for number, (layer, heads) in enumerate(zip(found.layers, found.heads, strict=True)):
        each = " ".join(f"{head:+.4f}" for head in heads)
        lines.append(f"{layer_name(number)}  {layer:+.4f}  {text('svg.heads')} {each}")
    document = AttributionInside(**_common(command, opened), attribution=figures)
    return Shown(document, lines, svg.attribution(_title(command, title), found))


def _title(command: InspectCommand, title: str) -> str:
    """The title of a picture, marked where the model was altered."""
    if not command.ablate:
        return title
    return f"{title} - {text('cli.altered', heads=listed(command.ablate))}"


def _write(command: InspectCommand, shown: Shown, output: Output) -> None:
    """Write an answer to standard output, and its picture to a file.

    Raises:
        Failure: the file cannot be written.
    """
    if command.svg is not None:
        try:
            paths.written(command.svg).write_text(shown.picture, encoding="utf-8")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise Failure(text("cli.unwritable", file=command.svg, reason=reason)) from error
        if len(shown.document.tokens) > svg.LIMIT:
            output.warn(text("cli.svg_part", n=svg.LIMIT))
    if command.json:
        output.document(shown.document)
        return
    if command.ablate:
        output.line(text("cli.altered", heads=listed(command.ablate)))
    for line in shown.lines:
        output.line(line)
