"""Sessions: every draft, card and partial answer, saved as it happens."""

from tui.history.keeper import History
from tui.history.records import Session, Summary

__all__ = ["History", "Session", "Summary"]
