"""What the answer to a stop's question is, in a sentence that is made from the numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from typing import TypeVar

from engine.messages import (
    LAST,
    Answer,
    AttentionRows,
    Event,
    HeadNumbers,
    HeadsOfLayer,
    Opened,
    Request,
    Tensor,
    Token,
    Tokens,
)
from tui.lesson.stops import StopId
from tui.render.inside.view import View
from tui.strings import text
from tui.terminal.units import percent

T = TypeVar("T")
Found = Sequence[tuple[Request, Sequence[Event]]]
"""Each request of a stop, with what was answered so far."""
SHOWN = 4
"""How many numbers of a vector are shown."""


def answer(stop: StopId, found: Found, answered: Found, view: View) -> str:
    """What `answered` shows, beside the stop's own numbers; a line for each sentence.

    "" until all are there, and where the answer is the same for every text.
    """
    events = [events for _, events in (*found, *answered)]
    whole = answered and all(each and isinstance(each[-1], LAST) for each in events)
    if stop not in _SENTENCES or not whole:
        return ""
    return _SENTENCES[stop](found, answered, view)


def _of(kind: type[T], found: Found) -> list[T]:
    return [event for _, events in found for event in events if isinstance(event, kind)]


def _share(probability: float) -> str:
    return percent(probability).strip()


def _surer(found: Found, answered: Found, view: View) -> str:
    (before,), (after,) = _of(Answer, found), _of(Answer, answered)
    one, other = (_share(each.choices[0].prob) for each in (before, after))
    change = after.choices[0].prob - before.choices[0].prob
    key = "same" if one == other else "surer" if change > 0 else "less"
    return text(f"lesson.model.{key}", before=one, after=other)


def _counted(found: Found, answered: Found, view: View) -> str:
    (before,), (after,) = _of(Tokens, found), _of(Tokens, answered)
    unknown = sum(piece.piece == "[UNK]" for piece in after.tokens)
    return text(
        "lesson.tokens.counted",
        before=len(before.tokens),
        after=len(after.tokens),
        unknown=unknown,
    )


def _compared(found: Found, answered: Found, view: View) -> str:
    def best(asked: Found) -> dict[str, object]:
        (head,), (opened,) = _of(HeadNumbers, asked), _of(Opened, asked)
        key = max(head.keys, key=lambda each: each.weight)
        token = view.brief(opened.tokens[key.position])
        return {
            "head": head.head,
            "token": token,
            "position": key.position,
            "share": _share(key.weight),
        }

    return "\n".join(text("lesson.numbers.head", **best(each)) for each in (found, answered))


def _patterns(found: Found, answered: Found, view: View) -> str:
    def count(asked: Found, pattern: str) -> int:
        layers = _of(HeadsOfLayer, asked)
        return sum(head.pattern == pattern for layer in layers for head in layer.heads)

    return text(
        "lesson.heads.counted",
        causal_next=count(found, "next"),
        masked_next=count(answered, "next"),
        causal_special=count(found, "special"),
        masked_special=count(answered, "special"),
    )


def _later(found: Found, answered: Found, view: View) -> str:
    def share(asked: Found) -> str:
        """How much of a head's attention goes to tokens after the one that attends."""
        rows = [row for some in _of(AttentionRows, asked) for row in some.weights]
        return _share(sum(sum(row[at + 1 :]) for at, row in enumerate(rows)) / len(rows))

    return text("lesson.mask.later", causal=share(found), masked=share(answered))


def _changed(found: Found, answered: Found, view: View) -> str:
    largest = []
    for pair in zip(answered[::2], answered[1::2], strict=True):
        one, other = (_of(Opened, [each])[0].tokens[0].id for each in pair)
        if one != other:
            return text("lesson.sides.merged")
        before, after = (last_state([each]) for each in pair)
        largest.append(max(abs(a - b) for a, b in zip(before, after, strict=True)))
    causal, masked = (f"{change:.4f}" for change in largest)
    return text("lesson.sides.changed", causal=causal, masked=masked)


def last_state(found: Found) -> list[float]:
    """The first numbers of the last layer's vector."""
    states = [each for each in _of(Tensor, found) if each.name.startswith("hidden_states")]
    return states[-1].values[:SHOWN]


def _parted(found: Found, answered: Found, view: View) -> str:
    one, other = ([token.id for token in _of(Token, [each])] for each in answered)
    if one == other:
        return text("lesson.continue.same")
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return text("lesson.continue.parted", n=len(list(alike)) + 1)


def _halved(found: Found, answered: Found, view: View) -> str:
    if found[0][0] == answered[0][0]:
        return text("lesson.fill.same")
    (both,), (left,) = _of(Answer, found), _of(Answer, answered)
    return text(
        "lesson.fill.halved",
        both=view.choice(both.choices[0]),
        both_share=_share(both.choices[0].prob),
        left=view.choice(left.choices[0]),
        left_share=_share(left.choices[0].prob),
    )


def _judged(found: Found, answered: Found, view: View) -> str:
    before, after = (
        _share(next(each.prob for each in _of(Answer, asked)[0].choices if each.id == 0))
        for asked in (found, answered)
    )
    return text("lesson.pair.judged", before=before, after=after)


_SENTENCES: Mapping[StopId, Callable[[Found, Found, View], str]] = {
    "model": _surer,
    "tokens": _counted,
    "numbers": _compared,
    "heads": _patterns,
    "mask": _later,
    "sides": _changed,
    "continue": _parted,
    "fill": _halved,
    "pair": _judged,
}
