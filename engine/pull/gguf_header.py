"""The header of a GGUF model, checked before its weights are read."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy
from gguf import GGUFReader, GGUFValueType, GGUFWriter, LlamaFileType

from engine.store import gguf_files
from engine.store.checkpoint import Broken

_LAYER = re.compile(r"blk\.(\d+)\.")
_SPLIT = "split."
_SIZES = (
    "context_length",
    "embedding_length",
    "feed_forward_length",
    "attention.head_count",
    "attention.head_count_kv",
)


class Header:
    """The header of a model, over all its parts."""

    def __init__(self, path: Path) -> None:
        """Read it.

        Raises:
            Broken: a part is missing, or the headers do not match each other or the tensors.
            ValueError: the library cannot read the file; it may raise other exceptions too.
        """
        self.files = gguf_files.parts(path)
        for number, file in enumerate(self.files, 1):
            if not file.is_file():
                raise Broken(
                    "reason.part_missing", part=number, parts=len(self.files), file=file.name
                )
        self._readers = [_Reader(file) for file in self.files]
        self.tensors = [tensor for reader in self._readers for tensor in reader.tensors]
        self.names = [str(tensor.name) for tensor in self.tensors]
        self._check_parts()
        self.architecture = str(self._field("general.architecture"))
        self._check_layers()
        self._check_sizes()

    @property
    def elements(self) -> int:
        """The number of weights in all tensors."""
        return sum(int(tensor.n_elements) for tensor in self.tensors)

    @property
    def kind(self) -> str:
        """How most weights are stored: "Q4_1", "F16", or the name of a mixture, "Q4_K_M"."""
        counts: Counter[str] = Counter()
        for tensor in self.tensors:
            counts[tensor.tensor_type.name] += int(tensor.n_elements)
        most: str = counts.most_common(1)[0][0]
        try:
            mixture = LlamaFileType(self._value("general.file_type")).name.partition("_")[2]
        except ValueError:
            return most
        return mixture if mixture.startswith(f"{most}_") else most

    @property
    def tokenizer(self) -> str:
        """The name of its pre-tokenizer; "" if it has none."""
        return str(self._value("tokenizer.ggml.pre") or "")

    def size(self, name: str) -> int | None:
        """A size of the architecture's; None where the header has none."""
        value = self._value(f"{self.architecture}.{name}")
        return value if type(value) is int else None

    def join(self, path: Path) -> None:
        """Write all parts as one file, as transformers requires."""
        first = self._readers[0]
        writer = GGUFWriter(path, self.architecture, endianess=first.endianess)
        for name, field in first.fields.items():
            if not name.startswith(("GGUF.", "general.architecture", _SPLIT)):
                kind, inner = field.types[0], field.types[-1]
                writer.add_key_value(
                    name,
                    field.contents(),
                    kind,
                    sub_type=inner if kind is GGUFValueType.ARRAY else None,
                )
        for tensor in self.tensors:
            writer.add_tensor_info(
                tensor.name,
                tensor.data.shape,
                tensor.data.dtype,
                tensor.data.nbytes,
                tensor.tensor_type,
            )
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for tensor in self.tensors:
            writer.write_tensor_data(tensor.data, tensor_endianess=first.endianess)
        writer.close()

    def _check_parts(self) -> None:
        for number, reader in enumerate(self._readers):
            count = _value(reader, f"{_SPLIT}count") or 1
            if count != len(self.files):
                raise Broken(
                    "reason.other_parts",
                    file=self.files[number].name,
                    announced=count,
                    parts=len(self.files),
                )
            if (own := _value(reader, f"{_SPLIT}no") or 0) != number:
                raise Broken(
                    "reason.other_part", file=self.files[number].name, part=own + 1, parts=count
                )
        twice = [name for name, times in Counter(self.names).items() if times > 1]
        if twice:
            raise Broken("reason.tensor_twice", tensor=twice[0])
        announced = self._value(f"{_SPLIT}tensors.count")
        if announced is not None and announced != len(self.names):
            raise Broken("reason.fewer_tensors", held=len(self.names), announced=announced)

    def _check_layers(self) -> None:
        """Check the number of layers: libraries build as many as the header announces."""
        count = self._field(f"{self.architecture}.block_count")
        held = {int(found[1]) for found in map(_LAYER.match, self.names) if found}
        if type(count) is not int or count < 1:
            raise Broken("reason.impossible_layers", layers=count)
        # The first missing number is at most the number of layers found.
        lacking = next(number for number in range(len(held) + 1) if number not in held)
        if lacking < count:
            raise Broken("reason.lacks_block", block=lacking, layers=count)
        if beyond := sorted(number for number in held if number >= count):
            raise Broken("reason.spare_block", block=beyond[0], layers=count)

    def _check_sizes(self) -> None:
        """Check that widths and numbers of heads are possible."""
        for name in _SIZES:
            size = self._value(f"{self.architecture}.{name}")
            if type(size) is int and size < 1:
                raise Broken("reason.header_value", name=f"{self.architecture}.{name}", value=size)

    def _field(self, name: str) -> Any:
        value = self._value(name)
        if value is None:
            raise Broken("reason.header_lacks", name=name)
        return value

    def _value(self, name: str) -> Any:
        return _value(self._readers[0], name)


def _value(reader: GGUFReader, name: str) -> Any:
    field = reader.get_field(name)
    return None if field is None else field.contents()


class _Reader(GGUFReader):  # type: ignore[misc]  # the library has no types
    """Stops at the end of the file: the library continues as long as a header announces more."""

    def _get(self, offset: int, dtype: Any, count: int = 1, override_order: Any = None) -> Any:
        if offset + numpy.dtype(dtype).itemsize * int(count) > len(self.data):
            raise Broken("reason.header_beyond")
        return super()._get(offset, dtype, count, override_order)
