"""One card as lines: the request, the answer, and a line of facts.

A block keeps its lines until its card or the width changes. A continuation's block keeps a `Flow`
for each branch, so that a new token costs the layout of one line, however long the text is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, assert_never

from rich.cells import cell_len, set_cell_size

from engine.messages import MASK, FillResult, MaskFill, Token
from tui.analysis.heat import Heat, bar, shade
from tui.cards import Card, ContinueCard, DocumentCard, FillCard, PairCard, PllCard, ScoreCard
from tui.cards.refs import BranchToken, InputToken, MethodToken, Ref
from tui.render import bars, curve, fillings, judged, tracked
from tui.render.facts import facts
from tui.render.flow import Flow, Line, Span, wrap
from tui.render.token_lines import token_lines
from tui.render.witness_lines import refs, witness_lines
from tui.strings import text, worded
from tui.terminal.sanitise import Glyphs, clean
from tui.terminal.units import percent

INDENT = "  "
"""The first column has the chosen card's mark."""


@dataclass(frozen=True)
class Look:
    """How the texts of a pane are looked at."""

    heat: Heat | None = None
    """What they are coloured by, with a small bar for each token below them; None leaves it at the
    surprisal of the chosen card's tokens."""
    corrected: bool = False
    """Whether the probability that a word ends counts to that word, not to the next one."""


PLAIN: Final = Look()


class Block:
    """A card laid out. Subclasses say what their kind of card looks like."""

    def __init__(self, card: Card, width: int, glyphs: Glyphs, look: Look) -> None:
        self.card = card
        self.look = look
        self.note = ""
        """What a running card waits for, when it is not the model's next token."""
        self.speed: float | None = None
        """Tokens a second so far, while it runs."""
        self.lines: list[Line] = []
        self._glyphs = glyphs
        self._width = width
        self.lay_out(width)

    @property
    def refs(self) -> Sequence[Ref]:
        """The places to walk through, in order."""
        raise NotImplementedError

    def lay_out(self, width: int) -> None:
        """Make all lines anew for a width."""
        self._width = width
        self.lines = [*self._body(), *self._footer(), Line()]

    def update(self) -> None:
        """Lay out what the card has gained since."""
        self.lay_out(self._width)

    def _body(self) -> list[Line]:
        """The request and the answer."""
        raise NotImplementedError

    def _footer(self) -> list[Line]:
        """The error, if any, and the facts."""
        lines: list[Line] = []
        if self.card.error is not None:
            for part, style in (
                (worded(self.card.error.message), "failed"),
                (worded(self.card.error.hint), "facts"),
            ):
                if part:
                    lines += wrap([Span(clean(part), style)], self._width, INDENT)
        corrected = self.look.corrected
        spans = facts(self.card, self._glyphs, self.note, self.speed, corrected=corrected)
        return [*lines, *(wrap(spans, self._width, INDENT) if spans else [])]


class ContinueBlock(Block):
    """A prompt with its continuation running on from it, or several below it."""

    card: ContinueCard

    def __init__(self, card: ContinueCard, width: int, glyphs: Glyphs, look: Look) -> None:
        self._head: list[Line] = []
        self._flows: list[Flow] = []
        self._bars: list[Flow] = []
        """With heat, a bar for each token of a branch."""
        self._fed: list[int] = []
        self._tracked = card.tracked
        super().__init__(card, width, glyphs, look)

    @property
    def refs(self) -> Sequence[Ref]:
        """Every token written, branch by branch."""
        return [
            BranchToken(number, index)
            for number, branch in enumerate(self.card.branches)
            for index in range(len(branch.tokens))
        ]

    def lay_out(self, width: int) -> None:
        """Forget the flows: they belong to a width."""
        self._head, self._flows, self._bars, self._fed = [], [], [], []
        super().lay_out(width)

    def update(self) -> None:
        """Lay out only what is new, unless other words are tracked."""
        if self.card.tracked is not self._tracked:
            self._tracked = self.card.tracked
            self.lay_out(self._width)
            return
        self.lines = [*self._body(), *self._footer(), Line()]

    def _body(self) -> list[Line]:
        prompt = Span(clean(self.card.prompt), "prompt")
        if not self._flows:
            if self.card.apart:
                self._head = self._turns(prompt)
            else:
                self._begin(Flow(self._width, INDENT))
                self._flows[0].add([prompt])
        for number, branch in enumerate(self.card.branches):
            if number == len(self._flows):
                first = INDENT
                if len(self.card.branches) > 1:
                    first = f"{number + 1} "
                elif self.card.chatting:
                    first = f"{text('card.turn.assistant')}: "
                self._begin(Flow(self._width, INDENT * 2, INDENT + first))
            new = list(enumerate(branch.tokens))[self._fed[number] :]
            refs = [BranchToken(number, index) for index, _ in new]
            self._flows[number].add(
                Span(clean(token.text), self._style(token, ref), ref)
                for ref, (_, token) in zip(refs, new, strict=True)
            )
            if self.look.heat is not None:
                self._bars[number].add(
                    Span(
                        bar(token, self.look.heat, self._glyphs.levels),
                        shade(token, self.look.heat),
                        ref,
                    )
                    for ref, (_, token) in zip(refs, new, strict=True)
                )
            self._fed[number] += len(new)
            if branch.tail and self._fed[number] == len(branch.tokens):
                self._flows[number].add([Span(clean(branch.tail))])
                self._fed[number] += 1  # the tail is in; a branch that has one is done
        lines = [*self._head]
        for number, flow in enumerate(self._flows):
            lines += flow.lines
            if self.look.heat is not None:
                lines += self._bars[number].lines
            lines += self._words(number)
        return [*lines, *self._legend()]

    def _words(self, branch: int) -> list[Line]:
        """The words that are tracked through a branch."""
        found = self.card.tracked
        if found is None or found.branch != branch:
            return []
        tokens = self.card.branches[branch].tokens
        refs = [BranchToken(branch, at) for at in range(len(tokens))]
        return [
            *tracked.rows(found.words, tokens, refs, self._width, self._glyphs),
            *legend("word", self._width, self._glyphs),
        ]

    def _turns(self, prompt: Span) -> list[Line]:
        """What was asked; in a chat, by whom, after as much of the system prompt as fits a line."""
        if not self.card.chatting:
            return wrap([prompt], self._width, INDENT)
        lines: list[Line] = []
        if self.card.system:
            system = clean(" ".join(self.card.system.split()))
            line = f"{INDENT}{text('card.turn.system')}: {system}"
            if cell_len(line) > self._width:
                line = set_cell_size(line, self._width - 3).rstrip() + "..."
            lines.append(Line((Span(INDENT), Span(line[len(INDENT) :], "facts")), indent=2))
        return [
            *lines,
            *wrap([Span(f"{text('card.turn.user')}: ", "facts"), prompt], self._width, INDENT),
        ]

    def _begin(self, flow: Flow) -> None:
        self._flows.append(flow)
        self._bars.append(Flow(self._width, INDENT * 2))
        self._fed.append(0)

    def _style(self, token: Token, ref: BranchToken) -> str:
        """Without heat the transcript styles tokens, as the cursor comes and goes."""
        found = self.card.tracked
        if found is not None and found.branch == ref.branch:
            return tracked.style(found.words, ref.index)
        return "" if self.look.heat is None else shade(token, self.look.heat)

    def _legend(self) -> list[Line]:
        """What the bars say."""
        heat = self.look.heat
        return [] if heat is None else legend(heat, self._width, self._glyphs)


class FillBlock(Block):
    """A text with masks, and under it the candidates of each."""

    card: FillCard

    @property
    def refs(self) -> Sequence[Ref]:
        """The tokens as fed, then the lists to take from."""
        result = self.card.result
        if result is None:
            return []
        return [*map(InputToken, range(len(result.tokens))), *fillings.refs(result)]

    def _body(self) -> list[Line]:
        parts = re.split(f"({re.escape(MASK)})", clean(self.card.wrote))
        spans = [Span(part, "mask" if part == MASK else "prompt") for part in parts]
        lines = wrap(spans, self._width, INDENT)
        if self.card.result is not None:
            lines += self._masks(self.card.result)
            if self.card.result.joint:
                lines += fillings.joint(self.card.result, self._width, self._glyphs)
            lines += token_lines(self.card.result.tokens, self._width, INDENT, InputToken)
        return lines

    def _masks(self, result: FillResult) -> list[Line]:
        lines: list[Line] = []
        names = [c.text for mask in result.masks for c in mask.candidates]
        column = bars.column(names, self._width // 2, self._glyphs)
        for number, mask in enumerate(result.masks, 1):
            name = f"{INDENT}{text('card.mask', n=number)}" if len(result.masks) > 1 else ""
            logits = not mask.whole and any(c.logit is not None for c in mask.candidates)
            if name or logits:
                lines.append(bars.heading(name, self._width if logits else 0))
            if mask.whole:
                # One cell stays free between the two rankings.
                own = self._candidates(mask, column, self._width // 2 - 1)
                lines += fillings.vocabulary_beside(
                    own, mask, number - 1, self._width, self._glyphs
                )
            else:
                lines += self._candidates(mask, column, self._width)
            if mask.words:
                lines += fillings.asked(mask, number - 1, self._width, self._glyphs)
            hidden = mask.hidden
            if hidden is None:
                continue
            word = clean(hidden.word)
            if hidden.prob is None or hidden.rank is None:
                hidden_line = text("card.hidden_pieces", word=word, pieces=hidden.pieces)
            else:
                hidden_line = text(
                    "card.hidden",
                    word=word,
                    prob=percent(hidden.prob).strip(),
                    rank=hidden.rank,
                )
            lines += wrap([Span(hidden_line, "chip")], self._width, INDENT)
        return lines

    def _candidates(self, mask: MaskFill, column: int, width: int) -> list[Line]:
        """The vocabulary's ranking at a mask."""
        return [
            bars.row(
                str(rank),
                bars.label(candidate.text, candidate.id, min(column, width // 2), self._glyphs),
                candidate.prob,
                width,
                self._glyphs,
                logit=None if mask.whole else candidate.logit,
                style="chip"
                if mask.hidden is not None and mask.hidden.word == candidate.text
                else "",
            )
            for rank, candidate in enumerate(mask.candidates, 1)
        ]


class PllBlock(Block):
    """A text with every token judged behind a mask."""

    card: PllCard

    @property
    def refs(self) -> Sequence[Ref]:
        """The tokens under each method that is shown."""
        return [
            MethodToken(number, index)
            for number in judged.strips(self.card)
            for index in range(len(self.card.results[number].tokens))
        ]

    def _body(self) -> list[Line]:
        lines = wrap([Span(clean(self.card.wrote), "prompt")], self._width, INDENT)
        if self.card.results:
            heat = self.look.heat or "surprisal"
            lines += judged.pll(self.card, self._width, self._glyphs, heat)
            lines += legend(heat, self._width, self._glyphs)
        if self.card.tracked is not None and self.card.results:
            words, tokens = self.card.tracked.words, self.card.results[0].tokens
            refs = [MethodToken(0, at) for at in range(len(tokens))]
            lines += tracked.rows(words, tokens, refs, self._width, self._glyphs)
            lines += legend("word", self._width, self._glyphs)
        return lines


class PairBlock(Block):
    """Two sentences, each under two models."""

    card: PairCard

    @property
    def refs(self) -> Sequence[Ref]:
        """The aligned tokens under each model."""
        return judged.pair_refs(self.card)

    def _body(self) -> list[Line]:
        lines: list[Line] = []
        for name, sentence in zip("AB", self.card.request.sides, strict=True):
            spans = [Span(clean(sentence), "prompt")]
            lines += wrap(spans, self._width, INDENT * 2, f"{INDENT}{name} ")
        return lines + judged.pair(self.card, self._width, self._glyphs)


class ScoreBlock(Block):
    """Two sentences and the figures of the witnesses for both orders."""

    card: ScoreCard

    @property
    def refs(self) -> Sequence[Ref]:
        """The tokens as fed to a head, or those that were scored."""
        return refs(self.card)

    def _body(self) -> list[Line]:
        lines: list[Line] = []
        for name, sentence in (("A", self.card.request.a), ("B", self.card.request.b)):
            spans = [Span(clean(sentence), "prompt")]
            lines += wrap(spans, self._width, INDENT * 2, f"{INDENT}{name} ")
        return lines + witness_lines(self.card, self._width, self._glyphs)


class DocumentBlock(Block):
    """A text of many sentences in a few lines: how it begins, its curve, its figures."""

    card: DocumentCard

    @property
    def refs(self) -> Sequence[Ref]:
        """It has no tokens to walk through."""
        return []

    def _body(self) -> list[Line]:
        begins = " ".join((self.card.answer or self.card.wrote).split())
        cut = set_cell_size(clean(begins), max(1, self._width - len(INDENT))).rstrip()
        lines = [Line((Span(INDENT), Span(cut, "prompt")), indent=len(INDENT))]
        result = self.card.result
        if result is None:
            return lines
        scores = [gap.score for gap in result.gaps]
        lines += wrap([Span(curve.levels(scores, self._glyphs), "bar")], self._width, INDENT)
        summary = text(
            "card.document",
            sentences=len(result.sentences),
            segments=len(result.boundaries) + 1,
            witness=text(f"witness.{result.witness}"),
            mean=f"{result.coherence:+.2f}",
        )
        return lines + wrap([Span(summary, "facts")], self._width, INDENT)


def legend(heat: Heat | Literal["word"], width: int, glyphs: Glyphs) -> list[Line]:
    """What the steps of a heat are."""
    spans = [Span(text(f"heat.{heat}.name"), "facts")]
    for level, glyph in enumerate(glyphs.levels):
        meaning = text(f"heat.{heat}.step_{level}")
        spans += [Span("  "), Span(glyph, f"token-{level}"), Span(f" {meaning}", "facts")]
    return wrap(spans, width, INDENT)


def block(card: Card, width: int, glyphs: Glyphs, look: Look = PLAIN) -> Block:
    """Lay a card out."""
    match card:
        case ContinueCard():
            return ContinueBlock(card, width, glyphs, look)
        case FillCard():
            return FillBlock(card, width, glyphs, look)
        case PllCard():
            return PllBlock(card, width, glyphs, look)
        case PairCard():
            return PairBlock(card, width, glyphs, look)
        case ScoreCard():
            return ScoreBlock(card, width, glyphs, look)
        case DocumentCard():
            return DocumentBlock(card, width, glyphs, look)
        case never:
            assert_never(never)
