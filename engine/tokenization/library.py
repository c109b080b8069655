"""Tokenizers of the `tokenizers` library: WordPiece, byte-level BPE, Unigram."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cached_property
from itertools import groupby

import tokenizers
from msgspec import structs
from tokenizers import Encoding, models

from engine.messages import Message, Piece, Turn
from engine.tokenization.classes import TokenSpec
from engine.tokenization.files import TokenizerFiles, broken, guarded
from engine.tokenization.rewriting import Rewritten, checked, with_mask
from engine.tokenization.streaming import EACH_BYTE, ByteStream, byte_of, decode
from engine.tokenization.templates import ChatTemplate, chat_template

_KNOWN = {"ByteLevel", "ByteFallback", "WordPiece", "Metaspace", "Replace", "Fuse", "Strip"}

_LETTER = tokenizers.Tokenizer(models.WordLevel({"a": 0}, unk_token="a")).encode("a")
"""A sample encoding, to find out which tokens a post-processor adds around a text."""


class LibraryTokenizer:
    """A pipeline of the `tokenizers` library as an `engine.interfaces.Tokenizer`."""

    def __init__(self, files: TokenizerFiles, backend: tokenizers.Tokenizer) -> None:
        """Raises EngineError (``broken_model``) for a decoder that cannot run token by token."""
        self._files = files
        self._backend = backend
        self._specials = {
            number for number, token in backend.get_added_tokens_decoder().items() if token.special
        }
        self._steps = _steps(backend)
        strange = self._steps - _KNOWN
        if strange:
            raise broken(
                files.folder,
                Message.of("reason.unsupported_decoder", decoder=sorted(strange)),
            )
        added = backend.get_added_tokens_decoder()
        self.vocabulary = max([backend.get_vocab_size(with_added_tokens=True) - 1, *added]) + 1
        self.unknown = self._unknown()
        self.mask = self._role("mask")
        begins = self._role("bos")
        self.start = begins if begins is not None else self._within(files.start())
        ends = [number for number in files.ends() if self._within(number) is not None]
        own = self._role("eos")
        self.ends = frozenset(ends or ([] if own is None else [own]))
        self._spelled: dict[int, bytes] = {}
        first = backend.encode("a", add_special_tokens=False).ids[:1]
        self._prefixed = any(self.token(number).text.startswith(" ") for number in first)
        # The post-processor's start tokens are those before the text.
        probe = backend.post_process(_LETTER)
        place = probe.special_tokens_mask.index(0)
        self._lead = [self.token(number) for number in probe.ids[:place]]
        self._trail = [self.token(number) for number in probe.ids[place + 1 :]]

    # ------------------------------------------------------------------------- encoding

    def encode(self, text: str) -> list[Piece]:
        encoding = self._cut(checked(text))
        return self._pieces(encoding, Rewritten(text))

    def laid_out(self, text: str) -> list[Piece]:
        return self.encode(text)

    def prompt(self, text: str) -> list[Piece]:
        return [*self._lead, *self.encode(text)]

    def single(self, text: str) -> list[Piece]:
        return self._framed(text)[0]

    def pair(self, a: str, b: str) -> list[Piece]:
        return self._framed(a, b)[0]

    def words(self, text: str) -> list[int | None]:
        return self._framed(text)[1]

    def after(self, text: str) -> list[Piece]:
        if not self._prefixed:
            return self.encode(text)
        return self._bare(Rewritten(checked(text)))[0]

    def fed(self, text: str) -> list[Piece]:
        return self.prompt(text) if self._files.causal else self.single(text)

    def _framed(self, *texts: str) -> tuple[list[Piece], list[int | None]]:
        """Tokenize one or two texts with their frame; return the pieces and their word numbers."""
        spec = self._files.special("mask")
        rewritten = [Rewritten(checked(text)) for text in texts]
        if spec is not None:
            rewritten = [with_mask(text.text, spec.content) for text in rewritten]
        if self._lead and self._trail:
            # A text that already has a frame gets no other.
            first, last = self._lead[-1].piece, self._trail[0].piece
            rewritten = [text.within(first, last) for text in rewritten]
        split = self._prefixed and spec and any(spec.content in text.text for text in rewritten)
        if spec is None or not split:
            encoding = self._together([text.text for text in rewritten])
            return self._pieces(encoding, *rewritten), encoding.word_ids
        pieces: list[Piece] = []
        words: list[int | None] = []
        with guarded(self._files.folder):
            frame = self._backend.post_process(_LETTER, _LETTER if len(texts) > 1 else None)
        places = zip(frame.ids, frame.sequence_ids, frame.type_ids, strict=True)
        for sequence, run in groupby(places, lambda place: place[1]):
            if sequence is None:
                pieces += [self._framing(number, segment) for number, _, segment in run]
                words += [None] * (len(pieces) - len(words))
            else:
                segment = next(run)[2]
                own, numbers = self._around_masks(rewritten[sequence], spec)
                pieces += [structs.replace(piece, segment=segment) for piece in own]
                words += numbers
        return pieces, words

    def _together(self, texts: Sequence[str]) -> Encoding:
        """Tokenize one or two texts with their frame, in one call."""
        with guarded(self._files.folder):
            return self._backend.encode(texts[0], texts[1] if len(texts) > 1 else None)

    def _cut(self, text: str) -> Encoding:
        with guarded(self._files.folder):
            return self._backend.encode(text, add_special_tokens=False)

    def _framing(self, token_id: int, segment: int) -> Piece:
        return structs.replace(self.token(token_id), special=True, segment=segment)

    def _around_masks(
        self, text: Rewritten, spec: TokenSpec
    ) -> tuple[list[Piece], list[int | None]]:
        """Tokenize the text before, between and after masks as if without them: only the beginning
        of the text gets a space."""
        pieces: list[Piece] = []
        words: list[int | None] = []
        before, after = (r"\s*" if greedy else "" for greedy in (spec.lstrip, spec.rstrip))
        masks = re.finditer(before + re.escape(spec.content) + after, text.text)
        position, word = 0, 0
        for match in [*masks, None]:
            end = match.start() if match else len(text.text)
            own, numbers = self._bare(text.part(position, end), bare=position > 0)
            pieces += own
            words += [None if number is None else word + number for number in numbers]
            word += 1 + max((number for number in numbers if number is not None), default=-1)
            if match:
                assert self.mask is not None, "its content was found in the vocabulary"
                position = match.end()
                start, stop = text.span(end, position)
                mask = self.token(self.mask)
                pieces.append(structs.replace(mask, special=True, start=start, end=stop))
                words.append(word)
                word += 1
        return pieces, words

    def _bare(self, text: Rewritten, *, bare: bool = True) -> tuple[list[Piece], list[int | None]]:
        """Tokenize a part of a text; `bare`: without a space before it."""
        anchored = text.anchored() if bare else text
        encoding = self._cut(anchored.text)
        ends = [end for _, end in encoding.offsets]
        skipped = next((n for n, end in enumerate(ends) if end > 1), len(ends)) if bare else 0
        words = encoding.word_ids[skipped:]
        first = next((word for word in words if word is not None), 0)
        words = [None if word is None else word - first for word in words]
        return self._pieces(encoding, anchored)[skipped:], words

    def _pieces(self, encoding: Encoding, *texts: Rewritten) -> list[Piece]:
        pieces: list[Piece] = []
        rows = zip(
            encoding.ids,
            encoding.offsets,
            encoding.special_tokens_mask,
            encoding.sequence_ids,
            encoding.type_ids,
            strict=True,
        )
        for number, (begin, end), added, sequence, segment in rows:
            token = self.token(number)
            place = None if added or sequence is None else texts[sequence].span(begin, end)
            pieces.append(
                Piece(
                    id=number,
                    text=token.text,
                    piece=token.piece,
                    special=bool(added) or token.special,
                    start=place[0] if place else None,
                    end=place[1] if place else None,
                    segment=segment,
                )
            )
        return pieces

    # ------------------------------------------------------------------------- decoding

    def token(self, token_id: int) -> Piece:
        text = self._spell(token_id, False).decode("utf-8", "replace")
        if "WordPiece" in self._steps:
            text = text.removeprefix(" ")  # the decoder's own space between two words
        written = self._backend.id_to_token(token_id) or ""
        return Piece(token_id, text, written, special=token_id in self._specials)

    def find(self, piece: str) -> int | None:
        return self._backend.token_to_id(piece)

    def decode(self, ids: Sequence[int]) -> str:
        return decode(self.stream(), ids)

    def stream(self, before: Sequence[int] = ()) -> ByteStream:
        errors = EACH_BYTE if "ByteFallback" in self._steps else "replace"
        return ByteStream(self._spell, lambda token_id, _: self._exists(token_id), errors, before)

    def _exists(self, token_id: int) -> bool:
        return self._backend.id_to_token(token_id) is not None

    def _spell(self, token_id: int, first: bool) -> bytes:
        if not first and token_id in self._spelled:
            return self._spelled[token_id]
        piece = self._backend.id_to_token(token_id)
        data = b"" if piece is None else self._spell_piece(piece, first)
        if not first:
            self._spelled[token_id] = data
        return data

    def _spell_piece(self, piece: str, first: bool) -> bytes:
        if "ByteLevel" in self._steps:
            table = _BYTES
            if all(character in table for character in piece):
                return bytes([table[character] for character in piece])
            return piece.encode("utf-8")
        if "ByteFallback" in self._steps:
            byte = byte_of(piece)
            if byte is not None:
                return b"" if first and byte == b" " and "Strip" in self._steps else byte
        decoder = self._backend.decoder
        if decoder is None:
            return (piece if first else " " + piece).encode("utf-8")
        # What a piece adds to a text is its decoding after another piece.
        with guarded(self._files.folder):
            text: str = decoder.decode([piece]) if first else decoder.decode(["x", piece])[1:]
        return text.encode("utf-8")

    # ----------------------------------------------------------------------------- chat

    def chat(self, turns: Sequence[Turn]) -> str | None:
        return None if self._template is None else self._template.render(turns)

    @cached_property
    def _template(self) -> ChatTemplate | None:
        return chat_template(self._files)

    # ---------------------------------------------------------------------------- roles

    def _role(self, role: str) -> int | None:
        spec = self._files.special(role)
        return None if spec is None else self._backend.token_to_id(spec.content)

    def _within(self, token_id: int | None) -> int | None:
        return token_id if token_id is not None and self._exists(token_id) else None

    def _unknown(self) -> int | None:
        model = self._backend.model
        if isinstance(model, models.Unigram):
            return self._role("unk")
        name = getattr(model, "unk_token", None)
        return self._backend.token_to_id(name) if name else None


def _steps(backend: tokenizers.Tokenizer) -> set[str]:
    """The types of the decoder's steps."""
    if backend.decoder is None:
        return set()
    written: dict[str, object] = json.loads(backend.decoder.__getstate__())
    inner = written.get("decoders")
    steps = inner if isinstance(inner, list) else [written]
    return {str(step["type"]) for step in steps}


def _byte_table() -> dict[str, int]:
    """How byte-level vocabularies write each byte as one printable character.

    From GPT-2's `bytes_to_unicode` (openai/gpt-2, src/encoder.py): printable Latin-1 characters
    represent themselves, the other bytes take the code points from 256 on, in order.
    """
    own = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in own]
    table = {chr(byte): byte for byte in own}
    table.update({chr(256 + place): byte for place, byte in enumerate(others)})
    return table


_BYTES = _byte_table()
