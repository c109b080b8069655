"""Sessions and cards as files: Markdown to read, JSON to compute with and to repeat from.

JSON keeps what models and people wrote character for character. Markdown is there to be looked at,
in a terminal too, so what a terminal might obey is drawn there, as in the app; its table cells
cannot hold a line break or a bar and show them as code.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Literal, assert_never

import msgspec
from msgspec import Struct

from engine.messages import FillResult, ScoreResult, WordScore
from tui.analysis.heat import bits
from tui.analysis.minimal_pairs import differences
from tui.cards import (
    Card,
    ContinueCard,
    DocumentCard,
    FillCard,
    PairCard,
    PllCard,
    ScoreCard,
    total,
)
from tui.cards.figures import Figure, judgement
from tui.files import paths, system_errors
from tui.history.records import Session
from tui.render import fillings, verdicts
from tui.render.facts import figures
from tui.render.weights import form
from tui.strings import listed, text, worded
from tui.terminal.sanitise import clean, composed

Format = Literal["md", "txt", "json"]


class Document(Struct, frozen=True, kw_only=True):
    """The JSON document: each card holds its whole request, answer, seed, model and revision."""

    tsuzuki: str
    exported: float
    session: str
    name: str
    cards: Sequence[Card]


def save(folder: Path, session: Session, form: Format) -> Path:
    """Write a session (or a card alone, as a session of one) and return the file's path.

    Nothing is overwritten: a name that is taken gets a number.

    Raises:
        OSError: it cannot be written.
    """
    content = {"json": json, "md": markdown, "txt": prose}[form](session)
    path = paths.fresh(folder, form)
    try:
        path.write_text(content, encoding="utf-8", errors="replace", newline="\n")
    except OSError:
        path.unlink()  # half a file could be taken for a whole one
        raise
    return path


def save_and_report(folder: Path, session: Session, form: Format) -> str:
    """Write a session; return the message to show, which may be why it cannot be written."""
    try:
        return text("export.saved", path=clean(str(save(folder, session, form))))
    except OSError as error:
        return text("export.not_saved", reason=clean(system_errors.reason(error)))


def save_cards(folder: Path, cards: Sequence[Card], form: Format) -> str:
    """Write some cards to a file of their own; return the message to show."""
    first = cards[0]
    name = first.name if isinstance(first, ContinueCard) else ""
    session = Session(first.id, name=name, created=first.created, cards=list(cards))
    return save_and_report(folder, session, form)


def prose(session: Session) -> str:
    """The texts of a session alone: what was written, with what a model added."""
    texts = [part for card in session.cards for part in _texts(card)]
    return clean(composed("\n\n".join(text for text in texts if text))) + "\n"


def _texts(card: Card) -> list[str]:
    match card:
        case ContinueCard():
            name = [f"[{_line(card.name)}]"] if card.name else []
            return [*name, *(f"{card.prompt}{_gap(card)}{each.text}" for each in card.branches)]
        case FillCard():
            return [card.answer or card.wrote]
        case DocumentCard():
            return [card.answer or card.wrote]
        case _:
            return [card.wrote]


def _gap(card: ContinueCard) -> str:
    """What is between a prompt and its answer: a chat's are two turns."""
    return "\n\n" if card.request.chat is not None else ""


def json(session: Session) -> str:
    """A session with all that is needed to repeat it. Infinite log-probabilities become null."""
    document = Document(
        tsuzuki=version("tsuzuki"),
        exported=time.time(),
        session=session.id,
        name=session.name,
        cards=session.cards,
    )
    return msgspec.json.format(msgspec.json.encode(document), indent=1).decode() + "\n"


def markdown(session: Session) -> str:
    """A whole session as Markdown, one section for each card."""
    title = session.name or (session.cards[0].wrote if session.cards else "")
    parts = [f"# {_line(title) or text('export.untitled')}"]
    parts += [_card(card) for card in session.cards]
    return clean(composed("\n\n".join(parts))) + "\n"


def _card(card: Card) -> str:
    """One card: the request and its model, the answer, and the facts."""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(card.created))
    parts = [f"## {text(f'export.{card.pane}')} · {_line(card.request.model)} · {when}"]
    if isinstance(card, ContinueCard) and card.name:
        parts[0] += f" · {_line(card.name)}"
    match card:
        case ContinueCard():
            parts += _continuation(card)
        case FillCard():
            parts += _fill(card)
        case ScoreCard():
            parts += _score(card)
        case DocumentCard():
            parts += _document(card)
        case PllCard():
            parts += _pll(card)
        case PairCard():
            parts += _pair(card)
        case never:
            assert_never(never)
    if card.error is not None:
        parts.append(f"**{text('export.error')}** {_line(worded(card.error.message))}")
    parts.append(_facts(card))
    return "\n\n".join(parts)


def _continuation(card: ContinueCard) -> list[str]:
    if card.read:
        return [text("export.text"), _fence(card.read), *_reading(card)]
    parts = [text("export.system"), _fence(card.system)] if card.system else []
    parts += [text("export.prompt"), _fence(card.prompt)]
    for number, branch in enumerate(card.branches, 1):
        key = "export.branch" if len(card.branches) > 1 else "export.answer"
        parts += [text(key, number=number), _fence(branch.text)]
    return parts


def _reading(card: ContinueCard) -> list[str]:
    """The figures of every token of a text that was read; the first has none after nothing."""
    header = [text(f"export.read.{name}") for name in ("token", "surprisal", "rank", "entropy")]
    rows = [] if card.start is not None else [[_code(card.prompt), "", "", ""]]
    rows += [
        [
            _code(token.text or f"#{token.id}"),  # a part of a character, or none
            f"{bits(-token.logprob):.4f}",
            "" if token.rank is None else str(token.rank),
            "" if token.entropy is None else f"{bits(token.entropy):.4f}",
        ]
        for branch in card.branches
        for token in branch.tokens
    ]
    return [_table(header, rows)]


def _fill(card: FillCard) -> list[str]:
    parts = [text("export.text"), _fence(card.wrote)]
    for number, mask in enumerate(card.result.masks if card.result else [], 1):
        rows = [
            [str(rank), _code(word.text), f"{word.prob:.4%}"]
            for rank, word in enumerate(mask.candidates, 1)
        ]
        parts += [text("export.mask", number=number), _table(["#", "", "%"], rows)]
        if mask.hidden is not None and mask.hidden.prob is not None:
            hidden = mask.hidden
            parts.append(
                text(
                    "export.hidden",
                    word=_code(hidden.word),
                    prob=f"{hidden.prob:.4%}",
                    rank=hidden.rank,
                )
            )
    return parts + (_more(card.result) if card.result else [])


def _more(result: FillResult) -> list[str]:
    """What was filled besides single pieces: whole words, words asked for, masks together."""
    parts: list[str] = []
    for number, mask in enumerate(result.masks, 1):
        for key, words in (("whole", mask.whole), ("words", mask.words)):
            rows = [[_code(word.text), str(len(word.ids)), *_figures(word)] for word in words]
            if rows:
                header = ["", text("export.pieces"), "log p", text("inspector.rank")]
                parts += [text(f"export.{key}", number=number), _table(header, rows)]
    for joint in result.joint:
        header, rows = (
            ["", "log p"],
            [
                [_code(" ".join(f.words)), fillings.logprob(joint.method, f, 4)]
                for f in joint.fillings
            ],
        )
        if joint.method == "hcb":
            header.append(text("export.ratio"))
            for row, filling in zip(rows, joint.fillings, strict=True):
                ratio = filling.logprob if filling.ratio is None else filling.ratio
                row.append(f"{ratio:+.4f}")
        parts += [
            text("export.joint", method=text(f"joint.{joint.method}.name")),
            _table(header, rows),
        ]
    return parts


def _figures(word: WordScore) -> list[str]:
    return ["", ""] if word.logprob is None else [f"{word.logprob:.4f}", str(word.rank)]


def _pll(card: PllCard) -> list[str]:
    parts = [text("export.text"), _fence(card.wrote)]
    for result in card.results:
        parts.append(
            text(
                "export.pll", method=text(f"pll.{result.method}.name"), total=f"{result.total:.4f}"
            )
        )
        rows = [[_code(t.text), f"{t.logprob:.4f}", str(t.rank)] for t in result.tokens]
        parts.append(_table(["", "log p", text("inspector.rank")], rows))
    return parts


def _pair(card: PairCard) -> list[str]:
    parts = ["A", _fence(card.request.a), "B", _fence(card.request.b)]
    for model, method in enumerate((card.request.method, "causal")):
        sides = card.scored(model)
        if sides is None:
            continue
        a, b = (total(side) for side in sides)
        scores = {"a": f"{a:.4f}", "b": f"{b:.4f}", "difference": f"{a - b:+.4f}"}
        name = _line(card.parts[2 * model].request.model)
        parts.append(text("export.pair", model=name, method=text(f"pll.{method}.name"), **scores))
        scored = ([(token.text, token.logprob) for token in side] for side in sides)
        rows = [
            [_code(part.good), _code(part.bad), f"{part.difference:+.4f}"]
            for part in differences(*scored)
        ]
        parts.append(_table(["A", "B", "A - B"], rows))
    return parts


def _score(card: ScoreCard) -> list[str]:
    parts = ["A", _fence(card.request.a), "B", _fence(card.request.b)]
    if card.verdict is not None:
        parts.append(verdicts.verdict(card.verdict))
    for result in card.results:
        parts += [f"**{_line(result.model)}**, {verdicts.measures(result)}", _witness(result)]
        if result.shuffled is not None:
            parts.append(verdicts.place(result.shuffled))
        if result.trimmed is not None:
            parts.append(verdicts.cut(result.trimmed))
    return parts


def _witness(result: ScoreResult) -> str:
    """A witness's figures, for both orders."""
    rows = [
        [_named(each), f"{each.there:.6g}", f"{each.back:.6g}"]
        for each in judgement(result).figures
    ]
    return _table(["", "A → B", "B → A"], rows)


def _named(figure: Figure) -> str:
    name = text(f"export.figure.{figure.name}")
    named = f"{name} ({figure.means})" if figure.means else name
    return named.replace("|", "\\|")


def _document(card: DocumentCard) -> list[str]:
    """The sentences in their present order, each with the score of the next one after it."""
    result = card.result
    if result is None:
        return [text("export.text"), _fence(card.answer or card.wrote)]
    rows = []
    for at, number in enumerate(card.order):
        score = depth = marks = ""
        if at < len(result.gaps):
            gap = result.gaps[at]
            score = "" if gap.score is None else f"{gap.score:.6g}"
            depth = "" if gap.depth is None else f"{gap.depth:.6g}"
            kinds = (("boundary", result.boundaries), ("marked", result.reference))
            marks = listed(text(f"document.{kind}") for kind, gaps in kinds if at in gaps)
        rows.append([str(number + 1), _code(card.sentences[number].text), score, depth, marks])
    figures = {
        text("export.mean"): result.coherence,
        text("export.threshold"): result.threshold,
    }
    if result.pk is not None and result.window_diff is not None:
        figures |= {"Pk": result.pk, "WindowDiff": result.window_diff}
    lines = "\n".join(f"- {name}: {value:.6g}" for name, value in figures.items())
    header = ["#", "", text(f"witness.{result.witness}"), text("export.depth"), ""]
    return [_table(header, rows), lines]


def _facts(card: Card) -> str:
    """Everything that the answer depends on, and how long it took.

    What the settings file names too has its name there.
    """
    named: dict[str, object] = {
        "model": card.request.model,
        "revision": card.revision,
        "precision": form(card),
        "status": text(f"export.status.{card.status}"),
    }
    asked: dict[str, object] = {}
    if isinstance(card, ContinueCard):
        asked = msgspec.structs.asdict(card.request.sampling) | {"seed": card.seed}
        asked |= {"max_tokens": card.request.max_tokens, "branches": card.request.branches}
        ends = [branch.finish for branch in card.branches if branch.finish is not None]
        named |= {"card": card.id[:8], "path": card.name}
        named["bookmarked"] = text("export.yes") if card.bookmarked else None
        if card.origin is not None:
            named["forked"] = text("export.forked", n=card.shared, card=card.origin.card[:8])
        if card.request.max_tokens:  # what was only read did not end
            named["finish"] = listed(text(f"export.finish.{end}") for end in ends)
        named["figures"] = listed(figures(card))
    rate = card.timing.tokens_per_s
    named["speed"] = rate and text("card.speed", rate=f"{rate:.2f}")
    facts = {text(f"export.fact.{name}"): value for name, value in named.items()} | asked
    shown = {name: value for name, value in facts.items() if value not in (None, "")}
    return "\n".join(f"- {name}: {_line(str(value))}" for name, value in shown.items())


def _fence(written: str) -> str:
    """A text as it is, in a fence that is longer than any in it."""
    longest = max((len(run) for run in re.findall(r"`+", written)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{written}\n{fence}"


def _code(written: str) -> str:
    """A word in a table's cell."""
    flat = repr(written)[1:-1] if re.search(r"[\n\r\t`|]", written) else written
    return "`" + flat.replace("|", "\\|").replace("`", "'") + "`"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _line(written: str) -> str:
    """A text on one line, for headings and lists."""
    return " ".join(written.split())
