"""The figures of each witness to a pair, as the lines of a card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import assert_never

from engine.messages import (
    ScoredToken,
    ScoreResult,
)
from tui.analysis.heat import GAINS, gain_step
from tui.cards import ScoreCard
from tui.cards.figures import Fed, Gains, Judgement, judgement
from tui.cards.refs import WitnessToken
from tui.render import bars, verdicts
from tui.render.flow import Flow, Line, Span, wrap
from tui.render.token_lines import token_lines
from tui.render.weights import form, plain
from tui.strings import listed, text
from tui.terminal.sanitise import Glyphs, clean
from tui.terminal.sanitise import token as shown

INDENT = "  "
_ORDERS = ((False, "AB"), (True, "BA"))
"""Whether it is the order back, and its name."""


def refs(card: ScoreCard) -> list[WitnessToken]:
    """The tokens to walk through."""
    return [
        WitnessToken(witness, back, index)
        for witness in range(len(card.results))
        for back, _ in _ORDERS
        for index in range(len(card.tokens(witness, back=back)))
    ]


def witness_lines(card: ScoreCard, width: int, glyphs: Glyphs) -> list[Line]:
    """The verdict, then each witness in turn, with its model's name where there are several."""
    results = card.results
    lines: list[Line] = []
    trimmed = next((each.trimmed for each in results if each.trimmed is not None), None)
    if trimmed is not None:
        lines += wrap([Span(verdicts.cut(trimmed), "busy")], width, INDENT)
    if card.verdict is not None:
        lines += wrap([Span(verdicts.verdict(card.verdict), "chip")], width, INDENT)
        if verdicts.likeness_alone(results):
            message = verdicts.more_than_likeness(clean(card.request.model))
            lines += wrap([Span(message, "facts")], width, INDENT)
    several = len({each.model for each in results}) > 1
    for number, result in enumerate(results):
        title = verdicts.measures(result)
        if several:
            title += glyphs.dot + clean(f"{result.model} {_form(result)}".rstrip())
        lines += wrap([Span(title, "label")], width, INDENT)
        lines += _figures(judgement(result), number, width, glyphs)
        if result.shuffled is not None:
            lines += wrap([Span(verdicts.place(result.shuffled), "facts")], width, INDENT * 2)
    return lines


def _form(result: ScoreResult) -> str:
    return "" if plain(result) else form(result)


def _figures(judged: Judgement, witness: int, width: int, glyphs: Glyphs) -> list[Line]:
    match judged.read:
        case Fed() as read:
            return [
                *_bars(judged, width, glyphs),
                *_logits(judged, width, glyphs),
                *token_lines(read.tokens, width, INDENT, partial(WitnessToken, witness, False)),
            ]
        case Gains() as read:
            return _gains(judged, read, witness, width, glyphs)
        case None:
            return _plain(judged, width, glyphs)
        case never:
            assert_never(never)


def _plain(judged: Judgement, width: int, glyphs: Glyphs) -> list[Line]:
    """The figures alone, for each order, or once where both are the same."""
    return [
        line
        for back, order in _ORDERS[: 1 if judged.symmetric else 2]
        for line in wrap([Span(_score(judged, back, order, glyphs))], width, INDENT * 2)
    ]


def _score(judged: Judgement, back: bool, order: str, glyphs: Glyphs) -> str:
    return judged.words("card", back=back, order=glyphs.arrow.join(order))


def _bars(judged: Judgement, width: int, glyphs: Glyphs) -> list[Line]:
    """For each order, the figures and a share of them as a bar."""
    (share,) = judged.of_unit("share")
    return [
        bars.row(
            "",
            _score(judged, back, order, glyphs),
            share.value(back=back),
            width,
            glyphs,
            indent=0,
        )
        for back, order in _ORDERS
    ]


def _logits(judged: Judgement, width: int, glyphs: Glyphs) -> list[Line]:
    """Those of a head, for both orders, and what each of the two says."""
    logits = judged.of_unit("logit")
    orders = listed(
        f"{glyphs.arrow.join(order)} {' '.join(f'{each.value(back=back):+.4f}' for each in logits)}"
        for back, order in _ORDERS
    )
    meanings = listed(each.means for each in logits)
    line = text("card.logits", orders=orders, meanings=meanings)
    return wrap([Span(line, "facts")], width, INDENT * 2)


def _gains(judged: Judgement, read: Gains, witness: int, width: int, glyphs: Glyphs) -> list[Line]:
    """Both orders: the bits, and which tokens they come from."""
    lines: list[Line] = []
    for back, order in _ORDERS:
        style = "chip" if judged.figures[0].value(back=back) > 0 else "busy"
        score = Span(_score(judged, back, order, glyphs), style)
        terms = Span(judged.words("terms", back=back), "facts")
        lines += wrap([score, Span("  "), terms], width, INDENT)
        tokens = read.back if back else read.there
        lines += _strip(tokens, partial(WitnessToken, witness, back), width, glyphs)
    join = text("card.join_space") if read.join else text("card.join_nothing")
    start = clean(read.start) if read.start else text("card.no_start")
    convention = text("card.convention", join=join, start=start)
    return [*lines, *_legend(width, glyphs), *wrap([Span(convention, "facts")], width, INDENT)]


def _strip(
    tokens: Sequence[ScoredToken], ref: Callable[[int], WitnessToken], width: int, glyphs: Glyphs
) -> list[Line]:
    """The tokens of one text, coloured by the bits that the other text saves, each with a bar."""
    words, levels = Flow(width, INDENT * 2), Flow(width, INDENT * 2)
    for index, token in enumerate(tokens):
        level = gain_step(token)
        style = "facts" if level is None else f"token-{level}"
        words.add([Span(shown(token.text, token.id, glyphs), style, ref(index))])
        bar = glyphs.space if level is None else glyphs.levels[level]
        levels.add([Span(bar, style, ref(index))])
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
