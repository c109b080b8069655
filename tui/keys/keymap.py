"""The user's keys: those of every action, and what is wrong with those that were asked for.

Textual takes any name for a key and any id for an action in silence, so both are judged here:
ids that do not exist, keys that a terminal cannot send, keys that would be typed instead, and two
actions on one key.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass, field

from tui.config.settings import Loaded
from tui.files.yaml_reader import Problem, nearest
from tui.keys.actions import ACTIONS, BY_ID, UNBOUND, Action, enclosing
from tui.strings import text

SIGNS = {
    "!": "exclamation_mark",
    '"': "quotation_mark",
    "#": "number_sign",
    "$": "dollar_sign",
    "%": "percent_sign",
    "&": "ampersand",
    "'": "apostrophe",
    "(": "left_parenthesis",
    ")": "right_parenthesis",
    "*": "asterisk",
    "+": "plus",
    ",": "comma",
    "-": "minus",
    ".": "full_stop",
    "/": "slash",
    ":": "colon",
    ";": "semicolon",
    "<": "less_than_sign",
    "=": "equals_sign",
    ">": "greater_than_sign",
    "?": "question_mark",
    "@": "at",
    "[": "left_square_bracket",
    "\\": "backslash",
    "]": "right_square_bracket",
    "^": "circumflex_accent",
    "_": "underscore",
    "`": "grave_accent",
    "{": "left_curly_bracket",
    "|": "vertical_line",
    "}": "right_curly_bracket",
    "~": "tilde",
}
"""Textual's names for the signs on a keyboard."""

_SHOWN = {name: sign for sign, name in SIGNS.items()} | {
    "escape": "esc",
    "delete": "del",
    "pageup": "pgup",
    "pagedown": "pgdn",
}

_ARROWS = frozenset({"up", "down", "left", "right"})
_TYPED = frozenset({*string.ascii_letters, *string.digits, *SIGNS.values(), "space"})
_MOVES = _ARROWS | frozenset({"home", "end", "pageup", "pagedown"})
_SENT = frozenset(
    {"enter", "escape", "tab", "shift+tab", "backspace", "insert", "delete"}
    | _MOVES
    | {f"f{n}" for n in range(1, 13)}
    | {f"ctrl+{letter}" for letter in string.ascii_lowercase if letter not in "him"}
    | {f"{modifier}+{move}" for modifier in ("ctrl", "shift") for move in _MOVES}
)
KNOWN = _SENT | _TYPED
"""Every key that an action can have somewhere."""

_SAME = {"ctrl+h": "backspace", "ctrl+i": "tab", "ctrl+m": "enter", "ctrl+[": "escape"}


@dataclass(frozen=True)
class Keymap:
    """The keys in force for every action, and what was wrong with the user's."""

    keys: dict[str, tuple[str, ...]]
    problems: list[Problem] = field(default_factory=list)

    def changes(self) -> dict[str, str]:
        """What differs from the bindings' own keys, as `App.set_keymap` wants it."""
        return {
            action.id: ",".join(self.keys[action.id]) or UNBOUND
            for action in ACTIONS
            if self.keys[action.id] != action.keys
        }

    def shown(self, action_id: str) -> str:
        """An action's keys as the user reads them, or an empty text."""
        return " ".join(_show(key) for key in self.keys[action_id])

    def used(self, key: str) -> bool:
        """Whether a key among the cards, or anywhere around them, has an action."""
        places = enclosing("transcript")
        return any(key in self.keys[each.id] for each in ACTIONS if each.where in places)

    def way(self, action_id: str) -> str:
        """How to reach an action, within a sentence: by its first key, or through the palette."""
        keys, action = self.keys[action_id], BY_ID[action_id]
        if keys:
            return _show(keys[0])
        return text("palette.way" if action.command else "palette.no_way", title=action.title)


def defaults(*, enter_sends: bool = True) -> dict[str, tuple[str, ...]]:
    """The keys of every action before the user's own."""
    keys = {action.id: action.keys for action in ACTIONS}
    if not enter_sends:
        keys["send"] = tuple(key for key in keys["send"] if key != "enter")
        keys["newline"] = (*keys["newline"], "enter")
    return keys


def resolve(loaded: Loaded) -> Keymap:
    """Check the keymap of the settings and apply it to the defaults.

    A key that the user gives to one action is taken from the default of another that would get in
    its way. Two of the user's own on one key are a conflict, and the first one counts. An action
    without which a person would be locked in keeps its default when it would lose all its keys.
    """
    problems: list[Problem] = []
    keys = defaults(enter_sends=loaded.settings.enter_sends)
    asked = _asked(loaded, problems)
    for action_id in asked:
        keys[action_id] = ()
    for action_id, wanted in asked.items():
        action = BY_ID[action_id]
        for key in wanted:
            _give(action, key, keys, asked, loaded, problems)
    # Giving one its keys back can take another's last: go on until every action has one.
    while bare := [a for a in ACTIONS if a.required and not keys[a.id]]:
        _restore(bare[0], keys, loaded, problems)
    return Keymap(keys, problems)


def _asked(loaded: Loaded, problems: list[Problem]) -> dict[str, tuple[str, ...]]:
    """The user's keymap with Textual's names for keys, without what cannot be."""
    asked: dict[str, tuple[str, ...]] = {}
    for action_id, written in loaded.settings.keymap.items():
        name = f"keymap.{action_id}"
        action = BY_ID.get(action_id)
        if action is None:
            message = text("problems.no_action", name=action_id) + nearest(action_id, BY_ID)
            problems.append(loaded.problem(name, message))
            continue
        # A comma separates keys, except where it is the key.
        words = [written] if written == "," else written
        words = words.split(",") if isinstance(words, str) else words
        found: list[str] = []
        for word in filter(None, (w.strip() for w in words)):
            key = _normal(word)
            wrong = _wrong(key, word, action)
            if wrong:
                problems.append(loaded.problem(name, wrong))
            elif key not in found:
                found.append(key)
        asked[action_id] = tuple(found)
    return asked


def _give(
    action: Action,
    key: str,
    keys: dict[str, tuple[str, ...]],
    asked: Mapping[str, tuple[str, ...]],
    loaded: Loaded,
    problems: list[Problem],
) -> None:
    """Give an action a key, taking it from a default that is in the way."""
    name = f"keymap.{action.id}"
    holders = [BY_ID[i] for i, held in keys.items() if key in held and _meet(action, BY_ID[i])]
    for holder in holders:
        if holder.id in asked:
            message = text("problems.key_taken", key=_show(key), action=holder.id)
            problems.append(loaded.problem(name, message))
            return
        if holder.required and keys[holder.id] == (key,):
            message = text("problems.key_needed", key=_show(key), action=holder.id)
            problems.append(loaded.problem(name, message))
            return
    for holder in holders:
        keys[holder.id] = tuple(k for k in keys[holder.id] if k != key)
        if not keys[holder.id]:
            message = text("problems.key_lost", taker=action.id, key=_show(key), action=holder.id)
            problems.append(loaded.problem(name, message))
    keys[action.id] = (*keys[action.id], key)


def _restore(
    action: Action, keys: dict[str, tuple[str, ...]], loaded: Loaded, problems: list[Problem]
) -> None:
    """Give a required action its default keys back, whoever has them now."""
    own = defaults(enter_sends=loaded.settings.enter_sends)[action.id]
    for other_id, held in keys.items():
        if _meet(action, BY_ID[other_id]):
            keys[other_id] = tuple(key for key in held if key not in own)
    keys[action.id] = own
    shown = " ".join(_show(key) for key in own)
    message = text("problems.key_required", key=shown, action=action.id)
    problems.append(loaded.problem(f"keymap.{action.id}", message))


def _meet(one: Action, other: Action) -> bool:
    """True when both can be reached from the same place, so that one key cannot serve both."""
    if one is other:
        return False
    return one.where in enclosing(other.where) or other.where in enclosing(one.where)


def _normal(word: str) -> str:
    """A key as Textual names it."""
    if len(word) == 1:
        return SIGNS.get(word, word)
    *modifiers, key = word.lower().replace("control+", "ctrl+").split("+")
    key = {"pgup": "pageup", "pgdn": "pagedown", "esc": "escape", "del": "delete"}.get(key, key)
    return "+".join([*modifiers, key])


def _wrong(key: str, word: str, action: Action) -> str:
    """Why this action cannot have this key, or nothing."""
    if key in _SAME:
        return text("problems.key_same", key=word, other=_SAME[key])
    if key in _TYPED:
        typed = action.priority or action.where == "composer"
        return text("problems.key_typed", key=word, action=action.id) if typed else ""
    if key in _SENT:
        return ""
    return text("problems.key_impossible", key=word) + nearest(key, _SENT)


def _show(key: str) -> str:
    """A key as a person reads it, in letters that every terminal of the language has."""
    *modifiers, last = key.split("+")
    last = text(f"arrow.{last}") if last in _ARROWS else _SHOWN.get(last, last)
    if modifiers or len(last) > 1:
        last = last.capitalize()
    return "+".join([*map(str.capitalize, modifiers), last])
