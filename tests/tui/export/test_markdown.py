"""What leaves the app as a file is complete and never overwrites; JSON is raw, Markdown is safe."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from engine.messages import (
    BranchDone,
    Continue,
    Done,
    Error,
    Fill,
    Piece,
    PseudoLikelihood,
    Started,
)
from tests.support.fake_engine import TaskEngine
from tests.support.sample_cards import filled, finished, running, scored, token
from tui.cards import Card, ContinueCard, FillCard, Pair, PairCard, PllCard, questions
from tui.cards.texts import Branch
from tui.export import markdown
from tui.history import Session
from tui.terminal.sanitise import HOSTILE


def session(*cards: Card) -> Session:
    return Session("s", "朝", cards=list(cards))


def test_json_gives_the_cards_back() -> None:
    cards: list[Card] = [finished(branches=2), filled(), scored()]
    document = json.loads(markdown.json(session(*cards)))
    assert document["name"] == "朝"
    assert document["tsuzuki"]
    assert msgspec.convert(document["cards"], list[Card]) == cards
    again = msgspec.convert(document["cards"][0], ContinueCard)
    assert again.repeatable.sampling.seed == 7


def test_json_keeps_raw_text_and_markdown_none_that_a_terminal_obeys() -> None:
    hostile = "\x1b]0;title\x07 ``` | 語\u202e"
    card = running()
    card.fold(token(1, text=hostile))
    assert (
        json.loads(markdown.json(session(card)))["cards"][0]["branches"][0]["tokens"][0]["text"]
        == hostile
    )
    card.prompt = "\x9b2J\r\n\tx"
    written = markdown.markdown(session(card))
    assert "````text\n␛]0;title␇ ``` | 語\ufffd\n````" in written
    assert "```text\n\ufffd2J\n\tx\n```" in written
    assert not HOSTILE.search(written)


def test_markdown_reads_well() -> None:
    failed = running("again")
    failed.fold(Error(kind="too_big", message="It does not fit."))
    written = markdown.markdown(session(finished(), filled(), scored(), failed))
    assert written.startswith("# 朝\n\n## Continue · starter-ja · ")
    assert "```text\n羽田空港に到着、\n```" in written
    assert "```text\n語0語1語2\n```" in written
    assert "- seed: 7\n" in written
    assert "- temperature: 0.8\n" in written
    assert "| 2 | `a\\|b'c` | 12.5000% |" in written
    assert "Hidden word: `baseball`, 6.2500%, rank 9" in written
    assert "| probability | 0.75 | 0.25 |" in written
    assert "**Failed:** It does not fit." in written


def test_a_text_that_was_read_has_its_figures() -> None:
    request = Continue(model="starter-ja", prompt="", begin="語1語2", max_tokens=0)
    card = ContinueCard(request=request, prompt="")
    start = Piece(id=1, text="<s>", piece="<s>", special=True)
    started = Started(
        model="m", revision="", precision="exact", prompt="", prompt_tokens=[start], seed=None
    )
    for event in (started, token(1), token(2), BranchDone(branch=0, finish="length"), Done()):
        card.fold(event)
    written = markdown.markdown(session(card))
    assert "Prompt:" not in written
    assert "Text:\n\n```text\n語1語2\n```" in written
    assert "| `語1` | 0.7213 | 1 | 2.1640 |\n| `語2` | 1.4427 | 1 | 2.1640 |" in written
    assert "- figures: perplexity 2.12, 1.08 bits/token, " in written
    assert ", read after <s>\n" in written
    assert "- ended by:" not in written
    empty = structs.replace(token(1), text="")
    assert f"| `#{empty.id}` | 0.7213" in markdown.markdown(
        session(structs.replace(card, branches=[Branch(tokens=[empty])]))
    )
    after_nothing = structs.replace(card, prompt="語0", prompt_tokens=[])
    assert "| `語0` |  |  |  |\n| `語1` | 0.7213" in markdown.markdown(session(after_nothing))


def test_every_card_says_the_form_that_answered() -> None:
    cards: list[Card] = [finished(), filled(), scored()]
    documents = json.loads(markdown.json(session(*cards)))["cards"]
    assert [card["precision"] for card in documents] == ["exact"] * 3
    assert markdown.markdown(session(*cards)).count("- precision: exact\n") == 3


def test_a_card_says_what_its_form_was_made_of() -> None:
    card = finished()
    card.weights = "Q4_1"
    (document,) = json.loads(markdown.json(session(card)))["cards"]
    assert (document["precision"], document["weights"]) == ("exact", "Q4_1")
    assert "- precision: exact of Q4_1\n" in markdown.markdown(session(card))


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    paths = {markdown.save(folder, session(filled()), "md") for _ in range(3)}
    paths.add(markdown.save(folder, session(filled()), "json"))
    assert len(paths) == 4
    assert {path.suffix for path in paths} == {".md", ".json"}
    assert all(path.read_text(encoding="utf-8") for path in paths)


def test_a_place_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        markdown.save(tmp_path / "file", session(), "md")


def test_a_session_without_a_name_or_cards_has_a_title() -> None:
    assert markdown.markdown(Session("s")).startswith("# A session of tsuzuki")


def answered(card: Card) -> Card:
    """A card with the answers that the panes' tests give."""
    engine = TaskEngine()
    for request in questions(card):
        for event in engine.events(request):  # type: ignore[arg-type]
            card.fold(event)
    return card


def test_judged_texts_pairs_and_joint_fillings_are_told_whole() -> None:
    judged = answered(PllCard(request=PseudoLikelihood(model="m", text="we met")))
    pair = Pair(
        model="m",
        masked="m",
        causal="c",
        a="it was",
        b="it were",
        method="original",
        precision="exact",
    )
    compared = answered(PairCard.of(pair))
    request = Fill(
        model="m",
        text="[MASK] [MASK]",
        words=["he", "New York"],
        pieces=2,
        joint_methods=["hcb"],
    )
    joint = answered(FillCard(request=request))
    cards = [judged, compared, joint]
    assert msgspec.convert(json.loads(markdown.json(session(*cards)))["cards"], list[Card]) == cards
    written = markdown.markdown(session(*cards))
    assert "each token masked: -5.0000 nats" in written
    assert "| `met` | -3.0000 | 3 |" in written
    assert "m, each token masked: A -5.0000, B -6.0000, A - B +1.0000 nats" in written
    assert "| `was` | `were` | +1.0000 |" in written
    assert "c, from left to right: A " in written
    assert "All masks together, HCB:" in written
    assert "| `baseball baseball` | -2.0000 | -0.5000 |" in written
    assert "Words asked for at mask 2:" in written
    assert "| `New York` | 2 | -8.0000 | 4 |" in written
    assert "Whole words at mask 1:" in written
