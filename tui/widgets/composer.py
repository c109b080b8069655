"""Where a prompt is written."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.document._document import EditResult, Location
from textual.document._document_navigator import DocumentNavigator
from textual.document._wrapped_document import WrappedDocument
from textual.events import Key, Paste
from textual.message import Message
from textual.widgets import TextArea

from tui.keys.actions import bindings
from tui.strings import text
from tui.terminal.sanitise import clean, composed
from tui.widgets.exact_document import ExactDocument
from tui.widgets.holding import WholeEdit, beginning, too_long


class Composer(TextArea):
    """An editor with the model and the parameters on its frame.

    What it cannot decide by itself it asks of the pane around it, by messages. A very long text is
    held before what is edited; the frame says so.
    """

    document: ExactDocument

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("composer"),
        # With priority, so that letters right behind it are already handed to the next editor.
        Binding("tab", "app.focus_next", show=False, priority=True),
    ]

    class Asked(Message):
        """A key asked for something that the pane has to do."""

        def __init__(self, composer: Composer) -> None:
            super().__init__()
            self.composer = composer

        @property
        def control(self) -> Composer:
            """The composer, for ``@on``."""
            return self.composer

    class Sent(Asked):
        """Run what is written."""

    class ToCards(Asked):
        """Go to the cards."""

    class Recalled(Asked):
        """Bring back an earlier prompt (`by` -1) or a later one (1)."""

        def __init__(self, composer: Composer, by: int) -> None:
            super().__init__(composer)
            self.by = by

    class Edge(Asked):
        """The cursor wants to leave by the first row (`by` -1) or the last one (1)."""

        def __init__(self, composer: Composer, by: int) -> None:
            super().__init__(composer)
            self.by = by

    def __init__(self, content: str = "") -> None:
        super().__init__(
            composed(content),
            highlight_cursor_line=False,
            tab_behavior="focus",
        )
        self.recalled = ""
        """The text that recall put here; while it is unchanged, up and down go on."""
        self.move_cursor(self.document.end)

    def _set_document(self, text: str, language: str | None) -> None:
        super()._set_document("", language)
        self.document = ExactDocument(text)
        self.wrapped_document = WrappedDocument(self.document, tab_width=self.indent_width)
        self.navigator = DocumentNavigator(self.wrapped_document)

    def label(self, title: str, subtitle: str) -> None:
        """Write on the frame: the model above, the parameters below."""
        held = self.document.held
        if held:
            title += text("composer.held", n=f"{len(held):,}", text=beginning(held))
        self.border_title = Content(clean(title)) if title else None
        self.border_subtitle = Content(clean(subtitle)) if subtitle else None

    def fill(self, content: str) -> None:
        """Replace the whole text, so that undo brings the old one back."""
        content = composed(content)
        self._put(*((content, "") if too_long(content) else ("", content)))
        self.move_cursor(self.document.end)

    def _put(self, held: str, edited: str) -> None:
        self.edit(WholeEdit(self.document, held, edited))

    def offset_of(self, location: tuple[int, int]) -> int:
        """The offset in the text, in characters, of a row and column."""
        row, column = location
        before = self.document.edited.split("\n")[:row]
        return len(self.document.held) + sum(len(line) + 1 for line in before) + column

    def replace_range(self, start: int, end: int, new: str) -> None:
        """Replace the text between two offsets, and go to its end."""
        if start < len(self.document.held):
            self.fill(self.text[:start] + new + self.text[end:])
            return
        result = self.replace(new, self._location(start), self._location(end))
        self.move_cursor(result.end_location)

    def _location(self, offset: int) -> tuple[int, int]:
        before = self.text[len(self.document.held) : offset].split("\n")
        return len(before) - 1, len(before[-1])

    async def on_key(self, event: Key) -> None:
        """Handle keys in the order they were pressed.

        Textual types a letter at once but lets every other key bubble up to the app first, so
        that of a burst, as a slow line delivers it, the letters would overtake the cursor keys,
        and those behind the key of a new session would be typed into the old one.
        """
        if event.is_printable:
            return
        found = self.screen.active_bindings.get(event.key)
        if found is not None and found.enabled:
            event.prevent_default()
            event.stop()
            await self.app.run_action(found.binding.action, found.node)

    async def on_paste(self, event: Paste) -> None:
        """Insert pasted text; control characters are drawn as visible marks.

        Where the text gets too long to edit, all up to the end of what was pasted is held.
        """
        event.prevent_default()
        event.stop()
        pasted = composed(event.text)
        start, end = sorted(self.selection)
        before = self.document.get_text_range((0, 0), start) + pasted
        after = self.document.get_text_range(end, self.document.end)
        if too_long(before + after):
            self._put(self.document.held + before, after)
        else:
            result = self.replace(pasted, start, end)
            self.move_cursor(result.end_location)

    def _delete_via_keyboard(self, start: Location, end: Location) -> EditResult | None:
        """Delete; at the beginning of what is edited, all that is held before it."""
        if self.document.held and start == end == (0, 0):
            self._put("", self.document.edited)
            return None
        return super()._delete_via_keyboard(start, end)

    def action_send(self) -> None:
        """Run what is written."""
        self.post_message(self.Sent(self))

    def action_clear(self) -> None:
        """Empty the editor; undo brings the text back."""
        self.fill("")

    def action_newline(self) -> None:
        """Begin a new line, after the letters that are still on their way."""
        self.call_later(self._begin_line)

    def _begin_line(self) -> None:
        result = self.replace("\n", *self.selection)
        self.move_cursor(result.end_location)

    def action_transcript(self) -> None:
        """Go to the cards."""
        self.post_message(self.ToCards(self))

    def action_recall(self) -> None:
        """In an empty editor, or one that recall filled, bring back an earlier prompt."""
        if self._recalling:
            self.post_message(self.Recalled(self, -1))
        elif self.cursor_at_first_line:
            self.post_message(self.Edge(self, -1))
        else:
            self.action_cursor_up()

    def action_recall_next(self) -> None:
        """Go forward again among the prompts brought back."""
        if self._recalling and self.text:
            self.post_message(self.Recalled(self, 1))
        elif self.cursor_at_last_line:
            self.post_message(self.Edge(self, 1))
        else:
            self.action_cursor_down()

    @property
    def _recalling(self) -> bool:
        return not self.text or self.text == self.recalled


class PromptComposer(Composer):
    """Where a text is written for a model to continue, or to read."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("prompt")]

    class Read(Composer.Asked):
        """Read what is written instead of continuing it."""

    class Live(Composer.Asked):
        """Show what could come next while writing, or stop showing it."""

    def action_read_text(self) -> None:
        """Read what is written instead of continuing it."""
        self.post_message(self.Read(self))

    def action_live(self) -> None:
        """Show what could come next while writing, or stop showing it."""
        self.post_message(self.Live(self))


class MaskComposer(Composer):
    """Where a text with masks is written."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("masks")]

    class MaskWord(Composer.Asked):
        """Hide the word under the cursor, or show it again."""

    class Pair(Composer.Asked):
        """Compare what is written with an edited version, or stop comparing."""

    def action_mask_word(self) -> None:
        """Hide the word under the cursor, or show it again."""
        self.post_message(self.MaskWord(self))

    def action_pair(self) -> None:
        """Compare what is written with an edited version, or stop comparing."""
        self.post_message(self.Pair(self))


class SideComposer(Composer):
    """Where one of two sentences is written, or a text that has many."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("sides")]

    class Opened(Composer.Asked):
        """Open what is written as a text of many sentences."""

    def action_document(self) -> None:
        """Open what is written as a text of many sentences."""
        self.post_message(self.Opened(self))
