"""The pane where a model proposes words for masks, and judges the words of a text without any."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, get_args

import msgspec
from textual import on

from engine.messages import Fill, Head, PllMethod, PseudoLikelihood
from tui.analysis import masks
from tui.analysis.partners import able, partner
from tui.cards import Card, FillCard, Pair, PairCard, Pane, PllCard
from tui.cards.drafts import Draft
from tui.connection.services import Services
from tui.keys.actions import CardAction
from tui.panes.base import TaskPane
from tui.panes.fill_actions import FillActions
from tui.panes.reading import read_words
from tui.screens.forms import Field
from tui.screens.sampling import fill_fields
from tui.strings import listed, text
from tui.terminal.sanitise import clean
from tui.widgets.composer import Composer, MaskComposer


class FillPane(TaskPane):
    """A text with masks, and the words that a model proposes for them."""

    role: ClassVar[Pane] = "fill"

    def __init__(self, shared: Services, draft: Draft) -> None:
        super().__init__(shared, draft)
        self._fills = FillActions(self, self.actions.undoable)

    def act(self, action: CardAction, number: int, card: Card) -> None:
        """Act on the masks of a text."""
        if isinstance(card, FillCard):
            self._fills.do(action, number, card)

    def make_composers(self, draft: Draft) -> Iterator[Composer]:
        """One editor, for a text with masks."""
        yield MaskComposer(draft.text)

    def edited(self) -> Draft:
        """The draft with what the composer holds, and what its masks still hide."""
        content = self.composers[0].text
        hidden = masks.carry(self.draft.hidden, self.draft.text, content)
        return msgspec.structs.replace(self.draft, text=content, hidden=hidden)

    def build(self, draft: Draft) -> Card | None:
        """A question about the masks of the text; without one, about each of its words."""
        holes = len(masks.masks(draft.text))
        if draft.second:
            return self._pair(draft)
        if not holes:
            return self._judged(draft)
        words = read_words(self, draft.words or "")
        if words is None:
            return None
        masked = self._masked(draft.model)
        request = Fill(
            model=draft.model,
            text=draft.text,
            top=draft.top,
            hidden=list(draft.hidden),
            words=words,
            # A causal model fills one mask with one piece.
            pieces=draft.pieces if masked else 1,
            joint_methods=list(draft.joint) if masked and holes > 1 else [],
            precision=self.form,
        )
        return FillCard(request=request)

    def _judged(self, draft: Draft) -> PllCard | None:
        """A question about every token of the text in turn."""
        if not draft.text.strip() or not self._masked(draft.model):
            self.notice(text("notice.no_mask"))
            return None
        methods = list[PllMethod](get_args(PllMethod))
        request = PseudoLikelihood(
            model=draft.model, text=draft.text, methods=methods, precision=self.form
        )
        return PllCard(request=request)

    def _pair(self, draft: Draft) -> PairCard | None:
        """A comparison of two sentences by two models."""
        if draft.text == draft.second or masks.masks(draft.text + draft.second):
            self.notice(text("notice.no_pair"))
            return None
        other = self._other(draft)
        if other is None:
            self.notice(text("notice.no_partner"))
            return None
        pair = (draft.model, other) if self._masked(draft.model) else (other, draft.model)
        request = Pair(
            model=draft.model,
            masked=pair[0],
            causal=pair[1],
            a=draft.second,
            b=draft.text,
            method=draft.pll,
            precision=self.form,
        )
        return PairCard.of(request)

    def _masked(self, model: str) -> bool:
        """Whether a model is a masked one; True until its heads are listed, as it may be."""
        info = self.shared.link.models.get(model)
        return info is None or "masked" in info.heads

    def _missing(self, model: str) -> Head:
        """The head that the other model of a pair must have."""
        return "causal" if self._masked(model) else "masked"

    def _other(self, draft: Draft) -> str | None:
        """The model that scores a pair beside the pane's own."""
        models, settings = self.shared.link.models, self.shared.settings
        head = self._missing(draft.model)
        if draft.other in able(models, head):
            return draft.other
        default = settings.models.of("continue" if head == "causal" else "fill")
        return partner(models, draft.model, head, default)

    def recalled(self, card: Card) -> Draft:
        """The draft that made a card."""
        draft = msgspec.structs.replace(super().recalled(card), second="")
        match card:
            case FillCard():
                request = card.request
                return msgspec.structs.replace(
                    draft,
                    hidden=tuple(request.hidden),
                    top=request.top,
                    pieces=request.pieces,
                    words=", ".join(request.words) or None,
                    joint=tuple(request.joint_methods) or draft.joint,
                )
            case PairCard():
                pair = card.request
                other = pair.causal if pair.model == pair.masked else pair.masked
                return msgspec.structs.replace(
                    draft, text=pair.b, second=pair.a, pll=pair.method, other=other
                )
            case _:
                return draft

    def fields(self) -> list[Field]:
        """Which words to propose, and how pairs are scored."""
        head = self._missing(self.draft.model)
        others = tuple(able(self.shared.link.models, head))
        other = Field("other", str, self._other(self.draft) or "", others)
        return [*fill_fields(self.draft), other, *super().fields()]

    def parameters(self) -> str:
        """What is hidden or compared, and how many words to propose."""
        if self.draft.second:
            return text("composer.compared", text=clean(" ".join(self.draft.second.split())))
        words = [word for word in self.draft.hidden if word is not None]
        parts = [text("composer.remembers", words=listed(words))] if words else []
        parts.append(text("composer.top", n=self.draft.top))
        if self.draft.pieces > 1:
            parts.append(text("composer.pieces", n=self.draft.pieces))
        if self.draft.words:
            parts.append(text("composer.asks", words=clean(self.draft.words)))
        return self.shared.glyphs.dot.join(parts)

    @on(MaskComposer.MaskWord)
    def _mask_word(self, event: MaskComposer.MaskWord) -> None:
        """Hide the word under the cursor, or show it again."""
        event.stop()
        composer = event.composer
        start, end = sorted(map(composer.offset_of, composer.selection))
        self.draft = self.edited()
        edit = masks.toggle(self.draft.text, start, end, self.draft.hidden)
        if edit is None:
            self.notice(text("notice.no_word"))
            return
        content = self.draft.text[: edit.start] + edit.new + self.draft.text[edit.end :]
        self.draft = msgspec.structs.replace(self.draft, text=content, hidden=edit.hidden)
        composer.replace_range(edit.start, edit.end, edit.new)
        self.notice("")
        self.label()

    @on(MaskComposer.Pair)
    def _begin_pair(self, event: MaskComposer.Pair) -> None:
        """Keep the sentence to compare its edited form with, or let go of the one that is kept."""
        event.stop()
        draft = self.edited()
        if draft.second:
            self.adopt(msgspec.structs.replace(draft, second=""))
            self.notice(text("notice.pair_off"))
        elif not draft.text.strip() or masks.masks(draft.text):
            self.notice(text("notice.no_sentence"))
        else:
            self.adopt(msgspec.structs.replace(draft, second=draft.text))
            self.notice(text("notice.pair_on"))
