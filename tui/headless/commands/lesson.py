"""`tsuzuki lesson`: opens the app at the lesson."""

from __future__ import annotations

from tui.headless.command import OpenApp


class LessonCommand(OpenApp, frozen=True, kw_only=True):
    """`tsuzuki lesson`."""
