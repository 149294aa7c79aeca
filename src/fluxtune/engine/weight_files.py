"""What a weight file holds, from its header: names, formats and shapes, without reading a weight. No torch here.

The safetensors format: eight bytes with the length of the header (little endian), the header as JSON (for each tensor
`dtype`, `shape`, `data_offsets`), then the data without gaps. A file that ends before its data does was cut short.
"""

import contextlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from fluxtune.core.errors import InvalidInput

LONGEST_HEADER = 100_000_000  # the format's own limit
BYTES_OF = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1, "F8_E4M3FNUZ": 1,
    "F8_E5M2FNUZ": 1, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1, "C64": 8,
}  # fmt: skip
ACTION = "Download the file again, from where it came from."


@dataclass(frozen=True)
class Tensor:
    """One tensor: its number format as safetensors calls it, and its shape."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)


@dataclass(frozen=True)
class Header:
    """All that a file says of itself: its tensors, where each one's bytes begin and end in the file, its metadata."""

    tensors: dict[str, Tensor]
    places: dict[str, tuple[int, int]]
    metadata: dict[str, str]


def read_header(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file by their names.

    Raises `InvalidInput` saying what the file is instead: a pickle, a web page, a Git LFS pointer, cut short.
    """
    return read_whole_header(path).tensors


def read_whole_header(path: Path, longest: int = LONGEST_HEADER) -> Header:
    """Return a safetensors file's header; one of more than `longest` bytes is refused unread.

    Raises `InvalidInput` as `read_header` does.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(8)
            length = int.from_bytes(start, "little")
            if len(start) < 8 or not 2 <= length <= min(longest, max(2, size)):
                raise _not_safetensors(path, start + file.read(200), size)
            text = file.read(length)
    except OSError as error:
        raise InvalidInput(f"{path.name} can't be read.", technical=str(error)) from error
    if len(text) < length:
        raise _not_safetensors(path, start + text[:200], size)
    try:
        header = json.loads(text, object_pairs_hook=_each_once)
        metadata = header.pop("__metadata__", None) or {}
        metadata = {str(name): text for name, text in metadata.items() if isinstance(text, str)}
        tensors = {name: _tensor(entry) for name, entry in header.items()}
        places = {name: tuple(8 + length + side for side in entry["data_offsets"]) for name, entry in header.items()}
        end = max((int(entry["data_offsets"][1]) for entry in header.values()), default=0)
        _refuse_overlaps(places.values())
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise _not_safetensors(path, start + text[:200], size, str(error)) from error
    if 8 + length + end > size:
        raise InvalidInput(
            f"{path.name} is cut short: it has {size:,} of {8 + length + end:,} bytes.",
            title="A weight file is not complete",
            action=ACTION,
        )
    return Header(tensors, places, metadata)


def weight_file_problem(path: Path) -> str | None:
    """Say what is wrong with a safetensors file, or None."""
    try:
        read_header(path)
    except InvalidInput as error:
        return error.detail
    return None


def weight_bytes(folder: Path) -> int:
    """Size of a folder's weight files on disk."""
    return sum(file.stat().st_size for file in folder.glob("*.safetensors")) if folder.is_dir() else 0


def parameter_count(folder: Path) -> float:
    """Count the numbers in a folder's weight files, by their headers; files that can't be read count nothing."""
    count = 0
    for file in folder.glob("*.safetensors") if folder.is_dir() else ():
        with contextlib.suppress(InvalidInput):
            count += sum(tensor.size for tensor in read_header(file).values())
    return float(count)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object whose names are there once: readers differ in which of two they take."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is there twice")
    return found


def _refuse_overlaps(places: Iterable[tuple[int, ...]]) -> None:
    """Raise ValueError where two tensors share bytes: every format's own writer keeps them apart."""
    last = 0
    for begin, end in sorted(places):
        if begin < last:
            raise ValueError("two tensors share bytes")
        last = end


def _tensor(entry: dict[str, Any]) -> Tensor:
    shape = tuple(entry["shape"])
    dtype = entry["dtype"]
    begin, end = entry["data_offsets"]
    if not all(isinstance(side, int) and side >= 0 for side in (*shape, begin, end)) or not isinstance(dtype, str):
        raise ValueError("a tensor's shape or place makes no sense")
    if dtype in BYTES_OF and end - begin != prod(shape) * BYTES_OF[dtype]:
        raise ValueError("a tensor's shape and place contradict each other")
    return Tensor(dtype, shape)


def _not_safetensors(path: Path, start: bytes, size: int, technical: str | None = None) -> InvalidInput:
    """Say what a file is that is no safetensors file."""
    action = ACTION
    if size == 0:
        what = "is empty"
    elif start.startswith(b"version https://git-lfs"):
        what = "is a Git LFS pointer, not the weights themselves"
        action = "Run `git lfs pull` in its folder, or download it with `hf download`."
    elif start.startswith((b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")):
        what = (
            "is a pickle (.ckpt, .pt, .bin), which can run any program when it is read; only safetensors are accepted"
        )
        action = "Get the model as safetensors."
    elif start.lstrip().lower().startswith((b"<!doctype", b"<html")):
        what = "is a web page, not weights: the download was refused, probably because its licence was not accepted"
        action = "Accept the licence on the model's page, run `hf auth login`, and download it again."
    elif start.startswith(b"GGUF"):
        what = "is a GGUF file, which can't be trained on"
        action = "Get the model as safetensors."
    else:
        what = "is no safetensors file, or only the beginning of one"
    return InvalidInput(f"{path.name} {what}.", title="A weight file can't be used", action=action, technical=technical)
