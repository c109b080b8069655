"""From the text to the answer, stop by stop, with the numbers and shapes of this text."""

from __future__ import annotations

from collections.abc import Iterator

from engine.messages import Answer, Tensor
from tui.render.flow import Line, Span, wrap
from tui.render.inside.view import View, answer_lines, heading, numbers, sentence, size
from tui.strings import listed, text


def lines(view: View) -> list[Line]:
    """All stops, as far as they are known."""
    opened = view.opened
    if opened is None:
        return []
    found: list[Line] = []
    tensors = view.of(Tensor)
    pieces = [view.name(piece) for piece in view.tokens]
    found += _stop(view, "text", [view.text, *([view.second] if view.second else [])])
    found += _stop(view, "pieces", [str(pieces)])
    ids = [_tensor("input_ids", [piece.id for piece in view.tokens])]
    if opened.segments:
        ids.append(_tensor("token_type_ids", [piece.segment for piece in view.tokens]))
    ids.append(_tensor("attention_mask", [1] * len(view.tokens)))
    found += _stop(view, "ids", ids)
    inputs = [each for each in tensors if each.stage == "input"]
    found += _stop(view, "tensors", [f"{each.name}: {size(each.shape)}" for each in inputs])
    tables = [each for each in tensors if each.stage == "embedding"]
    found += _stop(view, "embeddings", list(_named(view, tables)))
    layers = [each for each in tensors if each.stage == "layer"]
    key = "layers_causal" if opened.causal else "layers"
    found += _stop(view, key, list(_named(view, layers)))
    answer = next(iter(view.of(Answer)), None)
    if answer is None:
        return found
    outputs = [each for each in tensors if each.stage == "output"]
    best = [f"{view.choice(each)} {each.logit:.4f}" for each in answer.choices[:5]]
    found += _stop(view, "logits", [*_named(view, outputs), listed(best)])
    found += _stop(view, "softmax", [])
    found += answer_lines(view, answer, 5)
    found.append(Line())
    first = answer.choices[0]
    if answer.asks == "pair":
        follows = next(each.prob for each in answer.choices if each.id == 0)
        told = text("screens.inside.walk.answer_pair", prob=f"{follows:.4%}")
    else:
        told = text(
            f"screens.inside.walk.answer_{answer.asks}",
            word=view.choice(first),
            prob=f"{first.prob:.2%}",
        )
    found += [heading(text("screens.inside.walk.answer"))]
    found += wrap([Span(told)], view.width, "  ")
    return found


def _stop(view: View, key: str, shown: list[str]) -> list[Line]:
    """A title, a sentence on what happens there, and what it looks like on this text."""
    found = [heading(text(f"screens.inside.walk.{key}.title"))]
    _, tokens, tensors, attention, _, lens, _ = view.keys
    written = text(
        f"screens.inside.walk.{key}.text",
        tokens=tokens,
        tensors=tensors,
        attention=attention,
        lens=lens,
    )
    found += sentence(written, view.width)
    for each in shown:
        found += wrap([Span(each)], view.width, "    ")
    return [*found, Line()]


def _tensor(name: str, ids: list[int]) -> str:
    return f"{name}: tensor([[{', '.join(map(str, ids))}]])"


def _named(view: View, tensors: list[Tensor]) -> Iterator[str]:
    """A line for each tensor, with as many of its first numbers as fit, up to four."""
    for each in tensors:
        named = f"{each.name}: {size(each.shape)}"
        values = each.values[: max(1, min(4, (view.width - len(named) - 14) // 9))]
        more = each.shape[-1] > len(values)
        yield f"{named}  {numbers(values, more)}" if values else named
