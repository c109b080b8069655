"""A person writes what no model expects."""

from __future__ import annotations

import random
from pathlib import Path

from engine.messages import GREEDY, Continue, Document, Done, Error, Fill, Request, Score, Tokenize
from tests.faults.harness import Outcome, fault
from tests.faults.models import check_error, sound_answer, worker
from tests.faults.running import new_session, not_kept, noted, running
from tui.terminal.sanitise import composed

TEXTS = {
    "nothing": "",
    "only spaces": " \u3000\t \n ",
    "every plane": "".join(chr((plane << 16) + 0xABC) for plane in range(17)),
    "right to left": "שלום עולם مرحبا \u202eabc\u2066",
    "combining marks": "e" + "\u0301\u0327" * 200,
    "joined emoji": "👩‍👩‍👧‍👦🏳️‍🌈" * 20,
    "controls": "".join(map(chr, [*range(32), *range(127, 160)])),
    "one huge word": "a" * 20_000,
    "longer than the context": "word " * 5_000,
    "a mask": "I [MASK] here",
    "500 masks": "[MASK] " * 500,
    "special tokens": "<s></s><unk>[CLS][SEP][PAD]<|endoftext|>",
    "an escape": "a\x1b]0;owned\x07b\x1b[2J",
}


def _requests(text: str) -> list[Request]:
    return [
        Continue(model="starter-ja", prompt=text, sampling=GREEDY, max_tokens=2, top=0),
        Fill(model="starter-en", text=text),
        Fill(model="starter-ja", text=text),
        Score(model="starter-en", a=text, b="It is a game."),
        Score(model="starter-ja", a="It is a game.", b=text),
        Tokenize(model="starter-ja", text=text),
        Document(model="starter-en", text=text),
    ]


@fault(f"{len(TEXTS)} kinds of text are continued, filled, scored and cut", short=0, long=10)
def asked(place: Path, rng: random.Random) -> Outcome:
    kinds = list(TEXTS)
    rng.shuffle(kinds)
    with worker(place) as peer:
        for kind in kinds:
            for request in _requests(TEXTS[kind]):
                last = peer.ask(request)[-1]
                if isinstance(last, Error):
                    check_error(f"{kind}, {type(request).__name__}", last)
                else:
                    assert isinstance(last, Done) or isinstance(request, Tokenize), (kind, last)
        seconds = sound_answer(peer)
    return Outcome("each is answered, or refused in one line", 0, seconds)


@fault(f"{len(TEXTS)} kinds of text and bytes that are no UTF-8 are pasted and sent", long=10)
def pasted(place: Path, rng: random.Random) -> Outcome:
    here = running()
    kinds = {kind: text.encode() for kind, text in TEXTS.items()}
    kinds |= {"half a surrogate pair": b"a\xed\xa0\x80b", "EUC-JP": "日本".encode("euc-jp")}
    order = list(kinds)
    rng.shuffle(order)
    here.over()
    for kind in order:
        written = composed(kinds[kind].decode("utf-8", "replace"))
        with noted(lambda: here.terminal.text):
            new_session(here.terminal)
            here.terminal.child.send(b"\x1b[200~" + kinds[kind] + b"\x1b[201~")
            here.terminal.press("enter")
            assert not written or not not_kept(here, written), kind
    assert b"\x1b]0;owned" not in here.terminal.raw
    return Outcome("each is kept as it was written, with its answer or a line")
