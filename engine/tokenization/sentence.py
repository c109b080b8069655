"""Sentencepiece models, tokenized by sentencepiece itself.

transformers rebuilds these models from their parts, and not always correctly: its T5Tokenizer uses
id 2 for unknown in every model, and ignores `do_lower_case`. Here the model's own library does the
work, and only what it does not cover is added: lower case, and the special tokens that frame a
text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from sentencepiece import SentencePieceProcessor

from engine.messages import MASK, Message, Piece, Turn
from engine.tokenization import pieces as taken_apart
from engine.tokenization.classes import TokenSpec
from engine.tokenization.files import ROLES, TokenizerFiles, broken
from engine.tokenization.rewriting import ANCHOR, Rewritten, checked, lowered
from engine.tokenization.streaming import EACH_BYTE, ByteStream, byte_of, decode
from engine.tokenization.templates import ChatTemplate, chat_template

NAMES = (
    *("spiece.model", "tokenizer.model", "sentencepiece.bpe.model", "spm.model"),
    "sentencepiece.model",
)
"""The possible names of the model file, in the order in which they are looked up."""

_SPACE = "▁"


def find_model(folder: Path) -> Path | None:
    """The sentencepiece model of a folder, if it has one."""
    return next((folder / name for name in NAMES if (folder / name).is_file()), None)


class SentenceTokenizer:
    """A sentencepiece model as an `engine.interfaces.Tokenizer`."""

    def __init__(self, files: TokenizerFiles, path: Path) -> None:
        """Raises EngineError (``broken_model``) if the file is not such a model."""
        self._files = files
        self._path = path
        try:
            self._processor = SentencePieceProcessor(model_file=str(path))
        except (RuntimeError, OSError) as error:
            raise broken(
                files.folder, Message.of("reason.unreadable", file=path.name, why=str(error))
            ) from error
        # ALBERT's class lowers case by default; all others only if configured.
        lower = files.tokenizer.do_lower_case
        self._lower = files.family == "AlbertTokenizer" if lower is None else lower
        self._size: int = self._processor.get_piece_size()
        self._beyond = self._added()
        self.vocabulary = max([self._size - 1, *self._beyond]) + 1
        self.unknown: int | None = self._processor.unk_id()
        self.mask = self._role("mask")
        self.start = next(
            (i for i in (self._role("bos"), self._within(files.start())) if i is not None), None
        )
        ends = [number for number in files.ends() if self._within(number) is not None]
        own = self._role("eos")
        self.ends = frozenset(ends or ([] if own is None else [own]))
        self._specials = self._special_ids()
        space = self.find(_SPACE)
        self._strip = space is not None and self._processor.decode([space]) == ""
        self._strip_all = space is not None and self._processor.decode([space] * 2) == ""

    # ------------------------------------------------------------------------- encoding

    def encode(self, text: str) -> list[Piece]:
        return self._cut(checked(text))

    def prompt(self, text: str) -> list[Piece]:
        start = self._role("bos") if self._files.tokenizer.add_bos_token else None
        return [*([] if start is None else [self.token(start)]), *self.encode(text)]

    def laid_out(self, text: str) -> list[Piece]:
        return self._around(checked(text), self._matched)

    def single(self, text: str) -> list[Piece]:
        return self._framed(self._with_masks(text), 0, first=True)

    def pair(self, a: str, b: str) -> list[Piece]:
        return [
            *self._framed(self._with_masks(a), 0, first=True),
            *self._framed(self._with_masks(b), 1, first=False),
        ]

    def words(self, text: str) -> list[int | None]:
        words: list[int | None] = []
        word, begins = -1, True
        for piece in self.single(text):
            if piece.start is None:
                words.append(None)
                continue
            masked = piece.id == self.mask
            word += begins or masked or piece.piece.startswith(_SPACE)
            begins = masked
            words.append(word)
        return words

    def after(self, text: str) -> list[Piece]:
        return self._cut(checked(text), bare=True)

    def fed(self, text: str) -> list[Piece]:
        return self.prompt(text) if self._files.causal else self.single(text)

    def _cut(self, text: str, offset: int = 0, *, bare: bool = False) -> list[Piece]:
        """Tokenize the text at `offset` of the user's; `bare`: without a space before it."""
        before = ANCHOR if bare else ""
        lower = lowered(before + text) if self._lower else Rewritten(before + text)
        found = self._processor.encode(lower.text, return_type="offset_mapping")
        ids: list[int] = found["ids"]
        offsets: list[tuple[int, int]] = found["offsets"]
        pieces: list[Piece] = []
        following = (len(lower.text), len(lower.text))
        for number, (begin, end) in zip(reversed(ids), reversed(offsets), strict=True):
            # Of the bytes of a character, only the last one gets its range.
            place = following if begin == end and self._processor.is_byte(number) else (begin, end)
            following = place
            if place[1] <= len(before) and before:
                break
            start, stop = lower.span(*place)
            token = self.token(number)
            pieces.append(
                Piece(
                    id=number,
                    text=token.text,
                    piece=token.piece,
                    special=token.special,
                    start=max(0, start - len(before)) + offset,
                    end=stop - len(before) + offset,
                )
            )
        return pieces[::-1]

    def _around(self, text: str, specials: Sequence[str]) -> list[Piece]:
        """Tokenize a text that contains some special tokens literally."""
        names = [self._pattern(name) for name in sorted(specials, key=len, reverse=True) if name]
        if not names:
            return self._cut(text)
        pieces: list[Piece] = []
        position = 0
        for match in [*re.finditer("|".join(names), text), None]:
            end = len(text) if match is None else match.start()
            if position < end:
                bare = position > 0 and not self._legacy
                # The class adds no second space to text that begins with one.
                bare = bare or (self._llama and text[position] in (" ", _SPACE))
                pieces += self._cut(text[position:end], position, bare=bare)
            if match is not None:
                number = self.find(match.group())
                if number is None:  # with spaces around it
                    number = self.find(match.group().strip())
                assert number is not None
                token = self.token(number)
                position = match.end()
                special = number in self._specials
                pieces.append(
                    Piece(number, token.text, token.piece, special, match.start(), match.end())
                )
        return pieces

    @property
    def _llama(self) -> bool:
        return self._files.reader in ("CodeLlamaTokenizer", "LlamaTokenizer")

    @property
    def _legacy(self) -> bool:
        """Whether text after a special token gets a space, as the beginning of a text does."""
        if self._files.reader == "CodeLlamaTokenizer":
            return False
        legacy = self._files.tokenizer.legacy
        return not self._llama if legacy is None else legacy

    @cached_property
    def _matched(self) -> list[str]:
        """Tokens that are matched literally: the special ones, and for Llama's class also those
        defined by the model's authors."""
        own: list[str] = []
        if self._llama:
            found = taken_apart.read(self._path)
            places = zip(found.scored, found.kinds, strict=True)
            own = [piece for (piece, _), kind in places if kind == taken_apart.USER_DEFINED]
        return [*own, *(self.token(number).piece for number in sorted(self._specials))]

    def _pattern(self, name: str) -> str:
        """The pattern that matches a special token, which may include the spaces around it."""
        spec = self._spelt.get(name)
        before = r"\s*" if spec is not None and spec.lstrip else ""
        after = r"\s*" if spec is not None and spec.rstrip else ""
        return before + re.escape(name) + after

    @cached_property
    def _spelt(self) -> dict[str, TokenSpec]:
        """The special tokens whose options are in the folder's files."""
        named = [self._files.special(role) for role in ROLES] + self._files.extra()
        specs = {spec.content: spec for spec in named if spec is not None}
        listed = self._files.tokenizer.added_tokens_decoder.values()
        return specs | {spec.content: spec for spec in listed}

    def _with_masks(self, text: str) -> list[Piece]:
        inner = Rewritten(checked(text))
        cls, sep = self._role("cls"), self._role("sep")
        if cls is not None and sep is not None:
            # A text that already has a frame gets no other.
            inner = inner.within(self.token(cls).piece, self.token(sep).piece)
        start = inner.span(0, 0)[0]
        end = start + len(inner.text)
        if self.mask is None:
            return self._cut(text[start:end], start)
        own = self.token(self.mask).piece
        masks = re.compile(f"{re.escape(MASK)}|{re.escape(own)}").finditer(text, start, end)
        pieces: list[Piece] = []
        position = start
        for match in [*masks, None]:
            stop = end if match is None else match.start()
            # As without masks, only the beginning of the text gets a space.
            pieces += self._cut(text[position:stop], position, bare=position > start)
            if match is not None:
                position = match.end()
                pieces.append(Piece(self.mask, own, own, True, match.start(), match.end()))
        return pieces

    def _framed(self, pieces: Sequence[Piece], segment: int, *, first: bool) -> list[Piece]:
        cls, sep = self._role("cls"), self._role("sep")
        before = [self.token(cls)] if first and cls is not None else []
        after = [self.token(sep)] if sep is not None else []
        return [
            Piece(p.id, p.text, p.piece, p.special, p.start, p.end, segment)
            for p in (*before, *pieces, *after)
        ]

    # ------------------------------------------------------------------------- decoding

    def token(self, token_id: int) -> Piece:
        text = self._spell(token_id, False).decode("utf-8", "replace")
        return Piece(token_id, text, self._written(token_id), special=token_id in self._specials)

    def find(self, piece: str) -> int | None:
        for number, written in self._beyond.items():
            if written == piece:
                return number
        number = self._processor.piece_to_id(piece)
        return number if self._processor.id_to_piece(number) == piece else None

    def decode(self, ids: Sequence[int]) -> str:
        return decode(self.stream(), ids)

    def stream(self, before: Sequence[int] = ()) -> ByteStream:
        return ByteStream(self._spell, self._is_text, EACH_BYTE, before)

    def _is_text(self, token_id: int, data: bytes) -> bool:
        if token_id >= self._size or self._processor.is_control(token_id):
            return False
        return bool(data) or not self._strip_all

    def _spell(self, token_id: int, first: bool) -> bytes:
        written = self._written(token_id)
        if token_id < self._size and self._processor.is_byte(token_id):
            return byte_of(written) or b""
        if token_id in self._specials:
            return written.encode("utf-8")
        if first and self._strip:
            written = written.removeprefix(_SPACE)
        return written.replace(_SPACE, " ").encode("utf-8")

    def _written(self, token_id: int) -> str:
        if token_id in self._beyond:
            return self._beyond[token_id]
        piece: str = self._processor.id_to_piece(token_id) if token_id < self._size else ""
        return piece

    # ----------------------------------------------------------------------------- chat

    def chat(self, turns: Sequence[Turn]) -> str | None:
        return None if self._template is None else self._template.render(turns)

    @cached_property
    def _template(self) -> ChatTemplate | None:
        return chat_template(self._files)

    # ---------------------------------------------------------------------------- roles

    def _role(self, role: str) -> int | None:
        spec = self._files.special(role)
        return None if spec is None else self.find(spec.content)

    def _within(self, token_id: int | None) -> int | None:
        return token_id if token_id is not None and 0 <= token_id < self.vocabulary else None

    def _added(self) -> dict[int, str]:
        """Tokens that the folder's other files add to the model's, or rename."""
        named = {
            int(i): spec.content for i, spec in self._files.tokenizer.added_tokens_decoder.items()
        }
        named |= {number: text for text, number in self._files.added.items()}
        return {
            number: text
            for number, text in named.items()
            if number >= self._size or self._processor.id_to_piece(number) != text
        }

    def _special_ids(self) -> set[int]:
        named = [self._files.special(role) for role in ROLES] + self._files.extra()
        ids = {self.find(spec.content) for spec in named if spec is not None}
        ids |= {i for i in range(self._size) if self._processor.is_control(i)}
        return {number for number in ids | self._beyond.keys() if number is not None}
