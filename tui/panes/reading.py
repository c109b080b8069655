"""Reading the user's files; where one cannot be read, a notice gives the reason."""

from __future__ import annotations

from pathlib import Path

from tui.files import system_errors, text_file, word_list
from tui.panes.host import PaneHost
from tui.strings import text
from tui.terminal.sanitise import clean


def read_text(pane: PaneHost, path: Path) -> str | None:
    """The text of a file; None where it cannot be read."""
    try:
        return text_file.read(path)
    except UnicodeError:
        pane.notice(text("notice.not_utf8", file=clean(str(path))))
    except OSError as error:
        reason = system_errors.reason(error)
        pane.notice(text("notice.unreadable_file", file=clean(str(path)), reason=reason))
    return None


def read_words(pane: PaneHost, written: str) -> list[str] | None:
    """Words with commas between them, or those of a file; None where it cannot be read."""
    try:
        return word_list.read(written)
    except OSError as error:
        reason = system_errors.reason(error)
    except UnicodeError:
        reason = text("notice.no_utf8")
    pane.notice(text("notice.no_words", file=clean(written), reason=reason))
    return None
