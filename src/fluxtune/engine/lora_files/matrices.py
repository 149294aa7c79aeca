"""Matrices as bytes: cut, joined and scaled without a numerics library, and written as a safetensors file.

Everything but scaling moves bytes and is exact. Rows lie one after the other (C order, little endian).
"""

import json
import os
import struct
import sys
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from fluxtune.engine.weight_files import BYTES_OF, Header


@dataclass(frozen=True)
class Matrix:
    """A matrix whose bytes are read or made when they are needed. `read` returns rows x columns numbers."""

    dtype: str
    rows: int
    columns: int
    read: Callable[[], bytes]

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return self.columns * BYTES_OF[self.dtype]

    def take_rows(self, first: int, count: int) -> "Matrix":
        """Return some rows, one below the other."""
        begin, end = first * self.row_bytes, (first + count) * self.row_bytes
        return Matrix(self.dtype, count, self.columns, lambda: self.read()[begin:end])

    def take_columns(self, first: int, count: int) -> "Matrix":
        """Return some columns, one beside the other."""
        size = BYTES_OF[self.dtype]

        def read() -> bytes:
            data, width = self.read(), self.row_bytes
            begin, end = first * size, (first + count) * size
            return b"".join(data[row + begin : row + end] for row in range(0, len(data), width))

        return Matrix(self.dtype, self.rows, count, read)

    def halves_swapped(self) -> "Matrix":
        """Put the lower half of the rows above the upper one."""
        middle = self.rows // 2 * self.row_bytes

        def read() -> bytes:
            data = self.read()
            return data[middle:] + data[:middle]

        return Matrix(self.dtype, self.rows, self.columns, read)

    def scaled(self, factor: float) -> "Matrix":
        """Multiply every number, rounding once to the matrix's own format; powers of two are exact."""
        if factor == 1:
            return self
        return Matrix(self.dtype, self.rows, self.columns, lambda: _scale(self.read(), self.dtype, factor))


def stored(file: BinaryIO, header: Header, name: str, shape: tuple[int, int] | None = None) -> Matrix:
    """Return a tensor of an open file; `shape` where it is not a matrix already."""
    tensor, (begin, end) = header.tensors[name], header.places[name]
    rows, columns = shape or (tensor.shape[0], tensor.shape[1])

    def read() -> bytes:
        file.seek(begin)
        return file.read(end - begin)

    return Matrix(tensor.dtype, rows, columns, read)


def stacked(parts: Sequence[Matrix]) -> Matrix:
    """Put matrices of one width and format one below the other."""
    return Matrix(
        parts[0].dtype,
        sum(part.rows for part in parts),
        parts[0].columns,
        lambda: b"".join(part.read() for part in parts),
    )


def zeros(dtype: str, rows: int, columns: int) -> Matrix:
    """Return a matrix of nothing."""
    return Matrix(dtype, rows, columns, lambda: bytes(rows * columns * BYTES_OF[dtype]))


def diagonal(parts: Sequence[Matrix]) -> Matrix:
    """Put matrices corner to corner, zeros elsewhere; a part without columns gives rows of zeros."""
    columns = sum(part.columns for part in parts)
    dtype = parts[0].dtype
    size = BYTES_OF[dtype]

    def read() -> bytes:
        rows: list[bytes] = []
        before = 0
        for part in parts:
            data, width = part.read(), part.row_bytes
            left, right = bytes(before * size), bytes((columns - before - part.columns) * size)
            rows += [left + data[row * width : (row + 1) * width] + right for row in range(part.rows)]
            before += part.columns
        return b"".join(rows)

    return Matrix(dtype, sum(part.rows for part in parts), columns, read)


def is_diagonal(whole: Matrix, heights: Sequence[int], widths: Sequence[int]) -> bool:
    """Is everything outside the blocks of these sizes zero, bit for bit?"""
    data, width, size = whole.read(), whole.row_bytes, BYTES_OF[whole.dtype]
    row = before = 0
    for height, columns in zip(heights, widths, strict=True):
        begin, end = before * size, (before + columns) * size
        for start in range(row * width, (row + height) * width, width):
            if any(data[start : start + begin]) or any(data[start + end : start + width]):
                return False
        row, before = row + height, before + columns
    return True


def write_safetensors(
    target: Path, tensors: Mapping[str, Matrix], flat: Iterable[str], metadata: dict[str, str]
) -> None:
    """Write a safetensors file: the whole of it or nothing. `flat`: which tensors are lists, or, of one row, numbers.

    The same tensors and metadata give the same bytes.
    """
    lists, offset = set(flat), 0
    header: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))}
    for name, matrix in tensors.items():
        end = offset + matrix.rows * matrix.row_bytes
        shape = ([matrix.columns] if matrix.columns > 1 else []) if name in lists else [matrix.rows, matrix.columns]
        header[name] = {"dtype": matrix.dtype, "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(target.name + ".part")
    try:
        with draft.open("wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for matrix in tensors.values():
                file.write(matrix.read())
        os.replace(draft, target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _scale(data: bytes, dtype: str, factor: float) -> bytes:
    if dtype == "F32":
        numbers = _in_order(array("f", data))
        return _in_order(array("f", [number * factor for number in numbers])).tobytes()
    table = _products(dtype, factor)
    return _in_order(array("H", [table[number] for number in _in_order(array("H", data))])).tobytes()


def _in_order(numbers: "array[Any]") -> "array[Any]":
    """Turn the file's byte order (little endian) into this computer's, or back."""
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


@lru_cache(maxsize=8)
def _products(dtype: str, factor: float) -> "array[int]":
    """Return what each of the 65,536 numbers of a 16-bit format becomes."""
    halves = array("H", range(65_536))
    if dtype == "F16":
        values = struct.unpack("=65536e", halves.tobytes())
        largest = 65_504.0
        products = [max(-largest, min(largest, value * factor)) if value == value else value for value in values]
        return array("H", struct.pack("=65536e", *products))
    floats = array("f", array("I", [half << 16 for half in halves]).tobytes())
    bits = array("I", array("f", [value * factor for value in floats]).tobytes())
    # to the nearest number, ties to even; what is not a number stays what it is
    return array(
        "H",
        [
            half if value != value else ((word + 0x7FFF + ((word >> 16) & 1)) >> 16) & 0xFFFF
            for half, word, value in zip(halves, bits, floats, strict=True)
        ],
    )
