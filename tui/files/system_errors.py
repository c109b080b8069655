"""Why the system refused something, in the user's language."""

from __future__ import annotations

import errno

from tui.strings import known, text


def reason(error: OSError) -> str:
    """The system's own message, without the name of an exception or a number.

    Python gives it in English, whatever the locale; the usual ones are in the strings file.
    """
    key = f"system.{errno.errorcode.get(error.errno or 0, '')}"
    return text(key) if known(key) else error.strerror or str(error)
