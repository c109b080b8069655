"""A text as sentences that can be moved."""

from __future__ import annotations

import msgspec
from msgspec import field

from engine.messages import Arranged, Document, DocumentResult, Event, MatrixCells, Sentence
from tui.cards.base import BaseCard, Pane


class DocumentCard(BaseCard, tag="document"):
    """A text as a list of sentences, which the user can move, and how each follows the one before.

    The request is that for the text as it was given; `asking` makes the one for the sentences as
    they are now. `result`, `matrix` and `arranged` are about the sentences as they are, and
    gone once they are moved.
    """

    request: Document
    sentences: list[Sentence] = field(default_factory=list)
    """As the text has them."""
    reference: list[int] = field(default_factory=list)
    """The gaps that are marked as boundaries; a sentence that is moved past one changes sides."""
    order: list[int] = field(default_factory=list)
    """The present order of the sentences, by number."""
    earlier: list[list[int]] = field(default_factory=list)
    """The orders before, to go back to."""
    result: DocumentResult | None = None
    matrix: list[list[float | None]] = field(default_factory=list)
    """A row of scores for each first sentence; None where there is none, or none yet."""
    arranged: Arranged | None = None

    @property
    def pane(self) -> Pane:
        """Where the card belongs."""
        return "score"

    @property
    def wrote(self) -> str:
        """What the person wrote."""
        text = self.request.text
        return text if isinstance(text, str) else "\n".join(text)

    @property
    def answer(self) -> str:
        """The sentences in their present order."""
        return "\n".join(self.sentences[number].text for number in self.order)

    def asking(self) -> Document:
        """The request for the sentences in their present order."""
        if not self.sentences:
            return self.request
        return msgspec.structs.replace(
            self.request,
            text=[self.sentences[number].text for number in self.order],
            reference=self.reference,
        )

    def reorder(self, order: list[int]) -> None:
        """Put the sentences in another order."""
        self.earlier.append(self.order)
        self._stand(order)

    def undo(self) -> bool:
        """Go back to the order before; False where there is none."""
        if not self.earlier:
            return False
        self._stand(self.earlier.pop())
        return True

    def _stand(self, order: list[int]) -> None:
        self.order = order
        self.result, self.matrix, self.arranged = None, [], None

    def fold(self, event: Event) -> None:
        """Store one event of the answer."""
        match event:
            case DocumentResult():
                self.result = event
                self.precision, self.weights = event.precision, event.weights
                if not self.sentences:
                    self.sentences, self.reference = event.sentences, event.reference
                    self.order = list(range(len(event.sentences)))
            case MatrixCells():
                count = len(self.sentences)
                self.matrix = self.matrix or [[None] * count for _ in range(count)]
                for cell in event.cells:
                    self.matrix[cell.first][cell.second] = cell.score
            case Arranged():
                self.arranged = event
            case _:
                self.end(event)
