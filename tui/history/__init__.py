"""Sessions: every draft, card and partial answer, saved as it happens.

keeper.py        the app's side: what is to be saved waits in order, off the event loop
database.py      every statement on the file
session_file.py  the connection, or memory in its place, and what becomes of the file
schema.py        the tables, and opening a file whatever state it is in
salvage.py       a new file with all that can be read in a damaged one
pages.py         the rows of a damaged file, page by page
records.py       what the file holds, as values
holders.py       which process has a session open
"""

from tui.history.keeper import History
from tui.history.records import Session, Summary

__all__ = ["History", "Session", "Summary"]
