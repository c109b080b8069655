"""Forks: what they hold, how they stand in a tree, and that nothing is stored twice."""

from __future__ import annotations

from pathlib import Path

from msgspec import structs

from tests.support.sample_cards import finished, scored, token
from tests.tui.history.test_history import opened
from tui.cards import Branch, ContinueCard, copy_request
from tui.cards.forks import Trees
from tui.history.records import Snapshot, token_decoder


def fork(card: ContinueCard, at: int, *ids: int, created: float) -> ContinueCard:
    """A fork with a token for each id."""
    made = card.fork(0, at, list(ids[:1]), 8)
    made.created, made.status = created, "done"
    made.branches[0].tokens += [token(number) for number in ids]
    return made


def family() -> tuple[ContinueCard, ContinueCard, ContinueCard, ContinueCard]:
    root = finished(tokens=3)
    root.created = 1.0
    child = fork(root, 1, 31, 32, created=2.0)
    return root, child, fork(child, 2, 41, created=3.0), fork(root, 2, 51, created=4.0)


def test_a_fork_asks_for_what_it_shares_and_the_other_token() -> None:
    root = finished(tokens=3)
    made = root.fork(0, 2, [9], 5)
    assert made.request.prompt == [5, 0, 1]
    assert (made.request.begin, made.request.max_tokens, made.request.branches) == ([9], 5, 1)
    assert made.request.sampling.seed == root.seed == 7
    assert made.prompt == root.prompt
    assert made.branches[0].text == "語0語1"


def test_an_extension_counts_what_was_drawn() -> None:
    card = finished(tokens=3)
    asked = card.extend(1)
    assert (asked.prompt, asked.max_tokens) == ([5, 0, 1, 2], 1)
    assert (card.request.max_tokens, card.status) == (4, "running")
    made = finished(tokens=3).fork(0, 1, [9], 0)
    made.branches[0].tokens.append(structs.replace(token(9), given=True))
    made.status = "done"
    assert made.extend(1).max_tokens == 1
    assert made.request.max_tokens == 1


def test_one_card_of_each_tree_is_shown_the_one_seen_last() -> None:
    root, child, grandchild, other = family()
    trees = Trees([root, child, grandchild, other])
    assert trees.shown == [other]
    trees.show(child)
    assert trees.shown == [child]
    apart = scored()
    apart.created = 5.0
    trees.add(apart)
    assert trees.shown == [child, apart]


def test_the_tree_is_walked_from_the_first_text_on() -> None:
    root, child, grandchild, other = family()
    trees = Trees([root, child, grandchild, other])
    nodes = list(trees.below(trees.root(grandchild)))
    assert [(node.card, node.depth, node.forks) for node in nodes] == [
        (root, 0, 2),
        (child, 1, 1),
        (grandchild, 2, 0),
        (other, 1, 0),
    ]


def test_what_is_removed_takes_its_forks_along_and_comes_back_with_them() -> None:
    root, child, grandchild, other = family()
    trees = Trees([root, child, grandchild, other])
    gone = trees.remove(child)
    assert gone == [child, grandchild]
    assert [node.card for node in trees.below(root)] == [root, other]
    trees.restore(gone)
    assert [node.card for node in trees.below(root)] == [root, child, grandchild, other]


def test_a_rerun_fork_is_another_fork_of_the_same_text() -> None:
    _, child, _, _ = family()
    again = copy_request(child)
    assert isinstance(again, ContinueCard)
    assert again.origin == child.origin
    assert again.branches == [Branch(tokens=child.branches[0].tokens[:1])]


def test_shared_tokens_are_not_stored_again() -> None:
    _, child, _, _ = family()
    (chunk,) = Snapshot.of(child).chunks
    assert chunk.start == 1
    assert [found.id for found in token_decoder.decode(chunk.data)] == [31, 32]


async def test_a_tree_is_there_at_the_next_start(tmp_path: Path) -> None:
    cards = family()
    cards[1].name, cards[2].bookmarked = "a name", True
    path = tmp_path / "history.sqlite3"
    async with opened(path) as history:
        for card in cards:
            history.save_card(card)
    async with opened(path) as history:
        found = await history.resume()
        assert found is not None
        assert found.cards == list(cards)


async def test_a_fork_whose_origin_is_lost_still_reads_whole(tmp_path: Path) -> None:
    root, child, _, _ = family()
    child.fed = "羽田空港に到着、語0"
    path = tmp_path / "history.sqlite3"
    async with opened(path) as history:
        history.save_card(root)
        history.save_card(child)
        history.delete_card(root.id)
    async with opened(path) as history:
        found = await history.resume()
        assert found is not None
        (left,) = found.cards
        assert isinstance(left, ContinueCard)
        assert left.prompt + left.answer == "羽田空港に到着、語0語31語32"
