"""What the engine says to the user: ids with arguments, from which a front writes the sentences.

The sentences are the front's, in the user's language: `tui.strings`, under ``engine``.
"""

from __future__ import annotations

from msgspec import Struct

_INTEGERS = range(-(2**63), 2**64)
"""What msgpack can hold."""


class Message(Struct, frozen=True, omit_defaults=True):
    """A sentence, or a part of one, by its id and what is to be put into it.

    Numbers stay numbers and lists lists, so that the front formats them; an argument may be a
    message itself.
    """

    id: str
    arguments: dict[str, Argument] = {}

    @classmethod
    def of(cls, name: str, /, **arguments: object) -> Message:
        """A message; an argument that is no text, number, list or message is given by its `str`."""
        return cls(name, {key: _argument(value) for key, value in arguments.items()})

    def __hash__(self) -> int:
        """Equal messages have one hash, as others do that share an id."""
        return hash(self.id)

    def __str__(self) -> str:
        """For logs: ``no_such_token.message (model gpt2, number 7)``."""
        given = ", ".join(f"{name} {value}" for name, value in self.arguments.items())
        return f"{self.id} ({given})" if given else self.id


Argument = str | int | float | list[str] | Message

Words = str | Message
"""What is shown to the user; text is what it says itself, such as the name of a file, or was
stored by a version that had no messages."""


def _argument(value: object) -> Argument:
    if isinstance(value, list):
        return list(map(_text, value))
    if isinstance(value, Message | float) or (isinstance(value, int) and value in _INTEGERS):
        return value
    return _text(value)


def _text(value: object) -> str:
    return str(value).encode("utf-8", "backslashreplace").decode("utf-8")
