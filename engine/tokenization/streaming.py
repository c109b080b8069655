"""Decodes ids one at a time, holding back the bytes of incomplete characters."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable

Spell = Callable[[int, bool], bytes]
"""Returns the bytes of an id; the flag is true if no visible text precedes it."""
IsText = Callable[[int, bytes], bool]
"""Whether an id with these bytes counts as visible text."""

EACH_BYTE = "tsuzuki.each-byte"
"""Error handler for decoding: one U+FFFD for each invalid byte, as in sentencepiece."""


def _each_byte(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\ufffd" * (error.end - error.start), error.end


codecs.register_error(EACH_BYTE, _each_byte)
_utf8 = codecs.getincrementaldecoder("utf-8")


class ByteStream:
    """Decodes ids one at a time. Its results, joined, are the text of all ids."""

    def __init__(
        self, spell: Spell, is_text: IsText, errors: str, before: Iterable[int] = ()
    ) -> None:
        self._spell = spell
        self._is_text = is_text
        self._decoder = _utf8(errors)
        self._first = True
        for token_id in before:
            self.push(token_id)

    def push(self, token_id: int) -> str:
        """Add one id; return the characters that are now complete."""
        data = self._spell(token_id, self._first)
        if self._is_text(token_id, data):
            self._first = False
        return self._decoder.decode(data)

    def flush(self) -> str:
        """Return what is still held back as U+FFFD."""
        return self._decoder.decode(b"", final=True)


def decode(stream: ByteStream, ids: Iterable[int]) -> str:
    """The text of ids, all at once."""
    return "".join([stream.push(token_id) for token_id in ids]) + stream.flush()


def byte_of(piece: str) -> bytes | None:
    """The byte represented by a piece such as `<0xE3>`; None for any other piece."""
    if len(piece) == 6 and piece.startswith("<0x") and piece.endswith(">"):
        try:
            return bytes([int(piece[3:5], 16)])
        except ValueError:
            return None
    return None
