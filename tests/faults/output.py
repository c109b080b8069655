"""A model writes what a terminal would obey."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

from sentencepiece import sentencepiece_model_pb2

from tests.faults.harness import SETTINGS, STARTER, Outcome, app, fault, leave, saved
from tui.cards import ContinueCard
from tui.terminal.sanitise import HOSTILE

_HOSTILE = (
    "\x1b]0;owned\x07",  # the title
    "\x1b]52;c;b3duZWQ=\x07",  # the clipboard
    "\x1b]8;;http://owned\x1b\\owned\x1b]8;;\x1b\\",  # a link
    "\x1b[2J\x1b[H",  # an empty screen
    "\x1b[?1049l",  # the other screen
    "\x1bP$qowned\x1b\\",
    "\x1bcowned",
    "\x9b31mowned",
    "\x9d0;owned\x9c",
    "\u202eowned\u2066",  # right to left
    "\u2028owned",
    "\u200bowned\U000e0041",
    "\rowned\x08\x7f\x00",
    "╭──────╮ owned ╰──────╯",
)
_UNDRAWN = tuple(
    text.encode()
    for text in (
        "\x1b]0;owned",
        "\x1b]52",
        "\x1b]8;;http://owned",
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
    )
)
"""What the app never sends of its own accord."""


@fault("a model whose vocabulary is escape sequences, OSC 52, bidi controls and boxes", long=20)
def hostile(place: Path, rng: random.Random) -> Outcome:
    model = shutil.copytree(STARTER, place / "bad\x1b]0;owned\x07\u202e")
    _spoil(model / "spiece.model", rng)
    (place / "config").mkdir()
    settings = f"models: {{continue: {json.dumps(str(model))}}}\n{SETTINGS}"
    (place / "config" / "settings.yaml").write_text(settings, encoding="utf-8")
    with app(place) as terminal:
        terminal.wait("120 tokens")
        terminal.press("ctrl+n")
        terminal.wait("seed 7 · 120 tokens")
        terminal.press("a", "enter")
        screen = terminal.wait("120 tokens · ", "perplexity")
        terminal.press("shift+tab", "right", "right")
        terminal.wait("surprisal")
        leave(terminal)
    cards = [card for card in saved(place).cards if isinstance(card, ContinueCard)]
    written = "".join(card.answer for card in cards)
    assert HOSTILE.search(written) and "owned" in written, "the model wrote nothing hostile"
    assert "owned" in screen
    sent = [each for each in _UNDRAWN if each in terminal.raw]
    assert not sent, f"reached the terminal: {sent}"
    return Outcome("it is drawn as marks; nothing of it reached the terminal")


def _spoil(path: Path, rng: random.Random) -> None:
    """Have most tokens stand for something hostile."""
    vocabulary = sentencepiece_model_pb2.ModelProto.FromString(path.read_bytes())
    for number, piece in enumerate(vocabulary.pieces):
        if piece.type == piece.NORMAL and rng.random() < 0.9:
            piece.piece = f"{rng.choice(_HOSTILE)}{number}"
    path.write_bytes(vocabulary.SerializeToString())
