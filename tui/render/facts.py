"""The line of facts under a card."""

from __future__ import annotations

from engine.messages import FillResult
from tui.analysis.heat import bits
from tui.analysis.word_surprisal import word_mean
from tui.cards import Card, ContinueCard, PairCard
from tui.render.flow import Span
from tui.render.weights import form
from tui.strings import text
from tui.terminal.sanitise import Glyphs, clean

_FINISH = {"eos": "card.eos", "stop": "card.stop", "context": "card.context"}


def facts(
    card: Card, glyphs: Glyphs, note: str, speed: float | None, *, corrected: bool = False
) -> list[Span]:
    """What matters about a card, as one run of dim text: its status unless it is done, the
    model with the form of its weights that answered, and figures.

    `note` and `speed` (tokens a second) describe a card that runs; `corrected` counts the end of a
    word to it.
    """
    spans: list[Span] = []
    if isinstance(card, ContinueCard) and card.name:
        spans.append(Span(clean(f"[{card.name}] "), "chip"))
    if card.status == "running":
        spans.append(Span(clean(note) or text("card.running"), "busy"))
    elif card.status != "done":
        style = "failed" if card.status == "failed" else "busy"
        spans.append(Span(text(f"card.{card.status}"), style))
    figures = _measures(card, speed, corrected)
    parts = [*filter(None, [_model(card)]), *figures] if card.status != "failed" or figures else []
    for fact in parts:
        spans.append(Span(glyphs.dot if spans and spans[-1].style != "chip" else "", "facts"))
        spans.append(Span(fact, "facts"))
    return spans


def convention(card: ContinueCard) -> str:
    """What the tokens were scored after, and whether the first one counts."""
    if card.start is not None:
        return text("card.after_start", start=clean(card.start))
    return text("card.first_uncounted" if card.read else "card.after_prompt")


def _model(card: Card) -> str:
    model = card.request.model
    if isinstance(card, PairCard):
        return ""  # both are named on the card
    # A model opened from a folder is named by its path, which is too long here.
    name = card.title if "/" in model and card.title else model
    return clean(f"{name} {form(card)}".strip())


def _measures(card: Card, speed: float | None, corrected: bool) -> list[str]:
    if not isinstance(card, ContinueCard):
        result = card.result
        if result is None:
            return []
        parts = []
        if isinstance(result, FillResult) and result.method == "causal":
            parts = [text("card.causal", pool=result.pool)]
        return [*parts, text("card.total", s=f"{card.timing.total_s:.2f}")]
    count = sum(len(branch.tokens) for branch in card.branches)
    if not count:
        return []
    parts = [text("card.tokens", n=count)]
    rate = speed if card.status == "running" else card.timing.tokens_per_s
    if rate is not None:
        parts.append(text("card.speed", rate=f"{rate:.1f}"))
    if card.status == "running":
        return parts  # the figures over all tokens follow once they are there
    if card.timing.first_token_s is not None:
        parts.append(text("card.first", s=f"{card.timing.first_token_s:.2f}"))
    parts += figures(card, corrected=corrected)
    greedy = card.request.sampling.greedy
    if any(not token.given for branch in card.branches for token in branch.tokens):
        parts.append(text("card.greedy") if greedy else text("card.seed", seed=card.seed))
    else:
        parts.append(text("card.read"))
    ends = {b.finish for b in card.branches if b.finish is not None}
    parts += [text(key) for finish, key in _FINISH.items() if finish in ends]
    if card.dropped_turns:
        parts.append(text("card.dropped", n=card.dropped_turns))
    return parts


def figures(card: ContinueCard, *, corrected: bool = False) -> list[str]:
    """What the tokens of a text come to, for each branch, and what they were scored after."""
    if not any(branch.tokens for branch in card.branches):
        return []
    perplexities = [
        "–" if b.perplexity is None else f"{b.perplexity:.2f}" for b in card.branches if b.tokens
    ]
    means = [f"{bits(b.surprisal):.2f}" for b in card.branches if b.surprisal is not None]
    return [
        text("card.perplexity", value=" ".join(perplexities)),
        text("card.mean", bits=" ".join(means)),
        *_words(card, corrected),
        convention(card),
    ]


def _words(card: ContinueCard, corrected: bool) -> list[str]:
    """The mean surprisal of a word, how words were found, and which word their ends count to."""
    partial = bool(card.read) and card.start is None
    means = []
    for branch in card.branches:
        tokens, after = branch.tokens, branch.boundary
        if branch.finish == "eos":  # no part of any word, but it shows that the last one ended
            tokens, after = tokens[:-1], tokens[-1].boundary
        means.append(word_mean(tokens, after, corrected=corrected, partial=partial))
    parts = [f"{bits(mean.nats):.2f}" for mean in means if mean.nats is not None]
    if not parts:
        return []
    method = text(f"card.words_{means[0].method}")
    if corrected:
        done = all(mean.corrected for mean in means)
        method += text("card.corrected" if done else "card.not_corrected")
    return [text("card.word_mean", bits=" ".join(parts), method=method)]
