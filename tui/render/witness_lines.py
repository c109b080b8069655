"""What each witness to a pair says, as the lines of a card."""

from __future__ import annotations

from collections.abc import Sequence

from engine.messages import (
    CosineResult,
    NspResult,
    PmiDirection,
    PmiResult,
    ScoredToken,
    ScoreResult,
    SopResult,
)
from tui.analysis.heat import GAINS, gain_step
from tui.cards import ScoreCard
from tui.render import bars, verdicts
from tui.render.flow import Flow, Line, Ref, Span, wrap
from tui.render.token_lines import token_lines
from tui.strings import text
from tui.terminal.sanitise import Glyphs, clean
from tui.terminal.sanitise import token as shown

INDENT = "  "
_WAYS = ("AB", "BA")


def refs(card: ScoreCard) -> list[Ref]:
    """The tokens to walk through; see `ScoreCard.tokens`."""
    return [
        (part, index)
        for part in range(2 * len(card.results))
        for index in range(len(card.tokens(part)))
    ]


def witness_lines(card: ScoreCard, width: int, glyphs: Glyphs) -> list[Line]:
    """The verdict, then each witness in turn, told apart by model where there are several."""
    results = card.results
    lines: list[Line] = []
    trimmed = next((each.trimmed for each in results if each.trimmed is not None), None)
    if trimmed is not None:
        lines += wrap([Span(verdicts.cut(trimmed), "busy")], width, INDENT)
    if card.verdict is not None:
        lines += wrap([Span(verdicts.verdict(card.verdict), "chip")], width, INDENT)
        if all(isinstance(each, CosineResult) for each in results):
            told = text("score.alone", model=clean(card.request.model))
            lines += wrap([Span(told, "facts")], width, INDENT)
    several = len({each.model for each in results}) > 1
    for number, result in enumerate(results):
        title = verdicts.measures(result)
        if several:
            title += glyphs.dot + clean(f"{result.model} {_form(result)}".rstrip())
        lines += wrap([Span(title, "label")], width, INDENT)
        lines += _figures(result, 2 * number, width, glyphs)
        if result.shuffled is not None:
            lines += wrap([Span(verdicts.place(result.shuffled), "facts")], width, INDENT * 2)
    return lines


def _form(result: ScoreResult) -> str:
    return "" if result.precision == "exact" else result.precision


def _figures(result: ScoreResult, part: int, width: int, glyphs: Glyphs) -> list[Line]:
    match result:
        case NspResult() | SopResult():
            return _head(result, part, width, glyphs)
        case PmiResult():
            return _mutual(result, part, width, glyphs)
        case CosineResult():
            return wrap([Span(f"{result.cosine:+.4f}")], width, INDENT * 2)


def _head(result: NspResult | SopResult, part: int, width: int, glyphs: Glyphs) -> list[Line]:
    """Both orders: the margin, then the probability as a bar."""
    lines = []
    for name, way in zip(_WAYS, (result, result.reversed), strict=True):
        margin = text("score.margin", nats=f"{way.margin:+.2f}")
        order = f"{glyphs.arrow.join(name)} {margin}"
        lines.append(bars.row("", order, way.probability, width, glyphs, indent=0))
    both = (*result.logits, *result.reversed.logits)
    logits = text("card.logits", logits=" ".join(f"{logit:+.4f}" for logit in both))
    lines += wrap([Span(logits, "facts")], width, INDENT * 2)
    return lines + token_lines(result.tokens, width, INDENT, part)


def _mutual(result: PmiResult, part: int, width: int, glyphs: Glyphs) -> list[Line]:
    """Both orders: the bits, and which tokens they come from."""
    lines: list[Line] = []
    ways: Sequence[PmiResult | PmiDirection] = (result, result.reversed)
    for number, (name, way) in enumerate(zip(_WAYS, ways, strict=True)):
        told = text(
            "card.pmi",
            order=glyphs.arrow.join(name),
            bits=f"{way.bits:+.2f}",
            each=f"{way.bits_per_token:+.2f}",
        )
        terms = text(
            "card.pmi_terms",
            conditional=f"{way.logprob_conditional:.2f}",
            alone=f"{way.logprob_alone:.2f}",
        )
        style = "chip" if way.bits > 0 else "busy"
        lines += wrap([Span(told, style), Span("  "), Span(terms, "facts")], width, INDENT)
        lines += _strip(way.tokens, part + number, width, glyphs)
    join = text("card.join_space") if result.join else text("card.join_nothing")
    start = clean(result.start) if result.start else text("card.no_start")
    told = text("card.convention", join=join, start=start)
    return [*lines, *_legend(width, glyphs), *wrap([Span(told, "facts")], width, INDENT)]


def _strip(tokens: Sequence[ScoredToken], part: int, width: int, glyphs: Glyphs) -> list[Line]:
    """The tokens of one text, coloured by what the other saved of each, and a bar for each."""
    words, levels = Flow(width, INDENT * 2), Flow(width, INDENT * 2)
    for index, token in enumerate(tokens):
        level = gain_step(token)
        style = "facts" if level is None else f"token-{level}"
        words.add([Span(shown(token.text, token.id, glyphs), style, (part, index))])
        bar = glyphs.space if level is None else glyphs.levels[level]
        levels.add([Span(bar, style, (part, index))])
    return [*words.lines, *levels.lines]


def _legend(width: int, glyphs: Glyphs) -> list[Line]:
    """What the bars say."""
    spans = [Span(text("score.gain.name"), "facts")]
    for level in range(len(GAINS) + 1):
        spans += [
            Span("  "),
            Span(glyphs.levels[level], f"token-{level}"),
            Span(f" {text(f'score.gain.step_{level}')}", "facts"),
        ]
    return wrap(spans, width, INDENT)
