"""A model, a name or a file holds what a terminal would obey."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
from pathlib import Path

from sentencepiece import sentencepiece_model_pb2

from tests.faults.harness import Outcome, fault
from tests.faults.running import SETTINGS, STARTER, app, history_file, leave, new_session, saved
from tests.support.sample_cards import running, token
from tui.cards import ContinueCard
from tui.cards.drafts import Draft
from tui.history import History
from tui.terminal.sanitise import HOSTILE

_HOSTILE = (
    "\x1b]0;owned\x07",  # the title
    "\x1b]52;c;b3duZWQ=\x07",  # the clipboard
    "\x1b]8;;http://owned\x1b\\owned\x1b]8;;\x1b\\",  # a link
    "\x1b[2J\x1b[1;1Howned",  # an empty screen
    "\x1b[?1049lowned",  # the other screen
    "\x1bP$qowned\x1b\\",
    "\x1bcowned",
    "\x9b31mowned",
    "\x9d0;owned\x9c",
    "\u202eowned\u2066",  # right to left
    "\u2028owned",
    "\u200bowned\U000e0041",
    "\rowned\x08\x7f",
    "╭──────╮ owned ╰──────╯",
)
_UNDRAWN = tuple(
    text.encode()
    for text in (
        "\x1b]0;owned",
        "\x1b]52",
        "\x1b]8;;http://owned",
        "\x1b[1;1Howned",
        "\x1b[?1049lowned",
        "\x1bP$q",
        "\x1bc",
        "\x9b",
        "\x9d",
        "\u202e",
        "\u2066",
        "\u2028",
        "\u200b",
        "\U000e0041",
        "\x7f",
        "\rowned",
    )
)
"""What the app never sends of its own accord."""


def _nothing_sent(raw: bytes) -> None:
    sent = [each for each in _UNDRAWN if each in raw]
    assert not sent, f"reached the terminal: {sent}"


@fault("a model writes escape sequences, OSC 52, bidi controls and boxes", long=20)
def written(place: Path, rng: random.Random) -> Outcome:
    model = shutil.copytree(STARTER, place / "bad\x1b]0;owned\x07\u202e")
    _spoil(model / "spiece.model", rng)
    settings = f"models: {{continue: {json.dumps(str(model))}}}\n{SETTINGS}"
    with app(place, settings=settings) as terminal:
        new_session(terminal)
        terminal.press("a", "enter")
        screen = terminal.wait("120 tokens · ", "perplexity")
        terminal.press("shift+tab", "right", "right", "f6")
        terminal.wait("surprisal")
        leave(terminal)
    cards = [card for card in saved(place).cards if isinstance(card, ContinueCard)]
    answer = "".join(card.answer for card in cards)
    assert HOSTILE.search(answer) and "owned" in answer, "the model wrote nothing hostile"
    assert "owned" in screen
    _nothing_sent(terminal.raw)
    return Outcome("it is drawn as marks; nothing of it reached the terminal")


def _spoil(path: Path, rng: random.Random) -> None:
    """Have most tokens stand for something hostile."""
    vocabulary = sentencepiece_model_pb2.ModelProto.FromString(path.read_bytes())
    for number, piece in enumerate(vocabulary.pieces):
        if piece.type == piece.NORMAL and rng.random() < 0.9:
            piece.piece = f"{rng.choice(_HOSTILE)}{number}"
    path.write_bytes(vocabulary.SerializeToString())


@fault(
    "the settings, a theme, a model's name and its facts, and a session hold the same",
    short=0,
    long=20,
)
def named(place: Path, rng: random.Random) -> Outcome:
    bad = "".join(rng.sample(_HOSTILE, len(_HOSTILE)))
    name = "".join(each for each in bad if each not in "/\r")[:40]
    model = shutil.copytree(STARTER, place / "models" / name)
    facts = {**json.loads((model / "config.json").read_text()), "model_type": bad}
    (model / "config.json").write_text(json.dumps(facts))
    (model / "README.md").write_text(f"---\nlicense: {json.dumps(bad)}\n---\n{bad}")
    themes = place / "config" / "themes"
    themes.mkdir(parents=True)
    (themes / f"{name}.yaml").write_text(json.dumps({"name": bad, bad: bad}))
    own = {"model_folders": [str(model.parent)], "export_folder": str(place / "exports")}
    settings = json.dumps({bad: bad, "theme": bad, **own})
    history_file(place).parent.mkdir()
    asyncio.run(_write(history_file(place), bad))
    with app(place, settings=settings) as terminal:
        terminal.wait("owned", "interrupted")
        terminal.press("f8")
        terminal.wait("failed", "MB")
        terminal.press("escape")
        terminal.wait("Enter Send")
        terminal.press("f10")
        terminal.wait("In force", "holds an invalid character")
        terminal.press("escape")
        terminal.wait("Enter Send")
        terminal.press("shift+tab")
        terminal.wait("Run again")
        terminal.press("s")
        terminal.wait("Saved to")
        leave(terminal)
    _nothing_sent(terminal.raw)
    (exported,) = (place / "exports").iterdir()
    assert not HOSTILE.search(exported.read_text(encoding="utf-8"))
    return Outcome("it is drawn as marks; nothing of it reached the terminal or the export")


async def _write(path: Path, bad: str) -> None:
    history = History(path, print)
    await history.open()
    card = running(bad)
    card.fold(token(1, text=bad))
    history.save_card(card)
    history.save_draft("continue", Draft(model=bad, text=bad))
    await history.close()
