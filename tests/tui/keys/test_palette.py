"""The command palette: what is typed finds actions by name, or by what they do."""

from __future__ import annotations

import pytest
from textual.command import Hit, Provider
from textual.content import Content
from textual.screen import Screen

from tui.keys.palette import choosing


async def found(provider: Provider, query: str) -> list[str]:
    """Names in the order of the palette, best first."""
    hits = [hit async for hit in provider.search(query) if isinstance(hit, Hit)]
    return [str(hit.prompt) for hit in sorted(hits, key=lambda hit: -hit.score)]


@pytest.fixture
def provider() -> Provider:
    entries = [
        ("Show the walk", "Exact values are in the middle.", lambda: None),
        ("Precision", "Choose the form of the weights: exact, bf16 or int4.", lambda: None),
        ("Exactly", "Nothing.", lambda: None),
        ("[MASK] in the middle", "An example.", lambda: None),
    ]
    return choosing(entries)(Screen())


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("int4", ["Precision"]),
        ("EXACT", ["Exactly", "Show the walk", "Precision"]),
        ("prc", ["Precision"]),  # a name is found by some of its letters, a line is not
        ("[mask]", ["[MASK] in the middle"]),
        ("nothing of the kind", []),
    ],
)
async def test_names_come_before_lines(provider: Provider, query: str, names: list[str]) -> None:
    assert await found(provider, query) == names


async def test_what_matches_of_a_name_is_marked(provider: Provider) -> None:
    (hit,) = [hit async for hit in provider.search("[mask]") if isinstance(hit, Hit)]
    content = hit.match_display
    assert isinstance(content, Content)
    assert [(span.start, span.end) for span in content.spans] == [(n, n + 1) for n in range(6)]
