"""The lesson in a terminal, with the real worker and the bundled models."""

from __future__ import annotations

from pathlib import Path

from tests.support.terminal import environment, opened


def test_it_opens_from_the_command_line_and_again_where_it_was_left(tmp_path: Path) -> None:
    home = environment(tmp_path)
    with opened(home, "lesson") as terminal:
        terminal.wait("Lesson 1 of 11", "starter-ja  羽田空港に到着、東京の街は", "8.09%")
        terminal.press("a")
        terminal.wait("Answer: Surer: its likeliest token has 58.92%", "8.09%")
        terminal.press("right", "right", "a")
        terminal.wait("Lesson 3 of 11", "15 tokens of the text, 13 of them [UNK]")
        terminal.press("ctrl+q")
        assert terminal.ended() == 0
    with opened(home, "lesson") as terminal:
        terminal.wait("Lesson 3 of 11", "(3 of 11 seen)", "1242, 262, 5064")
        terminal.press("escape")
        terminal.wait("F2", "greedy · 43 tokens")
        terminal.press("ctrl+q")
        assert terminal.ended() == 0
