"""Every action that a key can trigger, in one registry.

Bindings, footer, palette, help and the user's keymap all read `ACTIONS`, so a key is written once.
An action's id is its name in the keymap of the settings file; its title and help are in the
strings file under ``actions.<id>``.

The default keys are those that a terminal, tmux and a shell leave alone: function keys, and ctrl
with c d f g j l n o p q r s t u, beside Enter, Escape, Tab and the arrows. Single letters only
where nobody types text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, get_args

from textual.actions import parse
from textual.binding import Binding, BindingType

from tui.strings import text

Place = Literal[
    "app",
    "pane",
    "composer",
    "prompt",
    "masks",
    "sides",
    "transcript",
    "screen",
    "models",
    "sessions",
    "settings",
    "help",
    "swap",
    "tree",
    "compare",
    "samplers",
    "document",
    "matrix",
    "suite",
    "pair_table",
    "likeliest",
    "form",
    "picker",
    "editor",
    "tensors",
    "inside",
    "lesson",
    "dialog",
]
"""Where the focus must be for an action's keys to work."""

PARENT: Final[dict[Place, Place | None]] = {
    "app": None,
    "pane": "app",
    "composer": "pane",
    "prompt": "composer",
    "masks": "composer",
    "sides": "composer",
    "transcript": "pane",
    "screen": "app",
    "models": "screen",
    "sessions": "screen",
    "settings": "screen",
    "help": "screen",
    "swap": "screen",
    "tree": "screen",
    "compare": "screen",
    "samplers": "screen",
    "document": "screen",
    "matrix": "screen",
    "suite": "screen",
    "pair_table": "screen",
    "likeliest": "screen",
    "form": "screen",
    "picker": "screen",
    "editor": "screen",
    "tensors": "screen",
    "inside": "screen",
    "lesson": "screen",
    "dialog": "screen",
}
"""Which place each one lies in: a key that works in the outer one works in the inner one too."""

UNBOUND: Final = "unbound"
"""The key of an action without one: Textual wants a name, and no terminal sends this one."""

CardKind = Literal["text", "open_end", "fill", "table", "judged", "pair", "score", "document"]
"""What a card is: ``open_end`` a text that can be gone on from, ``table`` a filled text with a
table of word pairs."""
ANY_CARD: Final[tuple[CardKind, ...]] = get_args(CardKind)

CardAction = Literal[
    "composer",
    "rerun",
    "edit",
    "continue_from_end",
    "copy",
    "save",
    "save_text",
    "save_table",
    "delete",
    "undo",
    "swap_nth",
    "swap",
    "step",
    "tree",
    "path",
    "samplers",
    "other_model",
    "replay",
    "open_document",
    "ask_words",
    "pair_table",
    "likeliest",
    "details",
    "shuffles",
    "tensors",
    "track",
]
"""What the transcript asks the pane to do with the chosen card: the first argument of `want`."""


@dataclass(frozen=True)
class Action:
    """Something the user can do.

    `show` puts it in the footer. A `priority` key wins over the widget that has the focus. A
    `required` action always keeps a key: without it a person would be locked in. `command` lists
    it in the palette, which leaves out what only moves a cursor. `call` is the Textual action,
    where it is not simply the id. Actions of one `family` do the same with one thing or another:
    they are explained together, under its name. Among the cards, `cards` are the kinds of card
    that it works on; with none it works without a card too.
    """

    id: str
    keys: tuple[str, ...]
    where: Place
    show: bool = False
    priority: bool = False
    required: bool = False
    command: bool = True
    call: str = ""
    family: str = ""
    cards: tuple[CardKind, ...] = ANY_CARD

    @property
    def title_key(self) -> str:
        """Where the strings file has its name."""
        return f"actions.{self.family or self.id}.title"

    @property
    def help_key(self) -> str:
        """Where the strings file has its explanation."""
        return f"actions.{self.family or self.id}.help"

    @property
    def title(self) -> str:
        """A word or two, for the footer and the palette."""
        return text(self.title_key)

    @property
    def help(self) -> str:
        """One sentence, for the palette and the help screen."""
        return text(self.help_key)

    def works_on(self, kinds: Iterable[CardKind]) -> bool:
        """Whether it does something on a card of these kinds, or, where there are none, without."""
        return not self.cards or any(kind in self.cards for kind in kinds)

    def binding(self) -> Binding:
        """The Textual binding with the default keys; the app's keymap replaces them by id.

        It has no description: the footer reads `title`, in the language of the moment.
        """
        return Binding(
            ",".join(self.keys) or UNBOUND,
            self.call or self.id,
            show=self.show and bool(self.keys),
            priority=self.priority,
            id=self.id,
        )


def _on_card(
    action: CardAction,
    *keys: str,
    way: Literal["", "previous", "next"] = "",
    show: bool = False,
    command: bool = True,
    cards: tuple[CardKind, ...] = ANY_CARD,
) -> Action:
    """What the pane does with the chosen card; in both ways, for one that goes on or back."""
    by = {"": "", "previous": ", -1", "next": ", 1"}[way]
    return Action(
        f"{action}_{way}" if way else action,
        keys,
        "transcript",
        show=show,
        command=command,
        call=f"want('{action}'{by})",
        cards=cards,
    )


ACTIONS: Final[tuple[Action, ...]] = (
    # Everywhere.
    Action("help", ("f1",), "app", show=True, priority=True),
    Action("pane_continue", ("f2",), "app", call="show_pane('continue')", priority=True),
    Action("pane_fill", ("f3",), "app", call="show_pane('fill')", priority=True),
    Action("pane_score", ("f4",), "app", call="show_pane('score')", priority=True),
    Action("next_pane", ("ctrl+t",), "app", priority=True),
    Action("side_by_side", ("ctrl+l",), "app"),
    Action("models", ("f8",), "app", show=True),
    Action("sessions", ("f9",), "app"),
    Action("settings", ("f10",), "app"),
    Action("new_session", ("ctrl+n",), "app"),
    Action("theme", (), "app"),
    Action("language", (), "app"),
    Action("lesson", (), "app"),
    Action("machine", (), "app"),
    Action("restart_engine", (), "app"),
    Action("palette", ("ctrl+p",), "app", show=True, priority=True, command=False),
    Action("copy_or_stop", ("ctrl+c",), "app", priority=True, command=False),
    Action("quit", ("ctrl+q",), "app", show=True, priority=True, required=True),
    # In a pane, whatever part of it has the focus. Those that take a key from the editor under
    # them (TextArea binds F6 and F7 itself) are priority.
    Action("stop", ("escape",), "pane", required=True),
    Action("inspector", ("f6",), "pane", show=True, priority=True),
    Action("choose_model", ("f7",), "pane", priority=True),
    Action("sampling", ("ctrl+s",), "pane"),
    Action("precision", (), "pane"),
    Action("chat", ("ctrl+o",), "pane"),
    Action("system_prompt", (), "pane"),
    Action("read_file", (), "pane"),
    Action("suite", (), "pane"),
    Action("accept_offer", ("ctrl+g",), "pane"),
    Action("examples", (), "pane"),
    Action("rerun_last", ("ctrl+r",), "pane"),
    Action("look_inside", ("f12",), "pane", show=True, priority=True),
    # Where a prompt is written.
    Action("send", ("enter", "f5"), "composer", show=True, priority=True, required=True),
    Action("clear", ("ctrl+u",), "composer", priority=True, command=False),
    Action("newline", ("ctrl+j",), "composer", priority=True, command=False),
    Action("recall", ("up",), "composer", command=False),
    Action("recall_next", ("down",), "composer", command=False),
    Action("transcript", ("shift+tab",), "composer", priority=True),
    Action("read_text", ("ctrl+f",), "prompt", show=True, priority=True),
    Action("live", ("ctrl+d",), "prompt", priority=True),
    Action("mask_word", ("ctrl+f",), "masks", show=True, priority=True),
    Action("document", ("ctrl+d",), "sides", show=True, priority=True),
    Action("pair", ("ctrl+d",), "masks", show=True, priority=True),
    # On the cards.
    Action("card_previous", ("up", "k", "shift+tab"), "transcript", command=False),
    Action("card_next", ("down", "j"), "transcript", command=False),
    Action("card_first", ("home",), "transcript", command=False),
    Action("card_last", ("end",), "transcript", command=False),
    Action("token_previous", ("left", "h"), "transcript", command=False),
    Action("token_next", ("right", "l"), "transcript", command=False),
    *(
        Action(
            f"{leap}_{way}",
            (key,),
            "transcript",
            command=False,
            call=f"leap('{leap}', {by})",
            cards=("text",),
        )
        for leap, way, key, by in (
            ("word", "previous", "b", -1),
            ("word", "next", "w", 1),
            ("sentence", "previous", "left_parenthesis", -1),
            ("sentence", "next", "right_parenthesis", 1),
            ("surprise", "previous", "left_square_bracket", -1),
            ("surprise", "next", "right_square_bracket", 1),
        )
    ),
    *(
        Action(
            f"swap_nth_{n}",
            (str(n % 10),),
            "transcript",
            command=False,
            call=f"want('swap_nth', {n})",
            family="swap_nth",
            cards=("text", "fill"),
        )
        for n in range(1, 11)
    ),
    _on_card("swap", "enter", "slash", show=True, cards=("text",)),
    _on_card("step", "space", cards=("text",)),
    _on_card("likeliest", "g", cards=("text",)),
    Action("heat", ("v",), "transcript", show=True, cards=("text", "judged")),
    Action("word_ends", ("f",), "transcript", cards=("text",)),
    _on_card("track", "W", cards=("text", "judged")),
    _on_card("tree", "t", show=True, cards=("text",)),
    _on_card("samplers", "z", cards=("text",)),
    _on_card("replay", "p", cards=("text",)),
    _on_card("other_model", "m", cards=("text", "score")),
    _on_card("shuffles", "percent_sign", show=True, cards=("score",)),
    _on_card("open_document", "o", show=True, cards=("document",)),
    _on_card("details", "full_stop", way="next", command=False, cards=()),
    _on_card("details", "comma", way="previous", command=False, cards=()),
    _on_card("path", "less_than_sign", way="previous", cards=("text",)),
    _on_card("path", "greater_than_sign", way="next", cards=("text",)),
    _on_card("ask_words", "a", show=True, cards=("fill",)),
    _on_card("pair_table", "x", show=True, cards=("table",)),
    _on_card("tensors", "number_sign"),
    _on_card("composer", "tab", "i", command=False, cards=()),
    _on_card("rerun", "r", show=True),
    _on_card("edit", "e", show=True),
    _on_card("continue_from_end", "n", show=True, cards=("open_end",)),
    _on_card("copy", "c", "y", show=True),
    _on_card("save", "s"),
    _on_card("save_text", "S"),
    _on_card("save_table", "T", cards=("text", "judged", "pair", "score")),
    _on_card("delete", "d", "delete"),
    _on_card("undo", "u", cards=()),
    # On every screen that lies over the panes.
    Action("close", ("escape",), "screen", show=True, required=True, command=False),
    Action("models_stop", ("x",), "models", show=True, command=False),
    Action("models_use", ("enter",), "models", show=True, command=False),
    Action("models_pull", ("p",), "models", show=True, command=False),
    Action("models_load", ("l",), "models", show=True, command=False),
    Action("models_unload", ("u",), "models", show=True, command=False),
    Action("models_remove", ("d", "delete"), "models", show=True, command=False),
    Action("models_open", ("o",), "models", show=True, command=False),
    Action("sessions_open", ("enter",), "sessions", show=True, command=False),
    Action("sessions_search", ("slash",), "sessions", show=True, command=False),
    Action("sessions_rename", ("r",), "sessions", show=True, command=False),
    Action("sessions_markdown", ("m",), "sessions", show=True, command=False),
    Action("sessions_text", ("t",), "sessions", show=True, command=False),
    Action("sessions_json", ("j",), "sessions", show=True, command=False),
    Action("sessions_delete", ("d", "delete"), "sessions", show=True, command=False),
    Action("sessions_undo", ("u",), "sessions", show=True, command=False),
    Action("swap_take", ("enter",), "swap", show=True, priority=True, command=False),
    Action("swap_up", ("up",), "swap", priority=True, command=False),
    Action("swap_down", ("down",), "swap", priority=True, command=False),
    Action("tree_open", ("enter",), "tree", show=True, command=False),
    Action("tree_fold", ("space",), "tree", show=True, command=False),
    Action("tree_bookmark", ("m",), "tree", show=True, command=False),
    Action("tree_rename", ("r",), "tree", show=True, command=False),
    Action("tree_compare", ("v",), "tree", show=True, command=False),
    Action("tree_prune", ("d", "delete"), "tree", show=True, command=False),
    Action("tree_search", ("slash",), "tree", show=True, command=False),
    Action("tree_save", ("s",), "tree", show=True, command=False),
    Action("tree_save_text", ("S",), "tree", command=False),
    Action("tree_undo", ("u",), "tree", show=True, command=False),
    *(
        Action(
            f"compare_better_{n}",
            (f"{n}",),
            "compare",
            show=n == 1,
            command=False,
            call=f"compare_better({n - 1})",
            family="compare_better",
        )
        for n in (1, 2)
    ),
    Action(
        "compare_next",
        ("right_square_bracket", "right"),
        "compare",
        show=True,
        command=False,
        call="compare_next(1)",
    ),
    Action(
        "compare_previous",
        ("left_square_bracket", "left"),
        "compare",
        command=False,
        call="compare_next(-1)",
    ),
    Action("pair_table_take", ("enter",), "pair_table", show=True, command=False),
    Action("samplers_edit", ("e",), "samplers", show=True, command=False),
    Action("likeliest_take", ("enter",), "likeliest", show=True, command=False),
    Action("likeliest_branch", ("t",), "likeliest", show=True, command=False),
    Action(
        "likeliest_longer", ("right",), "likeliest", show=True, command=False, call="lengthen(1)"
    ),
    Action(
        "likeliest_shorter", ("left",), "likeliest", show=True, command=False, call="lengthen(-1)"
    ),
    Action("likeliest_more", ("plus",), "likeliest", show=True, command=False, call="widen(5)"),
    Action("likeliest_fewer", ("minus",), "likeliest", command=False, call="widen(-5)"),
    Action("compare_up", ("up", "k"), "compare", command=False, call="compare_scroll(-1)"),
    Action("compare_down", ("down", "j"), "compare", command=False, call="compare_scroll(1)"),
    Action("document_up", ("left_square_bracket",), "document", show=True, command=False),
    Action("document_down", ("right_square_bracket",), "document", show=True, command=False),
    Action("document_place", ("b",), "document", show=True, command=False),
    Action("document_order", ("o",), "document", show=True, command=False),
    Action("document_matrix", ("m",), "document", show=True, command=False),
    Action("document_undo", ("u",), "document", show=True, command=False),
    Action("document_stop", ("x",), "document", command=False),
    Action("document_save", ("s",), "document", command=False),
    *(
        Action(
            f"matrix_{name}",
            keys,
            "matrix",
            command=False,
            call=f"matrix_go({rows}, {columns})",
            family="matrix_go",
        )
        for name, keys, rows, columns in (
            ("up", ("up", "k"), -1, 0),
            ("down", ("down", "j"), 1, 0),
            ("left", ("left", "h"), 0, -1),
            ("right", ("right", "l"), 0, 1),
            ("page_up", ("pageup",), -10, 0),
            ("page_down", ("pagedown",), 10, 0),
            ("first", ("home",), 0, -1000),
            ("last", ("end",), 0, 1000),
        )
    ),
    Action("suite_open", ("enter",), "suite", show=True, command=False),
    *(
        Action(
            f"suite_{what}_{way}",
            keys,
            "suite",
            show=what == "regions" and way == "next",
            priority=what == "scroll",
            command=False,
            call=f"suite_{what}({by})",
            family=f"suite_{what}",
        )
        for what, way, keys, by in (
            ("regions", "previous", ("left", "h"), -1),
            ("regions", "next", ("right", "l"), 1),
            ("scroll", "up", ("pageup", "K"), -8),
            ("scroll", "down", ("pagedown", "J"), 8),
            ("failing", "previous", ("left_square_bracket",), -1),
            ("failing", "next", ("right_square_bracket",), 1),
        )
    ),
    Action("suite_means", ("m",), "suite", show=True, command=False),
    Action("suite_other", ("tab",), "suite", command=False),
    Action("suite_run", ("r",), "suite", show=True, command=False),
    *(
        Action(
            f"suite_save_{kind}",
            (key,),
            "suite",
            show=kind == "csv",
            command=False,
            call=f"suite_save('{kind}')",
        )
        for kind, key in (("csv", "s"), ("tsv", "S"))
    ),
    *(
        Action(
            f"inside_view_{number}",
            (str(number),),
            "inside",
            command=False,
            call=f"inside_view({number - 1})",
            family="inside_view",
        )
        for number in range(1, 8)
    ),
    Action("inside_next", ("tab",), "inside", show=True, command=False),
    *(
        Action(
            f"inside_{what}_{way}",
            keys,
            "inside",
            show=way == "next",
            command=False,
            call=f"inside_{what}({by})",
            family=f"inside_{what}",
        )
        for what, way, keys, by in (
            ("token", "previous", ("left", "h"), -1),
            ("token", "next", ("right", "l"), 1),
            ("head", "previous", ("left_square_bracket",), -1),
            ("head", "next", ("right_square_bracket",), 1),
            ("layer", "previous", ("minus",), -1),
            ("layer", "next", ("plus",), 1),
        )
    ),
    Action("inside_off", ("a",), "inside", show=True, command=False),
    Action("inside_layer_off", ("b",), "inside", command=False),
    Action("inside_cut", ("x",), "inside", command=False),
    Action("inside_patch", ("p",), "inside", command=False),
    Action("inside_undo", ("u",), "inside", show=True, command=False),
    Action("inside_words", ("w",), "inside", show=True, command=False),
    Action("inside_flip", ("f",), "inside", command=False),
    Action("inside_up", ("up", "k"), "inside", command=False, call="inside_scroll(-1)"),
    Action("inside_down", ("down", "j"), "inside", command=False, call="inside_scroll(1)"),
    Action("inside_page_up", ("pageup",), "inside", command=False, call="inside_scroll(-15)"),
    Action("inside_page_down", ("pagedown",), "inside", command=False, call="inside_scroll(15)"),
    *(
        Action(
            f"lesson_{what}_{way}",
            keys,
            "lesson",
            show=way == "next",
            command=False,
            call=f"lesson_{what}({by})",
            family=f"lesson_{what}",
        )
        for what, way, keys, by in (
            ("go", "next", ("right", "enter", "l"), 1),
            ("go", "previous", ("left", "h"), -1),
            ("scroll", "up", ("up", "k"), -1),
            ("scroll", "down", ("down", "j"), 1),
            ("scroll", "page_up", ("pageup",), -15),
            ("scroll", "page_down", ("pagedown",), 15),
        )
    ),
    Action("lesson_answer", ("a",), "lesson", show=True, command=False),
    Action("lesson_train", ("space",), "lesson", show=True, command=False),
    Action("lesson_edit", ("e",), "lesson", show=True, command=False),
    Action("lesson_python", ("p",), "lesson", show=True, command=False),
    Action("lesson_copy", ("c", "y"), "lesson", show=True, command=False),
    Action("help_lesson", ("l",), "help", show=True, command=False),
    Action("settings_edit", ("e",), "settings", show=True, command=False),
    Action("settings_reload", ("r",), "settings", show=True, command=False),
)

BY_ID: Final[dict[str, Action]] = {action.id: action for action in ACTIONS}

ON_CARDS: Final[dict[tuple[str, tuple[object, ...]], Action]] = {
    parse(action.call or action.id)[1:]: action
    for action in ACTIONS
    if action.where == "transcript"
}
"""What the keys among the cards do, by the name and the arguments of their Textual action."""


def bindings(where: Place) -> list[BindingType]:
    """The bindings of one place, for a widget's or screen's ``BINDINGS``."""
    return [action.binding() for action in ACTIONS if action.where == where]


def enclosing(place: Place) -> tuple[Place, ...]:
    """A place and those around it, innermost first."""
    chain = [place]
    while (outer := PARENT[chain[-1]]) is not None:
        chain.append(outer)
    return tuple(chain)
